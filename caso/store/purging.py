"""Letting go of old records."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, select

from caso.store import subscriptions
from caso.store.engine import chunks
from caso.store.schema import entities, records
from caso.store.standing import Selection, State, standings
from caso.window import Month


def purge(connection: Connection, before: Month) -> int:
    """Drop records of months before ``before``, but those that are still due and the newest of the living; how many."""
    old = records.c.month < str(before)
    rows = connection.execute(select(records.c.key, records.c.subject, records.c.kind, records.c.month).where(old)).all()
    if not rows:
        return 0
    needed = _newest_of_the_living(connection)
    # Also of kinds that no plug-in in use makes: what is due of them waits for one.
    keys = {row.key for row in rows if (row.subject, row.kind, row.month) not in needed}
    for messenger in subscriptions.names(connection):
        theirs = standings(connection, messenger, Selection(before=before))
        keys -= set(connection.scalars(select(theirs.c.key).where(theirs.c.state == State.DUE.value)))
    for chunk in chunks(sorted(keys)):
        connection.execute(delete(records).where(records.c.key.in_(chunk)))
    return len(keys)


def _newest_of_the_living(connection: Connection) -> set[tuple[str, str, str]]:
    """Subject, kind and month of the newest record of each kind of each living entity."""
    alive = connection.execute(select(entities.c.kind, entities.c.id).where(entities.c.ended.is_(None)))
    subjects = {f"{row.kind}/{row.id}" for row in alive}
    of = (records.c.subject, records.c.kind)
    newest = connection.execute(select(*of, func.max(records.c.month).label("month")).group_by(*of))
    return {(row.subject, row.kind, row.month) for row in newest if row.subject in subjects}
