"""Evidence in, intervals out: pure, the same whatever the order or the repeats.

A poll does not only say what a resource is now: its row also says since when
nothing about it has changed (Nova's ``updated_at``). So one piece of evidence
is a claim over a stretch of time, "this value from ``since`` to ``until``", and
a notification is a claim over a point. A life is folded from all claims.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from heapq import heappop, heappush
from typing import Generic, TypeVar

V = TypeVar("V")


class Source(StrEnum):
    """Who told caso."""

    POLL = "poll"
    ACTION = "action"
    NOTIFICATION = "notification"
    ASSUMPTION = "assumption"
    WRITTEN = "written"
    ALMANACH = "almanach"


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence(Generic[V]):
    """The claim that a resource had ``value`` from ``since`` to ``until``, both included; first told at ``told_at``."""

    value: V
    since: datetime
    until: datetime
    told_at: datetime
    source: Source = Source.POLL

    def with_repeat(self, other: Evidence[V]) -> Evidence[V]:
        """This claim and another of the same value from the same time as one: the same in any order."""
        first = min(self, other, key=lambda claim: (claim.told_at, claim.source))
        return dataclasses.replace(first, until=max(self.until, other.until))


@dataclasses.dataclass(frozen=True, slots=True)
class Interval(Generic[V]):
    """A stretch of a life, ``start`` inside and ``end`` not, with nothing billed changing; ``end`` None: it goes on."""

    start: datetime
    end: datetime | None
    value: V
    source: Source

    def seconds_until(self, until: datetime) -> float:
        """Seconds of the interval before ``until``."""
        end = until if self.end is None else min(self.end, until)
        return max(0.0, (end - self.start).total_seconds())


def add(held: Sequence[Evidence[V]], new: Evidence[V]) -> tuple[Evidence[V], ...]:
    """The evidence with ``new`` in it: one claim for each value and the time since when, whatever order they come in.

    So a resource that does not change keeps one claim, however often it is polled.
    """
    for place, piece in enumerate(held):
        if (piece.value, piece.since) == (new.value, new.since):
            return (*held[:place], piece.with_repeat(new), *held[place + 1 :])
    return (*held, new)


def fold(evidence: Iterable[Evidence[V]], start: datetime) -> tuple[Interval[V], ...]:
    """The intervals of a life that began at ``start``; the last one goes on.

    At each instant a claim that covers it decides: of several the one that starts last, and of those
    that start together the one that was told first, as long as it lasts (what a row does not date,
    an edited property of its flavor, counts from when it is seen). Where none covers, the nearest
    earlier claim does; before all claims, the first of them: as the API tells it, the
    resource was since ``start`` what it was when first seen.
    """
    merged: tuple[Evidence[V], ...] = ()
    for piece in evidence:
        merged = add(merged, piece)
    if len(merged) <= 1:
        # Most lives, by far, are told of by one claim, which needs no weighing.
        return tuple(Interval(start, None, only.value, _source(only, start)) for only in merged)
    sweep = _Sweep(merged)
    cuts = sorted({start, *(p.since for p in merged if p.since > start), *(p.until for p in merged if p.until > start)})
    intervals: list[Interval[V]] = []
    for cut, following in zip(cuts, [*cuts[1:], None], strict=True):
        piece = sweep.decides(cut, cut if following is None else following)
        if intervals and intervals[-1].value == piece.value:
            intervals[-1] = dataclasses.replace(intervals[-1], end=following)
        else:
            intervals.append(Interval(cut, following, piece.value, _source(piece, cut)))
    return tuple(intervals)


def _source(piece: Evidence[V], cut: datetime) -> Source:
    return Source.ASSUMPTION if piece.since > cut else piece.source


class _Sweep(Generic[V]):
    """Finds what decides each stretch of time, asked for in order; n claims cost n log n in all."""

    def __init__(self, pieces: Iterable[Evidence[V]]) -> None:
        # Later in this order is weightier; the value's text makes it total, so that no order of arrival shows.
        self._pieces = sorted(pieces, key=lambda p: (p.since, -p.told_at.timestamp(), repr(p.value)))
        self._begun = 0
        self._covering: list[int] = []
        self._nearest: tuple[datetime, int] | None = None

    def decides(self, cut: datetime, end: datetime) -> Evidence[V]:
        """The claim that decides from ``cut`` to ``end``, between which no claim begins or ends."""
        while self._begun < len(self._pieces) and self._pieces[self._begun].since <= cut:
            heappush(self._covering, -self._begun)
            # A claim over a point, or one that ends here, still tells best what came after it.
            reach = (self._pieces[self._begun].until, self._begun)
            self._nearest = max(self._nearest or reach, reach)
            self._begun += 1
        while self._covering and self._pieces[-self._covering[0]].until < end:
            heappop(self._covering)
        if self._covering:
            return self._pieces[-self._covering[0]]
        return self._pieces[self._nearest[1] if self._nearest else 0]
