"""Courses on their way to messengers: what is due of them, and up to where each messenger has them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, insert, or_, select, update

from caso.store.engine import chunks
from caso.store.revisions import revision_of
from caso.store.schema import accounted, deliveries, reached, records


class Ahead(NamedTuple):
    """Records of one kind of a course that a messenger does not have as they are: those after the record ``part``."""

    course: int
    kind: str
    until: datetime
    revision: int
    part: int


class Come(NamedTuple):
    """Where a course has come; recipients may hold those of its records whose numbers are not above ``offered``."""

    until: datetime
    revision: int
    offered: int


class Handed(NamedTuple):
    """A record of a course that a messenger accepted or refused, as it was at a revision of its course."""

    course: int
    kind: str
    number: int
    revision: int
    until: datetime


def ahead(connection: Connection, messenger: str, kinds: Collection[str]) -> list[Ahead]:
    """What is due of courses, oldest first."""
    found = [one for kind in sorted(kinds) for one in _ahead(connection, messenger, kind)]
    return sorted(found, key=lambda one: (one.until, one.course, one.kind))


def waiting(connection: Connection, messenger: str, due: Sequence[Ahead], limit: int) -> Iterator[tuple[str, int, int, str, int]]:
    """Keys and revisions of what is due, in its order; each with its course, kind and number."""
    for one in due:
        if limit <= 0:
            return
        rows = connection.execute(_unsettled(messenger, one).order_by(records.c.revision).limit(limit)).all()
        yield from ((key, one.revision, one.course, one.kind, number) for key, number in rows)
        limit -= len(rows)


def come(connection: Connection, course: int) -> Come | None:
    """Where a course has come; None where there is none of that number."""
    mine = select(accounted.c.until, accounted.c.revision, accounted.c.offered).where(accounted.c.course == course)
    row = connection.execute(mine).one_or_none()
    return None if row is None else Come(*row)


def within(course: int, kind: str, first: int, last: int) -> ColumnElement[bool]:
    """The records of a course with these numbers and those between."""
    return and_(records.c.course == course, records.c.kind == kind, records.c.revision.between(first, last))


def offer(connection: Connection, numbers: Collection[int]) -> None:
    """Recipients may hold all records of these courses from now on, as far as they are told."""
    newest = revision_of(connection)
    for chunk in chunks(numbers):
        mine = and_(accounted.c.course.in_(chunk), accounted.c.offered < newest)
        connection.execute(update(accounted).where(mine).values(offered=newest))


def accept(connection: Connection, messenger: str, handed: Sequence[Handed], at: datetime) -> None:
    """The messenger has all that was due of these courses up to these records, one of each course and kind."""
    for one in handed:
        _note(connection, messenger, one, {"part": one.number, "part_revision": one.revision, "part_until": one.until, "at": at})
        finish(connection, messenger, one, at)


def finish(connection: Connection, messenger: str, one: Handed, at: datetime) -> None:
    """Where nothing more is due of a course at a revision, note that the messenger has all of it."""
    row = connection.execute(select(reached).where(_mine(messenger, one.course, one.kind))).one_or_none()
    part = row.part if row is not None and row.part_revision == one.revision else 0
    rest = _unsettled(messenger, Ahead(one.course, one.kind, one.until, one.revision, part))
    if connection.execute(rest.limit(1)).first() is None:
        whole = {"revision": one.revision, "until": one.until, "at": at, "spared": False}
        _note(connection, messenger, one, {**whole, "part": 0, "part_revision": 0, "part_until": None})
        _let_go(connection, one)


def spare(connection: Connection, messenger: str, kind: str, at: datetime) -> None:
    """Nothing of this kind that goes on is due to the messenger as it is now."""
    for row in connection.execute(select(accounted.c.course, accounted.c.revision)).all():
        values = {"revision": row.revision, "at": at, "spared": True, "part": 0, "part_revision": 0}
        connection.execute(insert(reached).values(messenger=messenger, course=row.course, kind=kind, **values))


IN_PART = records.c.revision <= reached.c.part
AS_OF = case((IN_PART, reached.c.part_revision), else_=reached.c.revision)
"""The revision of its course at which a messenger has a record; it has none that was not told by then."""
UNTIL = case((IN_PART, reached.c.part_until), else_=reached.c.until)
"""When the record was measured then."""


def _ahead(connection: Connection, messenger: str, kind: str) -> Iterator[Ahead]:
    mine = and_(reached.c.course == accounted.c.course, reached.c.kind == kind, reached.c.messenger == messenger)
    part = case((reached.c.part_revision == accounted.c.revision, reached.c.part), else_=0)
    there = exists().where(records.c.course == accounted.c.course, records.c.kind == kind, records.c.revision > part)
    question = (
        select(accounted.c.course, accounted.c.until, accounted.c.revision, part.label("part"))
        .select_from(accounted.outerjoin(reached, mine))
        .where(accounted.c.revision > func.coalesce(reached.c.revision, 0), there)
    )
    for row in connection.execute(question).all():
        yield Ahead(row.course, kind, row.until, row.revision, row.part)


def _unsettled(messenger: str, one: Ahead) -> Select[Any]:
    """The records after the part that the messenger has, but for those that it refused as they are."""
    theirs = and_(deliveries.c.key == records.c.key, deliveries.c.messenger == messenger)
    mine = and_(records.c.course == one.course, records.c.kind == one.kind, records.c.revision > one.part)
    refused = or_(deliveries.c.revision.is_(None), deliveries.c.revision < one.revision)
    return select(records.c.key, records.c.revision).select_from(records.outerjoin(deliveries, theirs)).where(mine, refused)


def _mine(messenger: str, course: int, kind: str) -> Any:
    return and_(reached.c.messenger == messenger, reached.c.course == course, reached.c.kind == kind)


def _note(connection: Connection, messenger: str, one: Handed, values: dict[str, Any]) -> None:
    mine = _mine(messenger, one.course, one.kind)
    if connection.execute(update(reached).where(mine).values(**values)).rowcount == 0:
        new = {"messenger": messenger, "course": one.course, "kind": one.kind, "revision": 0, "spared": False}
        connection.execute(insert(reached).values(**(new | values)))


def _let_go(connection: Connection, one: Handed) -> None:
    """Keep older content no longer of what every messenger has as it is now."""
    behind = and_(reached.c.course == one.course, reached.c.kind == one.kind, reached.c.revision < one.revision)
    if connection.execute(select(reached.c.messenger).where(behind).limit(1)).first() is None:
        mine = and_(records.c.course == one.course, records.c.kind == one.kind, records.c.previous_revision.is_not(None))
        connection.execute(update(records).where(mine).values(previous=None, previous_revision=None))
