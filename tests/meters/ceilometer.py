"""What Ceilometer publishes into Gnocchi: its resource types, archive policies, resources with their history, and measures.

As of ceilometer 27 (``gnocchi_client.py``, ``publisher/data/gnocchi_resources.yaml``), those parts that accounting reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from sqlalchemy import text

from tests.meters import bulk
from tests.meters.gnocchi import Gnocchi
from tests.meters.resource import LOW, RATE, Measures, Resource
from tests.meters.truth import Counter, Interface, Metered, MeteredServer, MeteredVolume

GRANULARITY_SECONDS = 300
KEPT = timedelta(days=30)
MEASURES_AT_ONCE = 20_000
AUDIT = 12
"""What comes with Nova's audit of each hour, and not with each poll, comes with each twelfth."""

STRING = {"type": "string", "min_length": 0, "max_length": 255, "required": False}
REQUIRED = STRING | {"required": True}
DATETIME, UUID = ({"type": kind, "required": False} for kind in ("datetime", "uuid"))
OF_INSTANCE = {"name": REQUIRED, "instance_id": UUID | {"required": True}}
TYPES: dict[str, dict[str, dict[str, Any]]] = {
    "instance": {
        **dict.fromkeys(("flavor_id", "flavor_name", "display_name"), REQUIRED),
        **dict.fromkeys(("image_ref", "server_group", "host", "availability_zone"), STRING),
        **dict.fromkeys(("launched_at", "created_at", "deleted_at"), DATETIME),
    },
    "instance_network_interface": OF_INSTANCE,
    "instance_disk": OF_INSTANCE,
    "volume": {
        **dict.fromkeys(("display_name", "volume_type", "volume_type_id"), STRING),
        **dict.fromkeys(("image_id", "instance_id"), UUID),
    },
}
POLICIES = {LOW: ["mean"], RATE: ["mean", "rate:mean"]}


def prepare(gnocchi: Gnocchi) -> None:
    """What ``ceilometer-upgrade`` makes."""
    for name, attributes in TYPES.items():
        gnocchi.ask("POST", "resource_type", {"name": name, "attributes": attributes})
    for name, methods in POLICIES.items():
        definition = [{"granularity": f"{GRANULARITY_SECONDS}s", "timespan": f"{KEPT.days} days"}]
        policy = {"name": name, "aggregation_methods": methods, "back_window": 0, "definition": definition}
        gnocchi.ask("POST", "archive_policy", policy)


def publish(gnocchi: Gnocchi, cloud: Metered, *, in_bulk: bool = False) -> None:
    """All of a cloud, from its beginning until its end; returns when Gnocchi has worked on it.

    ``in_bulk`` for thousands of servers: what is new goes past the API, which takes 10 ms for a resource, and only
    counters have measures, of which metricd works on some hundred a second.
    """
    resources = [resource.counting if in_bulk else resource for resource in resources_of(cloud)]
    if in_bulk:
        bulk.create(gnocchi, resources)
    with ThreadPoolExecutor(4) as pool:
        if not in_bulk:
            list(pool.map(lambda resource: _create(gnocchi, resource), resources))
        list(pool.map(lambda resource: _change(gnocchi, resource), resources))
    for measures in _at_once(resources):
        gnocchi.ask("POST", "batch/resources/metrics/measures", measures, create_metrics="true")
    _date(gnocchi, resources)
    gnocchi.catch_up()


def resources_of(cloud: Metered) -> Iterator[Resource]:
    for server in cloud.servers:
        yield Resource(server.id, "instance", server.revisions, _meters(server))
        yield from (_interface(server, interface) for interface in server.interfaces if server.polls)
    for volume in cloud.volumes:
        yield Resource(volume.id, "volume", volume.revisions, _volume_meters(volume))


def _create(gnocchi: Gnocchi, resource: Resource) -> None:
    at, first = resource.revisions[0]
    # Gnocchi takes no null: what is not known is left out.
    known = {name: value for name, value in first.items() if value is not None}
    gnocchi.ask("POST", f"resource/{resource.type}", known | {"id": resource.id, "started_at": at.isoformat()})


def _change(gnocchi: Gnocchi, resource: Resource) -> None:
    for _, change in resource.revisions[1:]:
        gnocchi.ask("PATCH", f"resource/{resource.type}/{quote(resource.id)}", change)


def _date(gnocchi: Gnocchi, resources: Iterable[Resource]) -> None:
    """Gnocchi dates a revision by its clock; here they are told when they were."""
    current, past = [], []
    for resource in resources:
        times = [at for at, _ in resource.revisions]
        current.append({"id": resource.id, "at": times[-1]})
        stretches = enumerate(pairwise(times))
        past += [{"id": resource.id, "number": number, "start": start, "end": end} for number, (start, end) in stretches]
    with gnocchi.database() as database:
        database.execute(text("UPDATE resource SET revision_start = :at WHERE original_resource_id = :id"), current)
        if past:
            database.execute(
                text(
                    "UPDATE resource_history SET revision_start = :start, revision_end = :end WHERE revision = "
                    "(SELECT revision FROM resource_history WHERE original_resource_id = :id ORDER BY revision "
                    "LIMIT 1 OFFSET :number)"
                ),
                past,
            )


def _at_once(resources: Iterable[Resource]) -> Iterator[dict[str, Any]]:
    """Measures, by resource and metric, so many of them as one request has."""
    batch: dict[str, Any] = {}
    count = 0
    for resource in resources:
        metrics = {
            metric: {"archive_policy_name": policy, "unit": unit, "measures": measures}
            for metric, (policy, unit, measures) in resource.meters.items()
            if measures
        }
        if metrics:
            batch[resource.id] = metrics
        count += sum(len(metric["measures"]) for metric in metrics.values())
        if count >= MEASURES_AT_ONCE:
            yield batch
            batch, count = {}, 0
    if batch:
        yield batch


def _meters(server: MeteredServer) -> dict[str, tuple[str, str, Measures]]:
    audits = server.polls[::AUDIT]
    return {
        "cpu": (RATE, "ns", _readings(server.cpu, server.polls)),
        "memory": (LOW, "MB", [_measure(at, server.flavor(at).memory_mib) for at in audits]),
        "vcpus": (LOW, "vcpu", [_measure(at, server.flavor(at).vcpus) for at in audits]),
    }


def _interface(server: MeteredServer, interface: Interface) -> Resource:
    polls = tuple(at for at in server.polls if at >= interface.since)
    first = {
        "user_id": server.user_id,
        "project_id": server.project_id,
        "name": interface.name,
        "instance_id": server.id,
    }
    ended = [(server.ended, {"ended_at": server.ended.isoformat()})] if server.ended else []
    meters = {
        "network.incoming.bytes": (RATE, "B", _readings(interface.received, polls)),
        "network.outgoing.bytes": (RATE, "B", _readings(interface.sent, polls)),
    }
    return Resource(interface.id, "instance_network_interface", [(polls[0], first), *ended], meters)


def _volume_meters(volume: MeteredVolume) -> dict[str, tuple[str, str, Measures]]:
    return {"volume.size": (LOW, "GB", [_measure(at, volume.size_gib(at)) for at in volume.polls])}


def _readings(counter: Counter, polls: Iterable[datetime]) -> Measures:
    return [_measure(at, counter.reading(at)) for at in polls]


def _measure(at: datetime, value: int) -> dict[str, Any]:
    return {"timestamp": at.isoformat(), "value": value}
