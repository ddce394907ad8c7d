"""Runs of caso beside a real Gnocchi, the other services faked: what was sent, record by record."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from caso.accounting.rules import Rules
from caso.delivery import Outlet
from caso.extractors.base import Extractor
from caso.extractors.ceilometer import CeilometerExtractor
from caso.extractors.nova import NovaExtractor
from caso.job import Job
from caso.messengers.base import Messenger
from caso.planning import Period
from caso.projects import Project
from caso.records import CloudRecord, Record
from caso.report import Report
from caso.run import run
from caso.sources import Sources
from caso.sources.api import Sender
from caso.sources.gnocchi_asking import basic_api
from caso.sources.manners import Manners
from caso.sources.session import new_session
from caso.store import Store, open_store
from caso.testing.servers import FakeCompute, a_server
from caso.testing.sources import REGION, FakeAccess, FakeIdentity, FakeImage
from tests.functional.driver import ticking
from tests.meters import Gnocchi, Metered, MeteredServer


class BesideGnocchi(FakeAccess):
    """Opens fakes, and the real Gnocchi."""

    def __init__(self, url: str, timeout: float, **services: Any) -> None:
        super().__init__({"identity": FakeIdentity(), "image": FakeImage(), **services}, roles={"admin"})
        manners = Manners(sleep=lambda seconds: None)
        self._gnocchi = basic_api(new_session(timeout=timeout, traffic=manners.traffic), url, "admin", manners)

    def api(self, service_type: str, scope: Any, region: str | None = None) -> Sender:
        return self._gnocchi if service_type == "metric" else super().api(service_type, scope, region)


class Keeper(Messenger):
    """Keeps the newest of each record."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}

    @classmethod
    def from_conf(cls, conf: Any) -> Keeper:
        return cls()

    def send(self, records: Sequence[Record]) -> None:
        self.records |= {record.key: record for record in records}


@dataclasses.dataclass
class MeteredSite:
    """A site with a store in ``folder``; of ``extractors``, ``nova`` sees the metered cloud as Nova would show it."""

    folder: Path
    gnocchi: Gnocchi
    metered: Metered
    extractors: Sequence[str] = ("ceilometer",)
    url: str = ""
    """Where Gnocchi is for caso, where that is not where it is."""
    timeout: float = 60.0
    kept: Keeper = dataclasses.field(default_factory=Keeper)

    def store(self) -> Store:
        return open_store(f"sqlite:///{self.folder}/caso.sqlite")

    def run(self, at: datetime, **extractor: Any) -> Report:
        compute = FakeCompute([nova_row(one, at) for one in self.metered.servers if one.created < at], flavors={}, admin=True)
        sources = Sources(BesideGnocchi(self.url or self.gnocchi.url, self.timeout, compute=compute), clock=ticking(at))
        known: Mapping[str, Callable[[], Extractor]] = {
            "ceilometer": lambda: CeilometerExtractor(sources, **extractor),
            "nova": lambda: NovaExtractor(sources),
        }
        extractors = {name: known[name]() for name in self.extractors}
        for name, one in extractors.items():
            one.beside(frozenset().union(*(other.observes for of, other in extractors.items() if of != name)))
        job = Job(
            cloud="",
            projects=[Project(one.id, one.name, "vo", "property VO") for one in self.metered.projects],
            extractors=extractors,
            rules={REGION: Rules("SITE", "SERVICE", "OpenStack")},
            outlets=[Outlet("keeper", self.kept, frozenset({"cloud", "storage"}))],
            period=Period(now=at, until=at),
            threads=2,
        )
        with self.store() as store:
            return run(job, store, ticking(at))

    def cloud(self, server: MeteredServer, month: str) -> CloudRecord:
        """The record of a server's month; KeyError where none was sent."""
        found = {(one.vm_uuid, str(one.month)): one for one in self.kept.records.values() if isinstance(one, CloudRecord)}
        return found[server.id, month]


def nova_row(server: MeteredServer, at: datetime) -> dict[str, Any]:
    """The server as Nova shows it at a time."""
    flavor = server.flavor(at)
    row = a_server(
        server.id,
        server.project_id,
        name=server.name,
        user_id=server.user_id,
        created=_nova(server.created),
        updated=_nova(max(time for time in (server.created, *(t for t, _ in server.flavors)) if time <= at)),
        image={"id": server.image_id},
        flavor={"original_name": flavor.name, "vcpus": flavor.vcpus, "ram": flavor.memory_mib, "disk": 0, "extra_specs": {}},
    )
    if server.ended and server.ended <= at:
        ended = _nova(server.ended)
        row |= {"status": "DELETED", "updated": ended, "OS-SRV-USG:terminated_at": ended.rstrip("Z")}
    return row


def _nova(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
