"""What meters say that a server used: amounts by UTC days, each told whole whenever it is told again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from caso.window import Month

ENERGY = "energy"
"""Joules."""
CPU = "cpu"
"""Seconds of CPU time, of all vCPUs together."""
NETWORK_INBOUND = "network.inbound"
"""Bytes that all interfaces of a server received."""
NETWORK_OUTBOUND = "network.outbound"
"""Bytes that all interfaces of a server sent."""

CUMULATIVE = frozenset({CPU, NETWORK_INBOUND, NETWORK_OUTBOUND})
"""Meters whose amounts records add up over the life of a server."""
METERS = frozenset({ENERGY, *CUMULATIVE})


OVER_AFTER = timedelta(minutes=10)
"""A day is over for meters so long after midnight: what is read and handed on after it says what was at midnight."""


TOLD_AFTER = timedelta(hours=2)
"""What a service works out of what was read, it does some time after: a day is told for good so long after its end."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a meter tells of a server in one UTC day, its slot, from ``start`` to ``end``.

    ``start`` is since when the meter tells of it that day: where it is the first day of all, what was before is not measured.
    ``end`` is up to when it was asked: midnight at the latest. ``amount`` is in the meter's unit; of the seconds
    in between, ``covered_seconds`` are those that samples tell of.
    """

    meter: str
    uuid: str
    project_id: str
    start: datetime
    end: datetime
    amount: float
    covered_seconds: float
    seen_at: datetime

    @property
    def day(self) -> date:
        return self.start.astimezone(UTC).date()

    def after(self, held: Measured | None) -> Measured:
        """What is known of a slot once this is told of it after what is held.

        Where it covers less, what is held goes on: a meter forgets what is long past, and a service that was just started has
        not read all yet. That it was asked up to a later time is known all the same.
        """
        if held is None or self.covered_seconds >= held.covered_seconds:
            return self
        return dataclasses.replace(held, end=max(held.end, self.end))


class Total(NamedTuple):
    """What a meter told of a server in a month, and since when."""

    month: Month
    since: datetime
    amount: float


@dataclasses.dataclass(frozen=True, slots=True)
class Metered:
    """All that meters told of one server: by meter, its totals, oldest first."""

    totals: Mapping[str, Sequence[Total]] = dataclasses.field(default_factory=dict)

    def through(self, meter: str, month: Month) -> Total | None:
        """What a meter told up to the end of a month, since its first word; None before that."""
        told = [total for total in self.totals.get(meter, ()) if total.month <= month]
        if not told:
            return None
        return Total(month, min(total.since for total in told), sum(total.amount for total in told))


NOTHING = Metered()
"""What is known of a server that no meter ever told of."""
