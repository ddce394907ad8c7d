"""A cloud of a few servers behind fakes, at two times, and runs of caso on it: for tests of whole runs."""

import dataclasses
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from caso.accounting.rules import Rules
from caso.delivery import Outlet
from caso.extractors.base import Extractor
from caso.extractors.cinder import CinderExtractor
from caso.extractors.neutron import NeutronExtractor
from caso.extractors.nova import NovaExtractor
from caso.extractors.power import UNITS, PowerMeter
from caso.extractors.prometheus import PrometheusExtractor
from caso.job import Job
from caso.messengers.base import Messenger
from caso.messengers.ssm import SsmMessenger
from caso.planning import Period
from caso.projects import Project
from caso.records import Record
from caso.report import Report
from caso.run import Watcher, run
from caso.store import Store, open_store
from caso.testing.networks import FakeNetwork, a_floating_ip, a_port, leading_to
from caso.testing.prometheus import FakePrometheus
from caso.testing.recipient import Recipient
from caso.testing.servers import FakeCompute, a_server
from caso.testing.sources import REGION, fake_sources
from caso.testing.volumes import FakeVolume, a_volume

T1 = datetime(2024, 3, 10, 11, tzinfo=UTC)
T2 = datetime(2024, 3, 10, 12, tzinfo=UTC)
PROJECTS = (Project("p1", "alpha", "vo.alpha", "property VO"), Project("p2", "beta", "vo.beta", "property VO"))
POWER = PowerMeter('power{uuid=~"{uuids}"}', "uuid", UNITS["watts"], 30)
GPU = {"Accelerator:Type": "GPU", "Accelerator:Vendor": "NVIDIA", "Accelerator:Model": "A100", "Accelerator:Number": "2"}


def servers(at: datetime) -> list[dict]:  # type: ignore[type-arg]
    """What Nova has: in the hour after T1 one server ends, one is stopped, one is made, one is resized."""
    gpu = a_server("gpu", "p1")["flavor"] | {"original_name": "gpu", "extra_specs": GPU}
    big = a_server("big", "p2")["flavor"] | {"original_name": "big", "vcpus": 16}
    before = [
        a_server("runs", "p1"),
        a_server("ends", "p1"),
        a_server("gpu", "p1", flavor=gpu),
        a_server("stops", "p2"),
        a_server("grows", "p2"),
        a_server("ended", "p2", status="DELETED", updated="2024-03-05T10:00:00Z")
        | {"OS-SRV-USG:terminated_at": "2024-03-05T10:00:00.000000"},
    ]
    if at < T2:
        return before
    changed = {
        "ends": {
            "status": "DELETED",
            "updated": "2024-03-10T11:20:00Z",
            "OS-SRV-USG:terminated_at": "2024-03-10T11:20:00.000000",
        },
        "stops": {"status": "SHUTOFF", "updated": "2024-03-10T11:30:00Z"},
        "grows": {"flavor": big, "updated": "2024-03-10T11:40:00Z"},
    }
    born = a_server("born", "p1", created="2024-03-10T11:10:00Z", updated="2024-03-10T11:11:00Z")
    return [*(row | changed.get(row["id"], {}) for row in before), born]


def volumes(at: datetime) -> list[dict]:  # type: ignore[type-arg]
    """What Cinder has: in the hour after T1 one volume is deleted, one is made, one is extended."""
    if at < T2:
        return [a_volume("stays", "p1"), a_volume("goes", "p1"), a_volume("grows", "p2")]
    born = a_volume("born", "p2", created_at="2024-03-10T11:15:00", updated_at=None)
    return [a_volume("stays", "p1"), a_volume("grows", "p2", size=20, updated_at="2024-03-10T11:45:00"), born]


def floating_ips(at: datetime) -> list[dict]:  # type: ignore[type-arg]
    """What Neutron has given out: in the hour after T1 one project gives back all it has."""
    kept = a_floating_ip("kept", "p1", **leading_to("runs"))
    return [kept] if at >= T2 else [kept, a_floating_ip("freed", "p2", floating_ip_address="192.0.2.11")]


def ticking(start: datetime) -> Callable[[], datetime]:
    """A clock that goes on by a microsecond each time that it is read."""
    reads = iter(range(1, 10**9))
    return lambda: start + timedelta(microseconds=next(reads))


@dataclasses.dataclass
class Cloudlet:
    """A folder with a spool and a queue; ``compute`` is the Nova of the next run, made anew for each unless it is given.

    ``connection`` is where the store is, in the spool unless told otherwise.
    """

    folder: Path
    admin: bool = False
    page_size: int = 2
    extractors: Sequence[str] = ("nova",)
    recipient: Recipient = dataclasses.field(default_factory=Recipient)
    full_listing_every: timedelta = timedelta(days=1)
    connection: str | None = None
    prometheus: FakePrometheus = dataclasses.field(default_factory=FakePrometheus)

    @property
    def queue(self) -> Path:
        return self.folder / "queue"

    def store(self) -> Store:
        return open_store(self.connection or f"sqlite:///{self.folder}/spool/caso.sqlite")

    def job(self, at: datetime, *, compute: FakeCompute | None = None, period: Period | None = None, **changes) -> Job:  # type: ignore[no-untyped-def]
        compute = compute or FakeCompute(servers(at), page_size=self.page_size, admin=self.admin)
        job = Job(
            cloud="",
            projects=PROJECTS,
            extractors=self._extractors(at, compute),
            rules={REGION: Rules("SITE", "SERVICE", "OpenStack")},
            outlets=[self.outlet()],
            period=period or Period(now=at, until=at),
            threads=1,
        )
        return dataclasses.replace(job, **changes)

    def _extractors(self, at: datetime, compute: FakeCompute) -> dict[str, Extractor]:
        fakes = {"page_size": self.page_size, "admin": self.admin}
        sources = fake_sources(
            compute=compute,
            volume=FakeVolume(volumes(at), **fakes),
            network=FakeNetwork(floating_ips(at), [a_port("port", "p1", device_id="gpu")], **fakes),
            clock=ticking(at + timedelta(milliseconds=1)),
        )
        known: dict[str, Extractor] = {
            "nova": NovaExtractor(sources, full_listing_every=self.full_listing_every),
            "cinder": CinderExtractor(sources),
            "neutron": NeutronExtractor(sources),
            "prometheus": PrometheusExtractor(sources, self.prometheus, POWER),
        }
        chosen = {name: known[name] for name in self.extractors}
        for name, one in chosen.items():
            one.beside(frozenset().union(*(other.observes for by, other in chosen.items() if by != name)))
        return chosen

    def outlet(self, messenger: Messenger | None = None) -> Outlet:
        messenger = messenger or SsmMessenger(self.queue, max_size=2)
        messenger.batch_size = 3
        return Outlet("ssm", messenger, frozenset({"cloud", "accelerator", "ip", "storage"}))

    def run(self, at: datetime, watcher: Watcher | None = None, **changes) -> Report:  # type: ignore[no-untyped-def]
        with self.store() as store:
            return run(self.job(at, **changes), store, ticking(at), watcher)

    def received(self) -> dict:  # type: ignore[type-arg]
        """What the recipient holds, once it has taken all there is in the queue."""
        self.recipient.drain(self.queue)
        return self.recipient.rows

    def checkpoints(self) -> Sequence[tuple[str, datetime]]:
        with self.store() as store:
            return [(checkpoint.scope.project_id, checkpoint.until) for checkpoint in store.checkpoints.all()]


class Recorder(Messenger):
    """Keeps what it is sent; ``trouble`` decides what it raises instead."""

    def __init__(self, trouble: Callable[[Sequence[Record]], None] | None = None) -> None:
        self.keys: list[str] = []
        self.trouble = trouble

    @classmethod
    def from_conf(cls, conf):  # type: ignore[no-untyped-def]
        return cls()

    def send(self, records: Sequence[Record]) -> None:
        if self.trouble:
            self.trouble(records)
        self.keys += [record.key for record in records]
