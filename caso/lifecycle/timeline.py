"""Evidence in, intervals out: pure, the same whatever the order or the repeats.

A poll does not only say what a resource is now: its row also says since when
nothing about it has changed (Nova's ``updated_at``). So one piece of evidence
is a claim over a stretch of time, "this value from ``since`` to ``until``", and
a notification is a claim over a point. A life is folded from all claims.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from heapq import heappop, heappush
from itertools import chain
from typing import Generic, TypeVar

V = TypeVar("V")


class Source(StrEnum):
    """Who told caso."""

    POLL = "poll"
    ACTION = "action"
    NOTIFICATION = "notification"
    AUDIT = "audit"
    """A service's regular word that a thing still is, and what."""
    ASSUMPTION = "assumption"
    WRITTEN = "written"
    ALMANACH = "almanach"


TOLD_BY_EVENTS = frozenset({Source.NOTIFICATION, Source.AUDIT})
AUDITED = timedelta(days=35)
"""So long before the newest audit each day of another value keeps its own; of the time before, each month does."""


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
        if piece.since == new.since and piece.value == new.value:
            return (*held[:place], piece.with_repeat(new), *held[place + 1 :])
    return (*held, new)


def thinned(evidence: Sequence[Evidence[V]]) -> tuple[Evidence[V], ...]:
    """The evidence without most of what audits repeat: a service tells hourly, for years, what has not changed.

    Of those of one value the first of each month stays, and of late of each day: the same whatever order they come in.
    """
    audits = sorted(
        (piece for piece in evidence if piece.source is Source.AUDIT), key=lambda piece: (piece.since, repr(piece.value))
    )
    if not audits:
        return tuple(evidence)
    recent = audits[-1].since - AUDITED
    firsts: dict[tuple[object, ...], Evidence[V]] = {}
    for piece in audits:
        firsts.setdefault((piece.value, piece.since.year, piece.since.month), piece)
        if piece.since.date() >= recent.date():
            firsts.setdefault((piece.value, piece.since.date()), piece)
    kept = set(map(id, firsts.values()))
    return tuple(piece for piece in evidence if piece.source is not Source.AUDIT or id(piece) in kept)


def fold(evidence: Iterable[Evidence[V]], start: datetime) -> tuple[Interval[V], ...]:
    """The intervals of a life that began at ``start``; the last one goes on.

    At each instant a claim that covers it decides: of several the one that starts last, and of those
    that start together the one that was told first, as long as it lasts (what a row does not date,
    an edited property of its flavor, counts from when it is seen). Where none covers, the nearest
    earlier claim does; before all claims, the first of them: as the API tells it, the
    resource was since ``start`` what it was when first seen.
    """
    claims = list(evidence)
    if len(claims) == 1:
        # So it is of most resources, and there is nothing to weigh.
        return (Interval(start, None, claims[0].value, _source(claims[0], start)),)
    pieces = _in_order(claims)
    points = all(piece.since == piece.until for piece in pieces)
    decided = _of_points(pieces, start) if points else _Sweep(pieces).decided(start)
    runs: list[tuple[datetime, Evidence[V]]] = []
    for cut, piece in decided:
        if not runs or runs[-1][1].value != piece.value:
            runs.append((cut, piece))
    ends = [*(cut for cut, _ in runs[1:]), None]
    return tuple(Interval(cut, end, piece.value, _source(piece, cut)) for (cut, piece), end in zip(runs, ends, strict=False))


def _in_order(pieces: list[Evidence[V]]) -> list[Evidence[V]]:
    """One claim for each value and the time since when, the weightier ones later."""
    if len({piece.since for piece in pieces}) < len(pieces):
        pieces = list(_merged(pieces))
        # Of those that start together the value's text decides last, so that no order of arrival shows.
        pieces.sort(key=lambda piece: repr(piece.value))
        pieces.sort(key=lambda piece: piece.told_at, reverse=True)
    pieces.sort(key=lambda piece: piece.since)
    return pieces


def _merged(evidence: Iterable[Evidence[V]]) -> Iterable[Evidence[V]]:
    by_time: dict[datetime, tuple[Evidence[V], ...]] = {}
    for piece in evidence:
        by_time[piece.since] = add(by_time.get(piece.since, ()), piece)
    return chain.from_iterable(by_time.values())


def _of_points(ordered: Sequence[Evidence[V]], start: datetime) -> Iterable[tuple[datetime, Evidence[V]]]:
    """What decides from when on, where all claims are over points: the nearest earlier one, without any weighing."""
    from_when = {start: ordered[0]} if ordered else {}
    from_when |= {max(piece.since, start): piece for piece in ordered}
    return from_when.items()


def _source(piece: Evidence[V], cut: datetime) -> Source:
    return Source.ASSUMPTION if piece.since > cut else piece.source


class _Sweep(Generic[V]):
    """Finds what decides each stretch of time, asked for in order; n claims cost n log n in all."""

    def __init__(self, ordered: Sequence[Evidence[V]]) -> None:
        self._pieces = ordered
        self._begun = 0
        self._covering: list[int] = []
        self._nearest: tuple[datetime, int] | None = None

    def decided(self, start: datetime) -> Iterator[tuple[datetime, Evidence[V]]]:
        """What decides from when on."""
        edges = {edge for piece in self._pieces for edge in (piece.since, piece.until) if edge > start}
        cuts = [start, *sorted(edges)]
        for cut, following in zip(cuts, [*cuts[1:], cuts[-1]], strict=True):
            yield cut, self._decides(cut, following)

    def _decides(self, cut: datetime, end: datetime) -> Evidence[V]:
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
