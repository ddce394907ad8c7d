"""What NeutronExtractor tells of a cloud, and how it asks."""

from datetime import UTC, datetime, timedelta

import pytest

from caso.errors import SourceError
from caso.extractors.base import Ask, CannotShareError
from caso.extractors.neutron import NeutronExtractor
from caso.lifecycle.address import Origin, observe
from caso.sources import LoginError
from caso.testing.entities import seen_address
from caso.testing.memory import Remembered
from caso.testing.networks import FakeNetwork, a_floating_ip, a_port, a_router, leading_to
from caso.testing.sources import REGION, fake_sources
from caso.window import Window

NOW = datetime(2024, 3, 2, 0, 5, tzinfo=UTC)
CREATED = datetime(2024, 2, 1, tzinfo=UTC)
P, Q = "project-1", "project-2"
ALL = tuple(Origin)


def ask(*projects, **more):
    return Ask(REGION, dict.fromkeys(projects or (P,), Window.of(NOW - timedelta(hours=1), NOW)), **more)


def extractor(floating_ips=(), ports=(), routers=(), *, counted=("floating", "fixed"), access=None, **neutron):
    network = FakeNetwork(floating_ips, ports, routers, **neutron)
    return NeutronExtractor(fake_sources(network=network, clock=lambda: NOW, **(access or {})), counted=counted)


def seen(pages):
    return {row.id: row for page in pages for row in page.seen}


def inventories(pages):
    return [page.inventory for page in pages if page.inventory]


def listed(extractor):
    return [path.partition("?")[0].rpartition("/")[2] for _, _, path in extractor._sources._opener.requests]


def test_a_floating_ip_is_seen_with_the_server_that_it_leads_to():
    rows = seen(extractor([a_floating_ip("a", **leading_to("server-7")), a_floating_ip("b")]).extract(ask()))

    a, b = rows["a"], rows["b"]
    assert (a.ip, a.version, a.origin, a.state.project_id, a.state.server_id) == ("192.0.2.10", 4, Origin.FLOATING, P, "server-7")
    assert (a.created, a.unchanged_since, a.seen_at) == (CREATED, CREATED + timedelta(seconds=5), NOW)
    assert b.state.server_id is None


def test_a_floating_ip_counts_whatever_its_range():
    assert set(seen(extractor([a_floating_ip("a", floating_ip_address="10.1.2.3")]).extract(ask()))) == {"a"}


def test_a_floating_ip_at_a_port_that_is_no_servers_leads_to_none():
    balancer = {"port_id": "x", "port_details": {"device_id": "lb-1", "device_owner": "Octavia"}}

    assert seen(extractor([a_floating_ip("a", **balancer)]).extract(ask()))["a"].state.server_id is None


@pytest.mark.parametrize("counted", [("floating",), ("floating", "fixed")])
def test_a_neutron_that_does_not_tell_the_port_of_a_floating_ip_has_it_looked_up(counted):
    def old(ip_id, port_id):
        row = a_floating_ip(ip_id, port_id=port_id)
        del row["port_details"]
        return row

    ports = [a_port("p1", P, "10.0.0.1", device_id="server-7"), a_port("p2", P, "10.0.0.2", device_owner="Octavia")]
    neutron = extractor([old("a", "p1"), old("b", "p2"), old("c", None), old("d", "gone")], ports, counted=counted)

    rows = seen(neutron.extract(ask()))

    assert {name: row.state.server_id for name, row in rows.items()} == {"a": "server-7", "b": None, "c": None, "d": None}


def test_public_addresses_of_ports_count_of_both_versions_and_private_ones_do_not():
    port = a_port("port", P, "192.0.2.5", "2001:db8::5", "10.0.0.5", "fd00::5", "fe80::5", device_id="server-7")

    rows = seen(extractor(ports=[port]).extract(ask()))

    assert {i: (row.ip, row.version, row.origin, row.state.server_id) for i, row in rows.items()} == {
        "port/192.0.2.5": ("192.0.2.5", 4, Origin.FIXED, "server-7"),
        "port/2001:db8::5": ("2001:db8::5", 6, Origin.FIXED, "server-7"),
    }


@pytest.mark.parametrize("owner", ["network:router_interface", "network:dhcp", "network:floatingip"])
def test_ports_of_neutron_itself_do_not_count(owner):
    assert seen(extractor(ports=[a_port(device_owner=owner)]).extract(ask())) == {}


@pytest.mark.parametrize("owner", ["", "Octavia"])
def test_a_port_of_no_server_holds_its_address_all_the_same(owner):
    (row,) = seen(extractor(ports=[a_port(device_owner=owner)]).extract(ask())).values()

    assert row.state.server_id is None


def test_gateways_count_where_it_is_asked_for():
    routers = [a_router("r", P, "192.0.2.1", "2001:db8::1", "10.9.9.9"), a_router("inside", external_gateway_info=None)]

    assert seen(extractor(routers=routers).extract(ask())) == {}
    rows = seen(extractor(routers=routers, counted=ALL).extract(ask()))
    assert {i: (row.origin, row.state.server_id) for i, row in rows.items()} == {
        "r/192.0.2.1": (Origin.GATEWAY, None),
        "r/2001:db8::1": (Origin.GATEWAY, None),
    }


@pytest.mark.parametrize(
    ("counted", "paths"),
    [
        (("floating",), ["floatingips"]),
        (("fixed",), ["ports"]),
        (("floating", "fixed"), ["floatingips", "ports"]),
        (ALL, ["floatingips", "ports", "routers"]),
    ],
)
def test_only_what_is_counted_is_asked_for_once_for_all_projects(counted, paths):
    rows = [a_floating_ip("a", P), a_floating_ip("b", Q)], [a_port("a", P), a_port("b", Q)], [a_router("a", Q)]

    alone = extractor(*rows, counted=counted)
    list(alone.extract(ask(P)))
    together = extractor(*rows, counted=counted, admin=True)
    pages = list(together.extract(ask(P, Q)))

    assert listed(alone) == listed(together) == paths
    assert inventories(pages) == [{"address"}]


def test_a_port_of_others_on_a_network_of_the_project_is_not_its_own():
    class Shown(FakeNetwork):
        def answer(self, scope, path, params):
            self.admin = True
            return super().answer(scope, path, params)

    ports = [a_port("a", P), a_port("b", Q)]
    sources = fake_sources(network=Shown(ports=ports), clock=lambda: NOW, roles={"reader"})

    assert {row.project_id for row in seen(NeutronExtractor(sources).extract(ask(P))).values()} == {P}


def test_what_belongs_to_nobody_is_passed_over():
    ports = [a_port("a", P), a_port("b", Q), a_port("gateway", "", device_owner="network:router_gateway")]

    pages = list(extractor(ports=ports, admin=True).extract(ask(P, Q)))

    assert len(seen(pages)) == 2
    assert [page.odd for page in pages if page.odd] == []


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ({"floating_ips": [a_floating_ip("odd", floating_ip_address="?"), a_floating_ip("well")]}, "well"),
        ({"floating_ips": [a_floating_ip("odd", created_at="2031-01-01T00:00:00Z"), a_floating_ip("well")]}, "well"),
        ({"ports": [a_port("odd", P, "?"), a_port("well", P, "192.0.2.9")]}, "well/192.0.2.9"),
        ({"routers": [a_router("odd", P, "?"), a_router("well", P, "192.0.2.9")]}, "well/192.0.2.9"),
    ],
)
def test_an_impossible_row_is_quarantined_and_the_others_go_on(rows, kind):
    pages = list(extractor(**rows, counted=ALL).extract(ask()))

    assert set(seen(pages)) == {kind}
    ((odd,),) = [page.odd for page in pages if page.odd]
    assert (odd.kind, odd.object_id, odd.project_id) == ("address", "odd", P)
    assert odd.reason


def test_there_is_an_inventory_only_after_the_last_listing():
    pages = extractor([a_floating_ip()], [a_port()], fail_on_page=2).extract(ask())
    kept = next(pages)

    with pytest.raises(SourceError, match="503"):
        next(pages)

    assert kept.seen
    assert not kept.inventory


def test_a_neutron_without_times_has_addresses_since_caso_knows_them():
    def timeless(ip_id):
        return a_floating_ip(ip_id, created_at=None, updated_at=None)

    known = observe(None, seen_address(at=CREATED, id="old", created=CREATED))

    rows = seen(extractor([timeless("old"), timeless("new")]).extract(ask(memory=Remembered(address=[known]))))

    assert {name: (row.created, row.unchanged_since) for name, row in rows.items()} == {
        "old": (CREATED, CREATED),
        "new": (NOW, NOW),
    }


def test_an_old_neutron_calls_a_project_tenant():
    row = a_floating_ip("a")
    row["tenant_id"] = row.pop("project_id")

    assert seen(extractor([row]).extract(ask()))["a"].project_id == P


def test_pages_of_one_row_are_followed_to_the_end():
    floating, ports = [a_floating_ip(str(n)) for n in range(4)], [a_port(str(n)) for n in range(4)]

    assert len(seen(extractor(floating, ports, page_size=1).extract(ask()))) == 8


@pytest.mark.parametrize("kind", ["floatingips", "ports"])
def test_a_row_that_vanishes_while_it_is_the_marker_costs_no_other_row(kind):
    network = FakeNetwork([a_floating_ip(str(n)) for n in range(5)], [a_port(str(n)) for n in range(5)], page_size=2)
    counted = {"floatingips": ["floating"], "ports": ["fixed"]}[kind]
    pages = NeutronExtractor(fake_sources(network=network, clock=lambda: NOW), counted=counted).extract(ask())
    first = next(pages)

    del network.rows[kind][1]

    assert len(seen([first, *pages])) == 5


def test_without_the_role_admin_nothing_is_asked_of_all_projects():
    neutron = extractor([a_floating_ip("a", P)], access={"roles": {"reader"}})

    with pytest.raises(CannotShareError, match="no role admin"):
        list(neutron.extract(ask(P, Q)))

    assert listed(neutron) == []


def test_an_administrator_who_is_shown_his_own_project_only_claims_no_inventory_of_others():
    neutron = extractor([a_floating_ip("a", P), a_floating_ip("b", Q)], access={"roles": {"admin"}})
    told = []

    with pytest.raises(CannotShareError, match="own project only"):
        told.extend(neutron.extract(ask(P, Q)))

    assert inventories(told) == []


def test_sharing_is_given_up_where_most_ports_are_other_peoples():
    ports = [a_port(str(number), "theirs") for number in range(8)]

    with pytest.raises(CannotShareError, match="0 of the first 4 ports"):
        list(extractor([a_floating_ip("a", Q)], ports, admin=True, page_size=4).extract(ask(P, Q)))


def test_an_administrator_without_a_role_on_a_project_lists_it_out_of_all():
    access = {"no_role_on": [Q], "configured": P}
    rows = [a_floating_ip("a", P), a_floating_ip("b", Q)]

    pages = list(extractor(rows, admin=True, access=access).extract(ask(Q)))

    assert set(seen(pages)) == {"b"}
    assert inventories(pages) == [{"address"}]
    with pytest.raises(LoginError):
        list(extractor(rows, access=access).extract(ask(Q)))


def test_out_of_all_an_empty_answer_is_the_truth_for_who_sees_others_and_for_nobody_else():
    access = {"no_role_on": [Q], "configured": P, "roles": {"admin"}}
    memory = Remembered(address=[observe(None, seen_address(at=NOW, id="b", project_id=Q))])
    ports = [a_port("mine", P), a_port("theirs", "somebody-else")]

    all_seeing = list(extractor([], ports, admin=True, access=access).extract(ask(Q, memory=memory)))

    assert inventories(all_seeing) == [{"address"}]
    with pytest.raises(LoginError):
        list(extractor([], ports[:1], admin=True, access=access).extract(ask(Q, memory=memory)))


def test_a_listing_of_floating_ips_that_begins_again_is_read_to_its_end():
    network = FakeNetwork([a_floating_ip(name) for name in "abcdefg"], page_size=2)
    pages = NeutronExtractor(fake_sources(network=network, clock=lambda: NOW), counted=["floating"]).extract(ask())
    first = [next(pages), next(pages)]

    network.rows["floatingips"] = [row for row in network.rows["floatingips"] if row["id"] != "d"]
    rest = list(pages)

    told = [row.id for page in [*first, *rest] for row in page.seen]
    assert (sorted(told), inventories(rest)) == (list("abcdefg"), [frozenset({"address"})])


def test_what_a_neutron_without_times_shows_unchanged_is_told_of_once():
    def timeless(**changes):
        return a_floating_ip("a", **{"created_at": None, "updated_at": None, **changes})

    known = None
    for hour in range(4):
        row = timeless(**leading_to("server-7")) if hour > 1 else timeless()
        network, at = FakeNetwork([row]), NOW + timedelta(hours=hour)
        neutron = NeutronExtractor(fake_sources(network=network, clock=lambda at=at: at))
        memory = Remembered(address=[known] if known else [])
        known = observe(known, seen(neutron.extract(ask(memory=memory)))["a"])

    assert [(piece.value.server_id, (piece.since - NOW).seconds // 3600) for piece in known.evidence] == [
        (None, 0),
        ("server-7", 2),
    ]
    assert known.evidence[0].until == NOW + timedelta(hours=1)
