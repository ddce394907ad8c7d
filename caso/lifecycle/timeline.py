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
from typing import Generic, TypeVar

V = TypeVar("V")


class Source(StrEnum):
    """Who told caso."""

    POLL = "poll"
    ACTION = "action"
    NOTIFICATION = "notification"
    ASSUMPTION = "assumption"


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence(Generic[V]):
    """The claim that a resource had ``value`` from ``since`` to ``until``, both included, as known at ``known_at``."""

    value: V
    since: datetime
    until: datetime
    known_at: datetime
    source: Source = Source.POLL

    def covers(self, instant: datetime) -> bool:
        return self.since <= instant <= self.until

    def implies(self, other: Evidence[V]) -> bool:
        """True when ``other`` adds nothing: the same value from the same time, for no longer, not known later."""
        # From an earlier time is not enough: where claims of one age contradict each other, the later start decides.
        return (
            self.value == other.value
            and self.since == other.since
            and self.until >= other.until
            and self.known_at >= other.known_at
        )


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
    """The evidence with ``new`` in it and with nothing in it that another piece implies.

    What is left out can change no fold, whatever comes later: wherever it would decide, the piece
    that implies it decides, with the same value.
    """
    if any(piece.implies(new) for piece in held):
        return tuple(held)
    return (*(piece for piece in held if not new.implies(piece)), new)


def fold(evidence: Iterable[Evidence[V]], start: datetime) -> tuple[Interval[V], ...]:
    """The intervals of a life that began at ``start``; the last one goes on.

    At each instant the claim that covers it decides, the one known latest first; where
    none does, the nearest earlier claim; before all claims, the first of them: as the
    API tells it, the resource was since ``start`` what it was when first seen.
    """
    pieces = sorted(evidence, key=_rank)
    if not pieces:
        return ()
    if len(pieces) == 1:
        # Most lives, by far: told of by one claim, which needs no weighing.
        (only,) = pieces
        return (Interval(start, None, only.value, Source.ASSUMPTION if only.since > start else only.source),)
    cuts = sorted({start, *(p.since for p in pieces if p.since > start), *(p.until for p in pieces if p.until > start)})
    intervals: list[Interval[V]] = []
    for cut, following in zip(cuts, [*cuts[1:], None], strict=True):
        piece, assumed = _decide(pieces, cut, following)
        if intervals and intervals[-1].value == piece.value:
            intervals[-1] = dataclasses.replace(intervals[-1], end=following)
        else:
            source = Source.ASSUMPTION if assumed else piece.source
            intervals.append(Interval(cut, following, piece.value, source))
    return tuple(intervals)


def _decide(pieces: Sequence[Evidence[V]], cut: datetime, following: datetime | None) -> tuple[Evidence[V], bool]:
    """The piece that decides the stretch from ``cut`` to ``following``, and whether that is an assumption."""
    end = cut if following is None else following
    covering = [p for p in pieces if p.covers(cut) and p.covers(end)]
    if covering:
        return max(covering, key=_rank), False
    # A claim over a point, or one that ends here, still tells best what came after it.
    before = [p for p in pieces if p.since <= cut]
    if before:
        return max(before, key=lambda p: (min(p.until, cut), p.since, _rank(p))), False
    return min(pieces, key=lambda p: (p.since, _inverse_rank(p))), True


def _rank(piece: Evidence[V]) -> tuple[datetime, datetime, datetime, str]:
    # The value's text makes the order total, so that no order of arrival shows.
    return (piece.known_at, piece.since, piece.until, repr(piece.value))


def _inverse_rank(piece: Evidence[V]) -> tuple[float, str]:
    return (-piece.known_at.timestamp(), repr(piece.value))
