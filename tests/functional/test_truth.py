"""Every record delivered agrees with what is known to be in the cloud, for few calls."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud import T1, T2, Calls, Cloud, Seed
from tests.cloud.seed.truth import Server
from tests.functional.driver import Site, differences
from tests.functional.expectation import expected

PROJECTS = 5


@pytest.fixture(scope="module")
def full_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """200 living and 200 deleted servers in each of 5 projects, and the odd ones."""
    with Cloud.start(tmp_path_factory.mktemp("full-cloud"), Seed(projects=PROJECTS, live=200, deleted=200)) as cloud:
        yield cloud


@pytest.mark.parametrize(("role", "budget"), [("reader", 12 + 6 * PROJECTS), ("admin", 20)])
def test_a_full_run_and_the_hour_after_it_tell_the_truth_for_few_calls(full_cloud: Cloud, tmp_path: Path, role: str, budget: int):
    full_cloud.reset()
    site = Site(tmp_path, full_cloud, role)

    first = site.run(T1)

    assert [scope.error for scope in first.scopes] == [None] * (3 * PROJECTS)
    assert site.recipient.refused == []
    assert differences(site.recipient.rows, expected(full_cloud.truth, [T1])) == []

    full_cloud.advance(T2)
    with full_cloud.calls() as calls:
        second = site.run(T2)

    assert [scope.error for scope in second.scopes] == [None] * (3 * PROJECTS)
    assert site.recipient.refused == []
    assert differences(site.recipient.rows, expected(full_cloud.truth, [T1, T2])) == []
    # One question for each server that changed comes on top: as many as there are changes, however large the site is.
    about_changes = calls.of("nova", "/os-instance-actions")
    by_service = Calls(call for call in calls if call not in about_changes).by_service()
    print(f"\n{role}: the one-hour run made {sum(by_service.values())} calls: {by_service}, {len(about_changes)} about changes")
    assert sum(by_service.values()) <= budget
    asked = [call.path.split("/")[3] for call in about_changes]
    assert len(asked) == len(set(asked))
    assert set(asked) <= {server.id for server in full_cloud.truth.servers if server.state(T1) and _is_changed(server)}


def _is_changed(server: Server) -> bool:
    before, after = server.state(T1), server.state(T2)
    assert before is not None
    assert after is not None
    return (before.vm_state, before.flavor) != (after.vm_state, after.flavor)


@pytest.mark.parametrize("role", ["reader", "admin"])
def test_a_nova_that_pages_by_a_hundred_loses_nothing(cloud: Cloud, tmp_path: Path, role: str):
    cloud.restart("nova", max_limit=100)
    site = Site(tmp_path, cloud, role)

    site.run(T1)

    assert differences(site.recipient.rows, expected(cloud.truth, [T1])) == []


def test_records_are_the_same_whatever_the_zone_of_the_host(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rows = []
    for zone in ("UTC", "Asia/Tokyo", "America/Denver"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        folder = tmp_path / zone.replace("/", "-")
        folder.mkdir()
        site = Site(folder, cloud, "admin")
        site.run(T1)
        rows.append(site.recipient.rows)
    monkeypatch.undo()
    time.tzset()

    assert rows[0]["cloud"]
    assert rows[0] == rows[1] == rows[2]
