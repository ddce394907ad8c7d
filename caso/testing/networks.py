"""A small Neutron without a network; :mod:`caso.testing.sources` puts it behind the real sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from caso.errors import SourceError
from caso.sources import LostMarkerError, MissingError, ScopeOrProject
from caso.testing.paging import page_of

TIMES = {"created_at": "2024-02-01T00:00:00Z", "updated_at": "2024-02-01T00:00:05Z"}


def a_floating_ip(ip_id: str = "floating-1", project_id: str = "project-1", **changes: Any) -> dict[str, Any]:
    """A floating IP as Neutron lists it, taken in February 2024, which leads nowhere; ``changes`` replace keys of the row."""
    row = {
        "id": ip_id,
        "project_id": project_id,
        "floating_ip_address": "192.0.2.10",
        "port_id": None,
        "port_details": None,
        **TIMES,
    }
    return row | changes


def leading_to(server_id: str, port_id: str = "port-1") -> dict[str, Any]:
    """The keys of a floating IP at a server's port."""
    return {"port_id": port_id, "port_details": {"device_id": server_id, "device_owner": "compute:nova"}}


def a_port(port_id: str = "port-1", project_id: str = "project-1", *ips: str, **changes: Any) -> dict[str, Any]:
    """The port of a server as Neutron lists it, with these addresses, or a public IPv6 one; ``changes`` replace keys.

    >>> a_port("port-2", "project-1", "10.0.0.5")["fixed_ips"]
    [{'subnet_id': 'subnet-1', 'ip_address': '10.0.0.5'}]
    """
    row = {
        "id": port_id,
        "project_id": project_id,
        "device_id": "server-1",
        "device_owner": "compute:nova",
        "network_id": "network-1",
        "fixed_ips": [{"subnet_id": "subnet-1", "ip_address": ip} for ip in ips or ("2001:db8::10",)],
        **TIMES,
    }
    return row | changes


def a_router(router_id: str = "router-1", project_id: str = "project-1", *ips: str, **changes: Any) -> dict[str, Any]:
    """A router as Neutron lists it, with these addresses on the outside; ``changes`` replace keys of the row."""
    outside = [{"subnet_id": "subnet-2", "ip_address": ip} for ip in ips or ("192.0.2.1",)]
    row = {"id": router_id, "project_id": project_id, "external_gateway_info": {"external_fixed_ips": outside}, **TIMES}
    return row | changes


class FakeNetwork:
    """Neutron with these floating IPs, ports, routers and subnets, shown in the order given.

    ``page_size`` is its pagination_max_limit; ``fail_on_page`` the number of the page, counted over all listings, that
    answers with 503. ``admin``: its user is shown everybody's; others are shown their own only, whatever they ask for.
    """

    def __init__(
        self,
        floating_ips: Sequence[Mapping[str, Any]] = (),
        ports: Sequence[Mapping[str, Any]] = (),
        routers: Sequence[Mapping[str, Any]] = (),
        subnets: Sequence[Mapping[str, Any]] = (),
        *,
        page_size: int = 1000,
        fail_on_page: int | None = None,
        admin: bool = False,
    ) -> None:
        self.rows = {
            "floatingips": [dict(row) for row in floating_ips],
            "ports": [dict(row) for row in ports],
            "routers": [dict(row) for row in routers],
            "subnets": [dict(row) for row in subnets],
        }
        self.page_size = page_size
        self.fail_on_page = fail_on_page
        self.admin = admin
        self.pages_served = 0

    def answer(self, scope: ScopeOrProject, path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        """What Neutron says to a GET; of the query in ``path`` it heeds ``network_id`` and ``project_id``, not the fields."""
        kind, _, query = path.removeprefix("/v2.0/").partition("?")
        if kind not in self.rows:
            raise MissingError(f"neutron: cannot show {path}: it is not there (HTTP 404)")
        self.pages_served += 1
        if self.pages_served == self.fail_on_page:
            raise SourceError(f"neutron: cannot list {kind}: Service Unavailable (HTTP 503)")
        wanted = params.get("project_id")
        rows = [row for row in self.rows[kind] if self.admin or _owner(row) in (None, scope)]
        rows = [row for row in rows if wanted is None or _owner(row) in (None, wanted)]
        rows = [row for row in rows if _is_asked_for(row, parse_qs(query))]
        try:
            return page_of(rows, kind, params, self.page_size)
        except LostMarkerError as exc:
            if kind == "floatingips":
                # As the real one does, without a word.
                return page_of(rows, kind, _without_marker(params), self.page_size)
            raise MissingError(f"neutron: {exc}; it could not be found (HTTP 404)") from exc

    def versions(self) -> Mapping[str, Any]:
        """The version document."""
        return {"versions": [{"id": "v2.0", "status": "CURRENT"}]}


def _is_asked_for(row: Mapping[str, Any], query: Mapping[str, Sequence[str]]) -> bool:
    return all(row.get(name) in query.get(name, [row.get(name)]) for name in ("network_id", "project_id"))


def _owner(row: Mapping[str, Any]) -> Any:
    return row.get("project_id", row.get("tenant_id"))


def _without_marker(params: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in params.items() if name != "marker"}
