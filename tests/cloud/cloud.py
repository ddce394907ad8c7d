"""The whole cloud: databases of its own, five services, a proxy in front of each."""

import atexit
import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.cloud.configs import REGION, write_configs
from tests.cloud.credentials import ADMIN, BILLING, READER, Credentials
from tests.cloud.database import copy_databases
from tests.cloud.environment import service_venv
from tests.cloud.faults import Calls, Faults
from tests.cloud.proxy import Proxy
from tests.cloud.rows import rows_at
from tests.cloud.rows.keystone import ENDPOINTS, endpoint_id
from tests.cloud.rows.table import Rows, write_difference
from tests.cloud.seed.catalog import stable_hex
from tests.cloud.seed.plan import Seed, plan
from tests.cloud.seed.truth import Truth
from tests.cloud.services import SERVICES, Service

INTERFACES = ("public", "internal", "admin")
CELL_DATABASES = ("nova_cell0", "nova_cell1", "nova_cell2")


class Cloud:
    """A running test cloud; ``start`` makes it, ``stop`` or the end of a ``with`` block ends it."""

    def __init__(self, workdir: Path, seed: Seed, at: datetime, limits: Mapping[str, int] | None = None) -> None:
        """Prepare everything in ``workdir`` without starting any service."""
        self.workdir = workdir.resolve()
        self.truth: Truth = plan(seed)
        self.now = self._started_at = at
        self._limits = dict(limits or {})
        self._lost_cell: str | None = None
        self._touched: set[str] = set()
        self._archived: datetime | None = None
        self._venv = service_venv()
        self.workdir.mkdir(parents=True, exist_ok=True)
        copy_databases(self.workdir)
        self._rows = rows_at(self.truth, at)
        write_difference(self._databases, Rows(), self._rows)
        self._services = {name: Service(name, self.workdir, self._venv) for name in SERVICES}
        self._proxy = Proxy({name: service.port for name, service in self._services.items()})
        self._configure()
        self._write_places()

    @classmethod
    def start(
        cls, workdir: Path, seed: Seed | None = None, at: datetime | None = None, limits: Mapping[str, int] | None = None
    ) -> Self:
        """A cloud in the state of the time ``at`` (the seed's reference time by default).

        ``limits`` has the rows per page of services that shall not have their default, until ``reset`` gives it back.

        Takes 10 to 20 s once the cache is filled; half a minute more before.
        """
        seed = seed or Seed()
        cloud = cls(workdir, seed, at or seed.reference, limits)
        atexit.register(cloud.stop)
        try:
            for service in cloud._services.values():
                service.start()
            for service in cloud._services.values():
                service.wait()
        except BaseException:
            cloud.stop()
            raise
        return cloud

    def stop(self) -> None:
        """End all processes; may be called again."""
        atexit.unregister(self.stop)
        for service in self._services.values():
            service.close()
        self._proxy.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def auth_url(self) -> str:
        """Keystone, through the proxy."""
        return self._proxy.urls["keystone"] + "/v3"

    @property
    def direct_auth_url(self) -> str:
        """Keystone, not through the proxy: for services that ask whether tokens are valid."""
        return self._services["keystone"].url + "/v3"

    @property
    def urls(self) -> dict[str, str]:
        """Each service through the proxy, without a path."""
        return self._proxy.urls

    @property
    def reader(self) -> Credentials:
        """Has the role ``reader`` on each tagged project and on the system."""
        return Credentials(self.auth_url, READER)

    @property
    def admin(self) -> Credentials:
        """Has the role ``admin`` on each tagged project and on the system."""
        return Credentials(self.auth_url, ADMIN)

    @property
    def billing(self) -> Credentials:
        """Has the role ``service``, and no other, on the project of services."""
        return Credentials(self.auth_url, BILLING)

    @property
    def services_project(self) -> str:
        """Id of the project that the users of services have their roles on."""
        return stable_hex("project", "service")

    @property
    def faults(self) -> Faults:
        """Add to it what shall go wrong; clear it afterwards."""
        return self._proxy.faults

    @property
    def tokens(self) -> list[str]:
        """Tokens that clients got for a project."""
        return self._proxy.tokens

    def calls(self) -> contextlib.AbstractContextManager[Calls]:
        """``with cloud.calls() as calls``: the requests clients made within the block."""
        return self._proxy.calls()

    def environ(self, role: str, *, project_id: str | None = None) -> dict[str, str]:
        """OS_* variables of ``reader`` or ``admin``, system-scoped unless a project is given."""
        credentials = {"reader": self.reader, "admin": self.admin}[role]
        return credentials.environ(project_id=project_id, system=project_id is None)

    def write_clouds_yaml(self, path: Path) -> None:
        """Clouds ``reader`` and ``admin`` (system scope); JSON, which is YAML as well."""
        clouds = {
            name: {
                "auth_type": "password",
                "auth": credentials.auth(system=True),
                "region_name": REGION,
                "identity_api_version": 3,
            }
            for name, credentials in (("reader", self.reader), ("admin", self.admin))
        }
        path.write_text(json.dumps({"clouds": clouds}, indent=2) + "\n")

    def advance(self, to: datetime) -> None:
        """Let time pass, or return: the databases get the state of ``to``, nothing else changes."""
        rows = rows_at(self.truth, to, self._archived)
        write_difference(self._databases, self._rows, rows, rewrite=bool(self._touched))
        self._rows, self.now = rows, to
        if "keystone" in self._touched:
            self._make_keystone_forget()
        self._touched = set()

    def archive(self, before: datetime) -> None:
        """Nova forgets the servers deleted before a time, as with ``nova-manage db archive_deleted_rows --before``.

        What is deleted later stays, until this is called again.
        """
        self._archived = max(before, self._archived or before)
        self.advance(self.now)

    def restart(self, name: str, *, max_limit: int | None = None) -> None:
        """Restart a service at the same port; ``max_limit`` rows per page, or its default.

        Keystone just leaves out what is more, and says ``truncated``.
        """
        service = self._services[name]
        service.stop()
        self._limits.pop(name, None)
        if max_limit:
            self._limits[name] = max_limit
        self._configure()
        service.start()
        service.wait()

    @contextlib.contextmanager
    def tokens_last(self, seconds: int) -> Iterator[None]:
        """Within the block the tokens that Keystone gives are valid for so long; restarts it at both ends."""
        config = self.workdir / "etc" / "keystone.conf"
        text = config.read_text().replace("\nexpiration = 86400\n", f"\nexpiration = {seconds}\n")
        service = self._services["keystone"]
        service.stop()
        config.write_text(text)
        service.start()
        service.wait()
        try:
            yield
        finally:
            self.restart("keystone")

    def lose_cell(self, name: str) -> None:
        """Nova cannot reach the database of ``cell1`` or ``cell2`` any more; restarts Nova.

        From microversion 2.69 on it lists its servers as UNKNOWN, before it leaves them out.
        """
        self._lost_cell = name
        self._write_places()
        self.restart("nova", max_limit=self._limits.get("nova"))

    def reset(self) -> None:
        """As it was started: the time, no faults, all cells, pages of the usual length."""
        self.faults.clear()
        self._archived = None
        changed = set(self._limits) | ({"nova"} if self._lost_cell else set())
        self._lost_cell = None
        self._write_places()
        self.advance(self._started_at)
        for name in changed:
            self.restart(name)

    @contextlib.contextmanager
    def second_region(self, name: str, services: Sequence[str]) -> Iterator[None]:
        """Within the block the catalog has one region more, with the same services: all that is there is there twice."""
        rows = Rows()
        rows.add("keystone", "region", id=name, description="", extra="{}")
        self._endpoints(rows, name, services)
        with self.keystone_has(rows):
            yield

    @contextlib.contextmanager
    def keystone_has(self, rows: Rows) -> Iterator[None]:
        """Within the block Keystone has these rows more."""
        write_difference(self._databases, Rows(), rows)
        self._make_keystone_forget()
        try:
            yield
        finally:
            write_difference(self._databases, rows, Rows())
            self._make_keystone_forget()

    @property
    def processes(self) -> list[int]:
        """Process ids of the services."""
        return [service.pid for service in self._services.values() if service.pid]

    @contextlib.contextmanager
    def database(self, name: str) -> Iterator[sqlite3.Connection]:
        """A service's database (keystone, nova_cell1, ...), to break something in; commits.

        ``reset`` repairs rows which were changed or deleted; it leaves those which were added.
        """
        self._touched.add(name)
        connection = sqlite3.connect(self._databases / f"{name}.sqlite", timeout=30)
        try:
            with connection:
                yield connection
        finally:
            connection.close()
        if name == "keystone":
            self._make_keystone_forget()

    def _make_keystone_forget(self) -> None:
        """It keeps what it read, and cannot know of what was written past it."""
        self.restart("keystone", max_limit=self._limits.get("keystone"))

    @property
    def _databases(self) -> Path:
        return self.workdir / "db"

    def _configure(self) -> None:
        real = {name: service.url for name, service in self._services.items()}
        write_configs(self.workdir, self._venv, real, self._limits)

    def _url(self, name: str, interface: str) -> str:
        """Where the catalog says a service is: through the proxy.

        But not Keystone's admin interface, by which services ask whether tokens are valid: the
        proxy shall note what clients do.
        """
        direct = (name, interface) == ("keystone", "admin")
        return self._services[name].url if direct else self._proxy.urls[name]

    def _endpoints(self, rows: Rows, region: str, services: Iterable[str]) -> None:
        """Where the catalog says that these services are in a region."""
        for name in services:
            for interface in INTERFACES:
                rows.add(
                    "keystone",
                    "endpoint",
                    id=endpoint_id(name, interface, region),
                    interface=interface,
                    service_id=stable_hex("service", name),
                    url=self._url(name, interface) + ENDPOINTS[name][1],
                    extra="{}",
                    enabled=True,
                    region_id=region,
                )

    def _write_places(self) -> None:
        """Rows which depend on this start: URLs of the catalog and files of Nova's cells."""
        rows = Rows()
        self._endpoints(rows, REGION, ENDPOINTS)
        for number, database in enumerate(CELL_DATABASES):
            cell = database.removeprefix("nova_")
            folder = self._databases if cell != self._lost_cell else self.workdir / "lost"
            rows.add(
                "nova_api",
                "cell_mappings",
                id=number + 1,
                uuid=f"00000000-0000-0000-0000-{number:012d}",
                name=cell,
                transport_url="fake:/" if number else "none:///",
                database_connection=f"sqlite:///{folder}/{database}.sqlite",
                disabled=False,
            )
        write_difference(self._databases, Rows(), rows)
