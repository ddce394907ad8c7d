"""A small cloud without a network, for tests of extractors: fakes behind the real sources.

Only the HTTP rim is replaced: paging, microversions, typed rows and errors are those of ``caso.sources``.

>>> from caso.testing.servers import FakeCompute, a_server
>>> compute = FakeCompute(servers=[a_server("a", "p1"), a_server("b", "p2")], page_size=1)
>>> sources = fake_sources(compute=compute)
>>> [row.id for page in sources.compute("RegionOne", "p1").servers("p1") for row in page.rows]
['a']
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from caso.errors import DeniedError, SourceError
from caso.sources import LoginError, MissingError, Scope, ScopeOrProject, Sources
from caso.sources.api import Reply, Sender
from caso.sources.compute import utc_now
from caso.sources.prometheus import Metering
from caso.testing.gnocchi import FakeGnocchi
from caso.testing.networks import FakeNetwork
from caso.testing.prometheus import FakePrometheus
from caso.testing.servers import FakeCompute
from caso.testing.volumes import FakeVolume

REGION = "RegionOne"


class FakeIdentity:
    """Keystone with these projects (rows as the API has them) and users (id -> name).

    ``lists_for`` are the scopes that may list all projects and users; the user has a role on every project in ``own``
    (None: on all). ``changed_by`` are the scopes that may change projects.
    """

    def __init__(
        self,
        projects: Sequence[Mapping[str, Any]] = (),
        users: Mapping[str, str] | None = None,
        *,
        lists_for: Sequence[ScopeOrProject] = (Scope.AS_CONFIGURED, Scope.SYSTEM),
        own: Sequence[str] | None = None,
        truncate_users: bool = False,
        changed_by: Sequence[ScopeOrProject] = (Scope.SYSTEM,),
    ) -> None:
        self.projects = [dict(project) for project in projects]
        self.users = dict({"user-1": "Ada"} if users is None else users)
        self.lists_for = tuple(lists_for)
        self.own = own
        self.truncate_users = truncate_users
        self.changed_by = tuple(changed_by)

    def answer(self, scope: ScopeOrProject, path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        """What Keystone says to a GET."""
        if path == "/auth/projects":
            return {"projects": [row for row in self.projects if self.own is None or row["id"] in self.own]}
        if scope not in self.lists_for:
            raise DeniedError(f"keystone: {path}: You are not authorized (HTTP 403)")
        kind, _, object_id = path.strip("/").partition("/")
        users = [{"id": user_id, "name": name} for user_id, name in self.users.items()]
        rows = self.projects if kind == "projects" else users
        if object_id:
            found = next((row for row in rows if row["id"] == object_id), None)
            if found is None:
                raise MissingError(f"keystone: {path}: Could not find it (HTTP 404)")
            return {kind.rstrip("s"): found}
        if kind == "users":
            return {"users": rows[:1], "truncated": True} if self.truncate_users else {"users": rows}
        return {"projects": [row for row in rows if _matches(row, params)], "links": {"next": None}}

    def versions(self) -> Mapping[str, Any]:
        """The version document."""
        return {"version": {"id": "v3.14"}}

    def change(self, scope: ScopeOrProject, path: str, body: Mapping[str, Any]) -> None:
        """A PATCH of a project, or the PUT of a tag."""
        _, _, project_id, *tag = path.split("/")
        if scope not in self.changed_by:
            raise DeniedError(f"keystone: {path}: You are not authorized (HTTP 403)")
        row = next(row for row in self.projects if row["id"] == project_id)
        row |= {"tags": [*row.get("tags", ()), tag[-1]]} if tag else body["project"]


def _matches(project: Mapping[str, Any], params: Mapping[str, str]) -> bool:
    tag, name = params.get("tags"), params.get("name")
    return (tag is None or tag in project.get("tags", ())) and (name is None or name == project.get("name"))


class FakeImage:
    """Glance with these images (id -> properties)."""

    def __init__(self, images: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.images = dict(images or {"image-1": {}})

    def answer(self, _scope: ScopeOrProject, _path: str, _params: Mapping[str, str]) -> Mapping[str, Any]:
        """What Glance says to a GET."""
        return {"images": [{"id": image_id, **properties} for image_id, properties in self.images.items()]}

    def versions(self) -> Mapping[str, Any]:
        """The version document."""
        return {"versions": []}


Fake = FakeCompute | FakeIdentity | FakeImage | FakeVolume | FakeNetwork | FakeGnocchi


class FakeAccess:
    """Opens the fakes; in place of :class:`caso.sources.session.Access`.

    ``services`` maps a service type to a fake. ``requests`` are the GETs made so far, as (service type, scope, path).
    ``fail_on_request`` is the number of the one that answers with 503. ``configured`` is the configured scope,
    ``no_role_on`` are scopes that get no token. ``roles`` are those of every token; by default admin where a fake lets
    its user see all projects, else reader. ``prometheus`` is asked in place of any server of this kind.
    """

    def __init__(
        self,
        services: Mapping[str, Fake],
        *,
        configured: ScopeOrProject = Scope.AS_CONFIGURED,
        no_role_on: Sequence[ScopeOrProject] = (),
        fail_on_request: int | None = None,
        regions: Sequence[str] = (REGION,),
        roles: Collection[str] | None = None,
        prometheus: FakePrometheus | None = None,
    ) -> None:
        self.services = dict(services)
        self.requests: list[tuple[str, ScopeOrProject, str]] = []
        self.no_role_on = tuple(no_role_on)
        self.metering = prometheus or FakePrometheus()
        self._configured = configured
        self._fail_on_request = fail_on_request
        self._regions = tuple(regions)
        self._roles = roles
        self._lock = threading.Lock()

    def api(self, service_type: str, scope: ScopeOrProject, region: str | None = None) -> Sender:
        """The fake of a service in a scope; all regions are the same."""
        return _FakeApi(self, service_type, scope)

    def prometheus(
        self,
        url: str,
        *,
        verify: bool | str = True,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Metering:
        """The fake Prometheus, whatever the URL."""
        return self.metering

    def regions(self, service_type: str, scope: ScopeOrProject = Scope.AS_CONFIGURED) -> tuple[str, ...]:
        return self._regions

    def configured_scope(self) -> ScopeOrProject:
        return self._configured

    def roles(self, scope: ScopeOrProject) -> frozenset[str]:
        if scope in self.no_role_on:
            raise LoginError(f"keystone: no token for {scope}: the request requires authentication (HTTP 401)")
        if self._roles is not None:
            return frozenset(self._roles)
        return frozenset({"admin" if any(getattr(fake, "admin", False) for fake in self.services.values()) else "reader"})

    def count(self, service_type: str, scope: ScopeOrProject, path: str) -> None:
        """Note a request; SourceError where it is the one that is to fail."""
        with self._lock:
            self.requests.append((service_type, scope, path))
            number = len(self.requests)
        if number == self._fail_on_request:
            raise SourceError(f"{service_type}: cannot get {path}: Service Unavailable (HTTP 503)")


class _FakeApi:
    def __init__(self, access: FakeAccess, service_type: str, scope: ScopeOrProject) -> None:
        self.name = service_type
        self._access = access
        self._scope = scope

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        to: str,
        microversion: str | None = None,
    ) -> Mapping[str, Any]:
        service = self._service(path)
        if isinstance(service, FakeGnocchi):
            raise MissingError(f"gnocchi: cannot {to}: GET {path} is not there (HTTP 404)")
        return service.answer(self._scope, path, params or {})

    def change(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, to: str) -> None:
        service = self._service(path)
        if not isinstance(service, FakeIdentity):
            raise MissingError(f"{self.name}: cannot {to}: {method} {path} is not there (HTTP 404)")
        service.change(self._scope, path, body or {})

    def send(self, method: str, path: str, *, to: str, **request: Any) -> Reply:
        service = self._service(path)
        if not isinstance(service, FakeGnocchi):
            raise MissingError(f"{self.name}: cannot {to}: {method} {path} is not there (HTTP 404)")
        return service.answer(path, request.get("data"), f"gnocchi: cannot {to}")

    def versions(self) -> Mapping[str, Any]:
        return self._service("/").versions()

    def _service(self, path: str) -> Fake:
        if self._scope in self._access.no_role_on:
            raise LoginError(f"keystone: no token for {self._scope}: the request requires authentication (HTTP 401)")
        self._access.count(self.name, self._scope, path)
        if self.name not in self._access.services:
            raise MissingError(f"{self.name}: the catalog has no public endpoint of it")
        return self._access.services[self.name]


def fake_sources(
    *,
    compute: FakeCompute | None = None,
    identity: FakeIdentity | None = None,
    image: FakeImage | None = None,
    volume: FakeVolume | None = None,
    network: FakeNetwork | None = None,
    gnocchi: FakeGnocchi | None = None,
    clock: Callable[[], datetime] = utc_now,
    **access: Any,
) -> Sources:
    """The real sources over fakes; ``access`` are arguments of FakeAccess, ``clock`` tells when pages arrive."""
    services: dict[str, Fake] = {
        "compute": compute or FakeCompute(),
        "identity": identity or FakeIdentity(),
        "image": image or FakeImage(),
        "block-storage": volume or FakeVolume(),
        "network": network or FakeNetwork(),
        "metric": gnocchi or FakeGnocchi(),
    }
    return Sources(FakeAccess(services, **access), clock=clock)
