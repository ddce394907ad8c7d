"""The long forms of tests whose short forms run every time; ``make soak``."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.cloud import T1, T2, Cloud, Seed
from tests.functional.driver import Site, differences
from tests.functional.expectation import expected

pytestmark = pytest.mark.soak


@pytest.mark.parametrize("role", ["reader", "admin"])
def test_runs_every_five_minutes_tell_the_truth(cloud: Cloud, tmp_path: Path, role: str):
    site = Site(tmp_path, cloud, role)
    polls = [T1 + timedelta(minutes=5 * number) for number in range(13)]

    for number, poll in enumerate(polls):
        cloud.advance(poll)
        site.run(poll)
        assert differences(site.recipient.rows, expected(cloud.truth, polls[: number + 1])) == [], poll

    print(f"{role}: {len(polls)} runs, {site.messages} messages, {len(site.recipient.rows['cloud'])} rows, all true")


@pytest.mark.parametrize("role", ["reader", "admin"])
def test_ten_thousand_living_servers_tell_the_truth(tmp_path: Path, role: str):
    seed = Seed(projects=5, live=2000, deleted=400)
    with Cloud.start(tmp_path / "cloud", seed) as cloud:
        (tmp_path / "site").mkdir()
        site = Site(tmp_path / "site", cloud, role)
        for polls in ([T1], [T1, T2]):
            cloud.advance(polls[-1])
            with cloud.calls() as calls:
                site.run(polls[-1])
            assert differences(site.recipient.rows, expected(cloud.truth, polls)) == []
            print(f"{role}: {len(cloud.truth.servers)} servers, {dict(calls.by_service())} calls")
