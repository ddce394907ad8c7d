"""The live cloud does what it is asked for, and tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from caso import config, wiring
from caso.accounting.rules import Rules
from caso.delivery import Outlet
from caso.extractors.notifications import NotificationsExtractor, Queues
from caso.job import Job
from caso.messengers.ssm import SsmMessenger
from caso.planning import Period
from caso.projects import Project
from caso.records import BUILT_IN
from caso.report import Report
from caso.run import run
from caso.store import Store, open_store
from caso.testing.recipient import Recipient
from tests.broker import count
from tests.cloud.configs import REGION
from tests.live import Driver, Life, LiveCloud, Step, by_id, random_lives
from tests.live.capture import bodies, inner
from tests.live.comparing import differences
from tests.live.log import now

pytestmark = [pytest.mark.cloud, pytest.mark.debian("rabbitmq-server"), pytest.mark.debian("postgresql")]

LIVES = [
    Life(0, "server", ("create", "resize", "confirm", "delete")),
    Life(1, "unplaced", ("create",)),
    Life(2, "volume", ("create", "extend", "delete")),
]


@pytest.fixture(scope="module")
def driver(live_cloud: LiveCloud) -> Driver:
    return Driver(live_cloud)


def test_fifty_lives_are_told_as_they_were_lived_and_polls_agree(live_cloud: LiveCloud, driver: Driver, tmp_path: Path):
    """From real messages to the recipient's rows: what the driver did, and when Nova itself says that it was."""
    began = now()
    steps = [step for step in driver.run(random_lives(50, seed=2)) if step.started_at >= began]
    live_cloud.wait_until_told()
    site = Site(tmp_path, live_cloud)

    report = site.run()

    assert report.exit_status == 0
    known = site.known(steps)
    assert [count(live_cloud.broker_url, queue) for queue in QUEUES] == [0] * len(QUEUES)
    assert site.left() == []
    assert differences(steps, known) == []
    rows, own = site.rows(), servers_by_nova(live_cloud, began)
    placed = {server for server, done in by_id(steps, "server").items() if done[0].status != "ERROR"}
    assert placed <= rows.keys()
    assert {server: rows[server] for server in placed} == {server: own[server] for server in placed}
    assert len(placed) > 15

    polled = site.poll()

    assert all(scope.whole and not scope.odd for scope in polled.scopes)
    assert sum(scope.settled.changes.news for scope in polled.scopes) > 0
    assert (+polled.vanished, polled.mended) == ({}, {})
    assert differences(steps, site.known(steps)) == []


def test_what_is_done_is_told_in_both_formats(live_cloud: LiveCloud, driver: Driver):
    began = now()
    steps = [step for step in driver.run(LIVES) if step.started_at >= began]
    live_cloud.wait_until_told()

    assert sorted((step.life, step.operation, step.status) for step in steps if step.life >= 0) == [
        (0, "confirm", "ACTIVE"),
        (0, "create", "ACTIVE"),
        (0, "delete", "deleted"),
        (0, "resize", "VERIFY_RESIZE"),
        (1, "create", "ERROR"),
        (2, "create", "available"),
        (2, "delete", "deleted"),
        (2, "extend", "available"),
    ]
    assert all(step.started_at < step.finished_at for step in steps)
    # The services have no others to tell: what is left for everyone else stays where it is.
    assert count(live_cloud.broker_url, "notifications.info") > 0
    told = {message["event_type"] for message in inner(bodies(live_cloud.broker_url, ["caso.info"]))}
    assert {"compute.instance.create.end", "compute.instance.finish_resize.end", "compute.instance.delete.end"} <= told
    assert {"volume.create.end", "volume.resize.end", "volume.delete.end"} <= told
    told = {message["event_type"] for message in inner(bodies(live_cloud.broker_url, ["caso_versioned.info"]))}
    assert {"instance.create.end", "instance.resize_finish.end", "instance.delete.end"} <= told
    (unplaced,) = (server for server, done in by_id(steps, "server").items() if done[-1].status == "ERROR")
    failed = {message["payload"]["instance_id"]: message for message in inner(bodies(live_cloud.broker_url, ["caso.error"]))}
    assert failed[unplaced]["event_type"] == "compute_task.build_instances"


QUEUES = ("caso.info", "caso.error", "caso_versioned.info", "caso_versioned.error")
Ends = tuple[datetime, datetime | None]


class Site:
    """caso, with nothing but the queues of a live cloud to ask."""

    def __init__(self, folder: Path, cloud: LiveCloud) -> None:
        self.folder = folder
        self.cloud = cloud

    def store(self) -> Store:
        return open_store(f"sqlite:///{self.folder}/caso.sqlite", kinds={cls.kind: cls for cls in BUILT_IN})

    def run(self) -> Report:
        """A run now, by the only extractor that there is."""
        at = now()
        extractor = NotificationsExtractor(None, Queues((self.cloud.broker_url,), QUEUES))
        job = Job(
            cloud="",
            projects=[Project(project.id, project.name, "vo.example", "property VO") for project in self.cloud.projects],
            extractors={"notifications": extractor},
            rules={REGION: Rules("SITE", "SERVICE", "OpenStack")},
            outlets=[Outlet("ssm", SsmMessenger(self.folder / "queue"), frozenset({"cloud", "storage"}))],
            period=Period(now=at, until=at),
        )
        with self.store() as store:
            return run(job, store, now)

    def poll(self) -> Report:
        """A run now by Nova and Cinder, whose services know nothing of messages; into the same store."""
        admin, own = self.cloud.admin, self.cloud.projects[0].id
        conf = self.folder / "caso.conf"
        conf.write_text(
            f"[DEFAULT]\nsite_name = SITE\nextractor = nova,cinder\nspooldir = {self.folder}\nmapping_file =\n"
            f"[keystone_auth]\nauth_type = password\nauth_url = {admin.auth_url}\nusername = {admin.username}\n"
            f"password = {admin.password}\nuser_domain_name = Default\nproject_id = {own}\n"
        )
        read = config.build([f"--config-file={conf}"], "caso-extract", files=[])
        with wiring.open_configured_store(read) as store:
            return run(wiring.job(read, now()), store, now)

    def known(self, steps: Sequence[Step]) -> dict[str, Any]:
        """What is known of the things in a log, by id."""
        with self.store() as store:
            return {one.entity.uuid: one.entity for step in steps for one in store.lives.by_id(step.id)}

    def left(self) -> list[tuple[str, str | None]]:
        """The messages that were not understood, and why."""
        with self.store() as store:
            return [(one.notice.event_type, one.notice.reason) for one in store.events.left()]

    def rows(self) -> dict[str, Ends]:
        """StartTime and EndTime of each server as the recipient has them, to the second."""
        recipient = Recipient()
        recipient.drain(self.folder / "queue")
        assert recipient.refused == []
        rows = [row for _, row in sorted(recipient.rows["cloud"].items(), key=repr)]
        return {row["VMUUID"]: (row["StartTime"], row["EndTime"]) for row in rows}


def servers_by_nova(cloud: LiveCloud, since: datetime) -> dict[str, Ends]:
    """created and terminated_at of each server as Nova's API has them, the deleted ones included."""
    found: dict[str, Ends] = {}
    client = cloud.client(cloud.projects[0])
    for changed in ({}, {"changes-since": since.strftime("%Y-%m-%dT%H:%M:%SZ")}):
        for row in client.get("compute", "/servers/detail", "2.79", all_tenants="1", **changed)["servers"]:
            ended = row["OS-SRV-USG:terminated_at"] if row["status"] == "DELETED" else None
            found[row["id"]] = (_second(row["created"]), _second(ended) if ended else None)
    return found


def _second(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC, microsecond=0)
