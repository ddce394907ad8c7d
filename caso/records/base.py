"""What every record is: a frozen, typed fact for recipients, with a natural key."""

from __future__ import annotations

import dataclasses
import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any, ClassVar, NamedTuple, Self, get_args, get_type_hints

from caso.window import Month


class Status(StrEnum):
    """The state of a server as recipients know it (APEL cloud record, field Status)."""

    STARTED = "started"
    COMPLETED = "completed"
    ERROR = "error"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    STOPPED = "stopped"
    UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Record(ABC):
    """One usage record.

    ``measured_at`` is the time the values are true for, aware UTC, never the
    wall clock of the run; the recipient books the record in its month.
    ``known_at`` is the time of the newest evidence behind it; it orders
    knowledge, so it is no part of the content and of equality.
    """

    kind: ClassVar[str]
    """The name operators use in ``record_types``: cloud, accelerator, ip, storage, energy, or a third party's own."""

    measured_at: datetime
    known_at: datetime = dataclasses.field(compare=False)

    @property
    @abstractmethod
    def key(self) -> str:
        """The natural key, unique over all kinds, never finer than the recipient's own key."""

    @property
    def month(self) -> Month:
        """The month the recipient books the record in. The one place that decides it."""
        return Month.of(self.measured_at)

    @abstractmethod
    def neutral(self, before: Self | None) -> Self:
        """What to send when better knowledge makes this record vanish: recipients cannot delete.

        ``before`` is the newest record of the same thing in an earlier month, or None.
        """

    def content(self) -> dict[str, Any]:
        """The record as JSON values: times as ISO 8601 UTC text; everything but ``known_at``."""
        shape = _shape(type(self))
        values = dict(zip(shape.names, shape.values(self), strict=True))
        for name in shape.times:
            if values[name] is not None:
                values[name] = utc_text(values[name])
        return values

    @classmethod
    def from_content(cls, content: Mapping[str, Any], known_at: datetime) -> Self:
        """The record that :meth:`content` came from; unknown members are dropped, missing ones take their default."""
        shape = _shape(cls)
        values = dict(content)
        if values.keys() != shape.known:
            values = {name: content[name] for name in shape.names if name in content}
        for name, read in shape.readers.items():
            if values.get(name) is not None:
                values[name] = read(values[name])
        return cls(**values, known_at=known_at)


class _Shape(NamedTuple):
    """What is asked of a class once, and not of each record.

    The names of its content, sorted and as a set, and their values; which are times, and how those are read that are no JSON.
    """

    names: Sequence[str]
    known: frozenset[str]
    values: Callable[[Any], Sequence[Any]]
    times: Sequence[str]
    readers: Mapping[str, Callable[[Any], Any]]


READERS: Mapping[type, Callable[[Any], Any]] = {datetime: datetime.fromisoformat, date: date.fromisoformat, Status: Status}


@functools.cache
def _shape(cls: type[Record]) -> _Shape:
    hints = get_type_hints(cls)
    names = sorted(field.name for field in dataclasses.fields(cls) if field.name != "known_at")
    options = {name: (hints[name], *get_args(hints[name])) for name in names}
    readers = {name: read for name in names for type_, read in READERS.items() if type_ in options[name]}
    times = [name for name in names if datetime in options[name]]
    values = attrgetter(*names) if len(names) > 1 else lambda record: (record.measured_at,)
    return _Shape(names, frozenset(names), values, times, readers)


def utc_text(instant: datetime) -> str:
    """ISO 8601, UTC.

    >>> utc_text(datetime(2024, 2, 1, tzinfo=UTC))
    '2024-02-01T00:00:00+00:00'
    """
    return (instant if instant.tzinfo is UTC else instant.astimezone(UTC)).isoformat()
