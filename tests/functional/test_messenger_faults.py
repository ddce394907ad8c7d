"""What goes wrong with one messenger in a run holds back only it; when that is over, it has what it would have had."""

import contextlib
import dataclasses
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from caso.delivery import Outlet
from caso.messengers.logstash import LogstashMessenger
from caso.messengers.ssm import SsmMessenger
from caso.report import Report
from tests.limits import files_end_after
from tests.unit.cloudlet import T1, T2, Cloudlet, Recorder
from tests.unit.dying import EVERYTHING
from tests.unit.messengers.receivers import HERE, Receiver, close_in_mid_line

T3 = T2 + timedelta(minutes=5)
KINDS = frozenset({"cloud", "accelerator", "ip", "storage"})
NOBODY = 65534


class Troubled(SsmMessenger):
    """Queues messages under a condition that is not that of the rest of the process."""

    condition: Callable[[], contextlib.AbstractContextManager[object]] = contextlib.nullcontext

    def send(self, records):  # type: ignore[no-untyped-def]
        with self.condition():
            super().send(records)


@dataclasses.dataclass
class Site:
    """A Cloudlet with three messengers: a queue, a receiver of JSON lines, and one that is always well."""

    cloudlet: Cloudlet
    port: int
    queue: Path
    ssm: Troubled = dataclasses.field(init=False)
    healthy: Recorder = dataclasses.field(default_factory=Recorder)
    lines: dict[str, dict] = dataclasses.field(default_factory=dict)  # type: ignore[type-arg]

    def __post_init__(self) -> None:
        self.ssm = Troubled(self.queue, max_size=5)

    def run(self, at: datetime, handle: Callable[[socket.socket], bytes] | None = None, *, listening: bool = True) -> Report:
        """One run; the receiver listens meanwhile, if it does."""
        logstash = LogstashMessenger(HERE, self.port, timeout=1, hush=0.05)
        outlets = [Outlet("ssm", self.ssm, KINDS), Outlet("logstash", logstash), Outlet("healthy", self.healthy)]
        with Receiver(handle, port=self.port) if listening else contextlib.nullcontext() as receiver:
            report = self.cloudlet.run(at, outlets=outlets)
        if receiver:
            self.lines |= {line["RecordKey"]: line for line in receiver.records}
        self.cloudlet.recipient.drain(self.queue)
        return report

    @property
    def held(self) -> tuple[dict, dict, set[str]]:  # type: ignore[type-arg]
        """What the three recipients have."""
        return self.cloudlet.recipient.rows, self.lines, set(self.healthy.keys)


def free_port() -> int:
    with socket.create_server((HERE, 0)) as listener:
        return int(listener.getsockname()[1])


def a_site(folder: Path) -> Site:
    folder.mkdir(exist_ok=True)
    return Site(Cloudlet(folder, extractors=EVERYTHING), free_port(), folder / "spool of ssm/outgoing/openstack")


@pytest.fixture(scope="module")
def without_fault(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, dict, set[str]]:  # type: ignore[type-arg]
    site = a_site(tmp_path_factory.mktemp("well"))
    for at in (T1, T2, T3):
        assert site.run(at).exit_status == 0
    return site.held


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site after a good run at T1."""
    site = a_site(tmp_path / "site")
    assert site.run(T1).exit_status == 0
    return site


@contextlib.contextmanager
def as_nobody(directory: Path) -> Iterator[None]:
    """Whoever may not write there; root may write anywhere, so it is somebody else meanwhile."""
    mode, was = directory.stat().st_mode, os.geteuid()
    directory.chmod(0o500)
    if was == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(was)
        directory.chmod(mode)


def only_one_failed(report: Report, name: str, advice: str) -> None:
    assert report.exit_status == 1
    assert {delivery.name for delivery in report.deliveries if delivery.error} == {name}
    (why,) = [str(delivery.error) for delivery in report.deliveries if delivery.error]
    assert advice in why
    assert all((delivery.tally.due == 0) == (delivery.name != name) for delivery in report.deliveries)


def test_a_queue_that_is_missing_is_made_with_its_parents(site: Site, without_fault):
    shutil.rmtree(site.cloudlet.folder / "spool of ssm")

    reports = [site.run(T2), site.run(T3)]

    assert [report.exit_status for report in reports] == [0, 0]
    assert site.held == without_fault


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        ("parent not writable", "write there, or set another directory"),
        ("not writable", "write there, or set another directory"),
        ("full", "make room there, and see that ssmsend runs"),
        ("full after some messages", "make room there, and see that ssmsend runs"),
    ],
)
def test_a_queue_that_takes_nothing_has_everything_once_it_does(site: Site, without_fault, fault: str, advice: str):
    if fault == "parent not writable":
        shutil.rmtree(site.queue)
    conditions = {
        "parent not writable": lambda: as_nobody(site.queue.parent),
        "not writable": lambda: as_nobody(site.queue),
        "full": lambda: files_end_after(100),
        # The larger messages do not fit any more.
        "full after some messages": lambda: files_end_after(1500),
    }
    site.ssm.condition = conditions[fault]  # type: ignore[method-assign]

    report = site.run(T2)
    site.ssm.condition = contextlib.nullcontext  # type: ignore[method-assign]
    after = site.run(T3)

    only_one_failed(report, "ssm", advice)
    assert after.exit_status == 0
    assert site.held == without_fault
    assert list(site.queue.rglob("*.tmp")) == []


def test_a_queue_on_another_device_than_the_spool_is_a_queue_like_others(site: Site, without_fault):
    here = site.cloudlet.folder.stat().st_dev
    elsewhere = next(path for path in (Path("/dev/shm"), Path("/tmp"), Path.cwd()) if path.stat().st_dev != here)
    with tempfile.TemporaryDirectory(dir=elsewhere) as folder:
        site.queue = Path(folder) / "openstack"
        site.ssm = Troubled(site.queue, max_size=5)

        reports = [site.run(T2), site.run(T3)]

        assert [report.exit_status for report in reports] == [0, 0]
        assert site.held == without_fault
        assert site.queue.stat().st_dev != here


def test_foreign_files_in_the_queue_are_left_alone_and_cost_nothing(site: Site, without_fault):
    minute = int(time.time()) // 60 * 60
    site.queue.mkdir(parents=True, exist_ok=True)
    for near in (minute, minute + 60):
        directory = site.queue / f"{near:08x}"
        directory.mkdir(exist_ok=True)
        (directory / f"{near:08x}00000a").mkdir()
        (directory / f"{near:08x}00000b.lck").write_text("")
        (directory / "0123456789abcd.tmp").write_text("half a mess")
        (directory / "notes.txt").write_text("not a message")
    (site.queue / "README").write_text("whose is this?")
    (site.queue / "loop").symlink_to(site.queue)
    (site.queue / "nowhere").symlink_to(site.queue / "gone")
    foreign = set(site.queue.rglob("*"))

    reports = [site.run(T2), site.run(T3)]

    assert [report.exit_status for report in reports] == [0, 0]
    assert site.held == without_fault
    assert set(site.queue.rglob("*")) >= foreign


def test_a_file_in_the_place_of_this_minutes_directory_holds_up_the_queue_until_it_is_gone(site: Site, without_fault):
    minute = int(time.time()) // 60 * 60
    site.queue.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(site.queue)
    site.queue.mkdir()
    ways = [site.queue / f"{near:08x}" for near in (minute, minute + 60)]
    for way in ways:
        way.write_text("in the way")

    report = site.run(T2)
    for way in ways:
        way.unlink()
    after = site.run(T3)

    only_one_failed(report, "ssm", "move it, or set another directory")
    assert after.exit_status == 0
    assert site.held == without_fault


def a_byte_a_second(connection: socket.socket) -> bytes:
    content = b""
    with contextlib.suppress(OSError):
        for _ in range(5):
            content += connection.recv(1)
            time.sleep(1)
    return content


@pytest.mark.parametrize(
    ("handle", "advice"),
    [
        (None, "start the receiver"),
        (a_byte_a_second, "see whether the receiver is stuck"),
        (close_in_mid_line, "log may say why"),
    ],
    ids=["down", "a byte a second", "closes in mid-line"],
)
def test_a_receiver_that_fails_has_everything_once_it_is_well(site: Site, without_fault, handle, advice: str):
    report = site.run(T2, handle, listening=handle is not None)
    after = site.run(T3)

    only_one_failed(report, "logstash", advice)
    assert after.exit_status == 0
    assert site.held == without_fault
