"""The whole live cloud: a broker, databases, six APIs and five workers."""

from __future__ import annotations

import atexit
import contextlib
import time
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.broker import Broker, consumers, count, rabbit_url
from tests.cloud import Credentials, Seed
from tests.cloud.cloud import INTERFACES
from tests.cloud.configs import REGION
from tests.cloud.credentials import ADMIN, READER
from tests.cloud.database import copy_databases
from tests.cloud.environment import run, service_venv
from tests.cloud.rows.keystone import ENDPOINTS, add_keystone, endpoint_id
from tests.cloud.rows.table import Rows, write_difference
from tests.cloud.seed.catalog import stable_hex
from tests.cloud.seed.plan import plan
from tests.cloud.seed.truth import Project
from tests.cloud.services import SERVICES, Service, StartError
from tests.databases import Server
from tests.live.client import Client
from tests.live.configs import CINDER_HOST, COMPUTE_HOST, write_configs
from tests.live.databases import databases, write_cells
from tests.live.workers import WORKERS, Worker

LISTENED = ("conductor", "scheduler", f"compute.{COMPUTE_HOST}", "cinder-scheduler", f"cinder-volume.{CINDER_HOST}@fake")
"""The queue from which each worker is told what to do."""
STARTS_WITHIN_SECONDS = 300
PLACES = ("keystone", "placement", *(name for name in SERVICES if name != "keystone"))


class LiveCloud:
    """A running cloud in which things are done; ``start`` makes it, ``stop`` or the end of a ``with`` block ends it."""

    def __init__(self, work: Path, server: Server, *, audit_period: str = "hour") -> None:
        self.work = work.resolve()
        self.work.mkdir(parents=True, exist_ok=True)
        self._stack = contextlib.ExitStack()
        atexit.register(self.stop)
        self.projects: list[Project] = plan(Seed(2, 0, 0, oddities=False)).accounted[:2]
        self._venv = service_venv()
        copy_databases(self.work)
        urls = self._stack.enter_context(databases(server))
        self.broker = Broker()
        self._stack.callback(self.broker.close)
        bus = rabbit_url(self.broker.url)
        write_cells(urls, bus)
        self._services = {name: _Api(name, self.work, self._venv) for name in PLACES}
        self._workers = [Worker(name, self.work, self._venv) for name in WORKERS]
        places = {name: service.url for name, service in self._services.items()}
        write_configs(self.work, self._venv, places, urls, bus, audit_period=audit_period)
        self._write_keystone(places)

    @classmethod
    def start(cls, work: Path, server: Server, *, audit_period: str = "hour") -> Self:
        """One without servers and volumes, its databases on that PostgreSQL, its files in ``work``; about a minute.

        Nova tells what it had in each ``audit_period``: ``hour@37`` ends at minute 37.
        """
        cloud = cls(work, server, audit_period=audit_period)
        try:
            cloud._begin()
        except BaseException:
            cloud.stop()
            raise
        return cloud

    def stop(self) -> None:
        """End all processes; may be called again."""
        atexit.unregister(self.stop)
        for process in [*getattr(self, "_workers", []), *getattr(self, "_services", {}).values()]:
            process.stop()
        for service in getattr(self, "_services", {}).values():
            service.close()
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    @property
    def auth_url(self) -> str:
        """Keystone."""
        return self._services["keystone"].url + "/v3"

    @property
    def admin(self) -> Credentials:
        """Has the role ``admin`` on both projects and on the system."""
        return Credentials(self.auth_url, ADMIN)

    @property
    def reader(self) -> Credentials:
        """Has the role ``reader`` on both projects and on the system."""
        return Credentials(self.auth_url, READER)

    @property
    def broker_url(self) -> str:
        """The virtual host that the services notify through, for kombu."""
        return self.broker.url

    def client(self, project: Project) -> Client:
        """As the administrator of a project."""
        return Client(self.admin, project.id)

    def wait_until_told(self, quiet_seconds: float = 3) -> None:
        """Return when the services have had nothing to tell for so long: they tell of an end after the API has said so."""
        told, since = -1, time.monotonic()
        while time.monotonic() < since + quiet_seconds:
            # A topic that nobody consumes, as sites have them.
            now = sum(count(self.broker_url, f"{topic}.info") for topic in ("notifications", "versioned_notifications"))
            if now != told:
                told, since = now, time.monotonic()
            time.sleep(0.2)

    def audit_volumes(self, start: datetime, end: datetime) -> None:
        """Cinder tells what volumes there were in that time, as its command does that sites run hourly."""
        times = [f"--{name}_time={at.astimezone(UTC):%F %T}" for name, at in (("start", start), ("end", end))]
        run(self._venv / "bin" / "cinder-volume-usage-audit", "--config-file", self.work / "etc" / "cinder.conf", *times)

    def check(self) -> None:
        """StartError with the log of a worker that has ended."""
        for worker in self._workers:
            worker.check()

    def _begin(self) -> None:
        for service in self._services.values():
            service.start()
        self._services["keystone"].wait()
        # Keystone makes ready at its first token: whoever comes beside that is answered 500, and a worker ends.
        self.client(self.projects[0]).session.get_token()
        for worker in self._workers:
            worker.start()
        for service in self._services.values():
            service.wait()
        self._wait_for_workers()

    def _wait_for_workers(self) -> None:
        """Until each listens, and the schedulers know what there is to choose from."""
        client = self.client(self.projects[0])
        until = time.monotonic() + STARTS_WITHIN_SECONDS
        # Listening first: a request to whoever does not listen yet is lost, and an API waits minutes for its answer.
        while not (self._listen() and _has_resources(client)):
            self.check()
            if time.monotonic() > until:
                raise StartError("\n".join(worker.tail() for worker in self._workers))
            time.sleep(0.5)

    def _listen(self) -> bool:
        return all(consumers(self.broker_url, queue) for queue in LISTENED)

    def _write_keystone(self, places: dict[str, str]) -> None:
        rows = Rows()
        add_keystone(rows, plan(Seed(2, 0, 0, oddities=False)))
        for name, (_, path) in ENDPOINTS.items():
            for interface in INTERFACES:
                rows.add(
                    "keystone",
                    "endpoint",
                    id=endpoint_id(name, interface),
                    interface=interface,
                    service_id=stable_hex("service", name),
                    url=places[name] + path,
                    extra="{}",
                    enabled=True,
                    region_id=REGION,
                )
        write_difference(self.work / "db", Rows(), rows)


class _Api(Service):
    def _environ(self) -> dict[str, str]:
        environ = super()._environ()
        return {**environ, "OS_PLACEMENT_CONFIG_DIR": environ["CLOUD_ETC"]}


def _has_resources(client: Client) -> bool:
    """Nova's host has said what it has, and Cinder's scheduler has heard of the pool that it may choose."""
    hosts = client.get("compute", "/os-hypervisors/detail", "2.1")["hypervisors"]
    pools = client.get("block-storage", "/scheduler-stats/get_pools")["pools"]
    return any(host["vcpus"] for host in hosts) and bool(pools)
