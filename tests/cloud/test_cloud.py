"""The test cloud itself: it says what was seeded, counts, fails on demand, and goes away."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import requests

from tests.cloud import Cloud, Fault, Seed
from tests.cloud.check import compare
from tests.cloud.client import Client
from tests.cloud.seed.truth import Action

pytestmark = pytest.mark.cloud

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def running_histories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with Cloud.start(tmp_path_factory.mktemp("histories"), Seed.of_histories(20, projects=1)) as cloud:
        yield cloud


@pytest.fixture
def cloud_of_histories(running_histories: Cloud) -> Iterator[Cloud]:
    """Servers and volumes to which much was done in five months, and nothing else."""
    yield running_histories
    running_histories.reset()


def test_apis_list_what_was_seeded(cloud: Cloud) -> None:
    differing = [str(line) for line in compare(cloud) if line.seeded != line.listed]

    assert differing == []


def test_after_an_hour_apis_list_what_has_changed(cloud: Cloud) -> None:
    project = cloud.truth.projects[0]
    before = cloud.truth.servers_at(cloud.now, project.id)

    cloud.advance(cloud.now + HOUR)

    assert cloud.truth.servers_at(cloud.now, project.id) != before
    assert [str(line) for line in compare(cloud) if line.seeded != line.listed] == []


def test_actions_tell_when_a_server_was_resized(cloud: Cloud) -> None:
    cloud.advance(cloud.now + HOUR)
    server = next(s for s in cloud.truth.servers if "resize" in {a.name for a in s.actions})
    client = Client(cloud.reader, server.project_id)

    actions = client.get("compute", f"/servers/{server.id}/os-instance-actions", "2.66")

    assert [(a["action"], a["start_time"]) for a in actions["instanceActions"]] == [
        (action.name, f"{action.start:%Y-%m-%dT%H:%M:%S}.000000")
        for action in reversed(server.actions)
        if action.start <= cloud.now
    ]


def test_actions_tell_all_that_happened_to_servers_with_histories(cloud_of_histories: Cloud) -> None:
    cloud = cloud_of_histories
    clients = {project.id: Client(cloud.reader, project.id) for project in cloud.truth.accounted}
    assert [str(line) for line in compare(cloud) if line.seeded != line.listed] == []
    for days in (100, 0):
        cloud.advance(cloud.truth.reference - timedelta(days=days))
        for server in (server for server in cloud.truth.servers if server.created <= cloud.now):
            answer = clients[server.project_id].get("compute", f"/servers/{server.id}/os-instance-actions", "2.58")

            begun = [action for action in server.actions if action.start <= cloud.now]
            assert [
                (row["action"], row["start_time"], row["updated_at"], row["message"]) for row in answer["instanceActions"]
            ] == [_told(action, cloud.now) for action in sorted(begun, key=lambda action: action.start, reverse=True)]


def test_an_action_that_goes_on_tells_when_it_last_did(cloud_of_histories: Cloud) -> None:
    cloud = cloud_of_histories
    server, action = next((s, a) for s in cloud.truth.servers for a in s.actions if a.name == "resize" and not a.failed)
    cloud.advance(action.start + timedelta(seconds=5))

    client = Client(cloud.reader, server.project_id)
    (newest, *_) = client.get("compute", f"/servers/{server.id}/os-instance-actions", "2.58")["instanceActions"]

    assert (newest["action"], newest["updated_at"], newest["message"]) == ("resize", newest["start_time"], None)


def test_of_archived_servers_nova_knows_nothing_and_of_the_others_all(cloud_of_histories: Cloud) -> None:
    cloud = cloud_of_histories
    cloud.advance(cloud.truth.reference)
    before = cloud.now - timedelta(days=60)

    cloud.archive(before)

    gone = {server.id for server in cloud.truth.servers if server.deleted_at and server.deleted_at < before}
    deleted = {server.id for server in cloud.truth.servers if server.state(cloud.now) and server.deleted_at} - gone
    client = Client(cloud.admin, cloud.truth.accounted[0].id)
    since = (cloud.now - timedelta(days=400)).isoformat()
    listed = {row["id"] for row in client.servers("latest", all_tenants=1, changes_since=since) if row["status"] == "DELETED"}
    assert gone
    assert listed == deleted
    first = next(server for server in cloud.truth.servers if server.id in gone)
    assert _status(cloud, first.project_id, f"/servers/{first.id}/os-instance-actions") == 404


def _told(action: Action, now: datetime) -> tuple[str, str, str, str | None]:
    """What Nova tells of an action at a time."""
    done = action.finish is not None and action.finish <= now
    moments = (action.start, action.finish if done and action.finish else action.start)
    start, updated = (f"{moment:%Y-%m-%dT%H:%M:%S}.000000" for moment in moments)
    return action.name, start, updated, "Error" if action.failed and done else None


def test_calls_of_a_block_are_noted_with_their_project(cloud: Cloud) -> None:
    project = cloud.truth.projects[0]
    client = Client(cloud.reader, project.id)

    with cloud.calls() as calls:
        client.get("compute", "/servers/detail", limit=1)
        client.floating_ips(limit=1)
    client.floating_ips(limit=1)

    assert calls.by_service() == {"keystone": 1, "nova": 1, "neutron": 1}
    (listing,) = calls.of("nova")
    assert listing.path == "/v2.1/servers/detail?limit=1"
    assert (listing.method, listing.status, listing.project_id) == ("GET", 200, project.id)


def test_one_project_suffers_from_a_fault_so_many_times(cloud: Cloud) -> None:
    unlucky, lucky = cloud.truth.projects[:2]
    cloud.faults.add(
        Fault("nova", "GET", "/servers/detail", project_id=unlucky.id, times=2, status=503,
              retry_after=7)
    )  # fmt: skip

    answers = [_list_servers(cloud, project.id) for project in (unlucky, lucky, unlucky, unlucky)]

    assert [answer.status_code for answer in answers] == [503, 200, 503, 200]
    assert answers[0].headers["Retry-After"] == "7"


def test_answers_can_be_cut_short_delayed_and_broken_off(cloud: Cloud) -> None:
    project = cloud.truth.projects[0]
    cloud.faults.add(Fault("nova", path="/servers/detail", query="marker=", status=500))
    cloud.faults.add(Fault("nova", path="/servers/detail", times=1, truncate=100))
    cloud.faults.add(Fault("nova", path="/servers/detail", times=1, delay=1.5))
    cloud.faults.add(Fault("nova", path="/servers/detail", times=1, malformed=True))
    cloud.faults.add(Fault("nova", path="/servers/detail", times=1, reset=True))

    assert len(_list_servers(cloud, project.id).content) == 100
    assert _list_servers(cloud, project.id).elapsed.total_seconds() > 1.5
    with pytest.raises(requests.JSONDecodeError):
        _list_servers(cloud, project.id).json()
    with pytest.raises(requests.RequestException):
        _list_servers(cloud, project.id)
    assert _list_servers(cloud, project.id).status_code == 200


def test_nova_pages_by_its_limit(cloud: Cloud) -> None:
    project = cloud.truth.projects[0]
    cloud.restart("nova", max_limit=50)
    client = Client(cloud.reader, project.id)

    page = client.get("compute", "/servers/detail", "2.47")

    seeded = {server.id for server in cloud.truth.servers_at(cloud.now, project.id)}
    assert len(page["servers"]) == 50 < len(seeded)
    assert {row["id"] for row in client.servers()} == seeded


def test_servers_of_a_lost_cell_are_unknown(cloud: Cloud) -> None:
    project = cloud.truth.projects[0]
    cloud.lose_cell("cell2")
    client = Client(cloud.reader, project.id)

    rows = list(client.servers("2.69"))

    here = cloud.truth.servers_at(cloud.now, project.id)
    unknown = {row["id"] for row in rows if row["status"] == "UNKNOWN"}
    assert {server.id for server in here if server.cell == "cell2"} <= unknown
    assert unknown.isdisjoint(server.id for server in here if server.cell != "cell2")


def test_reset_repairs_rows_a_test_has_broken(cloud: Cloud) -> None:
    project = cloud.truth.projects[0]
    with cloud.database("keystone") as keystone:
        keystone.execute("DELETE FROM project_tag WHERE project_id = ?", [project.id])
    client = Client(cloud.reader)
    without = client.get("identity", "/projects", tags="caso")["projects"]

    cloud.reset()

    with_it = client.get("identity", "/projects", tags="caso")["projects"]
    assert {row["id"] for row in with_it} - {row["id"] for row in without} == {project.id}


def test_the_past_can_be_lived_again(cloud: Cloud) -> None:
    for days in (40, 12, 1):
        cloud.advance(cloud.truth.reference - timedelta(days=days))
        client = Client(cloud.reader, cloud.truth.projects[1].id)

        listed = {row["id"]: row["OS-EXT-STS:vm_state"] for row in client.servers()}

        seeded = cloud.truth.servers_at(cloud.now, client.project_id)
        states = {server.id: server.state(cloud.now) for server in seeded}
        assert listed == {id_: step and step.vm_state for id_, step in states.items()}


def test_services_die_with_the_process_that_started_them(tmp_path: Path) -> None:
    script = (
        "import sys, time, pathlib; from tests.cloud import Cloud, Seed\n"
        "cloud = Cloud.start(pathlib.Path(sys.argv[1]), Seed(1, 1, 1))\n"
        "print(*cloud.processes, flush=True); time.sleep(600)"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", script, tmp_path], cwd=root, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        processes = [int(word) for word in starter.stdout.readline().split()]
        starter.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 20
    while any(map(_is_running, processes)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(processes) == 5
    assert [pid for pid in processes if _is_running(pid)] == []


def _list_servers(cloud: Cloud, project_id: str) -> requests.Response:
    return _ask(cloud, project_id, "/servers/detail")


def _status(cloud: Cloud, project_id: str, path: str) -> int:
    return _ask(cloud, project_id, path).status_code


def _ask(cloud: Cloud, project_id: str, path: str) -> requests.Response:
    client = Client(cloud.reader, project_id)
    url = f"{client.session.get_endpoint(service_type='compute')}{path}"
    headers = {"X-Auth-Token": client.session.get_token(), "X-OpenStack-Nova-API-Version": "2.58"}
    return requests.get(url, headers=headers, timeout=60)


def _is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()
