"""Whether a store is sound, found out without changing it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from caso.errors import StoreError
from caso.store import schema, sqlite, upgrading
from caso.store.damage import ADVICE
from caso.store.engine import Database, engine_of


class Health(NamedTuple):
    """``revision`` of its tables and ``newest``, which this caso makes; ``damage`` in SQLite's words, the first of it."""

    name: str
    revision: str
    newest: str
    damage: str | None = None


def file_of(connection: str) -> Path | None:
    """The file of an SQLite store, be it there or not; None for another database."""
    return Database(engine_of(connection)).file


def health_of(connection: str) -> Health | None:
    """None where there is no store yet; StoreError where it is none of caso's, or cannot be asked."""
    database = Database(engine_of(connection))
    try:
        if database.file is not None:
            return _of_file(database.file, database.name) if sqlite.exists(database.file) else None
        with database.read() as opened:
            revision = upgrading.revision_of(opened)
        return Health(database.name, revision, schema.HEAD) if revision else None
    finally:
        database.close()


def _of_file(path: Path, name: str) -> Health:
    sqlite.require_content(path)
    try:
        # Not through the engine: its connections may write, and make a journal of another kind.
        with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as connection:
            (told,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            row = connection.execute(f"SELECT version_num FROM {schema.version.name}").fetchone()  # noqa: S608
    except sqlite3.Error as exc:
        raise StoreError(f"store {name}: {exc}{ADVICE}") from exc
    return Health(name, str(row[0]) if row else "", schema.HEAD, None if told == "ok" else str(told))
