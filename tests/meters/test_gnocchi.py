"""Gnocchi gives back what the metered cloud had and used."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.cloud import Fault
from tests.meters import Gnocchi, Metered, MeteredServer
from tests.meters.ceilometer import GRANULARITY_SECONDS, KEPT
from tests.meters.seed import MONTH, UNTIL
from tests.meters.truth import NANOSECONDS, Counter, Interface

pytestmark = pytest.mark.debian("postgresql")

Point = tuple[str, float, float]


def test_it_lists_all_that_lived_in_a_month_of_a_project(gnocchi: Gnocchi, metered: Metered):
    lived = {"and": [{"<": {"started_at": _text(UNTIL)}}, {"or": [{"=": {"ended_at": None}}, {">": {"ended_at": _text(MONTH)}}]}]}
    for project in metered.projects:
        query = {"and": [{"=": {"project_id": project.id}}, lived]}

        rows = gnocchi.ask("POST", "search/resource/instance", query)

        expected = metered.servers_in(MONTH, UNTIL, project.id)
        assert {(row["id"], row["display_name"]) for row in rows} == {(one.id, one.name) for one in expected}
        assert {row["id"]: row["ended_at"] for row in rows} == {one.id: _text(one.ended) for one in expected}
        assert {row["id"]: row["created_at"] for row in rows} == {
            one.id: _text(one.created if one.dated else None) for one in expected
        }


def test_its_history_tells_which_flavor_a_server_had_when(gnocchi: Gnocchi, metered: Metered):
    server = metered.server("resized")

    rows = gnocchi.ask("POST", "search/resource/instance", {"=": {"id": server.id}}, history="true", sort="revision_start:asc")

    times = [server.appears, *(at for at, _ in server.flavors[1:]), None]
    told = [(row["revision_start"], row["revision_end"], row["flavor_name"]) for row in rows]
    assert told == [
        (_text(start), _text(end), flavor.name) for (start, end), (_, flavor) in zip(pairwise(times), server.flavors, strict=True)
    ]
    assert len(told) == 3


def test_cpu_time_is_what_its_rates_add_up_to(gnocchi: Gnocchi, metered: Metered):
    told = _aggregates(gnocchi, "cpu", "rate:mean", "instance")

    for server in metered.servers:
        if len(server.polls) > 1 and server.name not in ("rebooted", "jittery", "kept"):
            total = sum(value for _, _, value in told[server.id]) / NANOSECONDS
            assert total == pytest.approx(server.cpu_seconds(server.polls[0], server.polls[-1]), rel=1e-12), server.name


def test_a_rate_is_negative_where_the_counter_falls_and_the_readings_tell_the_truth(gnocchi: Gnocchi, metered: Metered):
    server = metered.server("rebooted")

    rates = _aggregates(gnocchi, "cpu", "rate:mean", "instance")[server.id]
    readings = [value for _, _, value in _aggregates(gnocchi, "cpu", "mean", "instance")[server.id]]

    assert sum(value < 0 for _, _, value in rates) == len(server.cpu.resets) == 3
    assert _grown(readings) == pytest.approx(server.cpu.used(server.polls[0], server.polls[-1]), rel=1e-12)


def test_polls_at_uneven_times_make_the_sum_of_rates_wrong_and_leave_the_readings_right(gnocchi: Gnocchi, metered: Metered):
    server = metered.server("jittery")
    used = server.cpu.used(server.polls[0], server.polls[-1])

    rates = sum(value for _, _, value in _aggregates(gnocchi, "cpu", "rate:mean", "instance")[server.id])
    readings = [value for _, _, value in _aggregates(gnocchi, "cpu", "mean", "instance")[server.id]]

    assert rates < used * 0.95
    assert _grown(readings) == pytest.approx(used, abs=GRANULARITY_SECONDS * 2 * NANOSECONDS)


def test_a_gap_is_a_step_of_the_readings(gnocchi: Gnocchi, metered: Metered):
    server = metered.server("unheard")
    before, after = max(pairwise(server.polls), key=lambda pair: pair[1] - pair[0])

    points = {at: value for at, _, value in _aggregates(gnocchi, "cpu", "rate:mean", "instance")[server.id]}

    assert (after - before).total_seconds() > 6 * 3600
    assert points[_text(_slot(after))] == server.cpu.used(before, after)
    assert [at for at in points if _text(before) < at < _text(_slot(after))] == []


def test_measures_older_than_the_archive_policy_keeps_are_gone(gnocchi: Gnocchi, metered: Metered):
    server = metered.server("kept")

    points = _aggregates(gnocchi, "cpu", "mean", "instance")[server.id]

    oldest = datetime.fromisoformat(points[0][0])
    assert server.polls[0] < oldest - KEPT / 4
    assert server.polls[-1] - KEPT <= oldest < server.polls[-1] - KEPT * 0.99


def test_bytes_of_all_interfaces_are_found_by_the_server(gnocchi: Gnocchi, metered: Metered):
    rows = gnocchi.ask("POST", "search/resource/instance_network_interface", {"like": {"name": "tap%"}})
    owners = {row["id"]: (row["original_resource_id"], row["instance_id"]) for row in rows}
    known = {one.id: (server, one) for server in metered.servers for one in server.interfaces}

    for metric in ("network.incoming.bytes", "network.outgoing.bytes"):
        told = _aggregates(gnocchi, metric, "mean", "instance_network_interface")

        assert set(told) == set(owners)
        for number, (original, instance) in owners.items():
            server, interface = known[original]
            assert instance == server.id
            counter = interface.received if "incoming" in metric else interface.sent
            if server.name not in ("jittery", "kept"):
                _assert_grew(server, interface, counter, [value for _, _, value in told[number]])
    assert len([one for _, one in known.values() if one.since > MONTH]) > 1


def _assert_grew(server: MeteredServer, interface: Interface, counter: Counter, readings: list[float]) -> None:
    polls = [at for at in server.polls if at >= interface.since]
    assert _grown(readings) == pytest.approx(counter.used(polls[0], polls[-1]), rel=1e-12), (server.name, interface.name)


def test_servers_without_measures_have_no_metric(gnocchi: Gnocchi, metered: Metered):
    told = _aggregates(gnocchi, "cpu", "mean", "instance")

    for name in ("unmeasured", "short"):
        server = metered.server(name)
        assert server.id not in told
        assert gnocchi.ask("GET", f"resource/instance/{server.id}")["metrics"] == {}


def test_volumes_change_hands_in_the_history_and_grow_in_the_measures(gnocchi: Gnocchi, metered: Metered):
    sizes = _aggregates(gnocchi, "volume.size", "mean", "volume")

    for volume in metered.volumes:
        rows = gnocchi.ask("POST", "search/resource/volume", {"=": {"id": volume.id}}, history="true", sort="revision_start:asc")
        assert [row["project_id"] for row in rows][-1] == volume.project_id(UNTIL)
        assert {row["display_name"] for row in rows} == {volume.name}
        assert [int(value) for _, _, value in sizes[volume.id]] == [volume.size_gib(at) for at in volume.polls]


def test_calls_are_counted_and_faults_made_before_it(gnocchi: Gnocchi):
    gnocchi.faults.add(Fault("gnocchi", path="/resource_type", times=1, status=503))

    with gnocchi.calls() as calls:
        answers = [requests.get(f"{gnocchi.url}/v1/resource_type", auth=("admin", ""), timeout=60) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [503, 200]
    assert calls.by_service() == {"gnocchi": 2}


def test_rows_may_come_twice(gnocchi: Gnocchi, metered: Metered):
    gnocchi.faults.add(Fault("gnocchi", path="/search/resource", repeat=True))
    everything = {"like": {"display_name": "%"}}

    answer = requests.post(f"{gnocchi.url}/v1/search/resource/instance", json=everything, auth=("admin", ""), timeout=60)

    assert len(answer.json()) == 2 * len(metered.servers)


def test_answers_are_cut_at_a_limit_that_may_be_lowered(gnocchi: Gnocchi, metered: Metered):
    gnocchi.restart(max_limit=5)

    rows = gnocchi.ask("POST", "search/resource/instance", {"like": {"display_name": "%"}})

    assert len(rows) == 5 < len(metered.servers)


def test_it_dies_with_the_process_that_started_it(tmp_path: Path, database_of: Any):
    script = (
        "import sys, time, pathlib; from tests.meters import Gnocchi\n"
        "gnocchi = Gnocchi.start(pathlib.Path(sys.argv[1]), sys.argv[2])\n"
        "print(*gnocchi.processes, flush=True); time.sleep(600)"
    )
    with database_of("postgresql") as url:
        root = Path(__file__).parents[2]
        with subprocess.Popen(
            [sys.executable, "-c", script, tmp_path, url], cwd=root, stdout=subprocess.PIPE, text=True
        ) as starter:
            assert starter.stdout is not None
            groups = [int(word) for word in starter.stdout.readline().split()]
            members = {group: _members(group) for group in groups}
            starter.send_signal(signal.SIGKILL)

        until = time.monotonic() + 30
        while any(map(_members, groups)) and time.monotonic() < until:
            time.sleep(0.1)
        assert all(len(found) > 1 for found in members.values())
        assert [_members(group) for group in groups] == [[], []]


def _aggregates(gnocchi: Gnocchi, metric: str, method: str, kind: str) -> dict[str, list[Point]]:
    """All points of a metric by resource."""
    everything = {"!=": {"project_id": "nobody"}}
    body = {"operations": f"(metric {metric} {method})", "resource_type": kind, "search": everything}
    groups = gnocchi.ask("POST", "aggregates", body, groupby="id", granularity=GRANULARITY_SECONDS)
    return {
        number: list(map(tuple, metrics[metric][method]))
        for group in groups
        for number, metrics in group["measures"]["measures"].items()
    }


def _grown(readings: list[float]) -> float:
    """What a counter counted that begins at 0 again now and then."""
    return sum(after - before if after >= before else after for before, after in pairwise(readings))


def _slot(at: datetime) -> datetime:
    return datetime.fromtimestamp(at.timestamp() // GRANULARITY_SECONDS * GRANULARITY_SECONDS, at.tzinfo)


def _text(at: datetime | None) -> Any:
    return at and at.isoformat()


def _members(group: int) -> list[int]:
    """The living processes of a process group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, member_of, *_ = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(member_of) == group and state != "Z":
            found.append(int(stat.parent.name))
    return sorted(found)
