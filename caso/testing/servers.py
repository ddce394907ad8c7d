"""A small Nova without a network; :mod:`caso.testing.sources` puts it behind the real sources."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from caso.errors import DeniedError, SourceError
from caso.sources import MissingError, ScopeOrProject
from caso.testing.paging import page_of

ENDED = frozenset({"DELETED", "SOFT_DELETED"})


def a_server(server_id: str = "server-1", project_id: str = "project-1", **changes: Any) -> dict[str, Any]:
    """A server as Nova lists it (2.69): two vCPUs, running since February 2024; ``changes`` replace keys of the row.

    >>> a_server(status="DELETED", updated="2024-02-03T00:00:00Z")["status"]
    'DELETED'
    """
    row = {
        "id": server_id,
        "name": f"name of {server_id}",
        "status": "ACTIVE",
        "tenant_id": project_id,
        "user_id": "user-1",
        "created": "2024-02-01T00:00:00Z",
        "updated": "2024-02-01T00:01:00Z",
        "OS-SRV-USG:launched_at": "2024-02-01T00:01:00.000000",
        "OS-SRV-USG:terminated_at": None,
        "flavor": {
            "original_name": "m1.medium",
            "vcpus": 2,
            "ram": 4096,
            "disk": 40,
            "ephemeral": 0,
            "swap": 0,
            "extra_specs": {},
        },
        "image": {"id": "image-1", "links": []},
        "addresses": {"net": [{"addr": "192.0.2.7", "version": 4, "OS-EXT-IPS:type": "fixed"}]},
    }
    return row | changes


def a_partial_server(server_id: str = "hidden-1", project_id: str = "project-1") -> dict[str, Any]:
    """A server of a cell that is down."""
    return {"id": server_id, "status": "UNKNOWN", "tenant_id": project_id, "created": "2024-02-01T00:00:00Z", "links": []}


def an_action(action: str, finished: str, server_id: str = "server-1", **changes: Any) -> dict[str, Any]:
    """An entry of a server's os-instance-actions (2.58): the action ended well at ``finished``, and took five seconds.

    >>> an_action("suspend", "2024-02-03T10:00:05")["start_time"]
    '2024-02-03T10:00:00.000000'
    """
    end = datetime.fromisoformat(finished)
    row = {
        "action": action,
        "instance_uuid": server_id,
        "request_id": f"req-{action}-{end:%Y%m%d%H%M%S}",
        "user_id": "user-1",
        "project_id": "project-1",
        "start_time": f"{end - timedelta(seconds=5):%Y-%m-%dT%H:%M:%S.%f}",
        "updated_at": f"{end:%Y-%m-%dT%H:%M:%S.%f}",
        "message": None,
    }
    return row | changes


def a_flavor(name: str, **changes: Any) -> dict[str, Any]:
    """A flavor as Nova lists it, as large as that of :func:`a_server`."""
    size = {"vcpus": 2, "ram": 4096, "disk": 40, "OS-FLV-EXT-DATA:ephemeral": 0}
    return {"id": name, "name": name, **size, "extra_specs": {}, **changes}


class FakeCompute:
    """Nova with these servers and flavors (name -> extra specs).

    ``page_size`` is its max_limit; ``fail_on_page`` the number of the server page, counted over all listings, that
    answers with 503;
    ``admin`` whether the user may list all projects; ``down_hosts`` are hosts of cells that are down.
    The order is that of ``servers``. ``actions`` are what it tells of each server's past, by its id, in any order;
    ``asked`` lists the servers whose actions were asked for; of those in ``fail_on_actions`` Nova answers with 503.
    """

    def __init__(
        self,
        servers: Sequence[Mapping[str, Any]] = (),
        flavors: Mapping[str, Mapping[str, str]] | None = None,
        *,
        page_size: int = 1000,
        fail_on_page: int | None = None,
        admin: bool = False,
        microversion: str = "2.96",
        down_hosts: Sequence[str] = (),
        actions: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        fail_on_actions: Collection[str] = (),
    ) -> None:
        self.servers = [dict(server) for server in servers]
        self.actions = dict(actions or {})
        self.asked: list[str] = []
        self.fail_on_actions = fail_on_actions
        self.flavors = dict(flavors or {"m1.medium": {}})
        self.page_size = page_size
        self.fail_on_page = fail_on_page
        self.admin = admin
        self.microversion = microversion
        self.down_hosts = tuple(down_hosts)
        self.pages_served = 0

    def answer(self, scope: ScopeOrProject, path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        """What Nova says to a GET."""
        if path == "/servers/detail":
            return self._list(scope, params)
        if path == "/flavors/detail":
            return {"flavors": [a_flavor(name, extra_specs=specs) for name, specs in self.flavors.items()]}
        if path == "/os-services":
            if not self.admin:
                raise DeniedError("nova: cannot list hosts: Policy doesn't allow os-services:list (HTTP 403)")
            return {"services": [{"binary": "nova-compute", "host": host, "status": "UNKNOWN"} for host in self.down_hosts]}
        if match := re.fullmatch("/servers/([^/]+)/os-instance-actions", path):
            return self._actions_of(match[1], params)
        raise MissingError(f"nova: cannot show {path}: it is not there (HTTP 404)")

    def versions(self) -> Mapping[str, Any]:
        """The version document."""
        return {"version": {"id": "v2.1", "version": self.microversion, "min_version": "2.1"}}

    def _list(self, scope: ScopeOrProject, params: Mapping[str, str]) -> Mapping[str, Any]:
        self.pages_served += 1
        if self.pages_served == self.fail_on_page:
            raise SourceError("nova: cannot list servers: Service Unavailable (HTTP 503)")
        if params.get("all_tenants") and not self.admin:
            raise DeniedError("nova: cannot list servers: Policy doesn't allow all_tenants (HTTP 403)")
        project_id = params.get("tenant_id") if params.get("all_tenants") else scope
        # Who is no administrator is shown what a filter for those that ended would leave out.
        alone = self.admin and params.get("deleted") == "true"
        rows = [row for row in self.servers if project_id in (None, row.get("tenant_id")) and _listed(row, params)]
        rows = [row for row in rows if not alone or row.get("status") in ENDED]
        return page_of(rows, "servers", params, self.page_size)

    def _actions_of(self, server_id: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        self.asked.append(server_id)
        if server_id in self.fail_on_actions:
            raise SourceError("nova: cannot show what was done to a server: Service Unavailable (HTTP 503)")
        if server_id not in {row.get("id") for row in self.servers}:
            raise MissingError(f"nova: cannot show server {server_id}: it is not there (HTTP 404)")
        told = self.actions.get(server_id, ())
        since = params.get("changes-since")
        if since is not None:
            start = datetime.fromisoformat(since).replace(tzinfo=None)
            told = [one for one in told if datetime.fromisoformat(one.get("updated_at") or one["start_time"]) >= start]
        return {"instanceActions": sorted(told, key=lambda one: str(one["start_time"]), reverse=True)}


def _listed(row: Mapping[str, Any], params: Mapping[str, str]) -> bool:
    since = params.get("changes-since")
    if since is None:
        return row.get("status") not in ENDED
    # Nova cannot filter what it does not know.
    if row.get("status") == "UNKNOWN" and "flavor" not in row:
        return False
    updated = row.get("updated")
    return not isinstance(updated, str) or datetime.fromisoformat(updated) >= datetime.fromisoformat(since)
