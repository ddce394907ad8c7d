"""Notes: what changed of a resource that nobody is billed for, at the time that events told it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, Self


class What(StrEnum):
    """What a note is of; its value: a text or None, the ids of servers, what an image says of itself, a server's metadata."""

    NAME = "name"
    ATTACHED_TO = "attached_to"
    IMAGE_META = "image_meta"
    METADATA = "metadata"


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Note:
    """From ``at`` on, this was so; ``text`` is JSON, so that notes compare and sort.

    >>> from datetime import UTC
    >>> Note.of(datetime(2026, 1, 1, tzinfo=UTC), What.ATTACHED_TO, ["i1"]).value
    ['i1']
    """

    at: datetime
    what: What
    text: str

    @classmethod
    def of(cls, at: datetime, what: What, value: Any) -> Self:
        return cls(at, what, json.dumps(value, sort_keys=True))

    @property
    def value(self) -> Any:
        return json.loads(self.text)


def united(one: Iterable[Note], other: Iterable[Note]) -> tuple[Note, ...]:
    """The notes of both, each once, oldest first: the same in any order."""
    return tuple(sorted({*one, *other}))
