"""The rows of all files side by side, by resource: in a temporary database on disk, so that memory stays flat.

SQLite makes it where temporary files are kept (SQLITE_TMPDIR, TMPDIR, /var/tmp), and it is gone with the process.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import groupby
from types import TracebackType
from typing import Any, Self

from caso.almanach.documents import Row, TypeRow
from caso.errors import StoreError
from caso.window import BEGINNING

MICROSECOND = timedelta(microseconds=1)
AT_A_TIME = 5000
_TIMES = slice(Row._fields.index("start"), Row._fields.index("last_event") + 1)
_COLUMNS = ", ".join(f'"{name}"' for name in Row._fields)
_TABLES = (
    "PRAGMA journal_mode = OFF",
    f"CREATE TABLE rows ({_COLUMNS})",
    "CREATE TABLE types (id PRIMARY KEY, name)",
)
_INSERT = f"INSERT INTO rows VALUES ({', '.join('?' * len(Row._fields))})"  # noqa: S608 # the names of fields
_SORTED = f"SELECT {_COLUMNS} FROM rows ORDER BY kind, id"  # noqa: S608


class Staging:
    """What was read, until it is moved in."""

    def __init__(self) -> None:
        with _translated():
            self._database = sqlite3.connect("", isolation_level=None)
            for statement in _TABLES:
                self._database.execute(statement)
        self._waiting: list[tuple[Any, ...]] = []

    def put(self, row: Row | TypeRow) -> bool:
        """Keep it; False of a volume type whose id was told before: the first one is what Almanach looked up."""
        if isinstance(row, TypeRow):
            with _translated():
                return self._database.execute("INSERT OR IGNORE INTO types VALUES (?, ?)", row).rowcount > 0
        self._waiting.append(_written(row))
        if len(self._waiting) >= AT_A_TIME:
            self._flush()
        return True

    def types(self) -> list[TypeRow]:
        with _translated():
            return [TypeRow(*row) for row in self._database.execute("SELECT id, name FROM types ORDER BY rowid")]

    def resources(self) -> Iterator[list[Row]]:
        """The rows of each resource."""
        self._flush()
        with _translated():
            rows = map(_read, self._database.execute(_SORTED))
            for _, same in groupby(rows, key=lambda row: (row.kind, row.id)):
                yield list(same)

    def _flush(self) -> None:
        with _translated():
            self._database.execute("BEGIN")
            self._database.executemany(_INSERT, self._waiting)
            self._database.execute("COMMIT")
        self._waiting.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._database.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as exc:
        advice = "make room where temporary files are, or name another place in TMPDIR"
        raise StoreError(f"cannot sort the rows in a temporary file: {exc}; {advice}") from exc


def _written(row: Row) -> tuple[Any, ...]:
    return tuple((value - BEGINNING) // MICROSECOND if isinstance(value, datetime) else value for value in row)


def _read(values: tuple[Any, ...]) -> Row:
    row = Row(*values)
    start, end, last_event = (None if time is None else BEGINNING + time * MICROSECOND for time in values[_TIMES])
    return row._replace(start=start or BEGINNING, end=end, last_event=last_event or BEGINNING)
