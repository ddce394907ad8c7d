"""A fleet that was written in bulk and kept is what Gnocchi would have made of it one by one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.databases import Server
from tests.meters.kept import gnocchi_of_fleet
from tests.meters.seed import fleet
from tests.meters.truth import NANOSECONDS

pytestmark = pytest.mark.debian("postgresql")


@pytest.mark.parametrize("count", [40, pytest.param(10_000, marks=pytest.mark.soak)])
def test_each_server_of_a_fleet_is_found_with_what_it_used(count: int, tmp_path: Path, servers: Callable[[str], Server]):
    cloud = fleet(count)
    with gnocchi_of_fleet(tmp_path, servers("postgresql"), count) as gnocchi:
        for start in range(0, count, 500):
            some = {server.id: server for server in cloud.servers[start : start + 500]}
            search = {"in": {"id": list(some)}}

            rows = gnocchi.ask("POST", "search/resource/instance", search, history="true", limit=1000)
            body = {"operations": "(metric cpu rate:mean)", "resource_type": "instance", "search": search}
            groups = gnocchi.ask("POST", "aggregates", body, groupby="id", granularity=300)

            expected = [(one.id, at.isoformat()) for one in some.values() for at, _ in one.revisions]
            assert sorted((row["id"], row["revision_start"]) for row in rows) == sorted(expected)
            assert {row["flavor_name"] for row in rows} == {"m1.medium"}
            for group in groups:
                server = some[group["group"]["id"]]
                points = group["measures"]["measures"][server.id]["cpu"]["rate:mean"]
                used = [server.cpu.used(before, at) for before, at in pairwise(server.polls)]
                assert [value for _, _, value in points] == pytest.approx(used), server.name
            assert len(groups) == len(some)


def test_what_was_kept_can_be_added_to(tmp_path: Path, servers: Callable[[str], Server]):
    server = fleet(40).servers[1]
    (interface,) = server.interfaces
    with gnocchi_of_fleet(tmp_path, servers("postgresql"), 40) as gnocchi:
        later = [{"timestamp": "2026-10-05T00:00:00+00:00", "value": 5 * NANOSECONDS}]
        measures = {interface.id: {"network.incoming.bytes": {"measures": later}}}

        gnocchi.ask("POST", "batch/resources/metrics/measures", measures)
        gnocchi.catch_up()

        number = gnocchi.ask("GET", f"resource/instance_network_interface/{interface.id}")["id"]
        told = gnocchi.ask("GET", f"resource/generic/{number}/metric/network.incoming.bytes/measures")
        assert told[-1][2] == 5 * NANOSECONDS
        assert len(told) == len(server.polls) + 1
