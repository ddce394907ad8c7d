"""Column types that mean the same on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, String, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from caso.store.damage import damaged
from caso.window import as_utc, require_aware

EXACT = "utf8mb4_nopad_bin"


class Utc(TypeDecorator[datetime]):
    """An aware UTC time, to the microsecond, as text of one width: it sorts as time does.

    The databases' own types do not agree: SQLite has none, MariaDB drops zone and microseconds.
    """

    impl = String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(name(27))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else _text(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        try:
            return None if value is None else datetime.fromisoformat(value)
        except (TypeError, ValueError) as exc:
            raise damaged("a time", exc) from exc


@lru_cache(maxsize=1024)
def _text(instant: datetime) -> str:
    # The rows of one statement have many times in common.
    if instant.tzinfo is not UTC:
        require_aware(instant, "store")
        instant = as_utc(instant)
    return instant.isoformat(timespec="microseconds").replace("+00:00", "Z")


class Told(TypeDecorator[str]):
    """A text of any length that is for people, and that others wrote: what no database keeps in it becomes a question mark."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(_of_any_length(dialect))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else value.replace("\0", "?").encode(errors="replace").decode()


def name(length: int) -> TypeEngine[str]:
    """Text that is compared to the letter, and sorts by its bytes.

    MariaDB's usual collation takes "a" for "A", and its plain binary one "a" for "a ". PostgreSQL's
    sort by the words of a language, differently after an upgrade of the system, which breaks indexes.
    """
    text = String(length).with_variant(String(length, collation=EXACT), "mysql", "mariadb")
    return text.with_variant(String(length, collation="C"), "postgresql")


class Body(TypeDecorator[str]):
    """Text of any length: MariaDB's TEXT ends at 64 KiB."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return _of_any_length(dialect)


def _of_any_length(dialect: Dialect) -> TypeEngine[str]:
    if dialect.name not in ("mysql", "mariadb"):
        return Text()
    from sqlalchemy.dialects.mysql import LONGTEXT  # with all of its drivers, which no other database needs

    return LONGTEXT(collation=EXACT)


def body() -> TypeEngine[str]:
    """Text of any length, as any table may have it."""
    return Body()
