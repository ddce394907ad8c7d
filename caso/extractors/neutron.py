"""Public addresses, as Neutron lists them: floating ones, public ones of ports, and those of routers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Self, TypeVar

from oslo_config import cfg, types

from caso.extractors.addresses import Known, Networks, is_public, see_fixed, see_floating, see_gateways
from caso.extractors.base import Ask, Extractor, OddObject, Page
from caso.extractors.remembering import DAILY
from caso.extractors.sharing import Reach, ask_within_reach, require_whole_view, require_worth_sharing
from caso.extractors.times import UnreadableError
from caso.lifecycle.address import AddressSeen, Origin
from caso.sources import FloatingIpRow, Network, NetworkPage, OddRow, PortRow, Sources
from caso.sources.network import NetworkRow

R = TypeVar("R", bound=NetworkRow)

COUNTED = (Origin.FLOATING, Origin.FIXED)


class NeutronExtractor(Extractor):
    """One listing of floating IPs, then one of ports, and one of routers, where they are counted.

    Neutron does not show what was given back: an address that is in none of them has vanished. Most ports have no public
    address: all are listed once a day, and in between those in the networks that had one, or that can have one.
    """

    observes: frozenset[str] = frozenset({"address"})
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
        untold: list[NetworkPage[FloatingIpRow]] = []
        if Origin.FLOATING in self._counted:
            for page in _noted(network.floating_ips(reach.of, reach.filter), ask, owners, "floating IPs"):
                if all(isinstance(row, OddRow) or row.tells_its_server for row in page.rows):
                    yield _floating_page(page, ask, {})
                else:
                    untold.append(page)
        listed = yield from self._ports(network, ask, reach, owners, untold)
        if Origin.GATEWAY in self._counted:
            for routers in _noted(network.routers(reach.of, reach.filter), ask, owners, "routers"):
                yield _page(routers, ask, see_gateways)
        require_whole_view(owners, reach, "neutron", lambda: _everybody(network, ask, reach))
        yield Page(inventory=self.observes, listed=listed)

    def _ports(
        self, network: Network, ask: Ask, reach: Reach, owners: set[str | None], untold: Sequence[NetworkPage[FloatingIpRow]]
    ) -> Generator[Page, None, str | None]:
        """The ports, for what they are themselves, and for floating IPs that do not tell whose port is theirs.

        Returns a note of a listing of all of them, if that is what it took, for runs that then need not.
        """
        if Origin.FIXED not in self._counted and not untold:
            return None
        few = None if untold else self._few(network, ask, reach)
        if few is not None:
            whose = ask.windows if reach.filter is None and len(few) + len(ask.windows) <= Networks.MOST else ()
            for some in _noted(network.ports(reach.of, reach.filter, few, whose), ask, owners, "ports") if few else ():
                yield _page(some, ask, see_fixed)
            # Whether all projects are shown cannot be told where none of the others has an address.
            if not reach.all_projects or set(owners) - {reach.scope}:
                return None
        servers: dict[str, str | None] = {}
        networks = Networks()
        for ports in _noted(network.ports(reach.of, reach.filter), ask, owners, "ports"):
            if untold:
                servers |= {row.id: row.server_id for row in ports.rows if isinstance(row, PortRow)}
            if Origin.FIXED in self._counted:
                networks.note(ports.rows)
                yield _page(ports, ask, see_fixed)
        for page in untold:
            yield _floating_page(page, ask, servers)
        return None if untold or not networks.are_all else " ".join([self._what_counts, *sorted(networks.found)])

    @property
    def _what_counts(self) -> str:
        return ",".join(sorted(self._counted))

    def _few(self, network: Network, ask: Ask, reach: Reach) -> Collection[str] | None:
        """The networks whose ports are all that count; None where all ports are to be listed.

        There were public addresses in them when all were listed, or there can be. In a network that is hidden from the
        project, the first one is found when all are listed again.
        """
        listings = DAILY.fresh(ask)
        notes = [listing.note.split() for listing in listings.values()]
        if len(listings) < len(ask.windows) or any(note[:1] != [self._what_counts] for note in notes):
            return None
        there = {row.network_id for row in network.subnets(reach.of) if is_public(row.cidr.network_address)}
        found = there.union(*(note[1:] for note in notes))
        return found if len(found) <= Networks.MOST else None


def _everybody(network: Network, ask: Ask, reach: Reach) -> Collection[str | None]:
    """Who has ports, by a page of all; not asked where nothing of the project is known that could have ended."""
    if not any(True for project_id in ask.windows for _ in ask.memory.living("address", project_id)):
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
