"""What the numbers must be: from the true histories and the times at which polls saw them, by the rules of accounting.rst.

Nothing of caso's accounting is used here. Before a server was first seen it counts as running with the size that it has
then; suspended and offloaded time is suspend time; the rest is wall time. Where a poll finds a change and nothing tells
its time, there is a doubt: it came somewhere between two looks.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from caso.testing.histories import ServerHistory, Size
from caso.testing.volume_histories import VolumeHistory
from caso.window import Month

SUSPENDED = ("SUSPENDED", "SHELVED_OFFLOADED")
AT_REST = (*SUSPENDED, "SHUTOFF", "PAUSED", "SHELVED", "SOFT_DELETED")
"""Classes of state of their own; in all others a server runs."""
LONG = timedelta(hours=2)
"""A row that changed later than so after it was last seen makes caso ask what was done."""
GIB = 2**30


class Piece(NamedTuple):
    """A part of a server's life as it is to be billed."""

    start: datetime
    end: datetime
    size: Size
    suspended: bool


class Doubt(NamedTuple):
    """A stretch in which nothing tells when the size changed (``sizes``), or when it slept (``sleep``)."""

    start: datetime
    end: datetime
    sleep: bool
    sizes: bool


@dataclasses.dataclass
class Use:
    """A server's month: seconds, and how far off each may be."""

    wall: float = 0
    suspend: float = 0
    cpu: float = 0
    devices: Counter[str] = dataclasses.field(default_factory=Counter)
    sleep_doubt: float = 0
    size_doubt: float = 0


@dataclasses.dataclass(frozen=True)
class ServerOracle:
    """What is to be billed of a server that polls saw at the times ``seen``, in order, up to ``through``.

    ``tells``: whether Nova lets its instance actions be read.
    """

    history: ServerHistory
    seen: Sequence[datetime]
    through: datetime
    tells: bool = True

    @property
    def billed(self) -> bool:
        """Whether there is anything to bill: somebody saw it, and that it ran at some time."""
        return bool(self.seen) and self.history.launched is not None and self.history.launched <= self.seen[-1]

    @property
    def end(self) -> datetime:
        ended = self.history.ended
        return min(ended, self.through) if ended else self.through

    def pieces(self) -> Iterator[Piece]:
        first = self.seen[0]
        assumed = self._state(first)[1]
        if self.history.created < min(first, self.end):
            yield Piece(self.history.created, min(first, self.end), assumed, suspended=False)
        for stretch in self.history.stretches():
            start, end = max(stretch.start, first), min(stretch.end or self.end, self.end)
            if start < end:
                yield Piece(start, end, stretch.size, stretch.status in SUSPENDED)

    def doubts(self) -> Iterator[Doubt]:
        """The stretches between two looks that hold a change of which nothing tells the time."""
        for before, after in pairwise(self.seen):
            if self._is_asked(before, after):
                yield from self._untold_shelves(before, after)
            states = self._states(before, after)
            naps = sum((one in SUSPENDED) != (two in SUSPENDED) for (_, one, _), (_, two, _) in pairwise(states))
            sizes = sum(one != two for (_, _, one), (_, _, two) in pairwise(states))
            if not naps and not sizes:
                continue
            if self._is_asked(before, after):
                # Nova does not tell what a resize led to: of several sizes only the last is known, and when it came.
                if sizes > 1:
                    yield Doubt(before, after, sleep=False, sizes=True)
            elif naps + sizes > 1 or _billed_otherwise(states) != self.history.changed(after) or self._ended_by(after):
                yield Doubt(before, after, sleep=naps > 0, sizes=sizes > 0)

    @property
    def has_untold_shelves(self) -> bool:
        gaps = pairwise(self.seen)
        return any(list(self._untold_shelves(*gap)) for gap in gaps)

    def changes_to(self, what: str, value: object) -> list[datetime]:
        """When it truly became so: ``what`` is "slept", with whether it sleeps, or "size", with the flavor's name."""
        told = [(one.start, one.status in SUSPENDED, one.size.name) for one in self.history.stretches()]
        place = 1 if what == "slept" else 2
        return [two[0] for one, two in pairwise(told) if one[place] != two[place] == value]

    def _untold_shelves(self, before: datetime, after: datetime) -> Iterator[Doubt]:
        """Nova's action "shelve" does not tell whether it offloads at once, later by itself, or not before it is unshelved."""
        steps = [step for step in self.history.steps if step.verb != "touch"]
        for place, step in enumerate(steps):
            following = steps[place + 1 : place + 3]
            if step.verb != "shelve" or not following or not before < following[0].done <= after:
                continue
            in_time = following[0].verb == "offloadInTime"
            if following[0].verb == "shelveOffload" or (step.done <= before and not in_time):
                continue
            if step.done <= before and self.history.changed(after) == following[0].done:
                continue
            end = max(one.done for one in following[: 1 + in_time] if one.done <= after)
            yield Doubt(max(before, step.done), end, sleep=True, sizes=False)

    def use(self, month: Month) -> Use:
        use = Use()
        for piece in self.pieces():
            seconds = overlap(piece.start, piece.end, month)
            if piece.suspended:
                use.suspend += seconds
                continue
            use.wall += seconds
            use.cpu += seconds * piece.size.vcpus
            if piece.size.accelerators and seconds:
                use.devices[piece.size.model] += seconds * piece.size.accelerators
        for doubt in self.doubts():
            seconds = overlap(doubt.start, min(doubt.end, self.end), month)
            use.sleep_doubt += seconds * doubt.sleep
            use.size_doubt += seconds * (doubt.sleep or doubt.sizes)
        return use

    def _is_asked(self, before: datetime, after: datetime) -> bool:
        """Whether the second look makes caso ask what was done, and it is told."""
        if not self.tells:
            return False
        (status, size), (now, size_now) = self._state(before), self._state(after)
        if size != size_now or after - before > LONG:
            return True
        return not self._ended_by(after) and class_of(status) != class_of(now)

    def _ended_by(self, at: datetime) -> bool:
        return self.history.ended is not None and self.history.ended <= at

    def _state(self, at: datetime) -> tuple[str, Size]:
        """The last state, and for what has ended the one before its end."""
        return self._states(at, at)[0][1:]

    def _states(self, start: datetime, end: datetime) -> list[tuple[datetime, str, Size]]:
        """Each state from the one at ``start`` to the one at ``end``, and when it came; the end of the server is none."""
        told = [(stretch.start, stretch.status, stretch.size) for stretch in self.history.stretches()]
        place = max((n for n, (at, _, _) in enumerate(told) if at <= start), default=0)
        return [told[place], *(one for one in told[place + 1 :] if one[0] <= end)]


def _billed_otherwise(states: Sequence[tuple[datetime, str, Size]]) -> datetime | None:
    """When what is billed changed last: the states after that may only be other names of the same."""
    changes = [two[0] for one, two in pairwise(states) if ((one[1] in SUSPENDED), one[2]) != ((two[1] in SUSPENDED), two[2])]
    return changes[-1] if changes else None


def class_of(status: str) -> str:
    return status if status in AT_REST else "ACTIVE"


def overlap(start: datetime, end: datetime, month: Month) -> float:
    """Seconds of a stretch that lie in a month."""
    return max(0.0, (min(end, month.end) - max(start, month.start)).total_seconds())


@dataclasses.dataclass(frozen=True)
class VolumeOracle:
    """What is to be billed of a volume that polls saw at the times ``seen``; Cinder tells of no end: it ends as last seen."""

    history: VolumeHistory
    seen: Sequence[datetime]
    through: datetime

    @property
    def end(self) -> datetime:
        ended = self.history.ended
        return self.seen[-1] if ended and ended <= self.through else self.through

    def use(self, month: Month) -> tuple[Counter[str], float]:
        """Byte-seconds of the month by project, and how many of them may be anyone's or none."""
        used: Counter[str] = Counter()
        for start, end, size_gib, project_id in self._pieces():
            # A month's closing row ends with the month's last second, or it would be booked in the next.
            over = 1 if start < month.end <= end else 0
            seconds = overlap(start, end, month) - over
            if seconds > 0:
                used[project_id] += round(seconds * size_gib * GIB)
        largest = max(stretch.size_gib for stretch in self.history.stretches()) * GIB
        return used, sum(overlap(start, min(end, self.end), month) for start, end in self._doubts()) * largest

    def _pieces(self) -> Iterator[tuple[datetime, datetime, int, str]]:
        first = self.seen[0]
        assumed = self._at(first)
        if self.history.created < min(first, self.end):
            yield self.history.created, min(first, self.end), *assumed
        for stretch in self.history.stretches():
            start, end = max(stretch.start, first), min(stretch.end or self.end, self.end)
            if start < end:
                yield start, end, stretch.size_gib, stretch.project_id

    def _at(self, at: datetime) -> tuple[int, str]:
        stretch = [one for one in self.history.stretches() if one.start <= at][-1]
        return stretch.size_gib, stretch.project_id

    def _doubts(self) -> Iterator[tuple[datetime, datetime]]:
        """Between two looks the row tells when it last changed: the time of the only change that counts, where that was it."""
        for before, after in pairwise(self.seen):
            told = [(one.start, one.size_gib, one.project_id) for one in self.history.stretches() if one.start <= after]
            told = [one for one, following in zip(told, [*told[1:], (after, 0, "")], strict=True) if following[0] > before]
            changes = [two[0] for one, two in pairwise(told) if one[1:] != two[1:]]
            if changes and changes != [self.history.changed(after)]:
                yield before, after
