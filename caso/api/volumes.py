"""What people write of volumes: each function is a volume as it was known, and what it is then."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from caso.api import bodies
from caso.api.desk import Desk, Pen
from caso.api.errors import NotFoundError, RefusedError
from caso.api.rows import VOLUME, Row
from caso.api.servers import require_lived, require_order, row_at
from caso.lifecycle.notes import What
from caso.lifecycle.volume import Volume, VolumeState, as_written
from caso.lifecycle.written import Field, Written


@dataclasses.dataclass(frozen=True, slots=True)
class NewVolume:
    """A volume as it is posted; ``size_sent`` may be text. ``type`` is the name of its type."""

    uuid: str
    project_id: str
    created: datetime
    name: str | None
    size_sent: Any
    type: str | None
    attached_to: list[str]

    @property
    def size_gib(self) -> int:
        return bodies.gib(self.size_sent)


def create(desk: Desk, known: Volume | None, new: NewVolume, pen: Pen) -> Volume:
    """The volume; of one that is known what it says otherwise is written, so that it may be posted twice."""
    name = pen.entry(new.created, Field.NAME, new.name)
    attached = pen.entry(new.created, Field.ATTACHED_TO, new.attached_to)
    if known is None:
        state = VolumeState(new.size_gib, new.type, new.project_id)
        # How the size was written, which holds for no time: what it is, the services tell.
        sent = pen.entry(new.created, Field.SIZE, new.size_gib, until=new.created, sent=new.size_sent)
        said = [name, attached, *([sent] if new.size_sent != new.size_gib else [])]
        return as_written(new.uuid, state, new.created, pen.now, said, name=new.name, server_ids=tuple(new.attached_to))
    if known.project_id != new.project_id:
        raise RefusedError(f"VolumeId: {new.uuid} is known in another project")
    if known.ended is not None and new.created > known.ended:
        raise RefusedError(f"VolumeId: {new.uuid} has ended, and no other has its id")
    active = desk.active(VOLUME, known)
    if active is None or active.last_event > new.created:
        return known
    return known.with_written(_otherwise(desk, known, active, new, pen, name, attached))


def _otherwise(
    desk: Desk, known: Volume, active: Row, new: NewVolume, pen: Pen, name: Written, attached: Written
) -> list[Written]:
    said: list[Written] = []
    if len(desk.rows(VOLUME, known)) == 1 and known.created != new.created:
        said.append(pen.entry(new.created, Field.CREATED, new.created.isoformat()))
    if active.name != new.name:
        said.append(name)
    if active.facts[What.ATTACHED_TO] != new.attached_to:
        said.append(attached)
    if bodies.gib(active.facts["size"]) != new.size_gib:
        said.append(_size(new.created, new.size_sent, pen))
    if active.facts["volume_type"] != new.type:
        said.append(pen.entry(new.created, Field.TYPE, new.type))
    return said


def _size(at: datetime, sent: Any, pen: Pen) -> Written:
    size_gib = bodies.gib(sent)
    return pen.entry(at, Field.SIZE, size_gib, sent=None if sent == size_gib else sent)


def resize(desk: Desk, known: Volume | None, uuid: str, at: datetime, sent: Any, pen: Pen) -> Volume:
    volume, rows = _going_on(desk, known, uuid)
    require_lived(volume.created, at)
    if bodies.gib(row_at(rows, at).facts["size"]) == bodies.gib(sent):
        return volume
    return volume.with_written([_size(at, sent, pen)])


def attach(desk: Desk, known: Volume | None, uuid: str, at: datetime, attached_to: list[str], pen: Pen) -> Volume:
    """``attached_to`` are all servers that have it then: a detachment is the same."""
    volume, _ = _going_on(desk, known, uuid)
    require_lived(volume.created, at)
    return volume.with_written([pen.entry(at, Field.ATTACHED_TO, attached_to)])


def delete(desk: Desk, known: Volume | None, uuid: str, at: datetime, pen: Pen) -> Volume:
    volume, rows = _going_on(desk, known, uuid)
    require_order(rows[-1].start, at)
    return volume.with_written([pen.entry(at, Field.ENDED, at.isoformat())])


def _going_on(desk: Desk, known: Volume | None, uuid: str) -> tuple[Volume, list[Row]]:
    rows = desk.rows(VOLUME, known) if known else []
    if known is None or not any(row.end is None for row in rows):
        raise NotFoundError(f"Entity {uuid} not found")
    return known, rows
