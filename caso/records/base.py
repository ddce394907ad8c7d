"""What every record is: a frozen, typed fact for recipients, with a natural key."""

from __future__ import annotations

import dataclasses
import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, Self, get_args, get_type_hints

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
        return {field.name: _to_json(getattr(self, field.name)) for field in dataclasses.fields(self) if field.name != "known_at"}

    @classmethod
    def from_content(cls, content: Mapping[str, Any], known_at: datetime) -> Self:
        """The record that :meth:`content` came from; unknown members are dropped, missing ones take their default."""
        types = _types(cls)
        known = {field.name for field in dataclasses.fields(cls)} & content.keys()
        return cls(**{name: _from_json(content[name], types[name]) for name in known}, known_at=known_at)


@functools.cache
def _types(cls: type[Record]) -> dict[str, Any]:
    return get_type_hints(cls)


def _to_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value


def _from_json(value: Any, hint: Any) -> Any:
    if value is None:
        return None
    options = (hint, *get_args(hint))
    if datetime in options:
        return datetime.fromisoformat(value)
    if Status in options:
        return Status(value)
    return value
