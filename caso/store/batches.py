"""One statement for many rows.

SQLAlchemy looks at each value of each row anew, which costs several times what a database does with it. Here that is
done once for each column, and the rows go to the driver as it takes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Update
from sqlalchemy.types import TypeEngine


def execute_many(connection: Connection, statement: Insert | Update, rows: Sequence[Mapping[str, Any]]) -> None:
    """As ``connection.execute(statement, rows)``, for rows that all have the same names; nothing for none."""
    if not rows:
        return
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(rows[0]))
    names = compiled.positiontup if compiled.positional and compiled.positiontup else list(compiled.params)
    columns: list[Iterable[Any]] = []
    for name in names:
        # What is the same in all rows (a condition, say) is in the statement.
        column = [row[name] for row in rows] if name in rows[0] else [compiled.params[name]]
        column = _as_the_driver_takes(column, compiled.binds[name].type, connection.dialect)
        columns.append(column if name in rows[0] else repeat(column[0]))
    values = zip(*columns, strict=False)
    if compiled.positional:
        connection.exec_driver_sql(compiled.string, list(values))
    else:
        connection.exec_driver_sql(compiled.string, [dict(zip(names, row, strict=True)) for row in values])


def _as_the_driver_takes(column: list[Any], type_: TypeEngine[Any], dialect: Dialect) -> list[Any]:
    write = type_.dialect_impl(dialect).bind_processor(dialect)
    return column if write is None else [write(value) for value in column]
