"""Energy records: one for each server and UTC day that a meter told of."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from caso.accounting.rules import Point, Rules
from caso.accounting.servers import Reading
from caso.accounting.use import Use, term
from caso.lifecycle.measured import Measured
from caso.lifecycle.server import Server
from caso.records import EnergyRecord, Status

DAY = timedelta(days=1)
JOULES_PER_WH = 3600


def energy_record(
    server: Server, energy: Measured, cpu: Measured | None, cpu_since: datetime | None, vo: str, rules: Rules
) -> EnergyRecord | None:
    """What the server took in the slot of ``energy``; None where it did not live in it.

    ``cpu`` is its CPU time as measured in the same slot, of which something was told. Before it was measured at all,
    ``cpu_since`` then or never, what was allotted counts.
    """
    midnight = datetime.combine(energy.day, time(), UTC)
    start = max(midnight, server.created)
    ended = server.ended if server.ended is not None and server.ended <= midnight + DAY else None
    end = min(energy.end, ended or energy.end)
    if not server.launched or start >= end:
        return None
    reading = Reading.at(server, server.intervals(), Point(end, end), vo)
    use = Use.of([term(one, server, end, rules) - term(one, server, start, rules) for one in reading.lived])
    measured_since = end if cpu_since is None else min(max(cpu_since, start), end)
    before = Use.of([term(one, server, measured_since, rules) - term(one, server, start, rules) for one in reading.lived])
    newest = reading.newest
    seconds = (end - start).total_seconds()
    # Where the server ended before the meter was asked up to, of what is told of the time after, too.
    share = min(1.0, seconds / energy.covered_seconds) if energy.covered_seconds else 1.0
    return EnergyRecord(
        measured_at=EnergyRecord.measured_at_of(energy.day, end),
        known_at=max(energy.seen_at, cpu.seen_at if cpu else energy.seen_at, server.known_at),
        vm_uuid=server.uuid,
        site_name=rules.site_name,
        service_name=rules.service_name,
        cloud_type=rules.cloud_type,
        user_name=server.user_name,
        project_id=energy.project_id,
        vo=vo,
        status=Status.COMPLETED if ended else rules.status(newest.status),
        slot=energy.day,
        start=start,
        end=end,
        energy_wh=energy.amount * share / JOULES_PER_WH,
        coverage=min(1.0, energy.covered_seconds / seconds),
        wall_seconds=use.wall_seconds,
        suspend_seconds=use.suspend_seconds,
        cpu_seconds=before.cpu_seconds + (cpu.amount if cpu else 0.0),
        cpu_count=newest.flavor.vcpus,
        cpu_normalization_factor=rules.cpu_normalization_factor,
        finished=ended is not None,
    )
