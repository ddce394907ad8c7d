"""The life of a volume: what was seen of it, folded into intervals."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, ClassVar

from caso.lifecycle.life import EventfulLife, claim
from caso.lifecycle.notes import Note
from caso.lifecycle.timeline import TOLD_BY_EVENTS, Evidence, Source
from caso.lifecycle.written import Field, Written


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

    Or what an event told of it, which happened then: ``source`` says which.
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
    source: Source = Source.POLL
    notes: tuple[Note, ...] = ()
    """What an event told that nobody is billed for."""

    @property
    def project_id(self) -> str:
        return self.state.project_id


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Volume(EventfulLife[VolumeState]):
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
    gone: datetime | None = None
    notes: tuple[Note, ...] = ()
    written: tuple[Written, ...] = ()

    @property
    def of_the_moment(self) -> tuple[object, ...]:
        return self.created, self.name, self.status, self.user_id, self.server_ids

    @property
    def readers(self) -> Mapping[Field, Callable[[Any], Any]]:
        return {Field.SIZE: int, Field.TYPE: lambda name: name}


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
        gone=seen.ended if seen.source in TOLD_BY_EVENTS else None,
        notes=seen.notes,
    )


def as_written(
    uuid: str,
    state: VolumeState,
    created: datetime,
    written_at: datetime,
    written: Iterable[Written],
    *,
    name: str | None = None,
    server_ids: tuple[str, ...] = (),
) -> Volume:
    """A volume that nobody told of yet but who writes of it: it is there since ``created``, until somebody tells otherwise."""
    volume = Volume(
        uuid=uuid,
        created=created,
        ended=None,
        end_reason=None,
        first_seen=written_at,
        known_at=written_at,
        evidence=(Evidence(state, created, created, written_at, Source.WRITTEN),),
        name=name,
        server_ids=server_ids,
    )
    return volume.with_written(written)
