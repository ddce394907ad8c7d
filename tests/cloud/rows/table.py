"""Rows of databases as plain data, and how the difference of two states gets written."""

import contextlib
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

Value = str | int | float | None
Row = dict[str, Value]


class Rows:
    """Rows of one moment, by (database, table) and key."""

    def __init__(self) -> None:
        self.tables: dict[tuple[str, str], dict[tuple[Value, ...], Row]] = defaultdict(dict)
        self.keys: dict[tuple[str, str], tuple[str, ...]] = {}

    def add(self, database: str, table: str, /, *, key: str = "id", **values: object) -> None:
        """Add a row; ``key`` names the columns, with commas, which tell it from all others."""
        row = {name.rstrip("_"): _plain(value) for name, value in values.items()}
        columns = tuple(key.split(","))
        self.keys[database, table] = columns
        found = self.tables[database, table].setdefault(tuple(row[c] for c in columns), row)
        if found is not row:
            raise ValueError(f"two rows of {database}.{table} have the same {key}: {row}")


def write_difference(folder: Path, before: Rows, after: Rows, *, rewrite: bool = False) -> None:
    """Bring ``folder/*.sqlite`` from one moment to another.

    Rows which agree are left alone, or written again with ``rewrite``, for someone else may have
    changed them.
    """
    tables = sorted({*before.tables, *after.tables})
    for database in sorted({name for name, _ in tables}):
        file = folder / f"{database}.sqlite"
        with contextlib.closing(sqlite3.connect(file, timeout=30)) as connection, connection:
            connection.execute("PRAGMA synchronous = OFF")
            for where in tables:
                if where[0] == database:
                    old, new = before.tables.get(where, {}), after.tables.get(where, {})
                    key = after.keys.get(where) or before.keys[where]
                    _delete(connection, where[1], key, [k for k in old if k not in new])
                    changed = [row for k, row in new.items() if rewrite or old.get(k) != row]
                    _insert(connection, where[1], changed)


def _delete(
    connection: sqlite3.Connection,
    table: str,
    key: Iterable[str],
    keys: Iterable[tuple[Value, ...]],
) -> None:
    where = " AND ".join(f'"{column}" = ?' for column in key)
    connection.executemany(f'DELETE FROM "{table}" WHERE {where}', keys)


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    """Insert rows, or replace those with the same primary key."""
    by_columns = defaultdict(list)
    for row in rows:
        by_columns[tuple(row)].append(tuple(row.values()))
    for columns, values in by_columns.items():
        names = ", ".join(f'"{column}"' for column in columns)
        marks = ", ".join("?" * len(columns))
        sql = f'INSERT OR REPLACE INTO "{table}" ({names}) VALUES ({marks})'
        connection.executemany(sql, values)


def _plain(value: object) -> Value:
    """As SQLAlchemy writes it to SQLite; it compares times as text, so all have microseconds."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, bool):
        return int(value)
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"no database value: {value!r}")
