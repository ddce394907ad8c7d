"""What befalls the process: two at once, a full disk, a clock that is set back."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from caso.errors import StoreError
from caso.store.locks import EXPIRES_AFTER
from caso.store.schema import locks
from tests.limits import files_end_after
from tests.unit.cloudlet import T1, T2, Cloudlet
from tests.unit.dying import EVERYTHING

ROOM = 40
"""What is left on a disk that is about to be full, in KiB."""


def in_a_child(act: Callable[[], int]) -> int:
    """Start it in a process of its own, which ends with that status; the process."""
    child = os.fork()
    if not child:
        status = 99
        try:
            status = act()
        finally:
            os._exit(status)
    return child


def status_of(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Hold:
    """A watcher that keeps its run at the first step of a name until it may go on."""

    def __init__(self, folder: Path, name: str) -> None:
        self.reached, self.go_on = folder / "reached", folder / "go on"
        self._name = name

    def step(self, name: str, count: int) -> None:
        if name == self._name and not self.reached.exists():
            self.reached.touch()
            wait_for(self.go_on)


def wait_for(path: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, path
        time.sleep(0.01)


@pytest.fixture
def t1(tmp_path: Path) -> Path:
    """The folder of a site after a run at T1."""
    folder = tmp_path / "t1"
    Cloudlet(folder, extractors=EVERYTHING).run(T1)
    return folder


@pytest.fixture
def whole(t1: Path, tmp_path: Path) -> Cloudlet:
    """A site that was run at T2 without a fault."""
    site = Cloudlet(shutil.copytree(t1, tmp_path / "whole"), extractors=EVERYTHING)
    assert site.run(T2).exit_status == 0
    return site


@pytest.mark.parametrize("step", ["planned", "observed", "settled", "delivered"])
def test_a_run_that_is_longer_than_the_period_of_cron_is_left_alone_by_the_next(t1: Path, whole: Cloudlet, tmp_path, step: str):
    site, hold = Cloudlet(t1, extractors=EVERYTHING), Hold(tmp_path, step)
    first = in_a_child(lambda: site.run(T2, hold).exit_status)
    wait_for(hold.reached)

    later = site.run(T2 + timedelta(minutes=1)) if step == "delivered" else site.run(T2)
    hold.go_on.touch()

    assert status_of(first) == 0
    if step == "delivered":
        # It holds no scope any more, only its messenger.
        assert "is locked by process" in str(later.deliveries[0].error)
    else:
        assert (later.scopes, len(later.locked)) == ([], 6)
    last = site.run(T2 + timedelta(minutes=1))
    again = whole.run(T2 + timedelta(minutes=1))
    assert (last.exit_status, again.exit_status) == (0, 0)
    assert site.received() == whole.received()
    assert site.recipient.refused == []
    assert site.checkpoints() == whole.checkpoints()


def test_two_runs_that_start_at_the_same_instant_deliver_what_one_delivers(t1: Path, whole: Cloudlet):
    site = Cloudlet(t1, extractors=EVERYTHING)
    children = [in_a_child(lambda: site.run(T2).exit_status) for _ in range(3)]

    statuses = [status_of(child) for child in children]

    # Who did the work may find the messenger in the hands of one that found nothing to do, for that instant: then it ends with 1.
    assert min(statuses) < 2
    assert set(statuses) <= {0, 1, 2}
    assert site.run(T2).exit_status == 0
    assert site.received() == whole.received()
    assert site.checkpoints() == whole.checkpoints()


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=400)], ids=["an hour", "more than a year"])
def test_a_clock_that_was_set_back_moves_nothing_back_says_so_and_all_is_well_when_it_is_right(
    t1: Path, whole: Cloudlet, caplog: pytest.LogCaptureFixture, back: timedelta
):
    site = Cloudlet(t1, extractors=EVERYTHING)
    before = {kind: dict(rows) for kind, rows in site.received().items()}

    report = site.run(T1 - back)

    assert report.exit_status == 0
    assert "6 scopes are extracted up to 2024-03-10 11:00 already" in caplog.text
    assert site.received() == before
    assert {until for _, until in site.checkpoints()} == {T1}
    site.run(T2)
    assert site.received() == whole.received()
    assert {until for _, until in site.checkpoints()} == {T2}


def test_nothing_is_said_of_a_clock_that_differs_by_seconds(t1: Path, caplog: pytest.LogCaptureFixture):
    Cloudlet(t1, extractors=EVERYTHING).run(T1 - timedelta(seconds=30))

    assert "set back" not in caplog.text


@pytest.mark.parametrize(
    ("ahead", "held"), [(EXPIRES_AFTER - timedelta(minutes=1), True), (timedelta(days=3650), False)], ids=["a little", "years"]
)
def test_a_lease_from_the_future_of_a_host_that_is_gone_does_not_hold_for_years(t1: Path, ahead: timedelta, held: bool):
    site = Cloudlet(t1, extractors=EVERYTHING)
    with site.store() as store:
        names = [f"scope //{project}/nova" for project in ("p1", "p2")]
        store.locks.acquire(names, T2)
        with store.database.write() as connection:
            connection.execute(update(locks).values(host="elsewhere", machine="another", renewed=T2 + ahead))

        lease = store.locks.acquire_some(names, T2)

        assert bool(lease.refused) == held


def test_a_lease_is_renewed_after_the_clock_was_set_back(t1: Path):
    with Cloudlet(t1).store() as store, store.locks.acquire(["p1"], T2) as lease:
        lease.renew(T1)

        with store.database.read() as connection:
            assert connection.execute(locks.select()).one().renewed == T1


def run_and_tell(site: Cloudlet, told: Path) -> int:
    """As caso-extract ends: what is said of the store goes to a file."""
    try:
        return site.run(T2).exit_status
    except StoreError as exc:
        told.write_text(str(exc))
        return 1


@pytest.mark.parametrize("kib", [40, 64, 100, 160, 300])
def test_a_store_that_may_not_grow_any_more_loses_nothing_and_the_next_run_delivers_all(t1, whole: Cloudlet, tmp_path, kib: int):
    site = Cloudlet(t1, extractors=EVERYTHING)
    told = tmp_path / "told"

    def act() -> int:
        # The file is as large already, its log is not: writes fail in the middle of the run, whatever the run is doing then.
        with files_end_after(kib * 1024):
            return run_and_tell(site, told)

    status = status_of(in_a_child(act))

    assert status == (1 if told.exists() else 0)
    if told.exists():
        assert "nothing was lost" in told.read_text()
    assert kib > 100 or told.exists()
    assert all(until in (T1, T2) for _, until in site.checkpoints())
    assert site.run(T2).exit_status == 0
    assert site.received() == whole.received()
    assert site.checkpoints() == whole.checkpoints()


@contextlib.contextmanager
def small_disk(folder: Path, kib: int) -> Iterator[None]:
    """A disk of that size at the folder; where nobody may mount one, files that may not get larger."""
    words = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(words, capture_output=True, check=False).returncode == 0
    try:
        with contextlib.nullcontext() if mounted else files_end_after(kib * 1024):
            yield
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_under_the_store_loses_nothing_and_the_next_run_delivers_all(t1: Path, whole: Cloudlet, tmp_path: Path):
    spool, told, kept = t1 / "spool", tmp_path / "told", tmp_path / "kept"
    before = Path(shutil.move(spool, tmp_path / "spool before"))
    spool.mkdir()
    taken = sum(file.stat().st_size for file in before.rglob("*") if file.is_file()) // 1024

    with small_disk(spool, kib=taken + ROOM):
        shutil.copytree(before, spool, dirs_exist_ok=True)
        site = Cloudlet(t1, extractors=EVERYTHING)
        status = status_of(in_a_child(lambda: run_and_tell(site, told)))
        shutil.copytree(spool, kept)
    shutil.rmtree(spool)
    shutil.move(kept, spool)

    assert status == 1
    assert "nothing was lost" in told.read_text()
    assert site.run(T2).exit_status == 0
    assert site.received() == whole.received()
    assert site.checkpoints() == whole.checkpoints()
