"""Lives to the documents of /v2: intervals, clipped to a period, each with what it was called and attached to."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from caso.api.v2.documents import Accelerators, FlavorDocument, ServerInterval, VolumeInterval
from caso.lifecycle.life import EventfulLife
from caso.lifecycle.notes import What
from caso.lifecycle.server import Flavor, Server
from caso.lifecycle.timeline import Interval
from caso.lifecycle.volume import Volume
from caso.store import Lived


@dataclasses.dataclass(frozen=True, slots=True)
class Period:
    """From ``start``, inside, to ``end``, outside; ``end`` None: there is none. ``now`` is when it is asked for."""

    start: datetime
    end: datetime | None
    now: datetime

    def holds(self, interval: Interval[Any]) -> bool:
        """Whether any of the interval lies in the period; one that lasted no time lies where it began."""
        begins_in_time = self.end is None or interval.start < self.end
        return begins_in_time and (interval.end is None or interval.end > self.start or interval.start >= self.start)

    def clipped(self, interval: Interval[Any]) -> Interval[Any]:
        """What of the interval lies in the period; one that goes on is not known to do so beyond now."""
        over = self.end if self.end is not None and (interval.end is not None or self.end <= self.now) else None
        ends = [end for end in (interval.end, over) if end is not None]
        return dataclasses.replace(interval, start=max(interval.start, self.start), end=min(ends, default=None))


def intervals_of(
    lived: Lived, project_id: str | None, period: Period, *, clip: bool
) -> Iterator[ServerInterval | VolumeInterval]:
    """The intervals in the period, of those that the project owned; None: of all of them."""
    for interval in lived.entity.intervals():
        if project_id in (None, interval.value.project_id) and period.holds(interval):
            yield document(lived, interval, period.clipped(interval) if clip else interval)


def document(lived: Lived, interval: Interval[Any], shown: Interval[Any]) -> ServerInterval | VolumeInterval:
    """``interval`` as it is shown, from and to when ``shown`` says."""
    entity = lived.entity
    common = {
        "id": entity.uuid,
        "name": name_at(entity, interval.end),
        "region": lived.place.region,
        "project_id": interval.value.project_id,
        "start": shown.start,
        "end": shown.end,
        "source": interval.source,
    }
    if isinstance(entity, Server):
        state = interval.value
        return ServerInterval(**common, status=state.status, flavor=_flavor(state.flavor))
    return VolumeInterval(
        **common,
        size_gib=interval.value.size_gib,
        type=interval.value.type,
        attached_to=attached_at(entity, interval.end),
    )


def name_at(entity: Server | Volume, end: datetime | None) -> str | None:
    """What it was called just before ``end``, or is now."""
    told = _told(entity, What.NAME)
    name: str | None = _newest(told, end, otherwise=told[0].value if told else entity.name)
    return name


def attached_at(volume: Volume, end: datetime | None) -> list[str]:
    """The servers that it was attached to just before ``end``, or is now; where only polls told, those that they told last."""
    told = _told(volume, What.ATTACHED_TO)
    return sorted(_newest(told, end, otherwise=() if told else volume.server_ids))


class _Told(NamedTuple):
    """What was so from a time on; of two of the same time what is written counts more, and of that what was written last."""

    at: datetime
    rank: tuple[object, ...]
    value: Any


def _told(entity: EventfulLife[Any], what: What) -> list[_Told]:
    """What events told and people wrote of something that nobody is billed for, oldest first."""
    noted = [_Told(note.at, (False, note.text), note.value) for note in entity.notes if note.what is what]
    written = [_Told(entry.at, (True, *entry.order), entry.value) for entry in entity.written if entry.field.value == what.value]
    return sorted([*noted, *written], key=lambda one: (one.at, *one.rank))


def _newest(told: Sequence[_Told], end: datetime | None, *, otherwise: Any) -> Any:
    return next((one.value for one in reversed(told) if end is None or one.at < end), otherwise)


def _flavor(flavor: Flavor) -> FlavorDocument:
    return FlavorDocument(
        name=flavor.name,
        vcpus=flavor.vcpus,
        memory_mib=flavor.memory_mib,
        disk_gib=flavor.disk_gib,
        accelerators=[Accelerators(type=one.type, model=one.model, count=one.count) for one in flavor.accelerators],
    )
