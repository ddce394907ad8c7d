"""Stretches of UTC time, and the months that recipients book by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, Self

from caso.errors import ConfigError

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
RESOLUTION = timedelta(microseconds=1)


def parse_instant(text: str, what: str) -> datetime:
    """The aware UTC time that a person or a file means; a text without a zone is UTC.

    ``what`` names the value in the ConfigError of a text that is no date.

    >>> parse_instant("2024-02-01T02:00:00+02:00", "--extract_from").isoformat()
    '2024-02-01T00:00:00+00:00'
    """
    from dateutil import parser  # only who was given a date has to read one

    # A date that leaves out its parts would be filled up from today.
    midnight = datetime.now(UTC).replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)
    try:
        parsed = parser.parse(text, default=midnight)
        # 01/10 is January to some and October to others; of a date that begins with the year nobody doubts the order.
        other = parsed if re.match(r"\s*\d{4}", text) else parser.parse(text, default=midnight, dayfirst=True)
    except (parser.ParserError, OverflowError) as exc:
        raise ConfigError(f"{what}: cannot understand {text!r} as a date ({exc}); write it like 2024-02-01T00:00:00") from exc
    if other != parsed:
        raise ConfigError(f"{what}: {text!r} may be {parsed:%F} or {other:%F}; write it like {parsed:%FT%T}")
    return as_utc(parsed)


def as_utc(instant: datetime) -> datetime:
    """The same instant in UTC; one without a zone is taken as UTC, never as the host's zone."""
    if instant.tzinfo is UTC:
        return instant
    # As replace(tzinfo=UTC), in a third of its time: every row has times.
    return datetime.combine(instant.date(), instant.time(), UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def require_aware(instant: datetime, what: str) -> None:
    if instant.tzinfo is None:
        raise ConfigError(f"{what}: {instant} carries no time zone")


class Month(NamedTuple):
    """A calendar month in UTC.

    >>> str(Month.of(datetime(2024, 2, 1, tzinfo=UTC)))
    '2024-02'
    """

    year: int
    month: int

    @classmethod
    def of(cls, instant: datetime) -> Self:
        """The month that ``instant`` lies in; the 1st, 00:00:00, is in the new month."""
        if instant.tzinfo is not UTC:
            require_aware(instant, "month")
            instant = instant.astimezone(UTC)
        return cls(instant.year, instant.month)

    @classmethod
    def parse(cls, text: str, what: str | None = None) -> Self:
        """The month that a person means; ConfigError, which names it ``what``, for a text that is none.

        >>> Month.parse("2026-10")
        Month(year=2026, month=10)
        """
        # There is no year 0, and no datetime beyond the year 9999 to tell the end of its last month.
        if not re.fullmatch("[0-9]{4}-(0[1-9]|1[0-2])", text) or text[:4] in ("0000", "9999"):
            raise ConfigError(f"{f'{what}: ' if what else ''}{text!r} is no month; write it like 2026-10")
        return cls(int(text[:4]), int(text[5:]))

    @property
    def start(self) -> datetime:
        return _start(self.year, self.month)

    @property
    def end(self) -> datetime:
        """The first instant of the next month."""
        return self.next().start

    @property
    def last_second(self) -> datetime:
        return self.end - SECOND

    def next(self) -> Month:
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    def __str__(self) -> str:
        return _text(self.year, self.month)


# Each record has a month, and most have the same.
@lru_cache
def _start(year: int, month: int) -> datetime:
    return datetime(year, month, 1, tzinfo=UTC)


@lru_cache
def _text(year: int, month: int) -> str:
    return f"{year:04}-{month:02}"


class Window(NamedTuple):
    """A half-open stretch of UTC time: ``start`` is inside, ``end`` is not.

    Both ends carry a time zone; :meth:`of` refuses a naive datetime.

    >>> Window.parse("2024-02-01", "2024-03-01").seconds
    2505600
    """

    start: datetime
    end: datetime

    @classmethod
    def of(cls, start: datetime, end: datetime) -> Self:
        """The window between two aware times; ConfigError where the end lies before the start."""
        require_aware(start, "start")
        require_aware(end, "end")
        if end < start:
            raise ConfigError(f"the window ends ({end:%FT%TZ}) before it starts ({start:%FT%TZ}); swap the dates")
        return cls(start.astimezone(UTC), end.astimezone(UTC))

    @classmethod
    def parse(cls, start: str, end: str) -> Self:
        return cls.of(parse_instant(start, "start"), parse_instant(end, "end"))

    @property
    def seconds(self) -> int:
        """Whole seconds, rounded down, never negative."""
        return max(0, int((self.end - self.start).total_seconds()))

    def months(self) -> Iterator[Month]:
        """Every month that the window touches, oldest first.

        >>> [str(month) for month in Window.parse("2024-01-31", "2024-02-01").months()]
        ['2024-01']
        """
        month = Month.of(self.start)
        while month.start < self.end:
            yield month
            month = month.next()

    def __str__(self) -> str:
        return f"{self.start:%FT%TZ} to {self.end:%FT%TZ}"
