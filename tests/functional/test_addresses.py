"""NeutronExtractor against a real Neutron, and what a run with all extractors asks of the cloud."""

from ipaddress import ip_address

import pytest

from caso.errors import SourceError
from caso.extractors.addresses import is_public
from caso.extractors.cinder import CinderExtractor
from caso.extractors.neutron import NeutronExtractor
from caso.extractors.nova import NovaExtractor
from caso.lifecycle.address import Origin
from caso.projects import find_projects
from caso.sources import Sources
from tests.cloud import Cloud, Fault, Seed
from tests.functional.asking import HOUR, access, ask, extract, odd, sources, told, without

ALL = tuple(Origin)


def neutron(cloud, role="reader", counted=(Origin.FLOATING, Origin.FIXED)):
    return NeutronExtractor(sources(cloud, role), counted=counted)


def has_ports(server, at):
    step = server.state(at)
    return bool(server.addresses) and step is not None and step.vm_state != "deleted"


def addresses_at(cloud, *projects, counted=(Origin.FLOATING, Origin.FIXED)):
    """Id -> (project, address, server, since when its row is so)."""
    truth, now = cloud.truth, cloud.now
    chosen = {project.id for project in projects or truth.accounted}
    servers = {server.id: server for server in truth.servers}
    found = {}
    for ip in truth.floating_ips if Origin.FLOATING in counted else ():
        if ip.project_id in chosen and ip.exists(now):
            server = servers.get(ip.server_id)
            there = server is not None and has_ports(server, now)
            changed = ip.created if there or server is None else server.state(now).at
            found[ip.id] = (ip.project_id, ip.ip, ip.server_id if there else None, changed)
    for server in truth.servers if Origin.FIXED in counted else ():
        if server.project_id in chosen and has_ports(server, now):
            for address in server.addresses:
                if is_public(ip_address(address.ip)):
                    found[f"{address.port_id}/{address.ip}"] = (server.project_id, address.ip, server.id, server.created)
    for router in truth.routers if Origin.GATEWAY in counted else ():
        if router.project_id in chosen:
            found[f"{router.id}/{router.ip}"] = (router.project_id, router.ip, None, None)
    return found


def inventories(pages):
    return [page.inventory for page in pages if page.inventory]


@pytest.mark.parametrize("counted", [(Origin.FLOATING, Origin.FIXED), ALL], ids=["default", "gateways too"])
@pytest.mark.parametrize("role", ["reader", "admin"])
def test_every_address_is_seen_as_the_truth_has_it_and_an_hour_later_again(cloud, role, counted):
    for _ in range(2):
        pages = extract(neutron(cloud, role, counted), ask(cloud))

        seen, expected = told(pages), addresses_at(cloud, counted=counted)
        assert seen.keys() == expected.keys()
        assert odd(pages) == []
        assert set(inventories(pages)) == {frozenset({"address"})}
        for address_id, (project_id, ip, server_id, changed) in expected.items():
            row = seen[address_id]
            assert (row.project_id, row.ip, row.state.server_id) == (project_id, ip, server_id)
            assert row.version == (6 if ":" in ip else 4)
            assert changed in (None, row.unchanged_since)
            assert row.created <= row.unchanged_since <= row.seen_at == cloud.now
        assert {row.origin for row in seen.values()} == set(counted)
        assert {row.version for row in seen.values() if row.origin is Origin.FIXED} == {4, 6}
        cloud.advance(cloud.now + HOUR)


@pytest.mark.parametrize("size", [7, 30])
def test_pages_of_any_size_are_followed_to_the_end(cloud, size):
    cloud.restart("neutron", max_limit=size)

    for role in ("reader", "admin"):
        assert told(extract(neutron(cloud, role, ALL), ask(cloud))).keys() == addresses_at(cloud, counted=ALL).keys()


@pytest.mark.parametrize(("table", "origin"), [("floatingips", Origin.FLOATING), ("ports", Origin.FIXED)])
def test_what_vanishes_while_it_is_the_marker_costs_nothing_else(cloud, table, origin):
    cloud.restart("neutron", max_limit=3)
    project = cloud.truth.accounted[0]
    with cloud.calls() as calls:
        pages = neutron(cloud, counted=[origin]).extract(ask(cloud, [project]))
        first = next(pages)
        (marker,) = _next_marker(cloud, project, table)
        with without(cloud, "neutron", table, "id = ?", marker):
            found = told([first, *pages])

    assert {i for i in found if marker not in i} == {i for i in addresses_at(cloud, project, counted=[origin]) if marker not in i}
    # Of ports it says so; of floating IPs it begins at the start again, without a word.
    assert [call.status for call in calls.of("neutron")].count(404) == (1 if table == "ports" else 0)


def _next_marker(cloud, project, table):
    with cloud.database("neutron") as sqlite:
        rows = sqlite.execute(f"select id from {table} where project_id = ? order by id limit 3", [project.id]).fetchall()
    return rows[-1]


def test_a_page_that_cannot_be_had_is_an_error_and_there_is_no_inventory(cloud):
    cloud.faults.add(Fault("neutron", path="/ports", status=503))
    project = cloud.truth.accounted[0]
    pages = neutron(cloud).extract(ask(cloud, [project]))
    kept = next(pages)

    with pytest.raises(SourceError, match=f"neutron: cannot list the ports of project {project.name}.*503"):
        list(pages)

    assert kept.seen
    assert not kept.inventory


def test_an_administrator_without_a_role_on_a_project_sees_it_out_of_all(cloud):
    untagged = next(project for project in cloud.truth.projects if not project.tagged)
    own = cloud.truth.accounted[0]
    everything = Sources(access(cloud.admin, project_id=own.id), clock=lambda: cloud.now)

    pages = list(NeutronExtractor(everything, counted=ALL).extract(ask(cloud, [untagged])))

    assert told(pages).keys() == addresses_at(cloud, untagged, counted=ALL).keys() != set()
    assert inventories(pages) == [{"address"}]


def test_a_reader_asked_about_all_projects_sends_neutron_nothing_and_claims_nothing(cloud):
    with cloud.calls() as calls, pytest.raises(SourceError, match="no role admin"):
        list(neutron(cloud).extract(ask(cloud)))

    assert calls.of("neutron") == []


def test_a_catalog_may_name_the_version_of_neutron(cloud):
    project = cloud.truth.accounted[0]
    with cloud.database("keystone") as sqlite:
        where = "service_id = (select id from service where type = 'network')"
        sqlite.execute(f"update endpoint set url = url || '/v2.0' where {where}")

    assert told(extract(neutron(cloud), ask(cloud, [project]))).keys() == addresses_at(cloud, project).keys()


@pytest.fixture(scope="module")
def five_projects(tmp_path_factory):
    with Cloud.start(tmp_path_factory.mktemp("five"), Seed(projects=5, live=30, deleted=10)) as cloud:
        yield cloud


@pytest.mark.parametrize(("role", "common", "each"), [("reader", 12, 6), ("admin", 20, 0)])
@pytest.mark.parametrize("scope", ["system", "project"])
def test_an_hour_with_all_extractors_asks_little(five_projects, role, common, each, scope):
    cloud = five_projects
    own = {"system": True} if scope == "system" else {"project_id": cloud.truth.accounted[0].id}
    with cloud.calls() as calls:
        shared = Sources(access(getattr(cloud, role), **own))
        projects = find_projects(shared.identity).found
        shared.regions()
        for extractor in (NovaExtractor(shared), CinderExtractor(shared), NeutronExtractor(shared)):
            assert told(extract(extractor, ask(cloud)))

    print(role, scope, len(projects), "projects:", len(calls), calls.by_service())
    assert len(calls) <= common + each * len(projects), [(call.service, call.method, call.path) for call in calls]
