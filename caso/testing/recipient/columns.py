"""What APEL's record classes and the columns of its database make of a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

Row = dict[str, Any]
Key = tuple[Any, ...]
Read = Callable[[Any], Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RefusedError(Exception):
    """The server rejects the message whole, or ssmsend cannot even send it."""


def is_null(value: Any) -> bool:
    return str(value).lower() in ("", "none", "null")


def text(limit: int = 255) -> Read:
    """A VARCHAR: longer is an error in the strict mode of MySQL and MariaDB."""

    def read(value: Any) -> str:
        if len(str(value)) > limit:
            raise RefusedError(f"more than {limit} characters: {value!r}")
        # Half of a surrogate pair cannot be sent to the database.
        return str(value).encode().decode()

    return read


def integer(bits: int = 64) -> Read:
    def read(value: Any) -> int:
        return int(_inside(int(value), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1))

    return read


def decimal(least: float = -9999999.999) -> Read:
    def read(value: Any) -> float:
        return round(_inside(float(value), least, 9999999.999), 3)

    return read


def instant(value: Any) -> datetime:
    try:
        return EPOCH + timedelta(seconds=int(value))
    except ValueError:
        # The only other form that loads; an offset written as +00:00 does not.
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def row_of(members: Mapping[str, Any], columns: Mapping[str, Read], mandatory: Iterable[str]) -> Row:
    """The row of the database; what is null or missing in it is None (the server keeps texts as the word None)."""
    row: Row = dict.fromkeys(columns)
    for name, value in members.items():
        try:
            row[name] = None if is_null(value) else columns[name](value)
        except (ValueError, OverflowError) as exc:
            raise RefusedError(f"{name}: {exc}") from exc
    missing = sorted(name for name in mandatory if row[name] is None)
    if missing:
        raise RefusedError(f"null or missing: {', '.join(missing)}")
    return row


def _inside(value: float, least: float, most: float) -> float:
    if not least <= value <= most:
        raise RefusedError(f"{value} is out of the column's range")
    return value
