"""Runs of caso beside a real Prometheus, with a Nova that is faked: what was sent, record by record."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from caso.accounting.rules import Rules
from caso.delivery import Outlet
from caso.extractors.nova import NovaExtractor
from caso.extractors.power import UNITS, PowerMeter, selector
from caso.extractors.prometheus import PrometheusExtractor
from caso.job import Job
from caso.planning import Period
from caso.projects import Project
from caso.report import Report
from caso.run import run
from caso.sources.manners import Manners
from caso.sources.prometheus import Prometheus
from caso.sources.session import new_session
from caso.store import open_store
from caso.testing.servers import FakeCompute, a_server
from caso.testing.sources import REGION, fake_sources
from tests.functional.driver import ticking
from tests.functional.metered_site import Keeper
from tests.meters import PoweredServer
from tests.meters.power import PROJECTS

METER = PowerMeter(
    selector("prometheus_value", "uuid", {"type_instance": "scaph_process_power_microwatts"}), "uuid", UNITS["microwatts"], 30
)


@dataclasses.dataclass
class PoweredSite:
    """A site with a store in ``folder``, whose Nova has the powered servers as they are at the time of a run."""

    folder: Path
    url: str
    servers: Sequence[PoweredServer]
    timeout: float = 60.0
    kept: Keeper = dataclasses.field(default_factory=Keeper)

    def run(self, at: datetime) -> Report:
        rows = [a_server(one.id, one.project_id, **_seen(one, at)) for one in self.servers if one.created < at]
        sources = fake_sources(compute=FakeCompute(rows, admin=False), clock=ticking(at))
        manners = Manners(sleep=lambda seconds: None)
        client = Prometheus(self.url, session=new_session(timeout=self.timeout, traffic=manners.traffic), manners=manners)
        extractors = {"nova": NovaExtractor(sources), "prometheus": PrometheusExtractor(sources, client, METER)}
        for name, one in extractors.items():
            one.beside(frozenset().union(*(other.observes for of, other in extractors.items() if of != name)))
        job = Job(
            cloud="",
            projects=[Project(one.id, one.name, "vo", "property VO") for one in PROJECTS],
            extractors=extractors,
            rules={REGION: Rules("SITE", "SERVICE", "OpenStack")},
            outlets=[Outlet("keeper", self.kept, frozenset({"cloud", "energy"}))],
            period=Period(now=at, until=at),
            threads=2,
        )
        with open_store(f"sqlite:///{self.folder}/caso.sqlite") as store:
            return run(job, store, ticking(at))


def _seen(server: PoweredServer, at: datetime) -> dict[str, object]:
    changes: dict[str, object] = {"created": f"{server.created:%Y-%m-%dT%H:%M:%SZ}", "name": server.name}
    if not server.deleted or server.deleted > at:
        return {**changes, "updated": changes["created"]}
    ended = f"{server.deleted:%Y-%m-%dT%H:%M:%S}"
    return {**changes, "status": "DELETED", "updated": f"{ended}Z", "OS-SRV-USG:terminated_at": f"{ended}.000000"}
