"""The rows of one resource put straight: which of them count, since when, and when it ended.

Almanach closes a row and opens the next at the same moment, for each change. So a row whose end is another one's start was
closed by a change, and any other end is the resource's own. What does not fit that is what messages did that came
twice, late, or never.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from itertools import groupby, pairwise
from typing import NamedTuple

from caso.almanach.documents import Row


class Mended(StrEnum):
    """What is mended of a resource's rows; the words are for the summary."""

    REPEATED = "rows told twice: counted once"
    NEGATIVE = "rows that end before they start: put in the order of time"
    OVERLAPPING = "rows that overlap: the later one counts from its start"
    GAP = "gaps between rows: what was before goes on"
    SEVERAL_ACTIVE = "resources with several rows without an end: they are one"
    REOPENED = "resources opened again after their deletion: that stays their end"


class Straight(NamedTuple):
    """The rows that count, one for each start, oldest first; when the life began, and ended as far as these rows say."""

    rows: tuple[Row, ...]
    created: datetime
    ended: datetime | None
    mended: Counter[Mended]

    @property
    def last(self) -> Row:
        return self.rows[-1]


def straighten(told: Iterable[Row], known_starts: Collection[datetime] = ()) -> Straight:
    """The rows of one resource, at least one, in any order, told any number of times.

    ``known_starts`` are those of rows of it that were moved in before.
    """
    told = list(told)
    rows = sorted(set(told), key=_order)
    ended = _end(rows, known_starts)
    kept = [_weightiest(same) for _, same in groupby(_without_void(rows), key=lambda row: row.start)]
    if ended is not None:
        kept = [row for row in kept if row.start <= ended] or kept[:1]
        ended = max(ended, kept[0].start)
    return Straight(tuple(kept), kept[0].start, ended, _mended(len(told), rows, kept, ended))


def _order(row: Row) -> tuple[object, ...]:
    """Of rows with one start, closed ones first: what is open beside them is the same creation told again."""
    return row.start, row.end is None, tuple(str(value) for value in row)


def _weightiest(same: Iterable[Row]) -> Row:
    """Of rows with one start, the one that Almanach went on with."""
    return max(same, key=lambda row: (row.end is not None, row.last_event, _order(row)))


def _end(rows: Sequence[Row], known_starts: Collection[datetime]) -> datetime | None:
    """When the resource ended; None where it lives, or goes on in rows that are known already."""
    ends = [row.end for row in rows if row.end is not None]
    closed_starts = {row.start for row in rows if row.end is not None}
    # A creation told again after the deletion opens a row for ever; a change opens one where no other starts.
    if len(ends) < len(rows) and any(row.end is None and row.start not in closed_starts for row in rows):
        return None
    starts = Counter(row.start for row in rows)
    final = [
        row.end
        for row in rows
        if row.end is not None and row.end not in known_starts and starts[row.end] == int(row.end == row.start)
    ]
    # Where each follows another in a circle, all are closed nevertheless.
    goes_on = len(ends) < len(rows) or any(end in known_starts for end in ends)
    return max(final or ([] if goes_on else ends), default=None)


def _without_void(rows: Sequence[Row]) -> list[Row]:
    """Without rows that never held: closed by a change in the moment that they start, or the first of all after that."""
    ends = {row.end for row in rows if row.end != row.start}
    starts = Counter(row.start for row in rows)

    def holds(row: Row) -> bool:
        if row.end is None or row.end > row.start:
            return True
        if row.end == row.start:
            return starts[row.start] == 1
        # A change that came late closed it, and it counts from its start; but nothing changes before the creation.
        return row.start in ends or row.end not in starts

    return [row for row in rows if holds(row)] or list(rows[:1])


def _mended(told: int, rows: Sequence[Row], kept: Sequence[Row], ended: datetime | None) -> Counter[Mended]:
    active = [row for row in rows if row.end is None]
    counts = Counter[Mended](
        {
            Mended.REPEATED: told - len(rows),
            Mended.NEGATIVE: sum(row.end is not None and row.end < row.start for row in rows),
            Mended.OVERLAPPING: sum(one.end is None or one.end > two.start for one, two in pairwise(kept)),
            Mended.GAP: sum(one.end is not None and one.start <= one.end < two.start for one, two in pairwise(kept)),
            Mended.SEVERAL_ACTIVE: int(len(active) > 1),
            Mended.REOPENED: int(bool(active) and ended is not None),
        }
    )
    return +counts
