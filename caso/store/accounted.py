"""Up to when each entity is accounted for.

Most of a project go along with it: a pass over all that is due leaves them accounted until the same instant, which is
noted once for all. So what did not change is not written again. Those that do not are noted one by one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, case, false, literal, null, or_, select, update

from caso.store.batches import execute_many
from caso.store.columns import Utc
from caso.store.courses import advance
from caso.store.engine import chunks
from caso.store.names import Place
from caso.store.schema import accounted, entities

_SAME = [accounted.c[name] == entities.c[name] for name in ("cloud", "region", "kind", "project_id")]
WITH_UNTIL = entities.outerjoin(accounted, and_(*_SAME))
UNTIL = case((entities.c.along, accounted.c.until), else_=entities.c.accounted_until).label("accounted_until")
"""Up to when an entity is accounted for, None where it never was; to be selected from ``WITH_UNTIL``."""


def note_each(connection: Connection, place: Place, kind: str, until: Iterable[tuple[str, datetime]]) -> None:
    """Note up to when each of some entities is accounted for, with all that is known of it now."""
    its_until = bindparam("b_until", type_=entities.c.accounted_until.type)
    statement = (
        update(entities)
        .where(of_kind(place, kind), entities.c.id == bindparam("b_id"))
        .values(accounted_until=its_until, along=False, dirty_from=None, settled=_is_settled(its_until))
    )
    for chunk in chunks(until):
        execute_many(connection, statement, [{"b_id": uuid, "b_until": time} for uuid, time in chunk])


def note_all(connection: Connection, place: Place, kind: str, project_id: str, until: datetime, terms: str | None) -> None:
    """Note that all that was due of a project is accounted for, with all that is known of it now, by these terms.

    It is up to ``until``, but for what was already accounted for beyond.
    """
    due = and_(of_kind(place, kind), entities.c.project_id == project_id, entities.c.settled == false())
    behind = or_(entities.c.accounted_until.is_(None), entities.c.accounted_until <= until)
    alone = and_(behind, entities.c.along == false())
    otherwise = or_(entities.c.dirty_from.is_not(None), entities.c.ended.is_not(None))
    reached = select(accounted.c.until).where(*_SAME).scalar_subquery()
    news: dict[str, ColumnElement[Any]]
    if advance(connection, place, kind, project_id, until, terms):
        news = {"along": or_(alone, entities.c.along), "accounted_until": case((alone, null()), else_=entities.c.accounted_until)}
    else:
        # What goes along has been accounted for beyond.
        news = {"accounted_until": case((alone, literal(until, Utc())), else_=entities.c.accounted_until)}
    its_until = case((news.get("along", entities.c.along), reached), else_=news["accounted_until"])
    # What one of these becomes does not change what the others do, for the database that looks at what it has just set.
    all_of_it = update(entities).where(due, or_(alone, otherwise))
    connection.execute(all_of_it.values(**news, dirty_from=None, settled=_is_settled(its_until)))


def of_kind(place: Place, kind: str) -> ColumnElement[bool]:
    """Entities of a kind in a place."""
    return and_(entities.c.cloud == place.cloud, entities.c.region == place.region, entities.c.kind == kind)


def _is_settled(until: ColumnElement[datetime]) -> ColumnElement[bool]:
    return case((and_(entities.c.ended.is_not(None), entities.c.ended < until), True), else_=False)


def note_steady(connection: Connection, place: Place, kind: str, ids: Iterable[str], steady: bool) -> None:
    """Note whether time alone changes the records of these, as far as is known now."""
    for chunk in chunks(ids):
        connection.execute(update(entities).where(of_kind(place, kind), entities.c.id.in_(chunk)).values(steady=steady))


QUIET = and_(entities.c.along, entities.c.steady, entities.c.dirty_from.is_(None), entities.c.ended.is_(None))
"""Entities of which nothing was told since they were accounted for, and whose records go on by time alone."""
