"""All that is SQLite's own: the file and its modes, how a connection is set up, copies.

How an existing file is checked when it is opened: :mod:`caso.store.soundness`.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event

from caso.errors import StoreError
from caso.store import damage

WRITES = "caso_writes"
"""The execution option of connections whose transactions write."""
BUSY_SECONDS = 60


def path_of(url: URL) -> Path:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise StoreError(f"store {url}: caso needs a file to remember in; write it like sqlite:////var/spool/caso/caso.sqlite")
    return Path(url.database)


def engine_of(path: Path) -> Engine:
    engine = create_engine(URL.create("sqlite", database=str(path)), connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: Any, _record: object) -> None:
    # The driver's own BEGIN comes late and leaves DDL out, so transactions are begun by _begin alone.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    # KiB for each connection; what is on disk is in the system's cache anyway, and a store outgrows this one.
    connection.execute("PRAGMA cache_size=-512")
    # Pages of 4 KiB in the log before they go into the file: ids come in no order, so that each page of a listing changes
    # the same pages of the indexes again, and what waits goes there once.
    connection.execute("PRAGMA wal_autocheckpoint=8000")


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later would fail where another has written in between.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A path to make a store at; it becomes ``path`` at the end of the block, whole, unless that exists by then.

    So a file that exists is a whole store, and an empty or cut one is damage, never a beginning.
    """
    _make_directory(path.parent)
    try:
        # A name of its own: a process that was killed here left a file, and containers use their few process ids again.
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
        os.close(handle)
        draft = Path(name)
        try:
            yield draft
            _publish(draft, path)
        finally:
            for leftover in (draft, Path(f"{draft}-wal"), Path(f"{draft}-shm")):
                leftover.unlink(missing_ok=True)
    except OSError as exc:
        raise StoreError(f"cannot make the store {path}: {exc}; caso needs a directory that it may write to") from exc


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as exc:
        raise StoreError(
            f"cannot make the directory {directory} for the store: {exc}; "
            "make it with mode 0700, owned by the user that runs caso"
        ) from exc


def _publish(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        return  # Another process was faster; its store is as good.
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as exc:
        raise StoreError(f"store {path}: cannot look for it: {exc}; run caso as the owner of the directory") from exc


def require_usable(path: Path) -> None:
    """StoreError where the file cannot be caso's store, with what to do about it."""
    if not os.access(path, os.R_OK | os.W_OK) or not os.access(path.parent, os.R_OK | os.W_OK | os.X_OK):
        raise StoreError(
            f"store {path}: user {os.getuid()} may not read and write it and its directory; "
            "run caso as their owner, or change the owner"
        )
    require_content(path)


def require_content(path: Path) -> None:
    if path.stat().st_size == 0:
        raise StoreError(
            f"store {path}: the file is empty, and caso never leaves one so; restore it from a backup, "
            "or remove it if you made it yourself, and caso will start anew"
        )


def copy(source: Path, target: Path) -> None:
    """A consistent copy, also while others write to ``source``, which is only read; ``target`` gets mode 0600."""
    os.close(os.open(target, os.O_CREAT | os.O_RDWR, 0o600))
    try:
        with (
            closing(sqlite3.connect(f"file:{quote(str(source.absolute()))}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
    except sqlite3.Error as exc:
        target.unlink(missing_ok=True)
        raise StoreError(f"store {source}: cannot copy it to {target}: {exc}{damage.advice_on(str(exc))}") from exc


def back_up(path: Path, revision: str) -> Path:
    """A copy beside the file, whole or not there at all."""
    kept = Path(f"{path}.bak-{revision}")
    draft = Path(f"{kept}.new")
    draft.unlink(missing_ok=True)
    copy(path, draft)
    draft.replace(kept)
    return kept
