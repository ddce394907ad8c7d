"""Looking for all that lived in a period, by an index whatever the length of lives.

What lived between two times began before the second and ended after the first: an index on one of the two reads all
that came before, or after. So each life has a class by its length, and of each class only those can have lived in the period that
began no longer before it than they last. Of these at least about half have.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, insert, select

from caso.store.batches import execute_many
from caso.store.engine import chunks
from caso.store.names import Place
from caso.store.schema import entities, former_owners
from caso.window import BEGINNING

SHORTEST = timedelta(hours=1)
CLASSES = 20
"""Each twice as long as the one before; the last is longer than any cloud is old."""
GOES_ON = CLASSES
"""The class of what has not ended."""


def span(created: datetime, ended: datetime | None) -> int:
    """The class of a life.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> span(noon, noon), span(noon, noon + timedelta(hours=3)), span(noon, None)
    (0, 2, 20)
    """
    if ended is None:
        return GOES_ON
    number, length = 0, SHORTEST
    while ended - created > length and number < CLASSES - 1:
        number, length = number + 1, length * 2
    return number


def lived_between() -> Iterator[ColumnElement[bool]]:
    """Of each class, those that lived in a period; which it is, :func:`period` says when they are asked for."""
    columns = entities.c
    begun = columns.created <= bindparam("end")
    yield and_(columns.span == GOES_ON, columns.created >= bindparam(_earliest(GOES_ON)), begun)
    for number in range(CLASSES):
        since = columns.created >= bindparam(_earliest(number))
        yield and_(columns.span == number, since, begun, columns.ended >= bindparam("start"))


def period(start: datetime, end: datetime, since: datetime = BEGINNING) -> dict[str, datetime]:
    """The values of :func:`lived_between` for what began before or at ``end``, had not ended before ``start``.

    Nor had it begun before ``since``.
    """
    values = {"start": start, "end": end, _earliest(GOES_ON): since}
    for number in range(CLASSES):
        length = SHORTEST * 2**number
        earliest = start - length if start - BEGINNING > length and number < CLASSES - 1 else BEGINNING
        values[_earliest(number)] = max(earliest, since)
    return values


def _earliest(number: int) -> str:
    return f"earliest_{number}"


def note_former_owners(connection: Connection, place: Place, kind: str, those: Iterable[Any]) -> None:
    """Note who owned these before they had the owner they have; of most, nobody did."""
    once = {
        (interval.value.project_id, one.uuid)
        for one in those
        if len(one.evidence) > 1
        for interval in one.intervals()
        if interval.value.project_id != one.project_id
    }
    for chunk in chunks(sorted(once)):
        where = and_(former_owners.c.cloud == place.cloud, former_owners.c.region == place.region, former_owners.c.kind == kind)
        ids = [uuid for _, uuid in chunk]
        held = connection.execute(
            select(former_owners.c.project_id, former_owners.c.id).where(where, former_owners.c.id.in_(ids))
        )
        new = set(chunk) - {(row.project_id, row.id) for row in held}
        rows = [{**place._asdict(), "kind": kind, "project_id": owner, "id": uuid} for owner, uuid in sorted(new)]
        execute_many(connection, insert(former_owners), rows)
