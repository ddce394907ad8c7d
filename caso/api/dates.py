"""Dates as Almanach reads and writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any

from dateutil import parser

from caso.api.errors import BadDateError, InvalidError, RefusedError
from caso.window import BEGINNING

QUERY = "%Y-%m-%d %H:%M:%S.%f"
ENTITY = "%Y-%m-%dT%H:%M:%S.%fZ"
"""Of start_date and end_date when an entity is edited."""


def of_query(text: str) -> datetime:
    """The time that a query names, in UTC; InvalidError where it is not written to the letter, the fraction of a second included.

    >>> of_query("2016-01-01 00:00:00.0").isoformat()
    '2016-01-01T00:00:00+00:00'
    """
    try:
        return datetime.strptime(text, QUERY).replace(tzinfo=UTC)
    except ValueError as exc:
        raise InvalidError from exc


def of_body(value: Any) -> datetime:
    """The time that a body names, in UTC unless it says otherwise; BadDateError for what nobody can read as a date.

    >>> of_body("Jan 31, 2015 18:24+02:00").isoformat()
    '2015-01-31T16:24:00+00:00'
    """
    if not isinstance(value, str):
        raise BadDateError
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    try:
        read = parser.parse(value, default=today, tzinfos=_zone)
        instant = (read.replace(tzinfo=UTC) if read.tzinfo is None else read).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, ArithmeticError) as exc:
        raise BadDateError from exc
    return _possible(instant)


def of_entity(value: Any) -> datetime | None:
    """The time that start_date or end_date names; None where it is not written to the letter."""
    try:
        instant = datetime.strptime(value, ENTITY).replace(tzinfo=UTC)
    except (ValueError, TypeError):
        return None
    return _possible(instant)


def shown(instant: datetime | None) -> str | None:
    """
    >>> shown(datetime(2016, 1, 1, 18, 30, tzinfo=UTC))
    '2016-01-01 18:30:00+00:00'
    """
    return None if instant is None else str(instant.astimezone(UTC))


def _zone(name: str | None, offset_seconds: int | None) -> tzinfo | None:
    """What a date says of its zone; names of zones are those of the machine that reads them, and say nothing but UTC."""
    return None if offset_seconds is None else timezone(timedelta(seconds=offset_seconds))


def _possible(instant: datetime) -> datetime:
    if instant < BEGINNING:
        raise RefusedError(f"The provided date is before {BEGINNING.date()}, when nothing was in a cloud yet")
    return instant
