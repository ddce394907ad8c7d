"""How a record goes on while nothing happens to what it tells of: time alone makes it longer.

What a living server or volume used grows at a rate that is known, from one change of it to the next. So the ledger
need not be told of each again in every run: a record that is held with its pace is known for any later time of its month.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from caso.records.base import utc_text
from caso.window import RESOLUTION

MICROSECONDS = 1_000_000


class Growth(NamedTuple):
    """How a member goes on that is told in whole seconds: its microseconds when the record was measured, its rate from then on.

    Where that will change it is told after how many microseconds, and what the rate is then.
    """

    amount: int
    rate: int
    turn: int | None = None
    rate_then: int = 0

    def amount_after(self, elapsed: int) -> int:
        """The microseconds so many microseconds later."""
        if self.turn is None or elapsed < self.turn:
            return self.amount + self.rate * elapsed
        return self.amount + self.rate * self.turn + self.rate_then * (elapsed - self.turn)

    def after(self, elapsed: int) -> Growth:
        """The same, measured so many microseconds later."""
        amount = self.amount_after(elapsed)
        if self.turn is None:
            return Growth(amount, self.rate)
        if elapsed < self.turn:
            return Growth(amount, self.rate, self.turn - elapsed, self.rate_then)
        return Growth(amount, self.rate_then)


Pace = Mapping[str, Growth]
"""By member of a record's content; ``measured_at`` goes on in any case, and nothing else changes."""


def microseconds(seconds: float) -> int:
    return round(seconds * MICROSECONDS)


def whole_seconds(amount: int) -> int:
    """Microseconds as the whole seconds that records carry.

    >>> whole_seconds(1_499_999), whole_seconds(1_500_001)
    (1, 2)
    """
    return round(amount / MICROSECONDS)


def gone_on(content: Mapping[str, Any], pace: Pace, since: datetime, until: datetime) -> dict[str, Any]:
    """The content of a record that was measured at ``since``, as it is at ``until``, in the same month."""
    elapsed = (until - since) // RESOLUTION
    values = {name: whole_seconds(growth.amount_after(elapsed)) for name, growth in pace.items()}
    return {**content, **values, "measured_at": _text_of(until)}


# Of a course all are measured at the same time.
_text_of = lru_cache(maxsize=8)(utc_text)


def at_pace(pace: Pace, elapsed: int) -> Pace:
    """The pace of the same record, measured so many microseconds later."""
    return {name: growth.after(elapsed) for name, growth in pace.items()}


def pace_text(pace: Pace) -> str:
    """A pace as the ledger keeps it: JSON."""
    told = {name: growth if growth.turn is not None else growth[:2] for name, growth in pace.items()}
    return json.dumps(told, sort_keys=True, separators=(",", ":"))
