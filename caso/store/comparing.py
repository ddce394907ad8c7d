"""What is due to a messenger beside what it has: the difference that a delivery would make."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, select

from caso.store import held
from caso.store.book import Line, text_from
from caso.store.engine import chunks
from caso.store.handing import AS_OF, UNTIL
from caso.store.schema import entities, records
from caso.store.standing import ACCEPTED, State, standings, with_messenger


class Compared(NamedTuple):
    """A record that is due, and the revision that the messenger accepted last, None where it never did.

    ``before`` is the content of that revision, None also where it is not kept: of one record only the newest revision
    that any messenger accepted is. ``over``: when the server or volume that it tells of ended, or None.
    """

    line: Line
    accepted: int | None
    before: str | None
    over: datetime | None


def compared(connection: Connection, messenger: str, known_kinds: Collection[str]) -> Iterator[Compared]:
    """All that is due, oldest first. Only the keys are held in memory; contents a chunk at a time."""
    rows = standings(connection, messenger)
    due = and_(rows.c.state == State.DUE.value, rows.c.kind.in_(sorted(known_kinds)))
    question = select(rows.c.key).where(due).order_by(rows.c.measured_at, rows.c.revision, rows.c.key)
    for keys in chunks(connection.scalars(question).all()):
        yield from _compare(connection, messenger, keys)


def _compare(connection: Connection, messenger: str, keys: Sequence[str]) -> Iterator[Compared]:
    """In the order of ``keys``."""
    has = (ACCEPTED.label("accepted"), AS_OF.label("as_of"), UNTIL.label("as_of_until"))
    question = select(*held.COLUMNS, *has, records.c.previous_revision, records.c.previous).select_from(with_messenger(messenger))
    rows = {row.key: row for row in connection.execute(question.where(records.c.key.in_(keys)))}
    ends = _ends(connection, rows.values())
    for row in (rows[key] for key in keys if key in rows):
        line = held.line_of(row)
        yield Compared(line, row.accepted, _content_of(row), ends.get((line.cloud, line.region, line.subject)))


def _content_of(row: Any) -> str | None:
    """The content of the revision that was accepted: as the course was then, or where it is the one that is kept."""
    if row.accepted is None:
        return None
    if row.accepted == row.as_of and row.as_of >= row.number and row.as_of_until is not None:
        return text_from(held.content_of(row, row.as_of_until))
    content: str | None = row.previous
    return content if row.accepted == row.previous_revision else None


def _ends(connection: Connection, rows: Collection[Any]) -> dict[tuple[str, str, str], datetime]:
    """When the entities that the rows tell of ended, by cloud, region and subject; those that live are left out."""
    ids = {row.subject.partition("/")[2] for row in rows}
    columns = (entities.c.cloud, entities.c.region, entities.c.kind, entities.c.id, entities.c.ended)
    question = select(*columns).where(entities.c.id.in_(sorted(ids)), entities.c.ended.is_not(None))
    # The index of entities begins with where they are.
    question = question.where(
        entities.c.cloud.in_({row.cloud for row in rows}), entities.c.region.in_({row.region for row in rows})
    )
    question = question.where(entities.c.kind.in_({row.subject.partition("/")[0] for row in rows}))
    return {(row.cloud, row.region, f"{row.kind}/{row.id}"): row.ended for row in connection.execute(question)}
