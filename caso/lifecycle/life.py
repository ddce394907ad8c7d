"""What all lives have in common: evidence, its intervals, an end, and how two tellings of one life become one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from itertools import zip_longest
from typing import Any, Generic, Protocol, Self, TypeVar

from caso.lifecycle import notes, written
from caso.lifecycle.notes import Note
from caso.lifecycle.timeline import Evidence, Interval, Source, add, fold, thinned
from caso.lifecycle.written import Field, Written


class Owned(Protocol):
    """A billed state: whatever else it holds, somebody owns it."""

    @property
    def project_id(self) -> str: ...


S = TypeVar("S", bound=Owned)
S_co = TypeVar("S_co", bound=Owned, covariant=True)


class Sighting(Protocol[S_co]):
    """What a poll saw of one thing, or an event told of it; ``ended`` is None for what exists."""

    @property
    def seen_at(self) -> datetime: ...
    @property
    def created(self) -> datetime: ...
    @property
    def unchanged_since(self) -> datetime: ...
    @property
    def ended(self) -> datetime | None: ...
    @property
    def state(self) -> S_co: ...
    @property
    def source(self) -> Source: ...


L = TypeVar("L", bound="Life[Any]")


class Life(Generic[S]):
    """A resource from its creation to its end; the dataclasses of its kinds declare these as fields of theirs.

    ``first_seen`` is the time of the first observation: what was before it is an assumption.
    ``known_at`` is the time of the newest evidence. ``ended`` is the best knowledge of its end;
    ``end_reason`` says why when no API told it (it vanished, its project is gone).
    """

    __slots__ = ("_intervals",)

    created: datetime
    ended: datetime | None
    end_reason: str | None
    first_seen: datetime
    known_at: datetime
    evidence: tuple[Evidence[S], ...]
    user_name: str | None
    _intervals: tuple[Interval[S], ...]

    @property
    def project_id(self) -> str:
        """The project that owns it now."""
        return self.intervals()[-1].value.project_id

    @property
    def newest_claim(self) -> Evidence[S]:
        """What was seen last; of a thing that goes on it is what it is now."""
        return max(self.evidence, key=lambda piece: (piece.until, piece.since))

    @property
    def claims(self) -> Sequence[Evidence[S]]:
        """The evidence as it counts."""
        return self.evidence

    def intervals(self) -> tuple[Interval[S], ...]:
        """The intervals of this life from its creation, the last one closed at its end."""
        try:
            return self._intervals
        except AttributeError:
            # A life never changes, and is asked for them again and again.
            object.__setattr__(self, "_intervals", self.folded())
            return self._intervals

    def folded(self) -> tuple[Interval[S], ...]:
        """Its intervals, made of its claims."""
        intervals = fold(self.claims, self.created)
        if self.ended is None:
            return intervals
        lived = [i for i in intervals if i.start < self.ended] or list(intervals[:1])
        return (*lived[:-1], dataclasses.replace(lived[-1], end=max(self.ended, lived[-1].start)))

    def outdates(self, other: Self) -> bool:
        """Whether what this tells of a moment counts more than what the other does; two that say otherwise agree on which."""
        return self.known_at >= other.known_at

    def taking(self, evidence: Sequence[Evidence[S]]) -> tuple[Evidence[S], ...]:
        """The evidence of this life with some more."""
        return reduce(add, evidence, self.evidence)

    def told_by(self, fresh: Self, **changes: Any) -> Self:
        """This life as it is known once ``fresh``, one sighting of it, is taken in; the same in any order, for any repetition.

        Facts that are not billed, and the end, are as the newest sighting has them, but for ``changes``; a user's
        name, once known, outlives the user.
        """
        newer, older = (fresh, self) if fresh.outdates(self) else (self, fresh)
        return dataclasses.replace(  # type: ignore[type-var]  # its kinds are dataclasses
            newer,
            first_seen=min(self.first_seen, fresh.first_seen),
            evidence=self.taking(fresh.evidence),
            user_name=newer.user_name or older.user_name,
            **changes,
        )


class EventfulLife(Life[S]):
    """A life that events tell of besides polls, and people write about.

    ``gone`` is its end as an event told it: that is final, whatever a listing that was read at the same time still had.
    ``notes`` are what events told that nobody is billed for, ``written`` what people wrote.
    """

    __slots__ = ()

    gone: datetime | None
    notes: tuple[Note, ...]
    written: tuple[Written, ...]

    @property
    def claims(self) -> Sequence[Evidence[S]]:
        """The evidence but for what a person wrote of a thing that nobody else had told of, once somebody did."""
        if not self.written:
            return self.completed(self.evidence)
        return self.completed([piece for piece in self.evidence if piece.source is not Source.WRITTEN] or self.evidence)

    def completed(self, claims: Sequence[Evidence[S]]) -> Sequence[Evidence[S]]:
        """The claims, each with what its teller left out and others told."""
        return claims

    def folded(self) -> tuple[Interval[S], ...]:
        """As of every life, with what was written."""
        return written.patched(super().folded(), self.written, self.readers) if self.written else super().folded()

    @property
    def readers(self) -> Mapping[Field, Callable[[Any], Any]]:
        """How a value that was written of the billed state becomes one of it."""
        return {}

    @property
    def of_the_moment(self) -> tuple[object, ...]:
        """The facts that the newest telling decides alone: of two of the same moment, these say which is it."""
        return ()

    def outdates(self, other: Self) -> bool:
        """As of every life; two of the same moment are told apart by what they tell, so that their order does not show."""
        if self.known_at != other.known_at:
            return self.known_at > other.known_at
        return repr(self.of_the_moment) >= repr(other.of_the_moment)

    def taking(self, evidence: Sequence[Evidence[S]]) -> tuple[Evidence[S], ...]:
        """As of every life, without most of what audits repeat."""
        both = reduce(add, evidence, self.evidence)
        return thinned(both) if any(piece.source is Source.AUDIT for piece in evidence) else both

    def told_by(self, fresh: Self, **changes: Any) -> Self:
        """As of every life; no listing brings back what an event told to have ended, and nothing what was written."""
        if not (self.gone or fresh.gone or self.notes or fresh.notes or self.written or fresh.written):
            # Most are told of by polls alone.
            return super().told_by(fresh, **changes)
        ends = [gone for gone in (self.gone, fresh.gone) if gone is not None]
        changes |= {
            "gone": min(ends, default=None),
            "notes": notes.united(self.notes, fresh.notes),
            "written": written.united(self.written, fresh.written),
        }
        return super().told_by(fresh, **changes).with_its_ends()

    def with_its_ends(self) -> Self:
        """This life from when to when it was written to be, else, of its end, as an event told it."""
        born, died = (written.newest(self.written, field) for field in (Field.CREATED, Field.ENDED))
        changes: dict[str, Any] = {}
        if self.gone is not None:
            changes |= {"ended": self.gone, "end_reason": None}
        if born is not None:
            changes["created"] = born.at
        if died is not None:
            changes |= {"ended": died.at, "end_reason": None}
        return dataclasses.replace(self, **changes) if changes else self  # type: ignore[type-var]

    def with_written(self, entries: Iterable[Written]) -> Self:
        """This life with what people wrote of it."""
        both = written.united(self.written, entries)
        return dataclasses.replace(self, written=both).with_its_ends()  # type: ignore[type-var]


def claim(seen: Sighting[S]) -> Evidence[S]:
    """What a sighting is evidence of."""
    if seen.ended is not None:
        # A deleted row tells what the thing was at its end; whether it was so before, only earlier rows told.
        return Evidence(seen.state, seen.ended, seen.ended, seen.seen_at, seen.source)
    return Evidence(seen.state, max(seen.created, seen.unchanged_since), seen.seen_at, seen.seen_at, seen.source)


def vouched_for(life: L, until: datetime) -> L:
    """The life, known to have been at ``until`` what it was when it was last told of, since nothing was told otherwise.

    So what a row does not date, an edited property of a flavor, does not count from before then.
    """
    newest = life.newest_claim
    if life.ended is not None or newest.until >= until:
        return life
    longer = dataclasses.replace(newest, until=until)
    evidence = tuple(longer if piece is newest else piece for piece in life.evidence)
    return dataclasses.replace(life, evidence=evidence, known_at=max(life.known_at, until))  # type: ignore[type-var]


def vanish(life: L, found_out_at: datetime, reason: str) -> L:
    """It ended where it was last seen, since a complete listing at ``found_out_at`` does not have it.

    So it ended somewhere between the two; nobody is billed for what nobody saw.
    """
    return dataclasses.replace(life, ended=life.known_at, end_reason=reason, known_at=found_out_at)  # type: ignore[type-var]


def facts(life: Life[Any]) -> tuple[object, ...]:
    """What its row tells of it."""
    return life.ended, life.newest_claim.value


def first_difference(before: Life[Any] | None, after: Life[Any]) -> datetime | None:
    """The earliest time from which the two tell different lives; None where they tell the same."""
    if before is None or before.created != after.created:
        return after.created
    for old, new in zip_longest(before.intervals(), after.intervals()):
        if old is None or new is None:
            alone: Interval[Any] = old or new
            return alone.start
        if old.value != new.value:
            # Each begins where the one before it ended, and so far those were alike.
            return new.start
        if old.end != new.end:
            return min(end for end in (old.end, new.end) if end is not None)
    return after.first_seen if before.first_seen != after.first_seen else None
