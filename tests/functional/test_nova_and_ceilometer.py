"""The same cloud by Nova and by what Ceilometer told Gnocchi: the same servers, and the same seconds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cloud import T1, T2, Cloud, Fault
from tests.databases import Server
from tests.functional.driver import Site
from tests.functional.faulty import without_rows
from tests.meters import Gnocchi, Metered, ceilometer
from tests.meters.clouds import in_catalog, keystone_of, metered_cloud

pytestmark = [pytest.mark.cloud, pytest.mark.debian("postgresql")]

EVERY = 1800
SINCE = T1 - timedelta(hours=6)


@pytest.fixture(scope="module")
def seen(running_cloud: Cloud) -> Metered:
    """What Ceilometer saw of the test cloud in the last hours."""
    return metered_cloud(running_cloud.truth, SINCE, T1, every=EVERY)


@pytest.fixture(scope="module")
def guarded(
    running_cloud: Cloud, seen: Metered, servers: Callable[[str], Server], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gnocchi]:
    """A Gnocchi that asks the test cloud's Keystone who comes, and stands in its catalog."""
    folder = tmp_path_factory.mktemp("guarded")
    with servers("postgresql").database() as url, Gnocchi.start(folder, url, keystone=keystone_of(running_cloud)) as gnocchi:
        ceilometer.prepare(gnocchi)
        # In bulk, only counters have measures: those whose flavor Nova does not list to everybody need their sizes measured.
        sized = tuple(
            server for server in seen.servers if not all(flavor.exists and flavor.public for _, flavor in server.flavors)
        )
        assert sized
        ceilometer.publish(gnocchi, dataclasses.replace(seen, servers=sized))
        others = tuple(server for server in seen.servers if server not in sized)
        ceilometer.publish(gnocchi, dataclasses.replace(seen, servers=others), in_bulk=True)
        with in_catalog(running_cloud, gnocchi):
            yield gnocchi


@pytest.mark.parametrize("role", ["reader", "admin"])
def test_both_tell_of_the_same_servers_and_the_same_seconds(
    cloud: Cloud, guarded: Gnocchi, seen: Metered, tmp_path: Path, role: str
):
    rows = {}
    for name in ("nova", "ceilometer"):
        (tmp_path / name).mkdir()
        site = Site(tmp_path / name, cloud, role)
        report = site.run(T1, f"--extractor={name}")
        assert [scope.error for scope in report.scopes if scope.error] == []
        rows[name] = site.recipient.rows["cloud"]

    metered = {server.id: server for server in seen.servers}
    nova = {key: row for key, row in rows["nova"].items() if key[0] in metered}
    assert nova
    assert set(rows["ceilometer"]) == set(nova)
    for key, row in rows["ceilometer"].items():
        other = nova[key]
        assert row["StartTime"] == other["StartTime"]
        assert row["EndTime"] == other["EndTime"]
        assert row["WallDuration"] == pytest.approx(other["WallDuration"] + (other["SuspendDuration"] or 0), abs=EVERY), key
        assert (row["MachineName"], row["LocalGroupId"]) == (other["MachineName"], other["LocalGroupId"])
        # Nova, on a first look, knows of no resize before it.
        flavor = metered[key[0]].flavor(T1 if key[1] == T1.month else T1.replace(day=1, hour=0, minute=0, second=0))
        assert (row["CpuCount"], row["Memory"]) == (flavor.vcpus, flavor.memory_mib), key
        # Of a flavor that Nova does not list, the meters of this cloud tell no disk. It lists one that is another project's to
        # an admin, and to a reader if that project was asked before.
        disks = {flavor.root_gib + flavor.ephemeral_gib} if flavor.exists else {0}
        assert row["Disk"] in (disks if flavor.public or role == "admin" else disks | {0}), key


def test_together_they_make_one_record_of_each_server_with_what_it_used(
    cloud: Cloud, guarded: Gnocchi, seen: Metered, tmp_path: Path
):
    (tmp_path / "nova").mkdir()
    (tmp_path / "both").mkdir()
    alone, both = Site(tmp_path / "nova", cloud, "admin"), Site(tmp_path / "both", cloud, "admin")
    alone.run(T1, "--extractor=nova")

    with guarded.calls() as calls:
        report = both.run(T1, "--extractor=nova,ceilometer")

    assert [scope.error for scope in report.scopes if scope.error] == []
    lives, records = alone.recipient.rows["cloud"], both.recipient.rows["cloud"]
    assert records.keys() == lives.keys()
    used = {server.id: server for server in seen.servers if server.polls}
    for key, row in records.items():
        assert row["WallDuration"] == lives[key]["WallDuration"]
        assert row["SuspendDuration"] == lives[key]["SuspendDuration"]
        if key[0] not in used:
            assert row["CpuDuration"] == lives[key]["CpuDuration"]
    measured = [key for key, row in records.items() if row["CpuDuration"] != lives[key]["CpuDuration"]]
    assert measured
    assert {key[0] for key in measured} <= used.keys()
    # Three meters on each day of the first window, whatever there are of servers.
    asked = {path: len(calls.of("gnocchi", path)) for path in ("/aggregates", "/search/", "/metric/")}
    assert asked["/aggregates"] <= 3 * T1.day, asked
    assert asked["/search/"] + asked["/metric/"] <= 6, asked
    print(f"\n{len(records)} records, {len(measured)} with measured CPU time; calls: {asked}")


def test_a_token_that_is_refused_in_mid_run_is_got_anew_and_nobody_notices(cloud: Cloud, guarded: Gnocchi, tmp_path: Path):
    rows = []
    for name, times in (("well", 0), ("refused", 1)):
        (tmp_path / name).mkdir()
        site = Site(tmp_path / name, cloud, "reader")
        fault = Fault("gnocchi", path="/aggregates", status=401, times=times)
        guarded.faults.add(fault)

        report = site.run(T1, "--extractor=nova,ceilometer")

        assert guarded.faults.suffered(fault) == times
        assert [scope.error for scope in report.scopes if scope.error] == []
        rows.append(site.recipient.rows["cloud"])
        guarded.faults.clear()
    assert rows[0] == rows[1]


def test_a_catalog_without_gnocchi_costs_the_scopes_that_ask_it(cloud: Cloud, guarded: Gnocchi, tmp_path: Path):
    site = Site(tmp_path, cloud, "reader")
    site.run(T1, "--extractor=nova,ceilometer")
    before = dict(site.recipient.rows["cloud"])
    cloud.advance(T2)

    with without_rows(cloud, "keystone", "endpoint", "url = ?", guarded.url):
        report = site.run(T2, "--extractor=nova,ceilometer")

    failed = [scope for scope in report.scopes if scope.error]
    assert {scope.scope.extractor for scope in failed} == {"ceilometer"}
    assert [str(scope.error) for scope in failed if "not found; check region_name and interface" not in str(scope.error)] == []
    assert site.recipient.rows["cloud"].keys() > before.keys()

    assert [scope.error for scope in site.run(T2, "--extractor=nova,ceilometer").scopes if scope.error] == []
