"""What measured use costs: caso at a real Gnocchi and a real Prometheus, and cASO 5.2.2 at the same Prometheus.

The servers are those of prepared pages of Nova's; so what an API of Nova's would take is not in these figures.
"""

import dataclasses
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tests.bench import caso522_energy
from tests.bench.measuring import Cost, measure
from tests.bench.metered_fleet import DAY, MeteredFleet, power_of_fleet
from tests.bench.prepared import bench
from tests.bench.server import ELSEWHERE
from tests.cloud import Calls
from tests.cloud.proxy import Proxy
from tests.databases import SERVERS
from tests.meters import Prometheus
from tests.meters.kept import gnocchi_of_fleet
from tests.unit.messengers.cim import EMAIL, PASSWORD, CimServer

SIZE = 10_000
OLD_SIZES = (20, 520)
"""cASO asks for each server: what one more costs is the difference."""
OLD_PAGE = 200
"""So many servers it asks for at once, and takes fewer for the end."""
BASIC = {"Authorization": "Basic YWRtaW46"}
"""For Gnocchi, whose only user is ``admin``: a token would be Keystone's, which is not there."""
METERS = 3
"""CPU time, received and sent bytes."""
HOUR = timedelta(hours=1)
MIDNIGHT = DAY + 24 * HOUR
ENERGY = (("first run", 1, 1), ("a day", 24, 1), ("three hours, and the day before to its end", 27, 2), ("an hour", 28, 1))
"""Runs: what they are over, how many hours after the fleet was made they end, how many days they ask about."""
USE = (("a day", 24), ("an hour, and the day before to its end", 25))

CONF = """\
[DEFAULT]
site_name = BENCH-SITE
service_name = BENCH-SERVICE
extractor = {extractors}
messengers = {messengers}
spooldir = {folder}/spool
mapping_file = {folder}/voms.json

[keystone_auth]
auth_type = v3password
auth_url = {cloud}/v3
username = caso
password = secret
user_domain_name = Default
project_id = {project}

[ssm]
output_path = {folder}/queue

[prometheus]
prometheus_endpoint = {prometheus}

[greendigit_cim]
base_url = {cim}
email = {email}
password = {password}
"""


@dataclasses.dataclass(frozen=True)
class Services:
    """All that is asked, behind one proxy that counts: ``cloud`` (prepared pages), ``gnocchi``, ``prometheus``."""

    fleet: MeteredFleet
    proxy: Proxy
    folder: Path
    cim: CimServer

    def site(self, name: str, extractors: str, messengers: str) -> Path:
        """The configuration file of a new site."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "voms.json").write_text("{}")
        urls = {"prometheus": "", **self.proxy.urls}
        text = CONF.format(
            extractors=extractors,
            messengers=messengers,
            folder=folder,
            project=self.fleet.projects[0],
            **{name: urls[name] for name in ("cloud", "prometheus")},
            cim=self.cim.url,
            email=EMAIL,
            password=PASSWORD.replace("$", "$$"),
        )
        (folder / "caso.conf").write_text(text)
        return folder / "caso.conf"

    def run(self, conf: Path, at: datetime) -> tuple[Cost, Calls]:
        """``caso-extract`` as it would run at that time."""
        with self.proxy.calls() as calls:
            cost = measure(self.proxy, [sys.executable, "-m", "tests.bench.run_at", at.isoformat(), f"--config-file={conf}"])
        return _well(cost, conf), calls


@contextmanager
def services(fleet: MeteredFleet, folder: Path, **others: int) -> Iterator[Services]:
    """Prepared pages beside services at these ports."""
    with bench(fleet, folder) as prepared, CimServer() as cim:
        proxy = Proxy({"cloud": int(prepared.address.rpartition(":")[2]), **others}, adds={"gnocchi": BASIC})
        if "gnocchi" in others:
            (folder / "pages" / ELSEWHERE).write_text(json.dumps({"metric": proxy.urls["gnocchi"]}))
        try:
            yield Services(fleet, proxy, folder, cim)
        finally:
            proxy.stop()


def measure_meters(size: int = SIZE) -> Iterator[dict[str, Any]]:
    """A line for each run, as it is done."""
    with tempfile.TemporaryDirectory(prefix="caso-bench-") as name:
        folder = Path(name)
        with Prometheus.start(folder / "prometheus", power_of_fleet(size)) as prometheus:
            yield from _energy(size, folder, prometheus.port)
            for sizes in (OLD_SIZES, (1,)):
                yield from _old(sizes, folder, prometheus.port, since=DAY if sizes == OLD_SIZES else None)
        server = SERVERS["postgresql"]()
        try:
            with gnocchi_of_fleet(folder / "gnocchi", server, size) as gnocchi:
                yield from _use(size, folder, gnocchi.port)
        finally:
            server.stop()


def _energy(size: int, folder: Path, port: int) -> Iterator[dict[str, Any]]:
    with services(MeteredFleet(size), folder / "energy", prometheus=port) as some:
        conf, told = some.site("site", "nova,prometheus", "greendigit_cim"), 0
        for what, hours, days in ENERGY:
            cost, calls = some.run(conf, DAY + hours * HOUR)
            records, told = len(some.cim.records) - told, len(some.cim.records)
            queries = len(calls.of("prometheus", "/api/v1/query"))
            yield _line("caso", "nova,prometheus", what, some.fleet, cost, records) | {"days": days, "queries": queries}
        if told != size:
            raise RuntimeError(f"{size} servers, {told} records of energy: this measures something else")


def _use(size: int, folder: Path, port: int) -> Iterator[dict[str, Any]]:
    for extractors in ("nova,ceilometer", "ceilometer"):
        with services(MeteredFleet(size), folder / extractors, gnocchi=port) as some:
            conf = some.site("site", extractors, "ssm")
            for what, hours in USE:
                cost, calls = some.run(conf, DAY + hours * HOUR)
                records = _drained(conf.parent / "queue")
                asked, pages = (len(calls.of("gnocchi", path)) for path in ("/aggregates", "/search/"))
                line = _line("caso", extractors, what, some.fleet, cost, records)
                yield line | {"measures": asked, "pages": pages, "meters": METERS}


def _old(sizes: Sequence[int], folder: Path, port: int, since: datetime | None) -> Iterator[dict[str, Any]]:
    """cASO over the day; and, without ``since``, as it runs for the first time: since 1970."""
    for size in sizes:
        # One project: cASO's questions to Nova are of each, and these pages tell all servers to who asks.
        of = MeteredFleet(size, page=OLD_PAGE, owners=1)
        with services(of, folder / f"old-{size}", prometheus=port) as some, some.proxy.calls() as calls:
            cost = _well(caso522_energy.energy(some.folder, some.proxy, of.projects[0], since, MIDNIGHT), some.folder)
        queries = len(calls.of("prometheus", "/api/v1/query"))
        if queries < size or "ERROR" in cost.said:
            raise RuntimeError(f"cASO: {queries} queries for {size} servers is something else\n{cost.said[-3000:]}")
        yield _line("cASO 5.2.2", "prometheus", "a day" if since else "first run", of, cost, 0) | {"queries": queries}


def _line(who: str, extractors: str, run: str, fleet: MeteredFleet, cost: Cost, records: int) -> dict[str, Any]:
    return {
        "who": who,
        "extractors": extractors,
        "run": run,
        "servers": fleet.servers,
        "projects": len(fleet.projects),
        "seconds": round(cost.seconds, 2),
        "cpu_seconds": round(cost.cpu_seconds, 2),
        "peak_mib": round(cost.peak_mib),
        "calls": cost.calls,
        "records": records,
    }


def _well(cost: Cost, what: Path) -> Cost:
    if cost.status:
        raise RuntimeError(f"{what}: exit status {cost.status}\n{cost.said[-3000:]}")
    return cost


def _drained(queue: Path) -> int:
    """The records of servers in all messages that wait; then none does."""
    count = sum(path.read_bytes().count(b"VMUUID: ") for path in queue.rglob("*") if path.is_file())
    shutil.rmtree(queue)
    return count
