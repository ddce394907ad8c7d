"""A server's life to cloud and accelerator records: one function per kind, from everything known of the server."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from caso.accounting.addresses import of_server
from caso.accounting.measured import cpu_seconds, gib
from caso.accounting.rules import Point, Rules, opening_point, points
from caso.accounting.use import Term, Use, term
from caso.lifecycle.address import Address
from caso.lifecycle.measured import CPU, NETWORK_INBOUND, NETWORK_OUTBOUND, NOTHING, Metered
from caso.lifecycle.server import Accelerator, Server, ServerState
from caso.lifecycle.timeline import Interval
from caso.records import AcceleratorRecord, CloudRecord, Status

KINDS = (CloudRecord.kind, AcceleratorRecord.kind)


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """A model of accelerator that a server held in a month; ``latest`` is the flavor's newest word of it."""

    latest: Accelerator
    device_seconds: float
    """Of each stretch, seconds times devices."""

    @property
    def available_seconds(self) -> int:
        return round(self.device_seconds / self.latest.count)


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """A server at one point: its intervals up to there, and the VO of the project that owns it there."""

    server: Server
    point: Point
    lived: tuple[Interval[ServerState], ...]
    vo: str

    @classmethod
    def at(cls, server: Server, intervals: Sequence[Interval[ServerState]], point: Point, vo: str) -> Reading:
        """The server at ``point``; ``intervals`` are all that it has. A life that had not begun by then is its first interval."""
        return cls(server, point, _lived(intervals, point), vo)

    @property
    def newest(self) -> ServerState:
        return self.lived[-1].value

    def terms(self, rules: Rules) -> list[Term]:
        """Of each interval, all that it added up to the reading."""
        return [term(interval, self.server, self.point.through, rules) for interval in self.lived]

    def terms_of_month(self, rules: Rules) -> list[Term]:
        """Of each interval that reaches into the reading's month, what it added in that month."""
        start = self.point.month.start
        return [
            term(interval, self.server, self.point.through, rules) - term(interval, self.server, start, rules)
            for interval in self.lived
            if interval.end is None or interval.end > start
        ]


def _lived(intervals: Sequence[Interval[ServerState]], point: Point) -> tuple[Interval[ServerState], ...]:
    return tuple(i for i in intervals if i.start < point.through) or tuple(intervals[:1])


def readings(
    server: Server, since: datetime, until: datetime, vo_of: Mapping[str, str], opening: datetime | None = None
) -> list[Reading]:
    """Every reading of ``server`` that the window [since, until) asks for, oldest first; none if it never launched.

    ``opening``: the cut from which a server that was never accounted owes the closing
    reading of the month before, or None. A stretch under a project without a VO
    in ``vo_of`` gives no reading, nor does a server of a size that nobody told: it was written with the name of a flavor alone.
    """
    intervals = server.intervals()
    if not server.launched or not all(interval.value.flavor.vcpus for interval in intervals):
        return []
    first = opening_point(server.created, server.ended, opening) if opening else None
    asked = [*([first] if first else []), *points(server.created, server.ended, since, until)]
    found = []
    for point in asked:
        lived = _lived(intervals, point)
        vo = vo_of.get(lived[-1].value.project_id)
        if vo is not None:
            found.append(Reading(server, point, lived, vo))
    return found


def cloud_record(
    reading: Reading, rules: Rules, addresses: Sequence[Address] | None = None, metered: Metered = NOTHING
) -> CloudRecord:
    """The cumulative use from the server's creation through the reading.

    StartTime is ``created``: Nova moves launched_at on resize, rebuild and unshelve. ``addresses`` are the public ones
    that ever led to the server; None where Neutron is not asked: Nova's row tells how many there are then.
    ``metered`` is what meters told of it.
    """
    server, point, newest = reading.server, reading.point, reading.newest
    use = Use.of(reading.terms(rules))
    benchmark = newest.flavor.benchmark
    cpu = metered.through(CPU, point.month)
    return CloudRecord(
        measured_at=point.measured_at,
        known_at=server.known_at,
        vm_uuid=server.uuid,
        site_name=rules.site_name,
        service_name=rules.service_name,
        machine_name=server.name,
        user_id=server.user_id,
        project_id=newest.project_id,
        user_name=server.user_name,
        vo=reading.vo,
        status=Status.COMPLETED if point.completed else rules.status(newest.status),
        start=server.created,
        end=point.through if point.completed else None,
        suspend_seconds=use.suspend_seconds,
        wall_seconds=use.wall_seconds,
        cpu_seconds=use.cpu_seconds if cpu is None else cpu_seconds(server, reading.lived, point.through, rules, cpu),
        cpu_count=newest.flavor.vcpus,
        network_inbound_gib=gib(metered.through(NETWORK_INBOUND, point.month)),
        network_outbound_gib=gib(metered.through(NETWORK_OUTBOUND, point.month)),
        public_ip_count=server.public_ip_count if addresses is None else _public_ips(reading, addresses),
        memory_mib=newest.flavor.memory_mib,
        disk_gib=newest.flavor.disk_gib,
        benchmark_name=benchmark.name if benchmark else None,
        benchmark_value=benchmark.value if benchmark else None,
        image_id=server.image_name or server.image_id,
        cloud_type=rules.cloud_type,
    )


def _public_ips(reading: Reading, addresses: Sequence[Address]) -> int | None:
    server, point = reading.server, reading.point
    count = of_server(addresses, server.uuid, point.through, completed=point.completed)
    # Of a server that had ended before anyone looked, nobody saw what it had.
    return None if server.public_ip_count is None and not count else count


def accelerator_records(reading: Reading, rules: Rules) -> Iterator[AcceleratorRecord]:
    """One record for each model that the server held in the reading's month, from the month's start or the server's."""
    server, point = reading.server, reading.point
    for held in accelerators_of(reading, rules):
        yield AcceleratorRecord(
            measured_at=point.measured_at,
            known_at=server.known_at,
            vm_uuid=server.uuid,
            site_name=rules.site_name,
            service_name=rules.service_name,
            cloud_type=rules.cloud_type,
            user_name=server.user_name,
            project_id=reading.newest.project_id,
            vo=reading.vo,
            type=held.latest.type,
            model=held.latest.model,
            count=held.latest.count,
            available_seconds=held.available_seconds,
        )


def accelerators_of(reading: Reading, rules: Rules) -> list[Held]:
    """What the server held of each model in the reading's month, by model; an opening reading tells of no month."""
    if reading.point.opening or not any(interval.value.flavor.accelerators for interval in reading.lived):
        return []
    found: dict[str, Held] = {}
    for added in reading.terms_of_month(rules):
        for device in added.interval.value.flavor.accelerators:
            before = found[device.model].device_seconds if device.model in found else 0.0
            found[device.model] = Held(device, before + device.count * added.wall_seconds)
    return [held for _, held in sorted(found.items())]


def never_shrinking(record: CloudRecord, before: CloudRecord | None) -> CloudRecord:
    """``record`` with no cumulative value below that of ``before``, the same server's in an earlier month.

    Recipients take differences: a value that falls would book negative use.
    """
    if before is None:
        return record
    return dataclasses.replace(
        record,
        wall_seconds=max(record.wall_seconds, before.wall_seconds),
        suspend_seconds=max(record.suspend_seconds, before.suspend_seconds),
        cpu_seconds=max(record.cpu_seconds, before.cpu_seconds),
        network_inbound_gib=_larger(record.network_inbound_gib, before.network_inbound_gib),
        network_outbound_gib=_larger(record.network_outbound_gib, before.network_outbound_gib),
    )


def _larger(now: int | None, before: int | None) -> int | None:
    """What was once sent goes on: a month without it would book the whole life again in the next."""
    return max((value for value in (now, before) if value is not None), default=None)
