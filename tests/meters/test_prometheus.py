"""Prometheus gives back the power that it was told."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from tests.cloud import T1, Fault, Seed
from tests.cloud.seed.plan import plan
from tests.meters import PoweredServer, Prometheus
from tests.meters.clouds import powered_cloud
from tests.meters.power import JOULES, LONGEST_GAP_SECONDS, MIDNIGHT, SCAPHANDRE, UNTIL, WATTS, Drawn, days, history

pytestmark = pytest.mark.debian("prometheus")

Powered = tuple[PoweredServer, ...]
ALL = UNTIL.timestamp() + 3600


def test_it_tells_each_sample_at_its_time(prometheus: Prometheus, powered: Powered):
    for selector, unit in ((f"{SCAPHANDRE}}}", 1), (f"{WATTS}}}", 10**6)):
        series = prometheus.query(f"{selector}[5d]", ALL)

        told = {(one["metric"]["uuid"], one["metric"]["instance"]): _samples(one) for one in series}
        assert told == {
            (server.id, f"{host}:9100"): [(at, pytest.approx(power / unit)) for at, power in samples]
            for server in powered
            for host, samples in server.power
            if samples
        }


def test_counters_of_joules_fall_once(prometheus: Prometheus, powered: Powered):
    resets = prometheus.query(f"resets({JOULES}}}[5d])", ALL)

    counting = [server for server in powered if server.energy]
    assert {one["metric"]["vm_id"]: float(one["value"][1]) for one in resets} == {server.id: 1.0 for server in counting}


def test_an_even_power_of_100_watts_is_8_64_megajoules_a_day(powered: Powered):
    even = _named(powered, "even")

    assert even.by_day()[MIDNIGHT] == Drawn(8_640_000, 86400)
    assert even.counted_by_day()[MIDNIGHT] == Drawn(8_640_000, 86400)


def test_prometheus_own_arithmetic_agrees_with_the_truth(prometheus: Prometheus, powered: Powered):
    end = MIDNIGHT.timestamp() + 86400
    averages = prometheus.query(f"avg_over_time({SCAPHANDRE}}}[1d])", end - 0.001)
    increases = prometheus.query(f"increase({JOULES}}}[1d])", end)

    watts = {one["metric"]["uuid"]: float(one["value"][1]) / 10**6 for one in averages}
    grown = {one["metric"]["vm_id"]: float(one["value"][1]) for one in increases}
    for name in ("even", "wavy"):
        server = _named(powered, name)
        assert watts[server.id] * 86400 == pytest.approx(server.by_day()[MIDNIGHT].joules, rel=0.02), name
        assert grown[server.id] == pytest.approx(server.counted_by_day()[MIDNIGHT].joules, rel=0.02), name


def test_gaps_are_not_covered_by_power_and_are_by_counters(powered: Powered):
    silent = _named(powered, "silent-around-midnight")

    assert sum(day.covered_seconds for day in silent.by_day().values()) == pytest.approx(3 * 86400 - 3 * 3600, abs=300)
    assert sum(day.covered_seconds for day in silent.counted_by_day().values()) == pytest.approx(3 * 86400, abs=2000)
    assert silent.by_day(longest_gap=4 * 3600)[MIDNIGHT].covered_seconds == pytest.approx(86400, abs=1)


def test_days_add_up_to_all_that_was_drawn(powered: Powered):
    for server in powered:
        for by_day, whole in ((server.by_day(), server.drawn), (server.counted_by_day(), server.counted)):
            total = whole(days()[0], UNTIL)
            assert sum(day.joules for day in by_day.values()) == pytest.approx(total.joules)
            assert sum(day.covered_seconds for day in by_day.values()) == pytest.approx(total.covered_seconds)


def test_nothing_is_told_of_a_server_after_its_end(prometheus: Prometheus, powered: Powered):
    deleted = _named(powered, "deleted")
    assert deleted.deleted

    (series,) = prometheus.query(f'{SCAPHANDRE},uuid="{deleted.id}"}}[5d]', ALL)

    last, _ = _samples(series)[-1]
    assert (
        deleted.deleted - timedelta(seconds=LONGEST_GAP_SECONDS)
        < MIDNIGHT + timedelta(seconds=last - MIDNIGHT.timestamp())
        < deleted.deleted
    )


def test_it_knows_the_power_of_the_servers_of_the_test_cloud(tmp_path: Path):
    begin = T1 - timedelta(days=1)
    servers = powered_cloud(plan(Seed(projects=2, live=10, deleted=10)), begin, T1)
    with Prometheus.start(tmp_path, history(servers)) as prometheus:
        counts = prometheus.query(f"count_over_time({SCAPHANDRE}}}[2d])", T1.timestamp())

    told = {one["metric"]["uuid"]: int(one["value"][1]) for one in counts}
    assert told == {server.id: len(samples) for server in servers for _, samples in server.power if samples}
    ended = [server for server in servers if server.deleted]
    assert ended
    assert all(server.drawn(server.deleted, T1) == Drawn() for server in ended)


def test_calls_are_counted_and_faults_made_before_it(prometheus: Prometheus):
    prometheus.faults.add(Fault("prometheus", path="/api/v1/query", times=1, status=503))

    with prometheus.calls() as calls:
        answers = [requests.post(f"{prometheus.url}/api/v1/query", data={"query": "vector(1)"}, timeout=60) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [503, 200]
    assert calls.by_service() == {"prometheus": 2}


def test_it_dies_with_the_process_that_started_it(tmp_path: Path):
    script = (
        "import sys, time, pathlib; from tests.meters import Prometheus\n"
        "prometheus = Prometheus.start(pathlib.Path(sys.argv[1]), ['up 1 1790000000'])\n"
        "print(prometheus.pid, flush=True); time.sleep(600)"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", script, tmp_path], cwd=root, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        status = Path(f"/proc/{int(starter.stdout.readline())}/status")
        alive = _is_alive(status)
        starter.send_signal(signal.SIGKILL)

    until = time.monotonic() + 20
    while _is_alive(status) and time.monotonic() < until:
        time.sleep(0.1)
    assert alive
    assert not _is_alive(status)


def _is_alive(status: Path) -> bool:
    try:
        return "State:\tZ" not in status.read_text()
    except OSError:
        return False


def _named(powered: Powered, name: str) -> PoweredServer:
    return next(server for server in powered if server.name == name)


def _samples(series: dict) -> list[tuple[float, float]]:
    return [(at, float(value)) for at, value in series["values"]]
