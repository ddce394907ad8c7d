"""What a perfect accountant would have sent, worked out from the truth about the test cloud and from nothing of caso's.

The accountant looks at the cloud at some times (polls) and knows of each server only what it then sees: its state, and
since when its row has not changed. Where flavor or state are other ones than at the poll before, it knows what was done
in between, and when. Before a server's first poll everything counts as wall time.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from tests.cloud.seed.network import PROVIDER_NETWORK
from tests.cloud.seed.truth import Address, Server, Step, Truth, Volume

STATUSES = {
    "stopped": "stopped",
    "soft-delete": "stopped",
    "shelved": "stopped",
    "paused": "paused",
    "suspended": "suspended",
    "shelved_offloaded": "suspended",
    "error": "error",
}
IN_ASCII = {"zoë": "zoe", "/DC=org/DC=terena/O=CERN/CN=Jürgen Öztürk": "/DC=org/DC=terena/O=CERN/CN=Jurgen Ozturk"}
ASLEEP = ("suspended", "shelved_offloaded")


@dataclasses.dataclass(frozen=True)
class Look:
    """What one poll shows of a server."""

    at: datetime
    step: Step


@dataclasses.dataclass(frozen=True)
class Piece:
    start: datetime
    end: datetime
    step: Step


def expected(truth: Truth, polls: Sequence[datetime]) -> dict[str, dict[tuple[Any, ...], dict[str, Any]]]:
    """Per kind and primary key, the fields that the recipient must hold after the last poll, the first being a first run."""
    found: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {"cloud": {}, "accelerator": {}, "storage": {}, "ip": {}}
    vos = {project.id: project.vo for project in truth.projects if project.tagged and project.vo}
    for server in truth.servers:
        if server.project_id not in vos:
            continue
        for key, fields in _cloud(truth, server, polls):
            found["cloud"][key] = fields | {"FQAN": vos[server.project_id]}
        for key, fields in _accelerators(truth, server, polls):
            found["accelerator"][key] = fields | {"FQAN": vos[server.project_id]}
    for volume in truth.volumes:
        if volume.project_id in vos:
            for key, fields in _storage(truth, volume, polls):
                found["storage"][key] = fields | {"Group": vos[volume.project_id]}
    for project_id, vo in vos.items():
        for key, fields in _levels(truth, project_id, polls):
            found["ip"][key] = fields | {"FQAN": vo}
    return found


def _looks(server: Server, polls: Sequence[datetime]) -> list[Look]:
    """Each poll that sees the server; the first run asks for nothing that ended before its month."""
    looks = []
    since = month_of(polls[0])
    for poll in polls:
        step = server.state(poll)
        if step and not (step.vm_state == "deleted" and _end(server, step) < since):
            looks.append(Look(poll, step))
    return looks


def _end(server: Server, step: Step) -> datetime:
    return server.terminated_at or step.at


@dataclasses.dataclass(frozen=True)
class Reading:
    measured: datetime
    through: datetime
    pieces: list[Piece]
    newest: Look
    opening: bool = False


def _readings(server: Server, polls: Sequence[datetime]) -> Iterator[Reading]:
    """The month before, where the server lived on over its end, and now."""
    looks = _looks(server, polls)
    if not looks or all(look.step.launched_at is None for look in looks):
        return
    newest, month = looks[-1], month_of(polls[0])
    ended = _end(server, newest.step) if newest.step.vm_state == "deleted" else None
    if server.created < month and (ended is None or ended >= month):
        # Sent by the first poll that saw it, from what was known then.
        first = looks[:1]
        yield Reading(month - timedelta(seconds=1), month, _pieces(server, first, month), first[0], opening=True)
    through = ended or polls[-1]
    yield Reading(through, through, _pieces(server, looks, through), newest)


def _pieces(server: Server, looks: Sequence[Look], through: datetime) -> list[Piece]:
    starts = [server.created]
    steps = [looks[0].step]
    for before, look in pairwise(looks):
        for step in _known_steps(server, before, look):
            if step.vm_state != "deleted" and (step.vm_state, step.flavor) != (steps[-1].vm_state, steps[-1].flavor):
                starts.append(step.at)
                steps.append(step)
    ends = [*starts[1:], through]
    return [Piece(start, end, step) for start, end, step in zip(starts, ends, steps, strict=True)]


def _known_steps(server: Server, before: Look, look: Look) -> list[Step]:
    """What is known of the time between two looks: the newest step, or all where Nova was asked for its actions."""
    if look.step.vm_state == "deleted" or (before.step.vm_state, before.step.flavor) == (look.step.vm_state, look.step.flavor):
        return [look.step]
    return [step for step in server.steps if before.at < step.at <= look.at]


def _asleep(piece: Piece, first_seen: datetime) -> float:
    if piece.step.vm_state not in ASLEEP:
        return 0
    return max(0.0, (piece.end - max(piece.start, first_seen)).total_seconds())


def _cloud(truth: Truth, server: Server, polls: Sequence[datetime]) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    users = {user.id: user.name for user in truth.users if user.exists}
    for reading in _readings(server, polls):
        measured, through, pieces, look = reading.measured, reading.through, reading.pieces, reading.newest
        first_seen = _looks(server, polls)[0].at
        flavors = [truth.flavor(piece.step.flavor) for piece in pieces]
        awake = [(piece.end - piece.start).total_seconds() - _asleep(piece, first_seen) for piece in pieces]
        completed = look.step.vm_state == "deleted" and not reading.opening
        told_by = [look] if reading.opening else _looks(server, polls)
        alive = [poll.at for poll in told_by if poll.step.vm_state != "deleted"]
        newest = flavors[-1]
        yield (
            (server.id, measured.month, measured.year),
            {
                "RecordCreateTime": measured,
                "SiteName": "TEST-SITE",
                "CloudComputeService": "TEST-SERVICE",
                "CloudType": "OpenStack",
                "LocalUserId": server.user_id,
                "LocalGroupId": server.project_id,
                "GlobalUserName": IN_ASCII.get(users.get(server.user_id, ""), users.get(server.user_id)),
                "Status": "completed" if completed else STATUSES.get(pieces[-1].step.vm_state, "started"),
                "StartTime": server.created,
                "EndTime": through if completed else None,
                "WallDuration": int(sum(awake)),
                "SuspendDuration": int(sum(_asleep(piece, first_seen) for piece in pieces)),
                "CpuDuration": int(sum(a * f.vcpus for a, f in zip(awake, flavors, strict=True))),
                "CpuCount": newest.vcpus,
                "Memory": newest.memory_mib,
                "Disk": newest.root_gib + newest.ephemeral_gib,
                "PublicIPCount": _public_ips(truth, server, min(alive[-1], measured)) if alive else None,
                "BenchmarkType": newest.extra_specs.get("accounting:benchmark_type"),
                "Benchmark": float(newest.extra_specs.get("accounting:benchmark_value", 0)),
            },
        )


def _accelerators(truth: Truth, server: Server, polls: Sequence[datetime]) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    for reading in _readings(server, polls):
        if reading.opening:
            continue
        through, pieces = reading.through, reading.pieces
        specs = truth.flavor(pieces[-1].step.flavor).extra_specs
        if "Accelerator:Type" not in specs:
            continue
        held = (through - max(server.created, month_of(through))).total_seconds()
        asleep = sum(_asleep(piece, _looks(server, polls)[0].at) for piece in pieces)
        model = f"{specs['Accelerator:Vendor']} {specs['Accelerator:Model']}"
        yield (
            (through.month, through.year, "cloud", server.id, "TEST-SITE", model),
            {
                "Count": int(specs["Accelerator:Number"]),
                "AvailableDuration": int(held - asleep),
                "Type": specs["Accelerator:Type"],
            },
        )


def _storage(truth: Truth, volume: Volume, polls: Sequence[datetime]) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """No volume of the truth ever changes: one stretch, until the last poll that sees it."""
    seen = [poll for poll in polls if volume.exists(poll)]
    if not seen or seen[-1] == volume.created:
        return
    users = {user.id: user.name for user in truth.users if user.exists}
    yield (
        (f"{volume.id}/{seen[-1]:%Y-%m}/1",),
        {
            "CreateTime": seen[-1],
            "StorageSystem": "TEST-SERVICE",
            "Site": "TEST-SITE",
            "StorageClass": volume.type,
            "LocalUser": volume.user_id,
            "LocalGroup": volume.project_id,
            "UserIdentity": users.get(volume.user_id),
            "StartTime": max(volume.created, month_of(seen[-1])),
            "EndTime": seen[-1],
            "ResourceCapacityUsed": volume.size_gib * 1024**3,
        },
    )


def _levels(truth: Truth, project_id: str, polls: Sequence[datetime]) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """What was held at the last poll, of each version that any poll has seen."""
    now = polls[-1]
    for version in (4, 6):
        seen = [_held(truth, project_id, version, poll) for poll in polls]
        if any(seen):
            yield (
                ("TEST-SITE", "TEST-SERVICE", project_id, version, now.month, now.year),
                {
                    "MeasurementTime": now,
                    "CloudType": "OpenStack",
                    "LocalUser": project_id,
                    "LocalGroup": project_id,
                    "IPCount": seen[-1],
                },
            )


def _held(truth: Truth, project_id: str, version: int, at: datetime) -> int:
    """Floating addresses, and public ones on ports of servers; all floating ones of the truth are IPv4."""
    floating = sum(ip.project_id == project_id and ip.exists(at) for ip in truth.floating_ips) if version == 4 else 0
    servers = (server for server in truth.servers if server.project_id == project_id)
    return floating + sum(address.version == version for server in servers for address in _public_fixed(server, at))


def _public_fixed(server: Server, at: datetime) -> Iterator[Address]:
    """The addresses of the provider's network that a server has, as long as it is not deleted."""
    step = server.state(at)
    if step is not None and step.vm_state != "deleted":
        yield from (address for address in server.addresses if address.network == PROVIDER_NETWORK)


def _public_ips(truth: Truth, server: Server, at: datetime) -> int:
    floating = sum(ip.server_id == server.id and ip.exists(at) for ip in truth.floating_ips)
    return floating + len(list(_public_fixed(server, at)))


def month_of(instant: datetime) -> datetime:
    return datetime(instant.year, instant.month, 1, tzinfo=UTC)
