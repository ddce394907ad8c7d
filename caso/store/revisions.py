"""Revisions: one number for each thing that the ledger was told, never given twice."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from caso.store.schema import meta

_NEWEST = meta.c.name == "revision"


def revision_of(connection: Connection) -> int:
    """The newest revision that was ever given."""
    return int(connection.execute(select(meta.c.value).where(_NEWEST)).scalar_one())


def note_revision(connection: Connection, revision: int) -> None:
    """All up to this one are given."""
    connection.execute(update(meta).where(_NEWEST).values(value=str(revision)))


def next_revision(connection: Connection) -> int:
    revision = revision_of(connection) + 1
    note_revision(connection, revision)
    return revision
