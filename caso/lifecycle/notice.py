"""What became of one message that was taken from a queue, and what messages tell besides lives."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from enum import StrEnum


class Fate(StrEnum):
    """FOLDED: known now, or of no use. WAITING: for what it needs to be understood. DEAD: a person has to look at it."""

    FOLDED = "folded"
    WAITING = "waiting"
    DEAD = "dead"


@dataclasses.dataclass(frozen=True, slots=True)
class Notice:
    """One message: ``id`` is its sender's own, the same however often it is delivered.

    ``reason`` is a sentence for the operator; ``message`` what is to be read of it again, as JSON without what is secret.
    Both are None of what was folded.
    """

    id: str
    event_type: str
    at: datetime | None
    fate: Fate = Fate.FOLDED
    reason: str | None = None
    message: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class VolumeType:
    """A volume type as it was called at ``known_at``; ``deleted``: there are no new volumes of it."""

    id: str
    name: str
    known_at: datetime
    deleted: bool = False
