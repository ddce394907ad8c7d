"""CPU time and network traffic of instances, by days: one question for many of them, and never one for each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from caso.extractors.metered_days import Day, Stretch, added, counted, stretches
from caso.extractors.metering import Meters
from caso.lifecycle.measured import CPU, NETWORK_INBOUND, NETWORK_OUTBOUND, Measured
from caso.sources.gnocchi import Gnocchi
from caso.window import Window

INSTANCE, INTERFACE = "instance", "instance_network_interface"
MEASURES_AT_ONCE = 5000


class Meter(NamedTuple):
    """A counter in Gnocchi: ``per_unit`` of it are one of what caso keeps."""

    name: str
    metric: str
    resource_type: str
    per_unit: float


METERS = (
    Meter(CPU, "cpu", INSTANCE, 1e9),
    Meter(NETWORK_INBOUND, "network.incoming.bytes", INTERFACE, 1.0),
    Meter(NETWORK_OUTBOUND, "network.outgoing.bytes", INTERFACE, 1.0),
)


class Instance(NamedTuple):
    """An instance whose use is asked for: ``window`` begins at a midnight. ``created`` is None where nobody tells it."""

    uuid: str
    project_id: str
    window: Window
    started: datetime
    created: datetime | None
    ended: datetime | None
    seen_at: datetime
    metrics: Mapping[str, str]

    def lived_in(self, stretch: Stretch) -> bool:
        told = stretch.told
        return self.window.start < told.end and self.started < told.end and (self.ended is None or self.ended > told.start)


class Counted(NamedTuple):
    """A resource that counts what an instance uses: the instance itself, or an interface of it."""

    resource_id: str
    instance: Instance
    metrics: Mapping[str, str]


def use(
    instances: Collection[Instance], interfaces: Callable[[], Iterable[Counted]], gnocchi: Gnocchi, meters: Meters
) -> Iterator[list[Measured]]:
    """What they used, day by day, each day whole; so many at once as a page may have."""
    counting = {INSTANCE: [Counted(one.uuid, one, one.metrics) for one in instances], INTERFACE: list(interfaces())}
    for end in sorted({one.window.end for one in instances}):
        start = min(one.window.start for one in instances if one.window.end == end)
        for stretch in stretches(Window(start, end)):
            for meter in METERS:
                asked = [one for one in counting[meter.resource_type] if one.instance.window.end == end]
                told = list(_told(meter, stretch, asked, gnocchi, meters))
                yield from (told[at : at + MEASURES_AT_ONCE] for at in range(0, len(told), MEASURES_AT_ONCE))


def _told(meter: Meter, stretch: Stretch, counting: Sequence[Counted], gnocchi: Gnocchi, meters: Meters) -> Iterator[Measured]:
    asked = {one.resource_id: one for one in counting if meter.metric in one.metrics and one.instance.lived_in(stretch)}
    if not asked:
        return
    metrics = {resource_id: one.metrics[meter.metric] for resource_id, one in asked.items()}
    now = max(one.instance.seen_at for one in asked.values())
    found: dict[tuple[str, datetime], Day] = {}
    for told in meters.readings(gnocchi, meter.metric, meter.resource_type, metrics, stretch.asked, now):
        instance = asked[told.resource_id].instance
        for day in counted(told.points, told.aggregation, _zero(instance, stretch), stretch.told):
            key = instance.uuid, day.slot.start
            found[key] = added(found[key], day) if key in found else day
    instances = {one.instance.uuid: one.instance for one in asked.values()}
    for (uuid, _), day in found.items():
        yield _measured(meter, instances[uuid], day)


def _zero(instance: Instance, stretch: Stretch) -> datetime | None:
    """When its counters stood at 0, if that was near: with Gnocchi's own word only for when it first read them, unknown."""
    near = instance.created is not None and stretch.asked.start <= instance.created < stretch.asked.end
    return instance.created if near else None


def _measured(meter: Meter, instance: Instance, day: Day) -> Measured:
    return Measured(
        meter=meter.name,
        uuid=instance.uuid,
        project_id=instance.project_id,
        start=day.since,
        end=day.slot.end,
        amount=day.told.amount / meter.per_unit,
        covered_seconds=day.told.covered_seconds,
        seen_at=instance.seen_at,
    )
