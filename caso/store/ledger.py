"""The newest record of each usage, under its natural key, with a revision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, exists, func, insert, select, update

from caso.records import Record
from caso.store import courses, held
from caso.store.batches import execute_many
from caso.store.book import Book, Changes, Kinds, Line, Statement, record_of
from caso.store.courses import Course
from caso.store.engine import chunks
from caso.store.held import line_of
from caso.store.names import Place
from caso.store.revisions import note_revision, revision_of
from caso.store.schema import deliveries, records
from caso.window import Month

_LINES = select(*held.COLUMNS).select_from(held.WITH_COURSE)


class Ledger:
    """The ledger of one transaction."""

    def __init__(self, connection: Connection, kinds: Kinds) -> None:
        self._connection = connection
        self._kinds = kinds

    def put(self, statement: Statement) -> Changes:
        return self.put_many([statement])

    def put_many(self, statements: Iterable[Statement]) -> Changes:
        """Hold what the statements say, one after the other.

        A record that differs from the held one gets a new revision, unless the held one is known later.
        A held record that its statement does not have any more is dropped, or, where a recipient may
        hold it, replaced by its neutral record.
        """
        changes = Changes()
        for chunk in chunks(statements):
            held = {line.key: line for line in self._load(chunk)}
            revision = revision_of(self._connection)
            book = Book(held.values(), revision, self._kinds, self._earlier)
            for statement in chunk:
                book.state(statement)
            changes += book.changes
            self._write(held, book.lines)
            if book.revision != revision:
                note_revision(self._connection, book.revision)
        return changes

    def course(self, place: Place, kind: str, project_id: str) -> Course:
        """Where those of a project's entities of a kind have come that go on by time alone."""
        return courses.course_of(self._connection, place, kind, project_id)

    def going_on(self, course: int) -> dict[str, int]:
        """How many records of each kind go on with a course."""
        return courses.sizes(self._connection, course)

    def before(self, subject: str, kind: str, month: Month) -> Record | None:
        """The newest record of the subject in an earlier month."""
        return self.before_many([subject], kind, month).get(subject)

    def before_many(self, subjects: Iterable[str], kind: str, month: Month) -> dict[str, Record]:
        """For each subject that has one, the newest record in an earlier month."""
        found: dict[str, Record] = {}
        for chunk in chunks(subjects):
            for line in self._newest(chunk, kind, str(month)):
                found[line.subject] = record_of(self._kinds, line.kind, line.content, line.known_at)
        return found

    def held_many(self, subjects: Iterable[str], kind: str, since: Month) -> dict[str, list[Record]]:
        """For each subject that has some, the records of a kind held of the month ``since`` and later ones."""
        found: dict[str, list[Record]] = {}
        for chunk in chunks(subjects):
            mine = and_(records.c.subject.in_(chunk), records.c.kind == kind, records.c.month >= str(since))
            for row in self._connection.execute(_LINES.where(mine).order_by(records.c.key)):
                line = line_of(row)
                found.setdefault(line.subject, []).append(record_of(self._kinds, line.kind, line.content, line.known_at))
        return found

    def _earlier(self, subject: str, kind: str, month: str) -> Line | None:
        return next(reversed(self._newest([subject], kind, month)), None)

    def _newest(self, subjects: Sequence[str], kind: str, month: str) -> list[Line]:
        """Lines of each subject's newest month before ``month``, the best of a subject last."""
        earlier = and_(records.c.subject.in_(subjects), records.c.kind == kind, records.c.month < month)
        month_of = select(records.c.subject, func.max(records.c.month).label("month")).where(earlier)
        newest = month_of.group_by(records.c.subject).subquery()
        lines = (
            _LINES.join(newest, and_(records.c.subject == newest.c.subject, records.c.month == newest.c.month))
            .where(records.c.kind == kind)
            .order_by(held.MEASURED_AT, records.c.key)
        )
        return [line_of(row) for row in self._connection.execute(lines).all()]

    def _load(self, statements: Sequence[Statement]) -> Iterator[Line]:
        """What is held of the subjects in the months spoken of, or under a key that is spoken of."""
        said = [line for statement in statements for line in statement.lines]
        since = min([str(min(one.since for one in statements)), *(line.month for line in said)])
        subjects = {statement.subject for statement in statements}
        about = _LINES.where(records.c.subject.in_(subjects), records.c.month >= since)
        loaded = {line.key: line for line in map(line_of, self._connection.execute(about).all())}
        yield from loaded.values()
        keys = {line.key for line in said} - loaded.keys()
        for chunk in chunks(sorted(keys)):
            yield from map(line_of, self._connection.execute(_LINES.where(records.c.key.in_(chunk))).all())

    def _write(self, before: dict[str, Line], after: dict[str, Line]) -> None:
        changed = [line for key, line in after.items() if key in before and before[key] != line]
        going = [line for line in before.values() if line.course]
        courses.leave(self._connection, [line for line in going if after.get(line.key, line) != line])
        # Whatever took it out of its course, its entity is to be accounted for again, be it in another place than who told it.
        out = [line for line in going if line.key not in after or after[line.key].course != line.course]
        courses.unsteady(self._connection, out)
        for chunk in chunks(before.keys() - after.keys()):
            self._connection.execute(delete(records).where(records.c.key.in_(chunk)))
        revised = [line.key for line in changed if before[line.key].revision != line.revision]
        self._keep_accepted(key for key in revised if not before[key].course)
        # Where a record is found does not change, but for a subject that changes hands: its indexes need not be written.
        moved = [line for line in changed if _found_by(line) != _found_by(before[line.key])]
        told = [line for line in changed if _found_by(line) == _found_by(before[line.key])]
        this = update(records).where(records.c.key == bindparam("b_key"))
        execute_many(self._connection, this, [_row(line) | {"b_key": line.key} for line in moved])
        execute_many(self._connection, this, [{**_told(line), "b_key": line.key} for line in told])
        execute_many(self._connection, insert(records), [_row(line) for key, line in after.items() if key not in before])

    def _keep_accepted(self, replaced: Iterable[str]) -> None:
        """Before records are replaced: keep the content of those that a messenger has accepted as they are."""
        accepted = exists().where(deliveries.c.key == records.c.key, deliveries.c.accepted == records.c.revision)
        kept = {"previous": records.c.content, "previous_revision": records.c.revision}
        for chunk in chunks(replaced):
            self._connection.execute(update(records).where(records.c.key.in_(chunk), accepted).values(kept))


def _row(line: Line) -> dict[str, Any]:
    row = line._asdict()
    del row["number"]
    return row


def _found_by(line: Line) -> tuple[str, ...]:
    """What a record is looked for by."""
    return line.subject, line.kind, line.month, line.cloud, line.region, line.project_id


def _told(line: Line) -> dict[str, Any]:
    """What is told of a record, but for how it is found."""
    names = ("measured_at", "known_at", "revision", "retracted", "offered", "content", "course", "pace")
    return {name: getattr(line, name) for name in names}
