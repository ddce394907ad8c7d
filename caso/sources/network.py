"""Neutron: floating IPs, ports and routers of one region, in one scope."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from pydantic import AliasChoices, Field, ValidationError

from caso.sources.api import Api
from caso.sources.compute import utc_now
from caso.sources.paging import everything, follow
from caso.sources.rows import Id, OddRow, Row, Text, UtcTime, id_of, text_or_none, why

PAGE_LIMIT = "1000"
"""Neutron links a next page only where a limit is asked for, or where its operator set one."""
FEW_LIMIT = "10000"
"""For listings of few and short rows, which one request is to bring wherever that is possible."""
SERVER_PORT = "compute:"
"""How the owner of a server's port begins; an availability zone follows."""
NEUTRONS_OWN_PORT = "network:"


class NetworkRow(Row):
    """What floating IPs, ports and routers have in common; a Neutron without the extension has no times."""

    id: Id
    tenant_id: Id = Field(validation_alias=AliasChoices("project_id", "tenant_id"))
    created_at: UtcTime | None = None
    updated_at: UtcTime | None = None


class Device(Row):
    """What a port belongs to."""

    device_id: Text | None = None
    device_owner: Text | None = None

    @property
    def server_id(self) -> str | None:
        """The server whose port it is."""
        return (self.device_id or None) if (self.device_owner or "").startswith(SERVER_PORT) else None


class FloatingIpRow(NetworkRow):
    """A floating IP of ``GET /floatingips``."""

    floating_ip_address: IPv4Address | IPv6Address
    port_id: Text | None = None
    port_details: Device | None = None

    @property
    def tells_its_server(self) -> bool:
        """False where the extension fip-port-details is missing (before Rocky): the port has to be looked up."""
        return self.port_id is None or "port_details" in self.model_fields_set


class FixedIp(Row):
    """An address of a port."""

    ip_address: IPv4Address | IPv6Address


class PortRow(NetworkRow, Device):
    """A port of ``GET /ports``."""

    network_id: Text | None = None
    fixed_ips: tuple[FixedIp, ...] = ()

    @property
    def is_neutrons_own(self) -> bool:
        """True for a port of a router, of DHCP or behind a floating IP."""
        return (self.device_owner or "").startswith(NEUTRONS_OWN_PORT)


class SubnetRow(Row):
    """A subnet of ``GET /subnets``."""

    id: Id
    network_id: Id
    cidr: IPv4Network | IPv6Network


class Gateway(Row):
    """A router's place on the outside."""

    external_fixed_ips: tuple[FixedIp, ...] = ()


class RouterRow(NetworkRow):
    """A router of ``GET /routers``."""

    external_gateway_info: Gateway | None = None


R = TypeVar("R", bound=NetworkRow)


@dataclasses.dataclass(frozen=True)
class NetworkPage(Generic[R]):
    """One page of a listing; ``arrived_at`` is when it came, ``more`` whether Neutron says that another follows."""

    rows: tuple[R | OddRow, ...]
    arrived_at: datetime
    more: bool


class Network:
    """Neutron in one region with the token of one scope.

    Each listing is of ``project_id``, or with None of all that the token may see; ``of`` names them in messages.
    """

    def __init__(self, api: Api, clock: Callable[[], datetime] = utc_now) -> None:
        self._api = api
        self._clock = clock

    def floating_ips(self, of: str, project_id: str | None) -> Iterator[NetworkPage[FloatingIpRow]]:
        """The floating IPs that are taken, those that lead nowhere among them."""
        return self._list("floatingips", FloatingIpRow, f"list the floating IPs of {of}", project_id, FEW_LIMIT)

    def ports(
        self, of: str, project_id: str | None, networks: Collection[str] = (), owners: Collection[str] = ()
    ) -> Iterator[NetworkPage[PortRow]]:
        """The ports, without those that belong to nobody: Neutron makes them for gateways and floating IPs.

        All of them, or those in some ``networks``, and there of some ``owners`` (projects): then Neutron need not read those of
        nobody, most of a network of floating IPs, only to have them dropped here. In some subnets takes a database without an
        index on ports minutes, as PostgreSQL's has none. Those that changed cannot be asked for: Neutron
        has a ``changed_since``, and refuses it where it looks at filters, as it does unless told otherwise.
        """
        only = [("network_id", network) for network in sorted(networks)] + [("project_id", owner) for owner in sorted(owners)]
        return self._list("ports", PortRow, f"list the ports of {of}", project_id, FEW_LIMIT if only else PAGE_LIMIT, only)

    def subnets(self, of: str) -> list[SubnetRow]:
        """The subnets that are shown: those of the token's project and those that are shared, for an admin all."""
        query, path = {"limit": FEW_LIMIT}, "/v2.0/subnets?fields=id&fields=cidr&fields=network_id"
        return [
            row for raw in everything(self._api, path, "subnets", query, to=f"list the subnets of {of}") if (row := _subnet(raw))
        ]

    def routers(self, of: str, project_id: str | None) -> Iterator[NetworkPage[RouterRow]]:
        """The routers."""
        return self._list("routers", RouterRow, f"list the routers of {of}", project_id, PAGE_LIMIT)

    def _list(
        self, kind: str, row: type[R], to: str, project_id: str | None, limit: str, only: Sequence[tuple[str, str]] = ()
    ) -> Iterator[NetworkPage[R]]:
        # A port of somebody else on a network of the project is shown to the project, too: the filter is needed in any scope.
        query = {"limit": limit} | ({"project_id": project_id} if project_id else {})
        # These parameters are repeated, which a mapping cannot say.
        repeated = urlencode([*(("fields", name) for name in _fields(row)), *only])
        for page in follow(self._api, f"/v2.0/{kind}?{repeated}", kind, query, to=to):
            rows = tuple(_read(raw, row) for raw in page.rows if _owner(raw) != "")
            yield NetworkPage(rows, self._clock(), page.more)


def _subnet(raw: Mapping[str, Any]) -> SubnetRow | None:
    try:
        return SubnetRow.model_validate(raw)
    except ValidationError:
        return None  # what has addresses there is found when all ports are listed


def _fields(row: type[NetworkRow]) -> list[str]:
    """The names of what is used of a row: all else is not sent."""
    return sorted({"project_id", *row.model_fields} - {"tenant_id"})


def _read(raw: Mapping[str, Any], row: type[R]) -> R | OddRow:
    try:
        return row.model_validate(raw)
    except ValidationError as exc:
        return OddRow(id_of(raw), text_or_none(_owner(raw)), why(exc))


def _owner(raw: Mapping[str, Any]) -> Any:
    return raw.get("project_id", raw.get("tenant_id"))
