"""The rules of the ledger, on lines in memory: later knowledge wins, what vanishes is retracted."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from pydantic_core import PydanticSerializationError, from_json, to_json

from caso.errors import StoreError
from caso.records import Record
from caso.records.pace import Growth, Pace, at_pace, gone_on, pace_text
from caso.store.damage import damaged
from caso.store.names import Place
from caso.window import RESOLUTION, Month

Kinds = Mapping[str, type[Record]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Statement:
    """All that is to be said of one subject in these kinds, from the month ``since`` to the month ``until``, both included.

    ``subject`` is what the records are about: for an entity "<its kind>/<its id>", so that the ledger
    can keep the newest records of the living. ``known_at`` is the newest evidence of the subject:
    it decides about held records that ``records`` no longer has.
    """

    subject: str
    kinds: frozenset[str]
    since: Month
    until: Month
    known_at: datetime
    records: Sequence[Record]
    place: Place
    project_id: str
    course: int = 0
    """The number of the course that those records go on with which have a pace."""
    paces: Mapping[str, Pace] = dataclasses.field(default_factory=dict)
    """By key, the paces of the records that time alone will change."""
    over: bool = False
    """The subject has ended: nothing of it goes on."""

    @cached_property
    def lines(self) -> list[Line]:
        """The records as they would be held, without revisions yet, oldest first."""
        return sorted((_line(self, record) for record in self.records), key=lambda line: (line.measured_at, line.key))


@dataclasses.dataclass(frozen=True)
class Changes:
    """How many records are new, differ, are the same, were known better, vanished after or before anyone could hold them."""

    new: int = 0
    changed: int = 0
    same: int = 0
    kept: int = 0
    retracted: int = 0
    dropped: int = 0
    by_kind: Counter[tuple[str, str]] = dataclasses.field(default_factory=Counter, compare=False)
    """The same by kind of record and outcome: ``("cloud", "new")``."""

    @property
    def news(self) -> int:
        """How many say something new to who holds records."""
        return self.new + self.changed + self.retracted

    def __add__(self, other: Changes) -> Changes:
        names = [field.name for field in dataclasses.fields(self)]
        return Changes(**{name: getattr(self, name) + getattr(other, name) for name in names})


class Line(NamedTuple):
    """A record as it is held (:mod:`caso.store.held`).

    One with a ``course`` goes on with it by time alone, at its ``pace``, JSON as well as its content. ``number`` is the revision
    at which it was last told to be otherwise than time makes it; that of the others is their revision.
    """

    key: str
    subject: str
    kind: str
    month: str
    measured_at: datetime
    known_at: datetime
    revision: int
    retracted: bool
    offered: bool
    cloud: str
    region: str
    project_id: str
    content: str
    course: int = 0
    pace: str | None = None
    number: int = 0

    def at_rest(self) -> Line:
        """The same record, which time does not change any more."""
        return self._replace(course=0, pace=None)


class Book:
    """The lines of the subjects in hand, and the statements applied to them.

    ``earlier`` finds the newest line of a subject and kind before a month, among those not in hand.
    """

    def __init__(
        self, lines: Iterable[Line], revision: int, kinds: Kinds, earlier: Callable[[str, str, str], Line | None]
    ) -> None:
        self.lines = {line.key: line for line in lines}
        self.revision = revision
        self._kinds = kinds
        self._earlier = earlier
        self._outcomes: Counter[tuple[str, str]] = Counter()
        self._keys: dict[str, set[str]] = {}
        for line in self.lines.values():
            self._keys.setdefault(line.subject, set()).add(line.key)

    @property
    def changes(self) -> Changes:
        """What all statements so far came to."""
        counts: Counter[str] = Counter()
        for (_, outcome), count in self._outcomes.items():
            counts[outcome] += count
        return Changes(**counts, by_kind=self._outcomes.copy())

    def state(self, statement: Statement) -> None:
        for line in statement.lines:
            self._outcomes[line.kind, self._take(statement, line)] += 1
        said = {line.key for line in statement.lines}
        # By month: what an earlier month becomes is what a later one is neutral to.
        missed = [line for line in self._held_of(statement) if line.key not in said]
        for line in sorted(missed, key=lambda line: (line.month, line.key)):
            self._outcomes[line.kind, self._miss(statement, line)] += 1

    def _held_of(self, statement: Statement) -> list[Line]:
        since, until = str(statement.since), str(statement.until)
        lines = self._of(statement.subject)
        return [line for line in lines if line.kind in statement.kinds and since <= line.month <= until]

    def _take(self, statement: Statement, line: Line) -> str:
        held = self.lines.get(line.key)
        if held is None:
            self._put(line._replace(revision=self._next()))
            return "new"
        if line.known_at < held.known_at:
            if held.course:
                # Whoever tells of it now does not know how it goes on.
                self._put(held.at_rest()._replace(revision=self._next()))
            return "kept"
        line = line._replace(offered=held.offered)
        if line.course and _goes_on_as(held, line):
            return "changed"
        if not line.course and self._same(held, line):
            if not held.course:
                self._put(line._replace(revision=held.revision, content=held.content, number=held.number))
            elif statement.course or statement.over:
                # It is so far as it was, and does not go on.
                self._put(held.at_rest()._replace(known_at=line.known_at, revision=self._next()))
            return "same"
        self._put(line._replace(revision=self._next()))
        return "changed"

    def _miss(self, statement: Statement, held: Line) -> str:
        """Better knowledge has no such record."""
        if held.known_at > statement.known_at:
            if held.course:
                self._put(held.at_rest()._replace(revision=self._next()))
            return "kept"
        if not held.offered:
            del self.lines[held.key]
            return "dropped"
        before = self._before(held)
        neutral = self._record(held).neutral(None if before is None else self._record(before))
        line = held.at_rest()._replace(known_at=statement.known_at, retracted=True, content=text_of(neutral))
        if self._same(held, line):
            # The revision of its course is that of others, too.
            self._put(line._replace(content=held.content, revision=self._next() if held.course else held.revision))
            return "same"
        self._put(line._replace(revision=self._next()))
        return "retracted"

    def _before(self, line: Line) -> Line | None:
        in_hand = [one for one in self._of(line.subject) if one.kind == line.kind and one.month < line.month]
        if in_hand:
            return max(in_hand, key=lambda one: (one.month, one.measured_at, one.key))
        return self._earlier(line.subject, line.kind, line.month)

    def _same(self, held: Line, line: Line) -> bool:
        """True where a recipient would learn nothing: 4 for 4.0 is no news, nor is a member that the class got since."""
        if held.content == line.content:
            return True
        if held.measured_at != line.measured_at:
            return False
        before, after = members_of(held.kind, held.content), members_of(line.kind, line.content)
        return before == after or (before.keys() != after.keys() and self._record(held) == self._record(line))

    def _record(self, line: Line) -> Record:
        return record_of(self._kinds, line.kind, line.content, line.known_at)

    def _of(self, subject: str) -> list[Line]:
        lines = (self.lines.get(key) for key in self._keys.get(subject, ()))
        return [line for line in lines if line is not None and line.subject == subject]

    def _put(self, line: Line) -> None:
        self.lines[line.key] = line
        self._keys.setdefault(line.subject, set()).add(line.key)

    def _next(self) -> int:
        self.revision += 1
        return self.revision


def _goes_on_as(held: Line, line: Line) -> bool:
    """Whether time alone makes the one held what the other tells, now and later."""
    if held.course != line.course or held.pace is None or held.retracted or held.project_id != line.project_id:
        return False
    pace, elapsed = pace_of(held.pace), (line.measured_at - held.measured_at) // RESOLUTION
    if pace_text(at_pace(pace, elapsed)) != line.pace:
        return False
    now = gone_on(members_of(held.kind, held.content), pace, held.measured_at, line.measured_at)
    return text_from(now) == line.content


def text_of(record: Record) -> str:
    return text_from(record.content())


def text_from(content: Mapping[str, Any]) -> str:
    """The content of a record as the ledger keeps it."""
    try:
        return to_json(content, inf_nan_mode="constants").decode()
    except PydanticSerializationError:
        # A text with half a letter in it (a lone surrogate), which JSON's escapes can hold.
        return json.dumps(content, separators=(",", ":"))


def record_of(kinds: Kinds, kind: str, content: str, known_at: datetime) -> Record:
    return record_from(kinds, kind, members_of(kind, content), known_at)


def record_from(kinds: Kinds, kind: str, members: Mapping[str, Any], known_at: datetime) -> Record:
    """The record of which these are the content."""
    if kind not in kinds:
        raise StoreError(f"the store holds records of the kind {kind!r}, and no installed plug-in makes it; install it again")
    try:
        return kinds[kind].from_content(members, known_at)
    except (TypeError, ValueError) as exc:
        raise StoreError(
            f"the store holds a record of the kind {kind!r} that the plug-in in use cannot read: {exc}; a field that is new "
            "in it needs a default: tell its author, and install the one before until then"
        ) from exc


def members_of(kind: str, content: str) -> dict[str, Any]:
    try:
        members: dict[str, Any] = _read(content)
    except ValueError as exc:
        raise damaged(f"a record of the kind {kind!r}", exc) from exc
    return members


def pace_of(text: str) -> Pace:
    try:
        return {name: Growth(*growth) for name, growth in _read(text).items()}
    except (AttributeError, TypeError, ValueError) as exc:
        raise damaged("the pace of a record", exc) from exc


def _read(content: str) -> Any:
    try:
        return from_json(content)
    except ValueError:
        # A lone surrogate, or damage.
        return json.loads(content)


def _line(statement: Statement, record: Record) -> Line:
    pace = statement.paces.get(record.key) if statement.course else None
    return Line(
        key=record.key,
        subject=statement.subject,
        kind=record.kind,
        month=str(record.month),
        measured_at=record.measured_at,
        known_at=record.known_at,
        revision=0,
        retracted=False,
        offered=False,
        cloud=statement.place.cloud,
        region=statement.place.region,
        # A volume may have changed hands: what it was before is to be found under who had it then.
        project_id=getattr(record, "project_id", statement.project_id),
        content=text_of(record),
        course=0 if pace is None else statement.course,
        pace=None if pace is None else pace_text(pace),
    )
