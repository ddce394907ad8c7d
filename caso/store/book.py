"""The rules of the ledger, on lines in memory: later knowledge wins, what vanishes is retracted."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from caso.errors import StoreError
from caso.records import Record
from caso.store.names import Place
from caso.window import Month

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


@dataclasses.dataclass(frozen=True)
class Changes:
    """How many records are new, differ, are the same, were known better, vanished after or before anyone could hold them."""

    new: int = 0
    changed: int = 0
    same: int = 0
    kept: int = 0
    retracted: int = 0
    dropped: int = 0

    def __add__(self, other: Changes) -> Changes:
        return Changes(*(a + b for a, b in zip(dataclasses.astuple(self), dataclasses.astuple(other), strict=True)))


class Line(NamedTuple):
    """A record as it is held: a row of the table ``records``."""

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
        self._keys: dict[str, set[str]] = {}
        for line in self.lines.values():
            self._keys.setdefault(line.subject, set()).add(line.key)

    def state(self, statement: Statement) -> Changes:
        changes = Changes()
        for record in sorted(statement.records, key=lambda record: (record.measured_at, record.key)):
            changes += self._take(statement, record)
        said = {record.key for record in statement.records}
        # By month: what an earlier month becomes is what a later one is neutral to.
        for line in sorted(self._held_of(statement), key=lambda line: (line.month, line.key)):
            if line.key not in said:
                changes += self._miss(statement, line)
        return changes

    def _held_of(self, statement: Statement) -> list[Line]:
        lines = (self.lines[key] for key in self._keys.get(statement.subject, ()) if key in self.lines)
        since, until = str(statement.since), str(statement.until)
        return [line for line in lines if line.kind in statement.kinds and since <= line.month <= until]

    def _take(self, statement: Statement, record: Record) -> Changes:
        held = self.lines.get(record.key)
        if held is None:
            self._put(_line(statement, record, self._next(), offered=False))
            return Changes(new=1)
        if record.known_at < held.known_at:
            return Changes(kept=1)
        if self._says(held, record):
            self._put(_line(statement, record, held.revision, offered=held.offered)._replace(content=held.content))
            return Changes(same=1)
        self._put(_line(statement, record, self._next(), offered=held.offered))
        return Changes(changed=1)

    def _miss(self, statement: Statement, line: Line) -> Changes:
        """Better knowledge has no such record."""
        if line.known_at > statement.known_at:
            return Changes(kept=1)
        if not line.offered:
            del self.lines[line.key]
            return Changes(dropped=1)
        before = self._before(line)
        neutral = self._record(line).neutral(None if before is None else self._record(before))
        if self._says(line, neutral):
            self._put(line._replace(known_at=statement.known_at, retracted=True))
            return Changes()
        self._put(line._replace(known_at=statement.known_at, retracted=True, revision=self._next(), content=text_of(neutral)))
        return Changes(retracted=1)

    def _before(self, line: Line) -> Line | None:
        keys = self._keys[line.subject] & self.lines.keys()
        in_hand = [one for one in map(self.lines.__getitem__, keys) if one.kind == line.kind and one.month < line.month]
        if in_hand:
            return max(in_hand, key=lambda one: (one.month, one.measured_at, one.key))
        return self._earlier(line.subject, line.kind, line.month)

    def _says(self, line: Line, record: Record) -> bool:
        # Text first, it is quick; then meaning: 4 and 4.0, or a member that the class got since, are no news to a recipient.
        return line.content == text_of(record) or self._record(line) == record

    def _record(self, line: Line) -> Record:
        return record_of(self._kinds, line.kind, line.content, line.known_at)

    def _put(self, line: Line) -> None:
        self.lines[line.key] = line
        self._keys.setdefault(line.subject, set()).add(line.key)

    def _next(self) -> int:
        self.revision += 1
        return self.revision


def text_of(record: Record) -> str:
    return json.dumps(record.content(), sort_keys=True, separators=(",", ":"))


def record_of(kinds: Kinds, kind: str, content: str, known_at: datetime) -> Record:
    if kind not in kinds:
        raise StoreError(f"the store holds records of the kind {kind!r}, and no installed plug-in makes it; install it again")
    return kinds[kind].from_content(json.loads(content), known_at)


def _line(statement: Statement, record: Record, revision: int, *, offered: bool) -> Line:
    return Line(
        key=record.key,
        subject=statement.subject,
        kind=record.kind,
        month=str(record.month),
        measured_at=record.measured_at,
        known_at=record.known_at,
        revision=revision,
        retracted=False,
        offered=offered,
        cloud=statement.place.cloud,
        region=statement.place.region,
        project_id=statement.project_id,
        content=text_of(record),
    )
