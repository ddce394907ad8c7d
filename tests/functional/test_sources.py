"""The sources against real services: what they find, with how many requests, and what a fault does to it."""

import time

import pytest

from caso.errors import DeniedError, SourceError
from caso.extractors.nova import NovaExtractor
from caso.projects import find_projects
from caso.sources import LoginError, Sources
from caso.sources.session import Access
from caso.window import BEGINNING
from tests.cloud import Fault
from tests.functional import asking
from tests.functional.asking import REGION, access, ask, told, without


def extract(sources, question):
    return asking.extract(NovaExtractor(sources), question)


@pytest.mark.parametrize("role", ["reader", "admin"])
def test_every_server_that_lives_or_changed_is_seen_as_the_truth_has_it(cloud, role):
    since = cloud.now.replace(day=1, hour=0)
    pages = extract(Sources(access(getattr(cloud, role), system=True)), ask(cloud, since=since))

    seen, truth = told(pages), cloud.truth
    accounted = {project.id for project in truth.accounted}
    expected = {
        server.id: server
        for server in (*truth.servers_at(cloud.now), *truth.changed_since(since, cloud.now))
        if server.project_id in accounted
    }
    # The five minutes before the window are asked for as well.
    early = {uuid for uuid in seen.keys() - expected.keys() if seen[uuid].unchanged_since < since}
    assert seen.keys() - early == expected.keys()
    assert [page.odd for page in pages if page.odd] == []
    for uuid, server in expected.items():
        row, step = seen[uuid], server.state(cloud.now)
        ended = (server.terminated_at or step.at) if step.vm_state == "deleted" else None
        assert (row.name, row.created, row.ended) == (server.name, server.created, ended)
        assert row.launched == (step.launched_at is not None)
        flavor = truth.flavor(step.flavor)
        assert (row.state.flavor.name, row.state.flavor.vcpus, row.state.flavor.memory_mib) == (
            flavor.name,
            flavor.vcpus,
            flavor.memory_mib,
        )
        user = next(user for user in truth.users if user.id == server.user_id)
        assert row.user_name == (user.name if user.exists else None)
        image = next((image for image in truth.images if image.id == server.image_id), None)
        assert row.image_name == (image.properties.get("vmcatcher_event_ad_mpuri") if image else None)
        if ended is None:
            floating = [ip for ip in truth.floating_ips if ip.server_id == uuid and ip.exists(cloud.now)]
            assert row.public_ip_count == len(floating)


def test_a_reader_needs_ten_requests_and_four_for_each_project(cloud):
    with cloud.calls() as calls:
        sources = Sources(access(cloud.reader, project_id=cloud.truth.accounted[0].id))
        projects = find_projects(sources.identity).found
        extract(sources, ask(cloud))

    assert {project.id for project in projects} == {project.id for project in cloud.truth.accounted}
    assert len(calls) <= 10 + 4 * len(projects), calls


def test_an_administrator_needs_fifteen_requests_in_all(cloud):
    with cloud.calls() as calls:
        sources = Sources(access(cloud.admin, system=True))
        find_projects(sources.identity)
        extract(sources, ask(cloud))

    assert len(calls) <= 15, calls


def test_a_nova_that_pages_by_fifteen_loses_nothing(cloud):
    cloud.restart("nova", max_limit=15)
    project = cloud.truth.accounted[0]

    seen = told(extract(Sources(access(cloud.reader, system=True)), ask(cloud, [project], since=BEGINNING)))

    expected = {server.id for server in cloud.truth.changed_since(BEGINNING, cloud.now, project.id)}
    assert seen.keys() == expected
    assert len(expected) > 3 * 15


def test_a_server_that_vanishes_while_it_is_the_marker_costs_no_other_server(cloud):
    cloud.restart("nova", max_limit=50)
    project = cloud.truth.accounted[0]
    with cloud.calls() as calls:
        pages = NovaExtractor(Sources(access(cloud.reader, system=True))).extract(ask(cloud, [project]))
        first = next(pages)
        # As archiving a deleted server does.
        with without(cloud, "nova_api", "instance_mappings", "instance_uuid = ?", first.seen[-1].uuid):
            found = told([first, *pages])

    assert [call.status for call in calls.of("nova", "/servers/detail")].count(400) == 1
    assert {server.id for server in cloud.truth.servers_at(cloud.now, project.id)} <= found.keys()


@pytest.mark.parametrize("role", ["reader", "admin"])
def test_a_lost_cell_leaves_its_projects_unfinished(cloud, role):
    cloud.lose_cell("cell2")

    pages = extract(Sources(access(getattr(cloud, role), system=True)), ask(cloud))

    hidden = [server for server in cloud.truth.servers_at(cloud.now) if server.cell == "cell2"]
    accounted = {project.id for project in cloud.truth.accounted}
    assert {project for page in pages for project in page.unfinished} == {server.project_id for server in hidden} & accounted
    assert not told(pages).keys() & {server.id for server in hidden}


def test_a_lost_cell_behind_a_full_page_leaves_every_project_unfinished(cloud):
    a_host = "insert into host_mappings (cell_id, host) select id, 'compute-9' from cell_mappings where name = 'cell2'"
    cloud.lose_cell("cell2")
    cloud.restart("nova", max_limit=100)
    with cloud.database("nova_api") as sqlite:
        sqlite.execute(a_host)
    try:
        pages = extract(Sources(access(cloud.admin, system=True)), ask(cloud))
    finally:
        with cloud.database("nova_api") as sqlite:
            sqlite.execute("delete from host_mappings where host = 'compute-9'")

    assert any(page.doubt for page in pages)
    assert not any(page.inventory for page in pages)


def test_a_short_failure_is_not_noticed(cloud):
    cloud.faults.add(Fault(path="/servers/detail", status=503, times=1))
    cloud.faults.add(Fault(service="keystone", path="/auth/tokens", status=502, times=1))

    assert told(extract(Sources(access(cloud.admin, system=True)), ask(cloud)))


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path="/servers/detail", query="changes-since", status=503),
        Fault(path="/servers/detail", query="changes-since", status=500),
        Fault(path="/servers/detail", query="changes-since", reset=True),
        Fault(path="/servers/detail", query="changes-since", truncate=1000),
        Fault(path="/servers/detail", query="changes-since", malformed=True),
    ],
    ids=["503", "500", "reset", "truncated", "malformed"],
)
def test_a_page_that_cannot_be_had_is_a_source_error_within_seconds_and_the_others_are_kept(cloud, fault):
    project = cloud.truth.accounted[0]
    cloud.faults.add(fault)
    pages = NovaExtractor(Sources(access(cloud.reader, system=True))).extract(ask(cloud, [project]))
    kept = next(pages)
    began = time.monotonic()

    with pytest.raises(SourceError, match=f"nova: cannot list the changed servers of project {project.name}"):
        list(pages)

    assert kept.seen
    assert time.monotonic() - began < 10


def test_a_service_that_asks_for_an_hour_is_not_waited_for(cloud):
    cloud.faults.add(Fault(path="/servers/detail", status=429, retry_after=3600))
    sources = Sources(access(cloud.reader, system=True))
    began = time.monotonic()

    with pytest.raises(SourceError, match="429"):
        extract(sources, ask(cloud, cloud.truth.accounted[:1]))

    assert time.monotonic() - began < 10


def test_a_keystone_that_cuts_its_lists_hides_no_tagged_project_and_no_user(cloud):
    cloud.restart("keystone", max_limit=2)
    sources = Sources(access(cloud.reader, system=True))

    assert {project.id for project in find_projects(sources.identity).found} == {p.id for p in cloud.truth.accounted}
    assert {user.name for user in cloud.truth.users if user.exists} == {
        sources.users.name(user.id) for user in cloud.truth.users if user.exists
    }


def test_a_reader_without_the_system_finds_its_tagged_projects_and_does_without_names(cloud):
    reader = "actor_id in (select user_id from local_user where name = 'caso-reader')"
    project = cloud.truth.accounted[0]
    with without(cloud, "keystone", "system_assignment", reader):
        sources = Sources(access(cloud.reader))
        projects = find_projects(sources.identity).found
        rows = told(extract(sources, ask(cloud, [project])))

    assert {project.id for project in projects} == {project.id for project in cloud.truth.accounted}
    assert rows
    assert {row.user_name for row in rows.values()} == {None}


def test_projects_are_found_by_id_and_by_name(cloud):
    first, second = cloud.truth.accounted[:2]
    untagged = next(project for project in cloud.truth.projects if not project.tagged)
    sources = Sources(access(cloud.reader, system=True))

    found = find_projects(sources.identity, wanted=[first.id, first.name, second.name, untagged.name, "nobody"], tag=None)

    assert [project.id for project in found.found] == [first.id, second.id, untagged.id]
    assert list(found.missing) == ["nobody"]


def test_wrong_credentials_are_a_login_error_after_one_attempt(cloud):
    options = cloud.reader.auth(system=True) | {"password": "wrong"}

    with cloud.calls() as calls, pytest.raises(LoginError, match="check the credentials"):
        find_projects(Sources(Access("password", options)).identity)

    assert len(calls.of("keystone", "/auth/tokens")) == 1


def test_a_project_without_a_role_is_denied_by_name(cloud):
    untagged = next(project for project in cloud.truth.projects if not project.tagged)

    with pytest.raises(DeniedError, match=f"no token for project {untagged.id}"):
        extract(Sources(access(cloud.reader, system=True)), ask(cloud, [untagged]))


def test_regions_come_from_the_catalog_and_an_unscoped_token_has_none(cloud):
    assert Sources(access(cloud.reader, system=True)).regions() == (REGION,)
    unscoped = Sources(access(cloud.reader))
    assert unscoped.regions() == ()
    assert unscoped.regions(cloud.truth.accounted[0].id) == (REGION,)
