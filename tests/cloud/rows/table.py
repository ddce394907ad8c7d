"""Rows of databases as plain data, and how the difference of two states gets written."""

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


def write_difference(folder: Path, before: Rows, after: Rows) -> None:
    """Bring ``folder/*.sqlite`` from one moment to another; rows which agree are left alone."""
    tables = sorted({*before.tables, *after.tables})
    for database in sorted({name for name, _ in tables}):
        connection = sqlite3.connect(folder / f"{database}.sqlite", timeout=30)
        connection.execute("PRAGMA synchronous = OFF")
        with connection:
            for name, table in tables:
                if name == database:
                    where = (name, table)
                    key = after.keys.get(where) or before.keys[where]
                    _write(connection, table, key, before.tables[where], after.tables[where])
        connection.close()


def _write(
    connection: sqlite3.Connection,
    table: str,
    key: Iterable[str],
    before: dict[tuple[Value, ...], Row],
    after: dict[tuple[Value, ...], Row],
) -> None:
    gone = [values for values in before if values not in after]
    where = " AND ".join(f'"{column}" = ?' for column in key)
    connection.executemany(f'DELETE FROM "{table}" WHERE {where}', gone)
    by_columns = defaultdict(list)
    for values, row in after.items():
        if before.get(values) != row:
            by_columns[tuple(row)].append(tuple(row.values()))
    for columns, rows in by_columns.items():
        names = ", ".join(f'"{column}"' for column in columns)
        marks = ", ".join("?" * len(columns))
        sql = f'INSERT OR REPLACE INTO "{table}" ({names}) VALUES ({marks})'
        connection.executemany(sql, rows)


def _plain(value: object) -> Value:
    """As SQLAlchemy writes it to SQLite; it compares times as text, so all have microseconds."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    if isinstance(value, bool):
        return int(value)
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"no database value: {value!r}")
