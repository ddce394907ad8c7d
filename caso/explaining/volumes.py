"""The arithmetic of a volume, month by month, beside what the ledger holds of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

from caso.accounting.volumes import Stretch, numbered
from caso.explaining.held import Background, how_far, why_nothing, why_otherwise
from caso.explaining.servers import life_points
from caso.lifecycle.volume import Volume
from caso.records import StorageRecord
from caso.store import Known
from caso.window import Month


@dataclasses.dataclass(frozen=True)
class VolumePart:
    """A stretch of a month with one size, type and owner; ``sent`` is the record held of it, if there is one."""

    stretch: Stretch
    record_id: str | None
    sent: StorageRecord | None


@dataclasses.dataclass(frozen=True)
class VolumeMonth:
    """One month of a volume, counted ``through`` that time."""

    month: Month
    through: datetime
    completed: bool
    parts: tuple[VolumePart, ...]
    notes: tuple[str, ...]

    @property
    def byte_seconds(self) -> float:
        return sum(part.stretch.byte_seconds for part in self.parts)


def months_of_volume(known: Known, background: Background) -> Iterator[VolumeMonth]:
    """Every month of the volume's life, oldest first."""
    volume: Volume = known.entity
    held = background.records(StorageRecord)
    owners = {interval.value.project_id for interval in volume.intervals()}
    rows = numbered(volume, life_points(known), held.values(), owners)
    for point, of_month in groupby(rows, key=lambda row: row[0]):
        parts = tuple(_part(volume, stretch, sequence, held) for _, stretch, sequence in of_month)
        yield VolumeMonth(point.month, point.through, point.completed, parts, _notes(known, background, point.through, parts))


def _part(volume: Volume, stretch: Stretch, sequence: int, held: dict[str, StorageRecord]) -> VolumePart:
    record_id = StorageRecord.record_id_of(volume.uuid, Month.of(stretch.start), sequence)
    sent = next((record for record in held.values() if record.record_id == record_id), None)
    return VolumePart(stretch, record_id if sent else None, sent)


def _notes(known: Known, background: Background, through: datetime, parts: tuple[VolumePart, ...]) -> tuple[str, ...]:
    notes = []
    for part in parts:
        stretch, sent = part.stretch, part.sent
        if sent is None:
            notes.append(why_nothing(known, background, stretch.start, stretch.end, stretch.state.project_id))
        elif (sent.start, sent.measured_at, sent.size_bytes) != (stretch.start, stretch.measured_at, stretch.size_bytes):
            told = f"{sent.size_bytes} bytes from {sent.start:%F %T} to {sent.measured_at:%F %T}"
            notes.append(f"record {part.record_id} says {told}: {why_otherwise(known, sent)}")
    if known.accounted_until is not None and through == min(known.accounted_until, known.entity.ended or through):
        notes += how_far(known, through)
    return tuple(dict.fromkeys(notes))
