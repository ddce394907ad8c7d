"""Readings of counters to measures of UTC days: pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from caso.accounting.meters import DAY, Integral, Kind, days, increments, per_day
from caso.sources.gnocchi_rows import Point
from caso.window import Window

BESIDE = timedelta(hours=6)
"""How far beside a day readings are looked for that tell how it began and ended: a counter counts on while nobody reads it."""
RATE = "rate:"


class Stretch(NamedTuple):
    """A part of a window, of whole days but for its end, and the readings that are asked for to know it."""

    told: Window
    asked: Window


class Day(NamedTuple):
    """What a counter tells of a day, from ``since`` on: later than it began where nothing was measured before."""

    slot: Window
    since: datetime
    told: Integral


def midnight(instant: datetime) -> datetime:
    """When its UTC day began."""
    utc = instant.astimezone(UTC)
    return datetime(utc.year, utc.month, utc.day, tzinfo=UTC)


def stretches(window: Window) -> Iterator[Stretch]:
    """The days of a window, each with what lies beside it; a last one that is short comes with the day before it.

    >>> for one in stretches(Window.parse("2024-02-01", "2024-02-02T02:00")):
    ...     print(one.told)
    2024-02-01T00:00:00Z to 2024-02-02T02:00:00Z
    """
    start = window.start
    while start < window.end:
        end = midnight(start) + DAY
        if window.end <= end + BESIDE:
            end = window.end
        yield Stretch(Window(start, end), Window(start - BESIDE, min(end + BESIDE, window.end)))
        start = end


def counted(points: Iterable[Point], method: str, born: datetime | None, within: Window) -> list[Day]:
    """What a counter counted on each day of ``within``, of those of which its readings tell something.

    ``born`` is when it stood at 0, where that is known and near. Of rates (``rate:mean``) each point has what was counted
    since the reading before; readings themselves tell it by their differences.
    """
    known = sorted(points)
    if method.startswith(RATE):
        return list(_of_rates(known, within))
    finest = min((point.granularity_seconds for point in known), default=0.0)
    readings = [(point.time, point.value) for point in known if point.granularity_seconds == finest]
    if method == "mean":
        readings = list(_unmixed(readings))
    if readings and born is not None and born.timestamp() < readings[0][0] + finest:
        # What Gnocchi dates at the beginning of a granularity was read in it, and after the birth.
        zero = born.timestamp()
        readings[0] = (max(readings[0][0], zero + 1.0), readings[0][1])
        readings.insert(0, (zero, 0.0))
    if len(readings) < 2:
        return []
    first = readings[0][0]
    return [_day(slot, first, told) for slot, told in per_day(readings, within, math.inf, Kind.COUNTER) if told.covered_seconds]


def _unmixed(readings: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Without means of readings from before and from after a reset, which no counter has ever shown.

    Such a one is below the reading before, and what follows is below it; whether it is one, the reading after it tells.
    """
    for number, (time, value) in enumerate(readings):
        fell = number > 0 and readings[number - 1][1] > value
        if not fell or (number + 1 < len(readings) and readings[number + 1][1] >= value):
            yield time, value


def _of_rates(points: Sequence[Point], within: Window) -> Iterator[Day]:
    if not points:
        return
    first = points[0].time - points[0].granularity_seconds
    for slot in days(within):
        inside = [point for point in points if slot.start.timestamp() <= point.time < slot.end.timestamp()]
        told = increments(inside, slot.start.timestamp(), slot.end.timestamp())
        if told.covered_seconds:
            yield _day(slot, first, told)


def _day(slot: Window, first: float, told: Integral) -> Day:
    since = max(slot.start, datetime.fromtimestamp(first, UTC))
    return Day(slot, min(since, slot.end - timedelta(seconds=1)), told)


def added(one: Day, other: Day) -> Day:
    """Two counters of one server, together."""
    told = Integral(one.told.amount + other.told.amount, max(one.told.covered_seconds, other.told.covered_seconds))
    return Day(one.slot, min(one.since, other.since), told)
