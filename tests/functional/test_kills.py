"""A run over the real cloud that is killed at any instant loses nothing: ``kill -9``, then one whole run, then the truth."""

import dataclasses
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

import pytest
from sqlalchemy import select

from caso.run import Watcher
from caso.store.schema import checkpoints, records
from caso.testing.recipient import Key, Recipient, Row, parse
from tests.cloud import T1, T2, Cloud, Seed
from tests.functional.driver import Site, differences
from tests.functional.expectation import expected

SMALL = Seed(projects=2, live=4, deleted=2)
KINDS = {"nova": {"cloud", "accelerator"}, "cinder": {"storage"}, "neutron": {"ip"}}
Records = set[tuple[str, str, str, str]]


class WatchfulRecipient(Recipient):
    """Notes in ``stale`` whatever comes to be again as it was before it was replaced."""

    def __init__(self) -> None:
        super().__init__()
        self.stale: list[tuple[str, Key]] = []
        self._versions: dict[tuple[str, Key], list[Row]] = {}

    def receive(self, message: bytes) -> tuple[str, list[Key]]:
        kind, rows = parse(message)
        for key, row in rows.items():
            known = self._versions.setdefault((kind, key), [])
            if row in known[:-1]:
                self.stale.append((kind, key))
            elif row not in known:
                known.append(row)
        return super().receive(message)


class Timeline:
    """When each step of a run came, in seconds from its start."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self.steps: list[tuple[str, float]] = []
        self.seconds = 0.0

    def step(self, name: str, count: int) -> None:
        self.steps.append((name, time.monotonic() - self._start))

    def end(self) -> Self:
        self.seconds = time.monotonic() - self._start
        return self


@dataclasses.dataclass
class Death:
    """Kills its own process some seconds after a step, or, step 0, after its start."""

    step_number: int
    seconds: float
    name: str

    def start(self) -> None:
        if self.step_number == 0:
            self._ambush()

    def step(self, name: str, count: int) -> None:
        self.step_number -= 1
        if self.step_number == 0:
            self._ambush()

    def _ambush(self) -> None:
        if not self.seconds:
            _kill_me()
        timer = threading.Timer(self.seconds, _kill_me)
        timer.daemon = True
        timer.start()


def _kill_me() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dataclasses.dataclass
class Count:
    kills: int = 0
    lost: int = 0
    stale: int = 0
    ahead: int = 0

    def __str__(self) -> str:
        return (
            f"{self.kills} kills: {self.lost} records lost, {self.stale} stale overwrites, "
            f"{self.ahead} checkpoints ahead of their records"
        )


@dataclasses.dataclass
class Ground:
    """A site as a run at T1 left it, with all messages in its queue, and what a run at T2 makes of it."""

    folder: Path
    cloud: Cloud
    whole: Records = dataclasses.field(default_factory=set)
    timeline: Timeline = dataclasses.field(default_factory=Timeline)

    def prepare(self) -> Self:
        first = self.folder / "first"
        first.mkdir()
        Site(first, self.cloud, "admin").extract(T1)
        self.cloud.advance(T2)
        site = self.copy("whole")
        self.timeline = Timeline()
        site.extract(T2, watcher=self.timeline)
        self.timeline.end()
        self.whole = held(site)
        return self

    def copy(self, name: str) -> Site:
        folder = shutil.copytree(self.folder / "first", self.folder / name)
        site = Site(folder, self.cloud, "admin", WatchfulRecipient())
        site.recipient.drain(site.queue)
        return site

    def deaths(self, seed: int, count: int) -> Iterator[Death]:
        """By turns: any instant; at one commit after the other; any instant of delivery."""
        steps, seconds = self.timeline.steps, self.timeline.seconds
        last = max(number for number, (name, _) in enumerate(steps, 1) if name == "settled")
        after = seconds - steps[last - 1][1]
        rng = random.Random(seed)
        for number in range(count):
            match number % 4:
                case 0 | 1:
                    yield Death(0, rng.uniform(0.001, seconds), "any instant")
                case 2:
                    yield Death(1 + (number // 4) * max(1, len(steps) * 4 // count) % len(steps), 0, "a commit")
                case _:
                    yield Death(last, rng.uniform(0, after), "delivery")


def held(site: Site) -> Records:
    """Every record of the ledger: whose it is, of which kind, its key, and when it was measured."""
    with site.store() as store, store.database.read() as connection:
        question = select(records.c.project_id, records.c.kind, records.c.key, records.c.measured_at)
        return {(row.project_id, row.kind, row.key, f"{row.measured_at:%FT%T}") for row in connection.execute(question)}


def ahead(site: Site, whole: Records) -> list[str]:
    """The scopes whose checkpoint says T2, and of which the ledger has not all that a whole run at T2 makes."""
    there = held(site)
    with site.store() as store, store.database.read() as connection:
        done = connection.execute(select(checkpoints).where(checkpoints.c.until == T2)).all()
    return [
        f"{row.extractor} {row.project_id}"
        for row in done
        if {one for one in whole if one[0] == row.project_id and one[1] in KINDS[row.extractor]} - there
    ]


def in_a_child(act: Callable[[], object]) -> int:
    """Do it in a process of its own; the signal that it died of, 0 where it came to its end."""
    child = os.fork()
    if not child:
        try:
            act()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return -os.waitstatus_to_exitcode(status)


def run_until(site: Site, death: Death) -> bool:
    def run() -> None:
        death.start()
        watcher: Watcher = death
        site.extract(T2, watcher=watcher)

    return in_a_child(run) == signal.SIGKILL


def test_twenty_kills_at_any_instant_lose_nothing_and_leave_no_checkpoint_ahead(tmp_path: Path):
    (tmp_path / "site").mkdir()
    # Each run of a small cloud is short: what counts is how often it is killed.
    with Cloud.start(tmp_path / "cloud", SMALL) as cloud:
        _kill_and_recover(Ground(tmp_path / "site", cloud).prepare(), kills=20)


@pytest.mark.soak
def test_two_hundred_kills_at_any_instant_lose_nothing_and_leave_no_checkpoint_ahead(cloud: Cloud, tmp_path: Path):
    _kill_and_recover(Ground(tmp_path, cloud).prepare(), kills=200)


def _kill_and_recover(ground: Ground, kills: int) -> None:
    wanted = expected(ground.cloud.truth, [T1, T2])
    count, died, number = Count(), {"any instant": 0, "a commit": 0, "delivery": 0}, 0

    while count.kills < kills:
        assert number < 4, "most runs came to their end before they were killed"
        for place, death in enumerate(ground.deaths(number, kills)):
            site = ground.copy(f"{number}-{place}")
            if count.kills < kills and run_until(site, death):
                count.kills += 1
                died[death.name] += 1
                _recover(site, ground, wanted, count, f"{death}")
            shutil.rmtree(site.folder)
        number += 1

    print(f"{count} ({died})")
    assert (count.lost, count.stale, count.ahead) == (0, 0, 0)
    assert min(died.values()) > 0


def _recover(site: Site, ground: Ground, wanted: dict, count: Count, what: str) -> None:  # type: ignore[type-arg]
    """Look at what the dead process left, let one run make it good, and count what it did not."""
    behind = ahead(site, ground.whole)
    site.recipient.drain(site.queue)
    report = site.run(T2)
    wrong = differences(site.recipient.rows, wanted)
    stale = site.recipient.stale if isinstance(site.recipient, WatchfulRecipient) else []
    if behind or wrong or stale:
        print(what, behind, wrong[:5], stale[:5])
    assert {scope.error for scope in report.scopes} | {delivery.error for delivery in report.deliveries} == {None}
    assert site.recipient.refused == []
    count.lost += len(wrong)
    count.stale += len(stale)
    count.ahead += len(behind)


def test_the_recipient_of_these_tests_sees_a_stale_overwrite():
    old, new = (f"APEL-cloud-message: v0.4\nVMUUID: a\nSiteName: S\nStartTime: 0\nWallDuration: {wall}\n" for wall in (1, 2))
    recipient = WatchfulRecipient()

    for message in (old, new, new, old):
        recipient.receive(message.encode())

    assert recipient.stale == [("cloud", ("a", 1, 1970))]
