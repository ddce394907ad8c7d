"""Extracting months of the past over the real cloud, killed at random times and resumed, ends with the exact sums."""

import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from caso.window import Window
from tests.cloud import T1, Cloud, Seed, Truth
from tests.cloud.seed.truth import Server, Volume
from tests.functional.driver import Site
from tests.functional.expectation import month_of

DAY = timedelta(days=30)


class Size(NamedTuple):
    """How much past, of how many servers, and how often it is interrupted."""

    servers: int
    months: int
    kills: int


CI = Size(servers=500, months=3, kills=4)
LARGE = Size(servers=10_000, months=13, kills=20)


@pytest.mark.parametrize("size", [CI, pytest.param(LARGE, marks=pytest.mark.soak)], ids=["ci", "large"])
def test_months_of_the_past_that_are_killed_and_resumed_end_with_the_exact_sums(tmp_path: Path, size: Size):
    with Cloud.start(tmp_path / "cloud", Seed.of_histories(size.servers, size.months)) as cloud:
        (tmp_path / "site").mkdir()
        site = Site(tmp_path / "site", cloud, "reader")
        site.extract(T1)
        first = month_of(T1 - size.months * DAY)
        past = (f"--extract-from={first:%F}", f"--extract-to={month_of(T1):%F}", "--resume")
        whole = _copy_of(site, tmp_path / "whole")
        begun = time.monotonic()
        assert _extracts(whole, past)
        duration = time.monotonic() - begun
        _require_the_truth(whole, site, first)
        kills, rounds, rng = 0, 0, random.Random(4)
        while kills < size.kills:
            rounds += 1
            trial = _copy_of(site, tmp_path / f"round-{rounds}")
            patience = duration / 2
            while not _finishes(trial, past, rng.uniform(0, patience)):
                kills += 1
                # What was killed while it asked has to ask again; after that, each month that is done stays done.
                patience = duration / size.kills if _all_is_asked(trial) else patience * 1.2
            _require_the_truth(trial, site, first)
            shutil.rmtree(trial.folder)
        print(
            f"{size.servers} servers, {size.months} months in {duration:.0f} s: {kills} kills in {rounds} extractions, exact sums"
        )


def _require_the_truth(done: Site, before: Site, first: datetime) -> None:
    done.recipient.drain(done.queue)
    assert _sums(done, first) == _truth(done.cloud.truth, first)
    assert _checkpoints(done) == _checkpoints(before)
    with done.store() as store:
        assert store.histories.all() == []


def _extracts(site: Site, past: tuple[str, ...]) -> bool:
    report = site.extract(T1, *past)
    return bool(report.scopes) and all(scope.whole for scope in report.scopes) and all(one.clean for one in report.deliveries)


def _copy_of(site: Site, folder: Path) -> Site:
    shutil.copytree(site.folder, folder)
    return Site(folder, site.cloud, site.role)


def _finishes(site: Site, past: tuple[str, ...], within: float) -> bool:
    """Extract the past in a child that is killed after some seconds; False where it was."""
    child = os.fork()
    if not child:
        try:
            os._exit(0 if _extracts(site, past) else 1)
        finally:
            os._exit(3)
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert os.waitstatus_to_exitcode(status) == 0
            return True
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _all_is_asked(site: Site) -> bool:
    with site.store() as store:
        left = store.histories.all()
    return bool(left) and all(history.seen for history in left)


def _checkpoints(site: Site) -> list[tuple[tuple[str, ...], datetime]]:
    with site.store() as store:
        return [(checkpoint.scope, checkpoint.until) for checkpoint in store.checkpoints.all()]


Sums = dict[tuple[str, str], int]
"""Seconds, or bytes times seconds, by month and what they are of."""


def _sums(site: Site, first: datetime) -> Sums:
    """What the recipient makes of each month."""
    found: Counter[tuple[str, str]] = Counter()
    for month in Window(first, T1).months():
        for used in site.recipient.cloud_usage(month).values():
            found[str(month), "wall"] += used["WallDuration"]
            found[str(month), "cpu"] += used["CpuDuration"]
        for model, seconds in site.recipient.accelerator_seconds(month).items():
            found[str(month), model] += seconds
        found[str(month), "storage"] += sum(site.recipient.storage_byte_seconds(month).values())
    return {key: seconds for key, seconds in found.items() if seconds}


def _truth(truth: Truth, first: datetime) -> Sums:
    """The same, of what Nova and Cinder show at the time of the only look: since its creation each was what it is then."""
    accounted = {project.id for project in truth.accounted}
    found: Counter[tuple[str, str]] = Counter()
    for server in truth.servers:
        last = server.state(T1)
        if server.project_id in accounted and last and last.launched_at:
            flavor = truth.flavor(last.flavor)
            for month, seconds in _months(server.created, _end(server), first):
                found[month, "wall"] += seconds
                found[month, "cpu"] += seconds * int(flavor.vcpus)
                if "Accelerator:Model" in flavor.extra_specs:
                    found[month, f"{flavor.extra_specs['Accelerator:Vendor']} {flavor.extra_specs['Accelerator:Model']}"] += (
                        seconds
                    )
    for volume in truth.volumes:
        if volume.exists(T1) and _owner(volume) in accounted:
            for month, seconds in _months(volume.created, T1, first, short=1):
                found[month, "storage"] += seconds * _size(volume) * 2**30
    return {key: seconds for key, seconds in found.items() if seconds}


def _months(start: datetime, end: datetime, first: datetime, short: int = 0) -> Iterator[tuple[str, int]]:
    """The seconds of each month; ``short``: a record of storage ends a second before its month does."""
    for month in Window(first, T1).months():
        until = min(end, month.end - timedelta(seconds=short))
        yield str(month), max(0, int((until - max(start, month.start)).total_seconds()))


def _end(server: Server) -> datetime:
    """Up to when it is accounted for: one that was soft-deleted in an earlier month only the extraction of the past has met."""
    last = server.state(T1)
    assert last is not None
    if last.vm_state == "soft-delete" and last.at < month_of(T1):
        return month_of(T1)
    return min(T1, server.terminated_at or last.at) if last.vm_state == "deleted" else T1


def _owner(volume: Volume) -> str:
    return volume.state(T1).project_id


def _size(volume: Volume) -> int:
    return volume.state(T1).size_gib
