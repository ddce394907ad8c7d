"""CinderExtractor against a real Cinder."""

from datetime import timedelta

import pytest

from caso.errors import SourceError
from caso.extractors.base import Listing
from caso.extractors.cinder import CinderExtractor
from caso.lifecycle.volume import observe
from caso.sources import Sources
from caso.testing.memory import Remembered
from tests.cloud import Fault
from tests.functional.asking import HOUR, REGION, access, ask, extract, odd, sources, told


def cinder(cloud, role="reader", **options):
    return CinderExtractor(sources(cloud, role), **options)


def volumes_at(cloud, *projects):
    chosen = {project.id for project in projects or cloud.truth.accounted}
    return {v.id: v for v in cloud.truth.volumes if v.project_id in chosen and v.exists(cloud.now)}


LONG = "2 9 0 0"
"""As it is noted where a listing took two pages, without volumes of others."""


def remember(cloud, *projects):
    """What caso knows after a run at the cloud's time."""
    seen = told(extract(cinder(cloud), ask(cloud, projects or None))).values()
    listings = {project.id: Listing(cloud.now, LONG) for project in projects or cloud.truth.accounted}
    return Remembered(listings=listings, volume=[observe(None, one) for one in seen])


def inventories(pages):
    return [page.inventory for page in pages if page.inventory]


@pytest.mark.parametrize("role", ["reader", "admin"])
def test_every_volume_is_seen_as_the_truth_has_it_and_an_hour_later_again(cloud, role):
    for _ in range(2):
        pages = extract(cinder(cloud, role), ask(cloud))

        seen, expected = told(pages), volumes_at(cloud)
        assert seen.keys() == expected.keys()
        assert odd(pages) == []
        assert set(inventories(pages)) == {frozenset({"volume"})}
        users = {user.id: user.name for user in cloud.truth.users if user.exists}
        for uuid, volume in expected.items():
            row = seen[uuid]
            edges = [volume.created, *(at for a in volume.attachments for at in (a.start, a.end) if at)]
            assert (row.name, row.created, row.status) == (volume.name, volume.created, volume.status_at(cloud.now))
            assert (row.state.size_gib, row.state.type, row.state.project_id) == (
                volume.size_gib,
                volume.type,
                volume.project_id,
            )
            assert (row.user_id, row.user_name) == (volume.user_id, users.get(volume.user_id))
            assert set(row.server_ids) == {a.server_id for a in volume.attachments if a.exists(cloud.now)}
            assert row.unchanged_since == max(edge for edge in edges if edge <= cloud.now)
            assert (row.seen_at, row.ended) == (cloud.now, None)
        kinds = {volume.oddity for volume in expected.values()}
        assert {"attached-twice", "nameless", "error", "root"} <= kinds
        cloud.advance(cloud.now + HOUR)


@pytest.mark.parametrize("size", [7, 30])
def test_pages_of_any_size_are_followed_to_the_end(cloud, size):
    cloud.restart("cinder", max_limit=size)

    for role in ("reader", "admin"):
        assert told(extract(cinder(cloud, role), ask(cloud))).keys() == volumes_at(cloud).keys()


def test_a_volume_that_vanishes_while_it_is_the_marker_costs_no_other_volume(cloud):
    cloud.restart("cinder", max_limit=3)
    project = cloud.truth.accounted[0]
    with cloud.calls() as calls:
        pages = cinder(cloud).extract(ask(cloud, [project]))
        first = next(pages)
        lost = first.seen[-1].uuid
        with cloud.database("cinder") as sqlite:
            sqlite.execute("update volumes set deleted = 1 where id = ?", [lost])
        found = told([first, *pages])

    assert [call.status for call in calls.of("cinder")].count(404) == 1
    assert found.keys() == volumes_at(cloud, project).keys()


def test_a_page_that_cannot_be_had_is_an_error_and_there_is_no_inventory(cloud):
    cloud.restart("cinder", max_limit=3)
    cloud.faults.add(Fault("cinder", path="/volumes/detail", skip=1, status=503))
    project = cloud.truth.accounted[0]
    pages = cinder(cloud).extract(ask(cloud, [project]))
    kept = next(pages)

    with pytest.raises(SourceError, match=f"cinder: cannot list the volumes of project {project.name}.*503"):
        list(pages)

    assert len(kept.seen) == 3
    assert not kept.inventory


def test_a_copy_that_a_migration_makes_is_no_second_volume_to_an_administrator(cloud):
    project = cloud.truth.accounted[0]
    copy, original = list(volumes_at(cloud, project))[:2]
    with cloud.database("cinder") as sqlite:
        sqlite.execute("update volumes set migration_status = ? where id = ?", [f"target:{original}", copy])

    for role in ("reader", "admin"):
        assert told(extract(cinder(cloud, role), ask(cloud, [project]))).keys() == volumes_at(cloud, project).keys() - {copy}


@pytest.mark.parametrize("project_in_url", [False, True])
@pytest.mark.parametrize("service_type", ["block-storage", "volumev3", "volume"])
def test_cinder_is_found_under_any_of_its_types_with_and_without_a_project_in_its_url(cloud, service_type, project_in_url):
    project = cloud.truth.accounted[0]
    with cloud.database("keystone") as sqlite:
        sqlite.execute("update service set type = ? where type = 'block-storage'", [service_type])
        if project_in_url:
            theirs = "select id from service where type = ?"
            sqlite.execute(f"update endpoint set url = url || '/$(project_id)s' where service_id = ({theirs})", [service_type])

    remembered = remember(cloud, project)
    cloud_sources = Sources(access(cloud.reader, project_id=project.id), clock=lambda: cloud.now)
    pages = list(CinderExtractor(cloud_sources).extract(ask(cloud, [project], memory=remembered)))

    assert cloud_sources.regions(service_type="block-storage") == (REGION,)
    assert [page.vouched for page in pages] == [{"volume"}]
    assert inventories(pages) == []


# The check that saves a listing.


@pytest.fixture
def project(cloud):
    return cloud.truth.accounted[0]


def check(cloud, project, remembered):
    """What a run an hour later is told of a project with many volumes, and what it asked for."""
    with cloud.calls() as calls:
        pages = list(cinder(cloud).extract(ask(cloud, [project], memory=remembered)))
    return pages, [call.path.partition("?")[0].rpartition("/")[2] for call in calls.of("cinder", "/volumes")]


def later(cloud):
    """An hour in which nobody did anything: what Cinder has stays, the clock goes on."""
    cloud.now += HOUR


def test_where_nothing_changed_every_volume_is_vouched_for_without_a_listing(cloud, project):
    remembered = remember(cloud, project)
    later(cloud)

    pages, asked = check(cloud, project, remembered)

    assert asked == ["detail", "summary", "detail"]
    assert told(pages) == {}
    assert [page.vouched for page in pages] == [{"volume"}]
    assert inventories(pages) == []


def test_a_busy_hour_is_told_as_the_truth_has_it(cloud, project):
    remembered = remember(cloud, project)
    cloud.advance(cloud.now + HOUR)

    pages, _ = check(cloud, project, remembered)

    seen, expected = told(pages), volumes_at(cloud, project)
    assert seen.keys() == expected.keys()
    assert {uuid: set(row.server_ids) for uuid, row in seen.items()} == {
        uuid: {a.server_id for a in volume.attachments if a.exists(cloud.now)} for uuid, volume in expected.items()
    }
    # One was deleted, so all had to be listed.
    assert inventories(pages) == [{"volume"}]


def test_a_deleted_volume_has_all_be_listed(cloud, project):
    remembered = remember(cloud, project)
    expected = volumes_at(cloud, project).keys()
    gone = min(expected)
    later(cloud)
    with cloud.database("cinder") as sqlite:
        sqlite.execute("update volumes set deleted = 1 where id = ?", [gone])

    pages, asked = check(cloud, project, remembered)

    assert asked == ["detail", "summary", "detail", "detail"]
    assert told(pages).keys() == expected - {gone}
    assert inventories(pages) == [{"volume"}]


def test_an_extended_volume_is_told_by_its_change_alone(cloud, project):
    remembered = remember(cloud, project)
    expected = volumes_at(cloud, project)
    grown = min(expected)
    later(cloud)
    with cloud.database("cinder") as sqlite:
        sqlite.execute("update volumes set size = size + 7, updated_at = ? where id = ?", [at(cloud, minutes=-10), grown])

    pages, asked = check(cloud, project, remembered)

    assert asked == ["detail", "summary", "detail"]
    assert told(pages).keys() == {grown}
    assert told(pages)[grown].state.size_gib == expected[grown].size_gib + 7
    assert told(pages)[grown].unchanged_since == cloud.now.replace(minute=50) - HOUR


def test_a_volume_just_made_which_never_changed_is_told(cloud, project):
    remembered = remember(cloud, project)
    expected = volumes_at(cloud, project).keys()
    made = min(expected)
    remembered.forget(made)
    later(cloud)
    with cloud.database("cinder") as sqlite:
        sqlite.execute("update volumes set created_at = ?, updated_at = null where id = ?", [at(cloud, minutes=-1), made])

    pages, asked = check(cloud, project, remembered)

    assert asked == ["detail", "summary", "detail"]
    assert told(pages).keys() == {made}


def test_one_deleted_and_one_of_its_size_made_is_noticed(cloud, project):
    remembered = remember(cloud, project)
    expected = volumes_at(cloud, project)
    gone, made = sorted(expected)[:2]
    remembered.forget(made)
    later(cloud)
    with cloud.database("cinder") as sqlite:
        sqlite.execute("update volumes set deleted = 1 where id = ?", [gone])
        sqlite.execute(
            "update volumes set created_at = ?, updated_at = null, size = ? where id = ?",
            [at(cloud, minutes=-1), expected[gone].size_gib, made],
        )

    pages, _ = check(cloud, project, remembered)

    assert told(pages).keys() == expected.keys() - {gone}
    assert inventories(pages) == [{"volume"}]


def test_an_administrator_without_a_role_on_a_project_sees_it_out_of_all(cloud):
    untagged = next(project for project in cloud.truth.projects if not project.tagged)
    own = cloud.truth.accounted[0]
    everything = Sources(access(cloud.admin, project_id=own.id), clock=lambda: cloud.now)

    pages = list(CinderExtractor(everything).extract(ask(cloud, [untagged])))

    assert told(pages).keys() == volumes_at(cloud, untagged).keys() != set()
    assert inventories(pages) == [{"volume"}]
    reader = Sources(access(cloud.reader, project_id=own.id), clock=lambda: cloud.now)
    with pytest.raises(SourceError, match=f"no token for project {untagged.id}"):
        list(CinderExtractor(reader).extract(ask(cloud, [untagged])))


def test_a_reader_asked_about_all_projects_sends_cinder_nothing_and_claims_nothing(cloud):
    with cloud.calls() as calls, pytest.raises(SourceError, match="no role admin"):
        list(cinder(cloud).extract(ask(cloud)))

    assert calls.of("cinder") == []


def at(cloud, **delta):
    return f"{cloud.now + timedelta(**delta):%Y-%m-%d %H:%M:%S}.000000"
