"""Courses: records that go on by time alone, all those of a project's entities of a kind together.

Most of what lives does nothing from one run to the next, and only time makes its records longer. They are held as they were when
something last happened, each with its pace, and are known for any later time of their month: up to where their course has
come, which is noted once for all, with one revision. So an hour in which nothing happens writes nothing of them.
A course is numbered, and found by the project (the table ``accounted``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, case, func, insert, select, update

from caso.records.pace import gone_on
from caso.store import held
from caso.store.batches import execute_many
from caso.store.book import Line, members_of, pace_of, text_from
from caso.store.engine import chunks
from caso.store.held import line_of
from caso.store.names import Place
from caso.store.revisions import next_revision, note_revision, revision_of
from caso.store.schema import accounted, deliveries, entities, reached, records

BEFORE_IT_CAME = "held before this messenger came, and it replays nothing"
"""In place of a recipient's reason, of what it is spared."""


class Course(NamedTuple):
    """Where a project's entities of a kind that go on by time alone have come, and by which terms."""

    number: int
    until: datetime | None
    terms: str | None


def course_of(connection: Connection, place: Place, kind: str, project_id: str) -> Course:
    """The course of a project; one that has none yet gets its number, and goes on from nowhere."""
    row = connection.execute(select(accounted).where(_whose(place, kind, project_id))).one_or_none()
    if row is not None:
        return Course(row.course, row.until, row.terms)
    number = int(connection.scalar(select(func.coalesce(func.max(accounted.c.course), 0))) or 0) + 1
    return Course(number, None, None)


def advance(connection: Connection, place: Place, kind: str, project_id: str, until: datetime, terms: str | None) -> bool:
    """Note up to when all are accounted for that go along; False, and nothing noted, where they have come further."""
    mine = _whose(place, kind, project_id)
    course = course_of(connection, place, kind, project_id)
    news = {"until": until, "revision": next_revision(connection), "terms": terms}
    if course.until is None:
        whose = {**place._asdict(), "kind": kind, "project_id": project_id}
        connection.execute(insert(accounted).values(**whose, **news, course=course.number, offered=0))
    elif course.until <= until:
        connection.execute(update(accounted).where(mine).values(**news))
    else:
        return False
    return True


def sizes(connection: Connection, course: int) -> dict[str, int]:
    """How many records of each kind go on with a course."""
    mine = select(records.c.kind, func.count().label("size")).where(records.c.course == course)
    rows = connection.execute(mine.group_by(records.c.kind)).all()
    return {row.kind: row.size for row in rows}


def leave(connection: Connection, lines: Sequence[Line]) -> None:
    """Before records become otherwise than time makes them: note which messengers have them, and what those were told."""
    for chunk in chunks(lines):
        have = _who_has(connection, chunk)
        _note(connection, have)
        _keep_accepted(connection, have)


def put_to_rest(connection: Connection, keys: Iterable[str]) -> None:
    """Let records go on no more until their entities are accounted for again: each of them stands for itself then.

    Who has them has them still.
    """
    question = select(*held.COLUMNS).select_from(held.WITH_COURSE).where(records.c.course != 0)
    for chunk in chunks(keys):
        lines = [line_of(row) for row in connection.execute(question.where(records.c.key.in_(chunk))).all()]
        leave(connection, lines)
        newest = revision_of(connection)
        fresh = {line.key: newest + 1 + place for place, line in enumerate(lines)}
        _rest(connection, lines, fresh)
        note_revision(connection, newest + len(lines))
        unsteady(connection, lines)


def put_to_rest_of(connection: Connection, place: Place, kind: str, ids: Iterable[str]) -> None:
    """The same for all records of some entities."""
    for chunk in chunks(ids):
        subjects = [f"{kind}/{one}" for one in chunk]
        where = and_(records.c.subject.in_(subjects), records.c.cloud == place.cloud, records.c.region == place.region)
        put_to_rest(connection, connection.scalars(select(records.c.key).where(where, records.c.course != 0)).all())


class _Has(NamedTuple):
    """A messenger that has a record of a course at a revision, measured at ``until``; ``spared``: it was not sent it."""

    messenger: str
    line: Line
    revision: int
    until: datetime | None
    at: datetime
    spared: bool


def _whose(place: Place, kind: str, project_id: str) -> Any:
    same = {**place._asdict(), "kind": kind, "project_id": project_id}
    return and_(*(accounted.c[name] == value for name, value in same.items()))


def _who_has(connection: Connection, lines: Sequence[Line]) -> list[_Has]:
    rows = connection.execute(select(reached).where(reached.c.course.in_(sorted({line.course for line in lines})))).all()
    by_course: dict[tuple[int, str], list[Any]] = {}
    for row in rows:
        by_course.setdefault((row.course, row.kind), []).append(row)
    have = [_has(row, line) for line in lines for row in by_course.get((line.course, line.kind), ())]
    return [one for one in have if one.revision >= one.line.number]


def _has(row: Any, line: Line) -> _Has:
    if line.number <= row.part:
        return _Has(row.messenger, line, row.part_revision, row.part_until, row.at, spared=False)
    return _Has(row.messenger, line, row.revision, row.until, row.at, row.spared)


def _note(connection: Connection, have: Sequence[_Has]) -> None:
    """Who has a record of a course is noted of the record itself."""
    keys = sorted({one.line.key for one in have})
    mine = select(deliveries.c.messenger, deliveries.c.key, deliveries.c.revision, deliveries.c.accepted)
    known = {(row.messenger, row.key): row for row in connection.execute(mine.where(deliveries.c.key.in_(keys))).all()}
    news: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    for one in have:
        before = known.get((one.messenger, one.line.key))
        if before is None or before.revision < one.revision:
            accepted = (before.accepted if before else None) if one.spared else one.revision
            news[before is not None].append(
                {
                    "b_messenger": one.messenger,
                    "b_key": one.line.key,
                    "revision": one.revision,
                    "at": one.at,
                    "refused": BEFORE_IT_CAME if one.spared else None,
                    "accepted": accepted,
                }
            )
    new = insert(deliveries).values(messenger=bindparam("b_messenger"), key=bindparam("b_key"))
    execute_many(connection, new, news[False])
    this = and_(deliveries.c.messenger == bindparam("b_messenger"), deliveries.c.key == bindparam("b_key"))
    execute_many(connection, update(deliveries).where(this), news[True])


def _keep_accepted(connection: Connection, have: Iterable[_Has]) -> None:
    """Keep what the newest revision said that any messenger accepted."""
    newest: dict[str, _Has] = {}
    for one in have:
        before = newest.get(one.line.key)
        if not one.spared and one.until is not None and (before is None or before.revision < one.revision):
            newest[one.line.key] = one
    rows = [
        {"b_key": key, "previous": _content_at(one.line, one.until), "previous_revision": one.revision}
        for key, one in newest.items()
        if one.until is not None
    ]
    execute_many(connection, update(records).where(records.c.key == bindparam("b_key")), rows)


def _content_at(line: Line, until: datetime) -> str:
    """What a record said that goes on, when it was measured at an earlier time of its course."""
    pace = pace_of(line.pace or "{}")
    return text_from(gone_on(members_of(line.kind, line.content), pace, line.measured_at, until))


def _rest(connection: Connection, lines: Sequence[Line], fresh: Mapping[str, int]) -> None:
    rows = [
        {
            "b_key": line.key,
            **{name: getattr(line, name) for name in ("measured_at", "offered", "content")},
            "revision": fresh[line.key],
            "course": 0,
            "pace": None,
        }
        for line in lines
    ]
    execute_many(connection, update(records).where(records.c.key == bindparam("b_key")), rows)
    same = and_(deliveries.c.key == bindparam("b_key"), deliveries.c.revision == bindparam("b_old"))
    its = case((deliveries.c.accepted == bindparam("b_was"), bindparam("b_new")), else_=deliveries.c.accepted)
    moved = [{"b_key": line.key, "b_old": line.revision, "b_was": line.revision, "b_new": fresh[line.key]} for line in lines]
    execute_many(connection, update(deliveries).where(same).values(accepted=its), moved)
    again = [{"b_key": line.key, "b_old": line.revision, "revision": fresh[line.key]} for line in lines]
    execute_many(connection, update(deliveries).where(same), again)


def unsteady(connection: Connection, lines: Iterable[Line]) -> None:
    """What these are records of is to be accounted for again."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for line in lines:
        kind, _, thing_id = line.subject.partition("/")
        found.setdefault((line.cloud, line.region, kind), []).append(thing_id)
    for (cloud, region, kind), ids in found.items():
        where = and_(entities.c.cloud == cloud, entities.c.region == region, entities.c.kind == kind, entities.c.id.in_(ids))
        connection.execute(update(entities).where(where).values(steady=False))
