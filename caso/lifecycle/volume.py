"""The life of a volume: what was seen of it, folded into intervals."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import ClassVar

from caso.lifecycle.life import Life, claim
from caso.lifecycle.timeline import Evidence


@dataclasses.dataclass(frozen=True, slots=True)
class VolumeState:
    """All of a volume that is billed; a change of it closes an interval and opens the next.

    ``type`` is the name of its volume type, None where it has none.
    """

    size_gib: int
    type: str | None
    project_id: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VolumeSeen:
    """What a poll saw of one volume at ``seen_at``; whatever its status, it holds its space as long as it is listed.

    ``unchanged_since`` is the time since when the row has not changed, never after ``seen_at``.
    ``ended`` is None for a volume that exists; Cinder shows no others. ``status`` is Cinder's own word,
    ``server_ids`` are the servers that it is attached to: several for one that is attached twice.
    """

    kind: ClassVar[str] = "volume"
    """What an extractor that tells of them says in ``observes``."""

    uuid: str
    seen_at: datetime
    created: datetime
    unchanged_since: datetime
    state: VolumeState
    ended: datetime | None = None
    name: str | None = None
    status: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    server_ids: tuple[str, ...] = ()

    @property
    def project_id(self) -> str:
        return self.state.project_id


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Volume(Life[VolumeState]):
    """All that is known of a volume."""

    uuid: str
    created: datetime
    ended: datetime | None
    end_reason: str | None
    first_seen: datetime
    known_at: datetime
    evidence: tuple[Evidence[VolumeState], ...]
    name: str | None = None
    status: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    server_ids: tuple[str, ...] = ()


def observe(known: Volume | None, seen: VolumeSeen) -> Volume:
    """The volume as it is known once ``seen`` is taken in; the same in any order, and for any repetition."""
    fresh = _from(seen)
    return fresh if known is None else known.told_by(fresh)


def _from(seen: VolumeSeen) -> Volume:
    return Volume(
        uuid=seen.uuid,
        created=seen.created,
        ended=seen.ended,
        end_reason=None,
        first_seen=seen.seen_at,
        known_at=seen.seen_at,
        evidence=(claim(seen),),
        name=seen.name,
        status=seen.status,
        user_id=seen.user_id,
        user_name=seen.user_name,
        server_ids=seen.server_ids,
    )
