"""Transactions on the store's database, and its errors in caso's words."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, make_url, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from caso.errors import StoreError
from caso.store import damage, sqlite
from caso.store.schema import meta

T = TypeVar("T")

CHUNK = 500
"""Rows of one question: well below what any database takes as parameters."""


class Database:
    """Reads and writes, each block one transaction; SQLAlchemy's errors come out as StoreError.

    ``name`` is what they call it, its URL unless told otherwise. Threads that write take turns here, processes in the database.
    """

    def __init__(self, engine: Engine, name: str | None = None) -> None:
        self.engine = engine
        self.name = name or engine.url.render_as_string(hide_password=True)
        self._writers = engine.execution_options(**{sqlite.WRITES: True})
        self._turn = threading.Lock()
        self._turn_of: int | None = None

    @property
    def file(self) -> Path | None:
        """The file of an SQLite store."""
        return sqlite.path_of(self.engine.url) if self.engine.dialect.name == "sqlite" else None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self.translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self.write_schema() as connection:
            # SQLite has one writer at a time; elsewhere this row is what writers queue at, so none
            # of them builds on what another is about to change.
            connection.execute(select(meta.c.value).where(meta.c.name == "revision").with_for_update())
            yield connection

    @contextmanager
    def write_schema(self) -> Iterator[Connection]:
        """As :meth:`write`, where the tables may not be there yet."""
        if self._turn_of == threading.get_ident():
            raise RuntimeError(
                "a write to the store inside store.transaction() would wait for itself: do it by the step, or after"
            )
        with self._turn, self.translated():
            self._turn_of = threading.get_ident()
            try:
                with self._writers.begin() as connection:
                    yield connection
            finally:
                self._turn_of = None

    @contextmanager
    def translated(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as exc:
            # What SQLite cannot decode it repeats, and it is not for a terminal.
            cause = str(getattr(exc, "orig", None) or exc).partition(" with text ")[0]
            raise StoreError(f"store {self.name}: {cause}{_advice(cause)}") from exc
        except UnicodeDecodeError as exc:
            # Python's sqlite3 fails on messages of SQLite that quote noise in the schema.
            raise StoreError(f"store {self.name}: its tables are not described in UTF-8{damage.ADVICE}") from exc

    def close(self) -> None:
        self.engine.dispose()


def engine_of(connection: str) -> Engine:
    """The engine of a connection URL; nothing is opened yet."""
    url = url_of(connection)
    if url.get_backend_name() == "sqlite":
        return sqlite.engine_of(sqlite.path_of(url))
    try:
        return create_engine(url, pool_pre_ping=True)
    except (SQLAlchemyError, ImportError) as exc:
        raise StoreError(f"store {url.render_as_string(hide_password=True)}: {exc}; install the database's driver") from exc


def url_of(connection: str) -> URL:
    try:
        return make_url(connection)
    except ArgumentError as exc:
        # The text may hold a password, so it is not repeated.
        raise StoreError(
            "[store] connection is not a database URL; write it like sqlite:////var/spool/caso/caso.sqlite "
            "or postgresql+psycopg://caso:password@host/caso"
        ) from exc


def _advice(cause: str) -> str:
    if "locked" in cause:
        return f"; another process has been writing for more than {sqlite.BUSY_SECONDS} s: see which, and run again"
    if "disk I/O error" in cause:
        return "; see whether its disk is full, over its quota or failing, and run again: nothing was lost"
    if "full" in cause:
        return "; make room on its disk and run again: nothing was lost"
    if "unable to open" in cause or "readonly" in cause:
        return "; caso must be able to write the file and its directory: see their owner and mode"
    return damage.advice_on(cause)


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
