"""From a connection URL to a store that can be used, or a StoreError that says what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from caso.errors import StoreError
from caso.records import BUILT_IN
from caso.store import schema, soundness, sqlite, upgrading
from caso.store.book import Kinds
from caso.store.copying import copy_tables
from caso.store.engine import Database, engine_of
from caso.store.inspection import require_store
from caso.store.lastrun import take_over
from caso.store.store import Store


def open_store(
    connection: str,
    *,
    kinds: Kinds | None = None,
    lastrun_dir: Path | None = None,
    on_close: Callable[[], None] = lambda: None,
) -> Store:
    """The store at ``connection``, made if there is none, migrated if it is of an older caso.

    ``kinds`` maps each kind of record to its class, caso's own unless told otherwise.
    ``lastrun_dir`` is where cASO's lastrun files lie; they are read only when the store is made.
    ``on_close`` is called once the store is closed.
    """
    return _open(Database(engine_of(connection)), kinds, lastrun_dir, on_close)


def _open(database: Database, kinds: Kinds | None, lastrun_dir: Path | None, on_close: Callable[[], None]) -> Store:
    try:
        with database.translated():
            if database.file is not None:
                _provide_file(database.file, lastrun_dir)
                # Before the tables of a damaged file are migrated, and copied over a backup that is whole.
                soundness.require_sound(database)
            elif not _is_made(database):
                _make(database, lastrun_dir)
            upgrading.upgrade(database)
        soundness.require_readable(database)
    except BaseException:
        database.close()
        raise
    return Store(database, _kinds(kinds), on_close)


def open_as_it_is(connection: str, *, kinds: Kinds | None = None) -> Store:
    """The store at ``connection`` for who only reads, and has no time: it is not made, looked through or migrated.

    StoreError where there is none, or one of another caso.
    """
    require_store(connection)
    database = Database(engine_of(connection))
    try:
        with database.read() as opened:
            revision = upgrading.revision_of(opened)
        if revision != schema.HEAD:
            raise StoreError(f"store {database.name}: it is of revision {revision}, and this caso reads {schema.HEAD}")
    except BaseException:
        database.close()
        raise
    return Store(database, _kinds(kinds))


def open_scratch(connection: str, *, kinds: Kinds | None = None, lastrun_dir: Path | None = None) -> Store:
    """A throw-away copy of the store at ``connection``, or of the one that would be made there; it is gone when closed.

    The original is only read, and nobody's locks count in the copy.
    """
    original = Database(engine_of(connection))
    directory = TemporaryDirectory(prefix="caso-scratch-")
    target = Path(directory.name) / "caso.sqlite"
    try:
        if original.file is None:
            with open_store(_url(target)) as fresh:
                copied = copy_tables(original, fresh.database)
            if not copied:
                target.unlink()
        elif sqlite.exists(original.file):
            sqlite.require_content(original.file)
            sqlite.copy(original.file, target)
        # What is wrong with a copy is wrong with what it was copied from.
        scratch = _open(Database(engine_of(_url(target)), original.name), kinds, lastrun_dir, directory.cleanup)
        scratch.locks.forget_all()
    except BaseException:
        directory.cleanup()
        raise
    finally:
        original.close()
    return scratch


def _kinds(kinds: Kinds | None) -> Kinds:
    return {record.kind: record for record in BUILT_IN} if kinds is None else dict(kinds)


def _url(path: Path) -> str:
    return f"sqlite:///{path}"


def _provide_file(path: Path, lastrun_dir: Path | None) -> None:
    if sqlite.exists(path):
        sqlite.require_usable(path)
        return
    with sqlite.new_file(path) as draft:
        database = Database(sqlite.engine_of(draft))
        try:
            _make(database, lastrun_dir)
        finally:
            # The last connection writes everything into the file and leaves no -wal beside it.
            database.close()


def _is_made(database: Database) -> bool:
    with database.read() as connection:
        return upgrading.revision_of(connection) is not None


def _make(database: Database, lastrun_dir: Path | None) -> None:
    """The tables, and what cASO left, in one transaction; nothing where there are tables already."""
    with database.write_schema() as connection:
        if upgrading.revision_of(connection) is None:
            upgrading.make(connection)
            take_over(connection, lastrun_dir)
