"""Numbers and times as APEL's columns take them, and the refusal of what they do not take."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TypeVar

from caso.errors import RejectedError
from caso.records import Record

INT_MAX = 2**31 - 1
BIGINT_MAX = 2**63 - 1
DECIMAL_MAX = 9999999.999
"""The largest value of APEL's decimal(10,3) columns."""

R = TypeVar("R", bound=Record)
Rendered = TypeVar("Rendered")


class UnfitError(ValueError):
    """The recipient would refuse this value, and with it every record of the message; the text says why."""


def rendered(records: Iterable[R], render: Callable[[R], Rendered]) -> list[Rendered]:
    """``render`` of every record; RejectedError that names all of those it finds unfit, when there are any."""
    parts, reasons = [], {}
    for record in records:
        try:
            parts.append(render(record))
        except UnfitError as exc:
            reasons[record.key] = str(exc)
    if reasons:
        raise RejectedError(reasons)
    return parts


def epoch(instant: datetime) -> int:
    """Whole seconds since 1970, UTC, rounded down.

    >>> from datetime import timedelta, timezone
    >>> epoch(datetime(2024, 2, 1, 9, tzinfo=timezone(timedelta(hours=9))))
    1706745600
    """
    if instant.tzinfo is None:
        # datetime.timestamp() would take it as the host's local time: cASO was wrong by the UTC offset.
        raise UnfitError("carries no time zone")
    return integer(instant.timestamp())


def iso(instant: datetime) -> str:
    """ISO 8601, UTC, whole seconds, rounded down.

    >>> from datetime import timedelta, timezone
    >>> iso(datetime(2024, 2, 1, 9, tzinfo=timezone(timedelta(hours=9))))
    '2024-02-01T00:00:00Z'
    """
    return datetime.fromtimestamp(epoch(instant), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def integer(value: float, most: int = BIGINT_MAX) -> int:
    """Without a fraction: the server's int() refuses '512.0'."""
    return value if type(value) is int and 0 <= value <= most else math.floor(within(value, 0, most))


def small_integer(value: float) -> int:
    return integer(value, INT_MAX)


def count(value: float) -> int | float:
    """A decimal(10,3) that is never negative; an int where it has no fraction.

    >>> count(2.0), count(0.33333)
    (2, 0.333)
    """
    return _three_decimals(within(value, 0, DECIMAL_MAX))


def score(value: float) -> int | float:
    """A decimal(10,3) of either sign."""
    return _three_decimals(within(value, -DECIMAL_MAX, DECIMAL_MAX))


def within(value: float, least: float, most: float) -> float:
    # Written so that NaN, of which every comparison is false, is refused too.
    if not least <= value <= most:
        raise UnfitError(f"is not between {least} and {most}")
    return value


def _three_decimals(value: float) -> int | float:
    if type(value) is int:
        return value
    rounded = round(value, 3)
    return int(rounded) if rounded == int(rounded) else rounded
