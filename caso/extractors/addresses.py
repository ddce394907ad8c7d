"""From rows of Neutron to what was seen of public addresses: pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address, ip_network

from caso.extractors.times import require_created
from caso.lifecycle.address import Address, AddressSeen, AddressState, Origin
from caso.sources import FloatingIpRow, OddRow, PortRow, RouterRow
from caso.sources.network import FixedIp, NetworkRow

INSIDE = tuple(
    ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),  # RFC 1918
        "100.64.0.0/10",  # RFC 6598, between a provider and its customers
        "fc00::/7",  # RFC 4193
    )
)


def is_public(ip: IPv4Address | IPv6Address) -> bool:
    """Whether an address is one of the internet's, by the ranges that are set apart for other uses.

    No network's attribute says it: ``router:external`` is true of networks that give floating IPs, and false of a provider's
    network with public IPv6, which is ``shared``, as private ones may be. Ranges for documentation occur in examples
    only, and count as public there; that is why this is not ``is_global``.

    >>> is_public(IPv4Address("192.0.2.1")), is_public(IPv4Address("100.64.0.1"))
    (True, False)
    """
    if ip.is_loopback or ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        return False
    return not any(ip in network for network in INSIDE)


Known = Mapping[str, Address]
"""The addresses that caso knows of, by id: for a Neutron that has no times."""


def see_floating(row: FloatingIpRow, arrived_at: datetime, known: Known, servers: Mapping[str, str | None]) -> AddressSeen:
    """A floating IP, of whatever range: it is what this site gives out. ``servers`` are by port, for a row that tells none."""
    server_id = row.port_details.server_id if row.port_details else servers.get(row.port_id or "")
    return _see(row, row.id, row.floating_ip_address, server_id, Origin.FLOATING, arrived_at, known)


def see_fixed(row: PortRow, arrived_at: datetime, known: Known) -> Iterator[AddressSeen]:
    """The public addresses of a port of the project; those of Neutron's own ports are a router's, or floating."""
    if not row.is_neutrons_own:
        yield from _outside(row, row.fixed_ips, row.server_id, Origin.FIXED, arrived_at, known)


class Networks:
    """The networks in which ports have public addresses: ``found``, by id."""

    MOST = 50
    """As many as fit into the address of a request."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self._untold = 0

    def note(self, rows: Iterable[PortRow | OddRow]) -> None:
        for row in rows:
            self._untold += isinstance(row, OddRow)
            if isinstance(row, OddRow) or row.is_neutrons_own or not any(is_public(one.ip_address) for one in row.fixed_ips):
                continue
            self._untold += row.network_id is None
            self.found |= {row.network_id} if row.network_id else set()

    @property
    def are_all(self) -> bool:
        """False where a port did not tell its own."""
        return not self._untold


def see_gateways(row: RouterRow, arrived_at: datetime, known: Known) -> Iterator[AddressSeen]:
    """The public addresses of a router."""
    if row.external_gateway_info:
        yield from _outside(row, row.external_gateway_info.external_fixed_ips, None, Origin.GATEWAY, arrived_at, known)


def _outside(
    row: NetworkRow,
    addresses: Iterable[FixedIp],
    server_id: str | None,
    origin: Origin,
    arrived_at: datetime,
    known: Known,
) -> Iterator[AddressSeen]:
    for address in addresses:
        if is_public(address.ip_address):
            address_id = f"{row.id}/{address.ip_address}"
            yield _see(row, address_id, address.ip_address, server_id, origin, arrived_at, known)


def _see(
    row: NetworkRow,
    address_id: str,
    ip: IPv4Address | IPv6Address,
    server_id: str | None,
    origin: Origin,
    arrived_at: datetime,
    known: Known,
) -> AddressSeen:
    state = AddressState(project_id=row.tenant_id, server_id=server_id)
    before = known.get(address_id)
    created = row.created_at or (before.created if before else arrived_at)
    require_created(created, arrived_at)
    seen_at = max(arrived_at, created)
    changed = (row.updated_at or created) if row.created_at else _unchanged_since(before, state, seen_at)
    return AddressSeen(
        id=address_id,
        seen_at=seen_at,
        created=created,
        unchanged_since=min(changed, seen_at),
        state=state,
        ip=str(ip),
        version=ip.version,
        origin=origin,
    )


def _unchanged_since(before: Address | None, state: AddressState, seen_at: datetime) -> datetime:
    """Without times this moment, or since when it was seen as it is: each poll would else be a claim of its own, for ever."""
    newest = max(before.evidence, key=lambda piece: piece.until) if before else None
    return newest.since if newest and newest.value == state else seen_at
