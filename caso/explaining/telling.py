"""Who told of each interval of a life, and how sure its start is."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Generic

from caso.lifecycle.life import Life, S
from caso.lifecycle.timeline import Evidence, Interval, Source

DATED = frozenset({Source.ACTION, Source.NOTIFICATION, Source.ALMANACH})
"""Who tells the time of a change, not only what is."""


class Certainty(StrEnum):
    """How sure the start of an interval is."""

    EXACT = "exact"
    """Somebody told the time: an action, a notification, a person, or a row that has not changed since the thing was made."""
    BETWEEN = "between"
    """It changed at some time between ``earliest`` and ``latest``; nothing tells when."""
    ASSUMED = "assumed"
    """Nobody looked: that it was so before ``latest`` is taken from what it was then."""


@dataclasses.dataclass(frozen=True, slots=True)
class Told(Generic[S]):
    """An interval, and how sure its start is.

    ``earliest`` and ``latest`` enclose the true start: the same time where it is exact. Of an assumed one, ``latest`` is the
    first time that somebody told of.
    """

    interval: Interval[S]
    certainty: Certainty
    earliest: datetime
    latest: datetime


def told(life: Life[S]) -> tuple[Told[S], ...]:
    """The intervals of a life, oldest first."""
    intervals = life.intervals()
    first = _first(life, intervals[0])
    return (first, *(_changed(life, before, interval) for before, interval in pairwise(intervals)))


def _first(life: Life[S], interval: Interval[S]) -> Told[S]:
    start = interval.start
    if interval.source is not Source.ASSUMPTION:
        return Told(interval, Certainty.EXACT, start, start)
    # A server that was first seen deleted is told of by a claim over its end, which lies in no interval.
    later = [piece.since for piece in _of(life, interval) if piece.since > start]
    return Told(interval, Certainty.ASSUMED, start, min(later, default=life.first_seen))


def _changed(life: Life[S], before: Interval[S], interval: Interval[S]) -> Told[S]:
    """An interval that begins with a change: of the thing, or of what its row says of it."""
    start = interval.start
    begins_here = [piece for piece in _of(life, interval) if piece.since == start]
    if interval.source is Source.WRITTEN or (interval.source in DATED and begins_here):
        return Told(interval, Certainty.EXACT, start, start)
    if interval.source is Source.ASSUMPTION:
        # Shelved at its start; when it was offloaded, and whether it was, nobody told. Or resized to what nobody told.
        return Told(interval, Certainty.BETWEEN, start, interval.end or life.known_at)
    # What no row dates, an edited property of a flavor, counts from the last look before: it was seen later.
    seen = [piece.told_at for piece in _of(life, interval) if piece.told_at > start]
    latest = start if begins_here else min(seen, default=start)
    # A claim that reaches beyond the start does not bound it: the later claim is believed.
    known_before = [piece.until for piece in _of(life, before) if piece.until <= start and piece.source is not Source.ASSUMPTION]
    return Told(interval, Certainty.BETWEEN, max(known_before, default=before.start), latest)


def _of(life: Life[S], interval: Interval[S]) -> list[Evidence[S]]:
    return [piece for piece in life.claims if piece.value == interval.value]
