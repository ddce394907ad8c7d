"""Months of a real cloud in which much happens, looked at now and then: what each month is billed is what was used in it."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from caso.window import Month
from tests.cloud import T1, Call, Cloud, Seed, Truth
from tests.functional.driver import Site
from tests.functional.histories import is_asked_about, looks, server_use, storage_received, volume_use

PROJECTS = 2
HISTORIES = 60
MONTHS = 5
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
MODELS = ("NVIDIA A100", "NVIDIA L40S")
CI, SOAK = (1,), range(2, 8)
POLLS_IN_CI, POLLS = 14, 40


@pytest.fixture(scope="module", params=[*CI, *(pytest.param(seed, marks=pytest.mark.soak) for seed in SOAK)])
def busy_cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, int]]:
    """Projects with servers and volumes to which much is done in five months; and the seed that they are drawn from."""
    seed = Seed.of_histories(HISTORIES, MONTHS, projects=PROJECTS, random=request.param)
    with Cloud.start(tmp_path_factory.mktemp("busy-cloud"), seed) as cloud:
        yield cloud, request.param


@pytest.mark.parametrize("role", ["reader", "admin"])
def test_months_of_a_busy_cloud_are_billed_as_they_were_whenever_it_was_looked_at(
    busy_cloud: tuple[Cloud, int], tmp_path: Path, role: str
):
    cloud, seed = busy_cloud
    rng = random.Random(f"{seed} {role}")
    polls = looked_at(rng, POLLS_IN_CI if seed in CI else POLLS)
    site = Site(tmp_path, cloud, role)
    asked = 0

    for number, poll in enumerate(polls, start=1):
        cloud.advance(poll)
        with cloud.calls() as calls:
            report = site.run(poll)
        assert [scope.error for scope in report.scopes] == [None] * 3 * PROJECTS
        assert (site.recipient.refused, report.trouble) == ([], None)
        asked += asked_for_actions(calls, cloud.truth, polls[:number])
        if rng.random() < 0.3:
            before = {kind: dict(rows) for kind, rows in site.recipient.rows.items()}
            site.run(poll)
            assert site.recipient.rows == before
        found = [*wrong_servers(site, cloud.truth, polls[:number]), *wrong_volumes(site, cloud.truth, polls[:number])]
        assert found == [], f"seed {seed}, {role}, poll {number} of {[str(one) for one in polls]}"

    print(f"\n{role}, seed {seed}: {len(polls)} polls over {polls[-1] - polls[0]}, {asked} questions about actions, all true")
    assert asked > 0


def looked_at(rng: random.Random, count: int, start: datetime = T1 - 120 * DAY, end: datetime = T1) -> list[datetime]:
    """``count`` times: after about an hour, or after days or weeks, and once not for one to three months."""
    outage = rng.randrange(30, 91) * DAY
    hourly = [rng.randrange(20 * 60, 90 * 60) * SECOND for _ in range(count // 2)]
    left = (end - start - outage - sum(hourly, 0 * DAY)) // SECOND
    cuts = sorted(rng.sample(range(1, left), count - 3 - len(hourly)))
    others = [(right - before) * SECOND for before, right in pairwise([0, *cuts, left])]
    steps = [outage, *hourly, *others]
    rng.shuffle(steps)
    return [start, *(start + sum(steps[:number], 0 * DAY) for number in range(1, len(steps) + 1))]


def asked_for_actions(calls: Sequence[Call], truth: Truth, polls: Sequence[datetime]) -> int:
    """How many servers were asked for their actions: each once, and none that had given no reason."""
    asked = Counter(call.path.split("/servers/")[1].split("/")[0] for call in calls if "/os-instance-actions" in call.path)
    allowed = set()
    for server in truth.servers:
        seen = looks(server, polls)
        if len(seen) > 1 and seen[-1] == polls[-1] and is_asked_about(server, *seen[-2:]):
            allowed.add(server.id)
    assert asked.keys() <= allowed
    assert set(asked.values()) <= {1}
    return len(asked)


def wrong_servers(site: Site, truth: Truth, polls: Sequence[datetime]) -> Iterator[str]:
    """Each month's use of a server, and of accelerators, that is not what the truth says."""
    for month in months(polls):
        usage = site.recipient.cloud_usage(month)
        wanted, slack = Counter[str](), Counter[str]()
        for server in truth.servers:
            use = server_use(truth, server, polls, month)
            if use is None:
                if server.id in usage:
                    yield f"{server.id} {month}: nobody saw it run, and it is billed"
                continue
            got = usage.get(server.id, Counter())
            for name, value, allowed in (("WallDuration", use.wall, use.slack), ("CpuDuration", use.cpu, use.cpu_slack)):
                if abs(got[name] - value) > allowed:
                    yield f"server {server.id} {month}: {name} is {got[name]}, the truth {value:.0f} give or take {allowed:.0f}"
            wanted += use.devices
            slack.update(dict.fromkeys(MODELS, use.cpu_slack))
        received = site.recipient.accelerator_seconds(month)
        for model in MODELS:
            if abs(received[model] - wanted[model]) > slack[model]:
                yield f"{model} {month}: {received[model]} s, the truth is {wanted[model]} give or take {slack[model]:.0f}"


def wrong_volumes(site: Site, truth: Truth, polls: Sequence[datetime]) -> Iterator[str]:
    """Each volume and month whose byte-seconds are not what the truth says, by project and type where these are known exactly."""
    received = storage_received(site.recipient.rows["storage"].values())
    for month in months(polls):
        for volume in truth.volumes:
            use, got = volume_use(volume, polls, month), received.get((volume.id, month), Counter())
            if not use.slack and got != use.byte_seconds:
                yield f"volume {volume.id} {month}: {dict(got)}, the truth is {dict(use.byte_seconds)}"
            if abs(got.total() - use.byte_seconds.total()) > use.slack:
                yield f"volume {volume.id} {month}: {got.total()}, the truth {use.byte_seconds.total()} give or take {use.slack}"


def months(polls: Sequence[datetime]) -> list[Month]:
    found = [Month.of(polls[0])]
    while found[-1] < Month.of(polls[-1]):
        found.append(found[-1].next())
    return found
