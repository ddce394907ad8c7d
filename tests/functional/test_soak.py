"""The long forms of tests whose short forms run every time; ``make soak``."""

import os
import random
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cloud import T1, T2, Cloud, Seed
from tests.functional.driver import Site, differences
from tests.functional.expectation import expected
from tests.unit.dying import Reaper

pytestmark = pytest.mark.soak

KILLS = 20


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


def test_twenty_kills_over_the_real_cloud_lose_nothing(cloud: Cloud, tmp_path: Path):
    kills = 0
    for number in range(KILLS):
        cloud.reset()
        folder = tmp_path / str(number)
        folder.mkdir()
        site = Site(folder, cloud, "reader")
        site.run(T1)
        cloud.advance(T2)
        child = os.fork()
        if not child:
            try:
                Site(folder, cloud, "reader").run(T2, watcher=Reaper(random.Random(number).randint(1, 25)))
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        kills += os.waitstatus_to_exitcode(status) == -signal.SIGKILL

        site.run(T2)

        assert differences(site.recipient.rows, expected(cloud.truth, [T1, T2])) == []
    print(f"{kills} kills, nothing lost")
    assert kills > KILLS // 2
