"""A volume's life to storage records: one for each stretch of a month with nothing billed changing."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from caso.accounting.rules import Point, Rules, points
from caso.lifecycle.volume import Volume, VolumeState
from caso.records import StorageRecord
from caso.window import Month

GIB = 2**30


class Stretch(NamedTuple):
    """Part of an interval in one month; it lasts from ``start`` to ``end``, and is booked at ``measured_at``."""

    start: datetime
    end: datetime
    measured_at: datetime
    state: VolumeState

    @property
    def size_bytes(self) -> int:
        return self.state.size_gib * GIB

    @property
    def seconds(self) -> float:
        return (self.end - self.start).total_seconds()

    @property
    def byte_seconds(self) -> float:
        return self.size_bytes * self.seconds


def storage_records(
    volume: Volume, since: datetime, until: datetime, vo_of: Mapping[str, str], rules: Rules, held: Iterable[StorageRecord]
) -> list[StorageRecord]:
    """The stretches of every month that [since, until) touches, oldest first; months are told whole, from their start.

    ``held`` are the records of the volume that the ledger holds of these months: a stretch keeps the sequence number
    that it was published under. A stretch under a project without a VO in ``vo_of`` gives none.
    """
    asked = points(volume.created, volume.ended, since, until)
    records = []
    for _, stretch, sequence in numbered(volume, asked, held, vo_of):
        records.append(_record(volume, stretch, sequence, vo_of[stretch.state.project_id], rules))
    return records


def numbered(
    volume: Volume, asked: Iterable[Point], held: Iterable[StorageRecord], owners: Container[str]
) -> Iterator[tuple[Point, Stretch, int]]:
    """The stretches of each point's month under the projects ``owners``, with their sequence numbers: published, or new."""
    numbers = _Numbers(held)
    for point in asked:
        for stretch in stretches(volume, point):
            if stretch.state.project_id in owners:
                yield point, stretch, numbers.of(stretch, point.month)


def stretches(volume: Volume, point: Point) -> Iterator[Stretch]:
    """The stretches of the point's month up to it; what lasted no time is none."""
    for interval in volume.intervals():
        start = max(interval.start, point.month.start)
        end = point.through if interval.end is None else min(interval.end, point.through)
        if start < end:
            # What begins within the last second of a month is measured there: not before it began, and not in the next.
            yield Stretch(start, end, max(start, min(end, point.month.last_second)), interval.value)


class _Numbers:
    """Sequence numbers: those that were published stay, new ones follow."""

    def __init__(self, held: Iterable[StorageRecord]) -> None:
        self._held: dict[Month, list[StorageRecord]] = {}
        for record in held:
            self._held.setdefault(record.month, []).append(record)
        self._last = {month: max(record.sequence for record in records) for month, records in self._held.items()}

    def of(self, stretch: Stretch, month: Month) -> int:
        known = next((record for record in self._candidates(month) if _is_of(record, stretch)), None)
        if known is not None:
            self._held[month].remove(known)
            return known.sequence
        self._last[month] = self._last.get(month, 0) + 1
        return self._last[month]

    def _candidates(self, month: Month) -> Sequence[StorageRecord]:
        return sorted(self._held.get(month, ()), key=lambda record: record.sequence)


def _is_of(record: StorageRecord, stretch: Stretch) -> bool:
    """Whether the record was published about this stretch: the same thing, and at least for a while at the same time."""
    same = (record.size_bytes, record.project_id, record.volume_type) == (
        stretch.size_bytes,
        stretch.state.project_id,
        stretch.state.type,
    )
    return same and record.start <= stretch.measured_at and stretch.start <= record.measured_at


def _record(volume: Volume, stretch: Stretch, sequence: int, vo: str, rules: Rules) -> StorageRecord:
    return StorageRecord(
        measured_at=stretch.measured_at,
        known_at=volume.known_at,
        volume_id=volume.uuid,
        sequence=sequence,
        site_name=rules.site_name,
        service_name=rules.service_name,
        user_id=volume.user_id,
        user_name=volume.user_name,
        project_id=stretch.state.project_id,
        vo=vo,
        volume_type=stretch.state.type,
        start=stretch.start,
        size_bytes=stretch.size_bytes,
    )
