"""Every record delivered agrees with what is known to be in the cloud, for few calls."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cloud import T1, T2, Cloud, Seed
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
    by_service = calls.by_service()
    print(f"\n{role}: the one-hour run made {sum(by_service.values())} calls: {dict(by_service)}")
    assert sum(by_service.values()) <= budget


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
