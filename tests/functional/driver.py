"""Runs of caso against the test cloud, at times of the cloud's own."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from caso import config, wiring
from caso.history import resumed
from caso.report import Report
from caso.run import Watcher, run
from caso.testing.recipient import Recipient
from tests.cloud import Cloud

CONF = """
[DEFAULT]
site_name = TEST-SITE
service_name = TEST-SERVICE
extractor = {extractors}
messengers = ssm
spooldir = {folder}/spool
mapping_file = {folder}/voms.json

[keystone_auth]
auth_type = password
auth_url = {auth_url}
username = {username}
password = {password}
user_domain_name = Default
{scope}

[ssm]
output_path = {folder}/queue
"""


@dataclasses.dataclass
class Site:
    """A site with caso on it: a folder with its configuration, its spool and its queue, and the recipient behind that."""

    folder: Path
    cloud: Cloud
    role: str
    recipient: Recipient = dataclasses.field(default_factory=Recipient)
    messages: int = 0
    sleep: Callable[[float], None] = time.sleep
    """How caso waits before it asks again."""

    def __post_init__(self) -> None:
        credentials = {"reader": self.cloud.reader, "admin": self.cloud.admin}[self.role]
        # The reader sees projects and users through the system; Nova's administrator is one of a project.
        own = self.cloud.truth.accounted[0].id
        text = CONF.format(
            extractors="nova,cinder,neutron",
            folder=self.folder,
            auth_url=credentials.auth_url,
            username=credentials.username,
            password=credentials.password,
            scope="system_scope = all" if self.role == "reader" else f"project_id = {own}",
        )
        (self.folder / "voms.json").write_text("{}")
        self.conf.write_text(text)

    @property
    def conf(self) -> Path:
        return self.folder / "caso.conf"

    @property
    def queue(self) -> Path:
        return self.folder / "queue"

    def run(self, at: datetime, *arguments: str, watcher: Watcher | None = None) -> Report:
        """``caso-extract`` as it would run at a time; its messages reach the recipient."""
        report = self.extract(at, *arguments, watcher=watcher)
        self.messages += self.recipient.drain(self.queue)
        return report

    def extract(self, at: datetime, *arguments: str, watcher: Watcher | None = None) -> Report:
        """``caso-extract`` as it would run at a time; its messages stay in the queue."""
        conf = config.build([f"--config-file={self.conf}", *arguments], "caso-extract", files=[])
        with wiring.open_configured_store(conf) as store:
            job = wiring.job(conf, at, clock=ticking(at), sleep=self.sleep)
            return run(resumed(job, store) if conf.resume else job, store, ticking(at), watcher)

    def store(self) -> wiring.Store:
        return wiring.open_store_to_read(config.build([f"--config-file={self.conf}"], "caso-extract", files=[]))


def ticking(start: datetime) -> Callable[[], datetime]:
    """A clock that starts there and goes on by a microsecond each time that it is read."""
    reads = 0

    def now() -> datetime:
        nonlocal reads
        reads += 1
        return start + timedelta(microseconds=reads)

    return now


def differences(rows: dict, wanted: dict, kinds: Sequence[str] = ("cloud", "accelerator", "storage", "ip")) -> list[str]:  # type: ignore[type-arg]
    """Each way in which what was received is not what the truth makes of it; empty where they agree."""
    found = []
    for kind in kinds:
        found += [f"{kind} {key}: missing" for key in wanted[kind].keys() - rows[kind].keys()]
        found += [f"{kind} {key}: nobody asked for it" for key in rows[kind].keys() - wanted[kind].keys()]
        for key in wanted[kind].keys() & rows[kind].keys():
            for name, value in wanted[kind][key].items():
                got = rows[kind][key].get(name)
                if got != value:
                    found.append(f"{kind} {key}: {name} is {got!r}, the truth is {value!r}")
    return sorted(found)
