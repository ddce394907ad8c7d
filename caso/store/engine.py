"""Transactions on the store's database, and its errors in caso's words."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import islice
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection, Engine, make_url, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from caso.errors import StoreError
from caso.store import advice, damage, servers, sqlite
from caso.store.names import shown
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
        self.name = name or shown(engine.url)
        self._writers = servers.writers_of(engine).execution_options(**{sqlite.WRITES: True})
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
        with self._begun() as connection:
            # SQLite has one writer at a time; elsewhere this row is what writers queue at, so none
            # of them builds on what another is about to change.
            connection.execute(select(meta.c.value).where(meta.c.name == "revision").with_for_update())
            yield connection

    @contextmanager
    def write_schema(self) -> Iterator[Connection]:
        """As :meth:`write`, where the tables may not be there yet, or change."""
        with self.translated(), self._alone(), self._begun() as connection:
            yield connection

    def _alone(self) -> AbstractContextManager[None]:
        return nullcontext() if self.file else servers.alone(self.engine)

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
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
            raise StoreError(f"store {self.name}: {self._told(getattr(exc, 'orig', None) or exc)}") from exc
        except UnicodeDecodeError as exc:
            # Python's sqlite3 fails on messages of SQLite that quote noise in the schema.
            raise StoreError(f"store {self.name}: its tables are not described in UTF-8{damage.ADVICE}") from exc

    def _told(self, error: BaseException) -> str:
        """What is wrong, and what to do."""
        if self.engine.dialect.name != "sqlite":
            return "".join(advice.of_server(error))
        # What SQLite cannot decode it repeats, and it is not for a terminal.
        cause = str(error).partition(" with text ")[0]
        return cause + advice.of_file(cause)

    def close(self) -> None:
        self.engine.dispose()


def engine_of(connection: str) -> Engine:
    """The engine of a connection URL; nothing is opened yet."""
    url = url_of(connection)
    return sqlite.engine_of(sqlite.path_of(url)) if url.get_backend_name() == "sqlite" else servers.engine_of(url)


def url_of(connection: str) -> URL:
    try:
        return make_url(connection)
    except ArgumentError as exc:
        # The text may hold a password, so it is not repeated.
        raise StoreError(
            "[store] connection is not a database URL; write it like sqlite:////var/spool/caso/caso.sqlite "
            "or postgresql://caso:password@host/caso"
        ) from exc


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
