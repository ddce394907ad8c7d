"""The test cloud with a Gnocchi: Nova and Ceilometer tell of the same servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import requests
from keystoneauth1.exceptions import InternalServerError

from tests.cloud import T1, Cloud
from tests.cloud.client import Client
from tests.databases import Server
from tests.meters import Gnocchi, Metered, ceilometer
from tests.meters.clouds import in_catalog, keystone_of, metered_cloud

pytestmark = [pytest.mark.cloud, pytest.mark.debian("postgresql")]

SINCE = T1 - timedelta(hours=6)


@pytest.fixture(scope="module")
def seen(running_cloud: Cloud) -> Metered:
    """What Ceilometer saw of the test cloud in the last hours."""
    return metered_cloud(running_cloud.truth, SINCE, T1, every=1800)


@pytest.fixture(scope="module")
def guarded(
    running_cloud: Cloud, seen: Metered, servers: Callable[[str], Server], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gnocchi]:
    """A Gnocchi that asks the test cloud's Keystone who comes, and stands in its catalog."""
    folder = tmp_path_factory.mktemp("guarded")
    with servers("postgresql").database() as url, Gnocchi.start(folder, url, keystone=keystone_of(running_cloud)) as gnocchi:
        ceilometer.prepare(gnocchi)
        ceilometer.publish(gnocchi, seen, in_bulk=True)
        with in_catalog(running_cloud, gnocchi):
            yield gnocchi


def test_a_reader_of_a_project_finds_in_the_catalog_the_servers_that_nova_lists(cloud: Cloud, guarded: Gnocchi):
    for project in cloud.truth.accounted:
        client = Client(cloud.reader, project.id)
        launched = {row["id"] for row in client.servers() if row["OS-SRV-USG:launched_at"]}
        hidden = {one.id for one in cloud.truth.odd("soft-deleted")}

        with guarded.calls() as calls:
            rows = _search(client)

        assert {row["id"] for row in rows if not row["ended_at"]} - hidden == launched
        assert {row["project_id"] for row in rows} <= {project.id}
        assert calls.by_service() == {"gnocchi": 1}


def test_interfaces_are_found_by_the_name_that_ceilometer_gave_them(cloud: Cloud, guarded: Gnocchi, seen: Metered):
    server = next(one for one in seen.servers if one.polls)

    for interface in server.interfaces:
        row = guarded.ask("GET", f"resource/instance_network_interface/{interface.id}")
        assert (row["original_resource_id"], row["instance_id"]) == (interface.id, server.id)


def test_an_administrator_finds_those_of_all_projects(cloud: Cloud, guarded: Gnocchi, seen: Metered):
    rows = _search(Client(cloud.admin, cloud.truth.accounted[0].id))

    assert {row["id"] for row in rows} == {server.id for server in seen.servers}


def test_a_token_of_the_system_makes_gnocchi_stumble(cloud: Cloud, guarded: Gnocchi):
    for credentials in (cloud.reader, cloud.admin):
        with pytest.raises(InternalServerError):
            _search(Client(credentials))


def test_who_has_no_token_is_turned_away(guarded: Gnocchi):
    assert requests.get(f"{guarded.url}/v1/resource/instance", timeout=60).status_code == 401


def test_each_server_uses_what_its_readings_tell(guarded: Gnocchi, seen: Metered):
    body = {"operations": "(metric cpu mean)", "resource_type": "instance", "search": {"!=": {"project_id": "nobody"}}}
    groups = guarded.ask("POST", "aggregates", body, groupby="id", granularity=300)
    told = {group["group"]["id"]: next(iter(group["measures"]["measures"].values())) for group in groups}

    read = [server for server in seen.servers if server.polls]
    assert set(told) == {server.id for server in read}
    for server in read:
        values = [value for _, _, value in told[server.id]["cpu"]["mean"]]
        grown = sum(after - before if after >= before else after for before, after in pairwise(values))
        assert grown == pytest.approx(server.cpu.used(SINCE, T1)), server.name
    assert any(server.cpu.resets for server in read)


def _search(client: Client) -> list[dict[str, Any]]:
    """All instances that the client may see."""
    everything = {"like": {"display_name": "%"}}
    answer = client.session.post("/v1/search/resource/instance", json=everything, endpoint_filter={"service_type": "metric"})
    return answer.json()
