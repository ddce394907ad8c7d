"""What is asked of Nova and Neutron where caso remembers what there is."""

import dataclasses
import threading
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from caso.extractors.base import Ask, CannotShareError, Listing
from caso.extractors.neutron import NeutronExtractor
from caso.extractors.nova import NovaExtractor
from caso.testing.entities import seen_server
from caso.testing.memory import Remembered
from caso.testing.networks import FakeNetwork, a_floating_ip, a_port
from caso.testing.servers import FakeCompute, a_server, an_action
from caso.testing.sources import REGION, FakeIdentity, FakeImage, fake_sources
from caso.window import Window

NOW = datetime(2024, 3, 2, 0, 5, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WINDOW = Window(NOW - HOUR, NOW)
P, Q = "project-1", "project-2"
OLD, NEW = "2024-02-10T00:00:00Z", "2024-03-01T23:30:00Z"
BENCHMARK = {"accounting:benchmark_type": "hepscore", "accounting:benchmark_value": "12"}


def ask(*projects, listings=None, seen=()):
    return Ask(REGION, dict.fromkeys(projects or (P,), WINDOW), memory=Remembered.of(seen, listings))


def paths(extractor):
    return [path for _, _, path in extractor._sources._opener.requests]


def seen(pages):
    return {getattr(row, "uuid", None) or row.id: row for page in pages for row in page.seen}


class Recorded(FakeCompute):
    """A Nova that notes of each listing of servers whether it was of changes only."""

    def answer(self, scope, path, params):
        if path == "/servers/detail":
            self.listings.append("changes-since" in params)
        return super().answer(scope, path, params)


class NovaSite:
    """A Nova, and an extractor that has listed it at a time."""

    def __init__(self, servers, listed=NOW - HOUR, projects=(P,), flavors=None, **nova):
        self.nova = Recorded(servers, flavors=flavors or {}, **nova)
        self.nova.listings = []
        self.listings = {project: Listing(listed, self._note(projects)) for project in projects} if listed else {}

    def _note(self, projects):
        (note,) = {page.listed for page in self.extractor().extract(ask(*projects)) if page.listed is not None}
        return note

    def extractor(self, **options):
        return NovaExtractor(fake_sources(compute=self.nova, clock=lambda: NOW), **options)

    def run(self, *projects, seen=(), **options):
        self.nova.listings = []
        pages = list(self.extractor(**options).extract(ask(*projects, listings=self.listings, seen=seen)))
        return pages, self.nova.listings


CHANGES_ONLY, ALL_AND_CHANGES = [True], [False, True]


def test_what_is_remembered_is_asked_for_its_changes_only_and_vouched_for():
    site = NovaSite([a_server("same", updated=OLD), a_server("changed", status="SHUTOFF", updated=NEW)])

    pages, listings = site.run()

    assert listings == CHANGES_ONLY
    assert set(seen(pages)) == {"changed"}
    assert pages[-1].vouched == {"server"}
    assert not any(page.inventory or page.listed for page in pages)


@pytest.mark.parametrize("listed", [None, NOW - DAY, NOW - 2 * DAY, NOW + 2 * DAY])
def test_all_are_listed_where_they_never_were_or_a_day_ago_or_in_the_future(listed):
    pages, listings = NovaSite([a_server("same", updated=OLD)], listed).run()

    assert listings == ALL_AND_CHANGES
    assert set(seen(pages)) == {"same"}
    assert [page.listed is not None for page in pages][-1]


@pytest.mark.parametrize(("hours", "expected"), [(0, ALL_AND_CHANGES), (1, ALL_AND_CHANGES), (2, CHANGES_ONLY)])
def test_how_long_memory_is_built_on_is_the_sites_to_say(hours, expected):
    assert NovaSite([a_server()]).run(full_listing_every=timedelta(hours=hours))[1] == expected


def test_all_are_listed_where_a_property_of_a_public_flavor_that_counts_has_changed_and_for_no_other():
    site = NovaSite([a_server()], flavors={"m1": {"hw:cpu_policy": "shared"}})

    site.nova.flavors = {"m1": {"hw:cpu_policy": "dedicated"}, "m2": {}}
    other = site.run()[1]
    site.nova.flavors = {"m1": BENCHMARK}
    counts = site.run()[1]

    assert (other, counts) == (CHANGES_ONLY, ALL_AND_CHANGES)


def test_all_are_listed_where_caso_is_told_to_look_at_them_otherwise():
    assert NovaSite([a_server()]).run(image_id_property="other")[1] == ALL_AND_CHANGES


def test_projects_that_are_remembered_and_those_that_are_not_are_asked_about_apart():
    site = NovaSite([a_server("a", P), a_server("b", Q)], admin=True)

    with pytest.raises(CannotShareError, match="1 projects are listed in full, 1 are asked for changes") as caught:
        site.run(P, Q)

    assert [set(part.windows) for part in caught.value.parts] == [{P}, {Q}]


class Changing(FakeCompute):
    """A Nova in which something is done while the servers that are alive are listed; notes what it was asked for."""

    def __init__(self, servers, meanwhile, **nova):
        super().__init__(servers, **nova)
        self.meanwhile = meanwhile
        self.asked_for = []

    def answer(self, scope, path, params):
        answer = super().answer(scope, path, params)
        if path == "/servers/detail":
            self.asked_for.append({name: params[name] for name in ("changes-since", "deleted") if name in params})
            self.servers = [row | self.meanwhile.get(row["id"], {}) for row in self.servers]
        return answer


@pytest.mark.parametrize("roles", [{"admin"}, {"reader"}, {"accountant"}])
def test_of_what_changed_in_a_long_time_only_what_ended_is_listed_where_the_role_may_filter(roles):
    just_now = "2024-03-02T00:05:01Z"
    nova = Changing(
        [
            a_server("alive", updated=NEW),
            a_server("ended", status="DELETED", updated="2024-02-20T00:00:00Z"),
            a_server("ends", updated=OLD),
            a_server("stops", updated=OLD),
        ],
        {"ends": {"status": "DELETED", "updated": just_now}, "stops": {"status": "SHUTOFF", "updated": just_now}},
        admin="admin" in roles,
    )
    extractor = NovaExtractor(fake_sources(compute=nova, clock=lambda: NOW, roles=roles))

    pages = list(extractor.extract(Ask(REGION, {P: Window(NOW - 20 * DAY, NOW)})))

    told = [row for page in pages for row in page.seen]
    last = {row.uuid: row.state.status for row in told}
    assert last == {"alive": "ACTIVE", "ended": "DELETED", "ends": "DELETED", "stops": "SHUTOFF"}
    month, begun = {"changes-since": "2024-02-11T00:00:00Z"}, {"changes-since": "2024-03-02T00:00:00Z"}
    assert nova.asked_for == ([{}, month] if roles == {"reader"} else [{}, month | {"deleted": "true"}, begun])
    assert [row.uuid for row in told].count("alive") == (1 if roles == {"admin"} else 2)


def test_what_changed_in_a_short_time_is_listed_at_once():
    nova = Changing([a_server("alive", updated=NEW)], {}, admin=True)
    sources = fake_sources(compute=nova, clock=lambda: NOW, roles={"admin"})

    list(NovaExtractor(sources).extract(ask()))

    assert nova.asked_for == [{}, {"changes-since": "2024-03-01T23:00:00Z"}]


def test_a_listing_of_all_goes_back_to_the_one_before_and_names_what_had_been_told_of_no_change():
    # It was shut off, and another one deleted, in a cell that was down while the runs since then asked for changes.
    hidden = "2024-03-01T10:00:00Z"
    off = a_server("off", status="SHUTOFF", updated=hidden)
    gone = a_server("gone", status="DELETED", updated=hidden, **{"OS-SRV-USG:terminated_at": "2024-03-01T10:00:00.000000"})
    actions = {"off": [an_action("stop", "2024-03-01T09:58:00.000000", "2024-03-01T09:59:00.000000")]}
    site = NovaSite([off, gone, a_server("told", status="SHUTOFF", updated=NEW)], listed=NOW - DAY, actions=actions)
    before = [seen_server(at=NOW - DAY, uuid=uuid, created=NOW - 30 * DAY, project_id=P) for uuid in ("off", "gone", "told")]

    pages, listings = site.run(seen=before)

    assert listings == ALL_AND_CHANGES
    assert {uuid for page in pages for uuid in page.unmarked} == {"off", "gone"}
    assert seen(pages)["gone"].ended == datetime(2024, 3, 1, 10, tzinfo=UTC)
    told = [claim for page in pages for row in page.seen if row.uuid == "off" for claim in row.told]
    assert [(claim.value.status, claim.since) for claim in told] == [("SHUTOFF", datetime(2024, 3, 1, 9, 58, tzinfo=UTC))]


def test_a_change_within_the_window_is_of_a_server_that_was_looked_at_when_it_began():
    # Its row changed, and shows the same state as before: over an hour that is worth no request, over a day it is.
    server = a_server("same", updated=NEW)
    site = NovaSite([server], listed=NOW - 12 * HOUR)
    (row,) = seen(site.extractor().extract(ask())).values()
    before = dataclasses.replace(row, seen_at=NOW - 12 * HOUR, unchanged_since=row.created)

    site.run(seen=[before])
    asked_an_hour_later = list(site.nova.asked)
    site.nova.servers[0]["updated"] = "2024-03-01T14:00:00Z"
    site.run(seen=[before], full_listing_every=timedelta(0))

    assert (asked_an_hour_later, site.nova.asked) == ([], ["same"])


@pytest.mark.parametrize(("admin", "doubts"), [(True, 1), (False, 0)])
def test_an_administrator_is_told_of_a_cell_that_is_down_and_nobody_else_is_asked(admin, doubts):
    site = NovaSite([a_server()], admin=admin)
    site.nova.down_hosts = ["host-1"]
    sources = fake_sources(compute=site.nova, clock=lambda: NOW, roles={"admin"} if admin else {"reader"})
    nova = NovaExtractor(sources)

    pages = list(nova.extract(ask(listings=site.listings)))

    assert sum(page.doubt is not None for page in pages) == doubts
    assert ("/os-services" in paths(nova)) is admin


class NeutronSite:
    """A Neutron, and an extractor that has listed it an hour ago."""

    def __init__(self, floating_ips=(), ports=(), projects=(P,), **neutron):
        self.network = FakeNetwork(floating_ips, ports, **neutron)
        self.projects, self.listings = projects, {}
        notes = [page.listed for page in self.run()[0] if page.inventory]
        self.listings = {project: Listing(NOW - HOUR, notes[0]) for project in projects} if notes[0] is not None else {}

    def run(self, **options):
        pages, asked = self.ask(**options)
        return pages, [_short(path) for path in asked]

    def ask(self, **options):
        sources = fake_sources(network=self.network, clock=lambda: NOW, roles={"admin" if self.network.admin else "reader"})
        neutron = NeutronExtractor(sources, **options)
        pages = list(neutron.extract(ask(*self.projects, listings=self.listings)))
        return pages, paths(neutron)


def _short(path):
    name, _, query = path.partition("?")
    kind = "some" if "network_id=" in query else "all"
    return f"{kind} {name.rpartition('/')[2]}"


def test_ports_are_listed_in_the_networks_that_had_public_addresses_and_else_not():
    inside = a_port("inside", P, "10.0.0.5")
    outside = a_port("outside", P, "2001:db8::5")
    inside["network_id"], outside["network_id"] = "private", "provider"
    both, private = NeutronSite([a_floating_ip("f", P)], [inside, outside]), NeutronSite([a_floating_ip("f", P)], [inside])

    pages, asked = both.run()

    assert asked == ["all floatingips", "all subnets", "some ports"]
    assert set(seen(pages)) == {"f", "outside/2001:db8::5"}
    assert pages[-1].inventory == {"address"}
    assert private.run()[1] == ["all floatingips", "all subnets"]


@pytest.mark.parametrize(("cidr", "ports"), [("2001:db8::/64", ["some ports"]), ("10.7.0.0/16", [])])
def test_ports_are_listed_in_a_new_subnet_if_it_can_have_public_addresses(cidr, ports):
    site = NeutronSite([], [a_port("inside", P, "10.0.0.5")])
    site.network.rows["subnets"] = [{"id": "subnet-1", "cidr": cidr, "network_id": "network-1", "project_id": P}]
    site.network.rows["ports"].append(a_port("new", P, "2001:db8::7"))

    pages, asked = site.run()

    assert asked == ["all floatingips", "all subnets", *ports]
    assert set(seen(pages)) == ({"new/2001:db8::7"} if ports else set())


def test_all_ports_are_listed_where_the_networks_are_too_many_to_name():
    site = NeutronSite([], [a_port("port", P, "2001:db8::5")])
    site.network.rows["subnets"] = [
        {"id": f"subnet-{n}", "cidr": "2001:db8::/64", "network_id": f"network-{n}", "project_id": P} for n in range(60)
    ]

    assert site.run()[1] == ["all floatingips", "all subnets", "all ports"]


@pytest.mark.parametrize(("count", "named"), [(2, True), (49, True), (50, False)])
def test_of_several_projects_neutron_is_asked_for_their_ports_only_if_they_are_few_enough_to_name(count, named):
    projects = [f"project-{number}" for number in range(count)]
    ports = [a_port(f"port-{number}", project) for number, project in enumerate(projects)]
    of_nobody = a_port("behind", "", device_owner="network:floatingip")
    site = NeutronSite([a_floating_ip("f", projects[-1])], [*ports, of_nobody], projects, admin=True)

    pages, (_, _, listing) = site.ask()

    assert parse_qs(listing.partition("?")[2]).get("project_id", []) == (sorted(projects) if named else [])
    assert {row.project_id for row in seen(pages).values()} == set(projects)
    assert pages[-1].inventory == {"address"}


def test_an_address_that_is_given_back_is_missing_from_the_networks_that_are_listed():
    site = NeutronSite([], [a_port("stays", P, "2001:db8::5"), a_port("goes", P, "2001:db8::6")])
    site.network.rows["ports"].pop()

    pages, _ = site.run()

    assert set(seen(pages)) == {"stays/2001:db8::5"}
    assert pages[-1].inventory == {"address"}


def test_a_port_that_does_not_tell_its_network_has_all_be_listed():
    untold = a_port("port", P, "2001:db8::5")
    del untold["network_id"]

    assert NeutronSite([], [untold]).run()[1] == ["all floatingips", "all ports"]


def test_all_ports_are_listed_where_caso_is_told_to_count_other_addresses():
    site = NeutronSite([], [a_port("port", P, "2001:db8::5")])

    assert site.run(counted=["fixed"])[1] == ["all ports"]


def test_names_of_users_and_of_images_are_asked_for_at_the_same_time():
    both = threading.Barrier(2, timeout=30)

    class Keystone(FakeIdentity):
        def answer(self, scope, path, params):
            both.wait()
            return super().answer(scope, path, params)

    class Glance(FakeImage):
        def answer(self, scope, path, params):
            both.wait()
            return super().answer(scope, path, params)

    site = NovaSite([a_server("changed", updated=NEW)])
    sources = fake_sources(compute=site.nova, identity=Keystone(users={"user-1": "ada"}), image=Glance(), clock=lambda: NOW)

    pages = list(NovaExtractor(sources).extract(ask(listings=site.listings)))

    assert [row.user_name for row in seen(pages).values()] == ["ada"]
    assert not both.broken
