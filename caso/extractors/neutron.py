"""Public addresses, as Neutron lists them: floating ones, public ones of ports, and those of routers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Self, TypeVar

from oslo_config import cfg, types

from caso.extractors.addresses import Known, see_fixed, see_floating, see_gateways
from caso.extractors.base import Ask, Extractor, OddObject, Page
from caso.extractors.sharing import Reach, ask_within_reach, require_whole_view, require_worth_sharing
from caso.extractors.times import UnreadableError
from caso.lifecycle.address import AddressSeen, Origin
from caso.sources import FloatingIpRow, Network, NetworkPage, OddRow, PortRow, Sources
from caso.sources.network import NetworkRow

R = TypeVar("R", bound=NetworkRow)

COUNTED = (Origin.FLOATING, Origin.FIXED)


class NeutronExtractor(Extractor):
    """One listing of floating IPs, then one of ports, and one of routers, where they are counted.

    Neutron does not show what was given back: an address that is in none of them has vanished.
    """

    observes: ClassVar[frozenset[str]] = frozenset({"address"})
    service: ClassVar[str | None] = "network"
    options: ClassVar[tuple[cfg.Opt, ...]] = (
        cfg.ListOpt(
            "addresses",
            default=[origin.value for origin in COUNTED],
            item_type=types.String(choices=[origin.value for origin in Origin]),
            help="Which public addresses are counted. floating: floating IPs. fixed: public addresses of the project's own "
            "ports; counted by default, since such an address is as public as a floating one, and IPv6 has no other. "
            "gateway: those of the project's routers; not counted by default, since nobody asked for that address, it is "
            "shared by all that is behind the router, and looking for it costs one more request for each project.",
        ),
    )

    def __init__(self, sources: Sources, *, counted: Collection[str] = COUNTED) -> None:
        self._sources = sources
        self._counted = frozenset(Origin(origin) for origin in counted)

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts.GroupAttr, sources: Sources, **shared: cfg.ConfigOpts.GroupAttr) -> Self:
        return cls(sources, counted=conf.addresses)

    def extract(self, ask: Ask) -> Iterator[Page]:
        """Pages as Neutron gives them; with several projects asked for, each listing is of all projects, for an admin."""
        return ask_within_reach(ask, self._sources, lambda reach: self._pages(ask, reach), silent=True)

    def _pages(self, ask: Ask, reach: Reach) -> Iterator[Page]:
        network = self._sources.network(ask.region, reach.scope)
        owners: set[str | None] = set()
        yield from self._floating_and_fixed(network, ask, reach, owners)
        if Origin.GATEWAY in self._counted:
            for page in _noted(network.routers(reach.of, reach.filter), ask, owners, "routers"):
                yield _page(page, ask, see_gateways)
        require_whole_view(owners, reach, "neutron", lambda: _everybody(network, ask, reach))
        yield Page(inventory=self.observes)

    def _floating_and_fixed(self, network: Network, ask: Ask, reach: Reach, owners: set[str | None]) -> Iterator[Page]:
        """The ports come second, for what they are themselves, and for floating IPs that do not tell whose port is theirs."""
        untold: list[NetworkPage[FloatingIpRow]] = []
        servers: dict[str, str | None] = {}
        if Origin.FLOATING in self._counted:
            for page in _noted(network.floating_ips(reach.of, reach.filter), ask, owners, "floating IPs"):
                if all(isinstance(row, OddRow) or row.tells_its_server for row in page.rows):
                    yield _floating_page(page, ask, servers)
                else:
                    untold.append(page)
        if Origin.FIXED in self._counted or untold:
            for ports in _noted(network.ports(reach.of, reach.filter), ask, owners, "ports"):
                if untold:
                    servers |= {row.id: row.server_id for row in ports.rows if isinstance(row, PortRow)}
                if Origin.FIXED in self._counted:
                    yield _page(ports, ask, see_fixed)
        for page in untold:
            yield _floating_page(page, ask, servers)


def _everybody(network: Network, ask: Ask, reach: Reach) -> Collection[str | None]:
    """Who has ports, by a page of all; not asked where nothing of the project is known that could have ended."""
    if not any(ask.memory.living("address", project_id) for project_id in ask.windows):
        return (None,)
    return {row.tenant_id for row in next(network.ports(reach.of, None)).rows}


def _noted(listing: Iterator[NetworkPage[R]], ask: Ask, owners: set[str | None], what: str) -> Iterator[NetworkPage[R]]:
    """The pages of a listing, their owners noted; CannotShareError after a first one that has little of what is asked for."""
    for number, page in enumerate(listing):
        shown = [row.tenant_id for row in page.rows]
        owners.update(shown)
        if number == 0:
            require_worth_sharing(shown, page.more, ask, what)
        yield page


def _floating_page(page: NetworkPage[FloatingIpRow], ask: Ask, servers: Mapping[str, str | None]) -> Page:
    return _page(page, ask, lambda row, arrived_at, known: [see_floating(row, arrived_at, known, servers)])


def _page(page: NetworkPage[R], ask: Ask, see: Callable[[R, datetime, Known], Iterable[AddressSeen]]) -> Page:
    seen: list[AddressSeen] = []
    odd: list[OddObject] = []
    known: Known | None = None
    for row in page.rows:
        if row.tenant_id is not None and row.tenant_id not in ask.windows:
            continue
        if isinstance(row, OddRow):
            odd.append(OddObject("address", row.id, row.tenant_id, row.reason))
            continue
        if row.created_at is None and known is None:
            known = _known(ask)
        try:
            seen += list(see(row, page.arrived_at, known or {}))
        except UnreadableError as exc:
            odd.append(OddObject("address", row.id, row.tenant_id, str(exc)))
    return Page(tuple(seen), tuple(odd))


def _known(ask: Ask) -> Known:
    """What is known of the addresses of a Neutron without times."""
    return {one.id: one for project_id in ask.windows for one in ask.memory.living("address", project_id)}
