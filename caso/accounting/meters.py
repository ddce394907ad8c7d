"""What meters add up to: samples with their own times, over a stretch of time.

Times are seconds since the epoch. Amounts are in the unit of the meter: of a gauge times seconds (joules of watts), of a
counter the counter's own (joules, bytes, nanoseconds of CPU time).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import pairwise
from typing import NamedTuple

from caso.window import Window

Sample = tuple[float, float]
"""A time and a value."""
Span = tuple[float, float]
"""From a time to another."""
Point = tuple[float, float, float]
"""A time, for how many seconds from there on, and a value."""

DAY = timedelta(days=1)


class Kind(Enum):
    """What a meter's value means."""

    GAUGE = "gauge"
    """What flows just now: watts."""
    COUNTER = "counter"
    """What has flowed since it was set to 0, which a restart does: joules, bytes, CPU time."""


class Integral(NamedTuple):
    """An amount, and for how many seconds of the stretch it was measured."""

    amount: float = 0.0
    covered_seconds: float = 0.0


class _Stretch(NamedTuple):
    """From one sample to the next: how much there is each second at its two ends, and so in between."""

    start: float
    end: float
    first_rate: float
    last_rate: float

    @property
    def whole(self) -> float:
        return (self.first_rate + self.last_rate) / 2 * (self.end - self.start)

    def within(self, start: float, end: float) -> Integral:
        """What lies between two times."""
        begin, stop = max(self.start, start), min(self.end, end)
        if stop <= begin:
            return Integral()
        return Integral((self._rate(begin) + self._rate(stop)) / 2 * (stop - begin), stop - begin)

    def _rate(self, time: float) -> float:
        share = (time - self.start) / (self.end - self.start)
        return self.first_rate * (1 - share) + self.last_rate * share


def integrate(samples: Iterable[Sample], start: float, end: float, longest_gap_seconds: float, kind: Kind) -> Integral:
    """What a meter tells of [``start``, ``end``).

    Samples outside of it tell how its first and last stretch began and ended: of these the part inside counts, by a
    straight line. Between two samples of a gauge that are more than ``longest_gap_seconds`` apart nothing is known; a
    counter has counted on. The order of the samples does not matter, nor that one is told twice.

    >>> watts = [(0.0, 100.0), (30.0, 200.0), (600.0, 200.0), (630.0, 100.0)]
    >>> integrate(watts, 0, 615, 60, Kind.GAUGE)
    Integral(amount=7125.0, covered_seconds=45.0)
    >>> integrate([(0.0, 50.0), (60.0, 80.0), (120.0, 10.0)], 0, 120, 60, Kind.COUNTER)
    Integral(amount=40.0, covered_seconds=120.0)
    """
    return _total(_stretches(samples, longest_gap_seconds, kind), start, end)


def integrate_with_spans(
    samples: Iterable[Sample], start: float, end: float, longest_gap_seconds: float, kind: Kind
) -> tuple[Integral, list[Span]]:
    """As :func:`integrate`, and the parts of [``start``, ``end``) that are covered: as few as there are gaps.

    >>> watts = [(0.0, 1.0), (30.0, 1.0), (60.0, 1.0), (600.0, 1.0), (630.0, 1.0)]
    >>> integrate_with_spans(watts, 15.0, 615.0, 60, Kind.GAUGE)
    (Integral(amount=60.0, covered_seconds=60.0), [(15.0, 60.0), (600.0, 615.0)])
    """
    stretches = _stretches(samples, longest_gap_seconds, kind)
    found: list[Span] = []
    for stretch in stretches:
        begin, stop = max(stretch.start, start), min(stretch.end, end)
        if stop > begin and found and found[-1][1] == begin:
            found[-1] = (found[-1][0], stop)
        elif stop > begin:
            found.append((begin, stop))
    return _total(stretches, start, end), found


def per_day(
    samples: Iterable[Sample], window: Window, longest_gap_seconds: float, kind: Kind
) -> Iterator[tuple[Window, Integral]]:
    """What a meter tells of each UTC day that the window touches, oldest first: the part of the day that is inside.

    >>> window = Window.parse("1970-01-01T12:00", "1970-01-02T06:00")
    >>> for slot, told in per_day([(0.0, 1.0), (172800.0, 1.0)], window, 1e6, Kind.GAUGE):
    ...     print(slot, told.amount)
    1970-01-01T12:00:00Z to 1970-01-02T00:00:00Z 43200.0
    1970-01-02T00:00:00Z to 1970-01-02T06:00:00Z 21600.0
    """
    stretches = _stretches(samples, longest_gap_seconds, kind)
    first = 0
    for slot in days(window):
        start, end = slot.start.timestamp(), slot.end.timestamp()
        while first < len(stretches) and stretches[first].end <= start:
            first += 1
        yield slot, _total(stretches[first:], start, end)


def days(window: Window) -> Iterator[Window]:
    """The window, cut at midnight, UTC.

    >>> [str(day) for day in days(Window.parse("2024-02-29T23:00", "2024-03-01T01:00"))]
    ['2024-02-29T23:00:00Z to 2024-03-01T00:00:00Z', '2024-03-01T00:00:00Z to 2024-03-01T01:00:00Z']
    """
    start = window.start
    while start < window.end:
        midnight = datetime(start.year, start.month, start.day, tzinfo=UTC) + DAY
        yield Window(start, min(midnight, window.end))
        start = midnight


def increments(points: Iterable[Point], start: float, end: float) -> Integral:
    """The sum of a counter's increments, as Gnocchi's ``rate:mean`` tells them.

    Each point has what was counted since the sample before it, however long ago that was, and counts where its time
    is in [``start``, ``end``). That holds at the granularity that the samples come in: of several granularities only
    the finest counts, a coarser one has the mean of the increments and not their sum. Where a counter was reset the
    increment is negative, and what was counted since is not told: 0. Covered is what lies between the first point and
    the end of the last one.

    >>> increments([(0.0, 300.0, 5.0), (300.0, 300.0, -40.0), (900.0, 300.0, 7.0)], 0.0, 1200.0)
    Integral(amount=12.0, covered_seconds=1200.0)
    """
    told = list(points)
    values = _finest(told)
    if not values:
        return Integral()
    last = max(values) + min(granularity for _, granularity, _ in told)
    amount = math.fsum(max(0.0, value) for time, value in values.items() if start <= time < end)
    return Integral(amount, max(0.0, min(end, last) - max(start, min(values))))


def growth(points: Iterable[Point], start: float, end: float) -> Integral:
    """What a counter has counted in [``start``, ``end``), from Gnocchi's ``last``, ``max`` or ``mean`` of its values.

    As :func:`integrate` for a counter: points before and after the stretch tell of its ends, and a reset is no
    negative amount. Of something that began in the stretch, a point of value 0 when it began is to be added.

    >>> growth([(0.0, 300.0, 0.0), (300.0, 300.0, 40.0), (600.0, 300.0, 10.0)], 0.0, 600.0)
    Integral(amount=50.0, covered_seconds=600.0)
    """
    return integrate(_finest(list(points)).items(), start, end, math.inf, Kind.COUNTER)


def _finest(points: Sequence[Point]) -> dict[float, float]:
    """The values by their times, of the finest granularity; of two for one time the larger one."""
    finest = min((granularity for _, granularity, _ in points), default=0.0)
    values: dict[float, float] = {}
    for time, granularity, value in points:
        if granularity == finest and math.isfinite(value):
            values[time] = max(value, values.get(time, value))
    return values


def _stretches(samples: Iterable[Sample], longest_gap_seconds: float, kind: Kind) -> list[_Stretch]:
    pairs = pairwise(_in_order(samples))
    if kind is Kind.GAUGE:
        return [_Stretch(t, u, v, w) for (t, v), (u, w) in pairs if u - t <= longest_gap_seconds]
    # A counter that has fallen began again at 0: what it shows was counted since.
    rates = ((t, u, (w - v if w >= v else w) / (u - t)) for (t, v), (u, w) in pairs)
    return [_Stretch(t, u, rate, rate) for t, u, rate in rates]


def _in_order(samples: Iterable[Sample]) -> list[Sample]:
    """One value for each time, none below 0: of two that differ the larger one, whoever was told first."""
    values: dict[float, float] = {}
    for time, value in samples:
        if math.isfinite(value) and math.isfinite(time):
            values[time] = max(values.get(time, 0.0), value)
    return sorted(values.items())


def _total(stretches: Sequence[_Stretch], start: float, end: float) -> Integral:
    amounts, seconds = [], []
    for stretch in stretches:
        if stretch.start >= end:
            break
        # Nearly all lie inside whole: a day of one server may have thousands.
        if start <= stretch.start and stretch.end <= end:
            amounts.append(stretch.whole)
            seconds.append(stretch.end - stretch.start)
        else:
            amount, covered = stretch.within(start, end)
            amounts.append(amount)
            seconds.append(covered)
    return Integral(math.fsum(amounts), math.fsum(seconds))
