"""Whole runs on a small cloud: what is kept, what is sent, what is said."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from caso.delivery import Outlet
from caso.errors import DeliveryError, SourceError
from caso.extractors.base import Ask, Extractor, Page
from caso.extractors.cinder import CinderExtractor
from caso.extractors.neutron import NeutronExtractor
from caso.extractors.nova import NovaExtractor
from caso.planning import Period
from caso.projects import Project
from caso.records.storage import StorageRecord
from caso.store import Scope
from caso.testing.entities import seen_volume
from caso.testing.records import a_storage_record
from caso.testing.servers import FakeCompute, a_partial_server
from caso.testing.sources import REGION, FakeImage, fake_sources
from tests.unit.cloudlet import PROJECTS, T1, T2, Cloudlet, Recorder, servers, ticking

HOUR = timedelta(hours=1)
MARCH = datetime(2024, 3, 1, tzinfo=UTC)


@pytest.fixture
def cloudlet(tmp_path):
    return Cloudlet(tmp_path)


def cloud_row(cloudlet, uuid, month=3):
    return cloudlet.received()["cloud"][uuid, month, 2024]


def test_a_first_run_starts_with_the_month_and_closes_the_one_before(cloudlet):
    report = cloudlet.run(T1)

    assert report.exit_status == 0
    assert cloudlet.checkpoints() == [("p1", T1), ("p2", T1)]
    rows = cloudlet.received()["cloud"]
    assert {month for _, month, _ in rows} == {2, 3}
    assert rows["runs", 2, 2024]["WallDuration"] == 29 * 86400
    assert rows["ended", 3, 2024]["Status"] == "completed"


def test_the_next_run_goes_on_from_the_checkpoint(cloudlet):
    cloudlet.run(T1)
    report = cloudlet.run(T2)

    assert {scope.plan.window.start for scope in report.scopes} == {T1}
    assert cloud_row(cloudlet, "ends")["EndTime"] == datetime(2024, 3, 10, 11, 20, tzinfo=UTC)
    grown = cloud_row(cloudlet, "grows")
    wall_before = int((datetime(2024, 3, 10, 11, 40, tzinfo=UTC) - datetime(2024, 2, 1, tzinfo=UTC)).total_seconds())
    assert grown["CpuDuration"] == wall_before * 2 + 1200 * 16


def test_running_again_at_once_asks_nothing_and_sends_nothing(cloudlet):
    cloudlet.run(T1)
    again = cloudlet.run(T1)

    assert (again.scopes, [d.sent for d in again.deliveries], again.exit_status) == ([], [0], 0)


@pytest.mark.parametrize("page", [1, 2, 3])
def test_the_checkpoint_stays_when_a_page_fails_and_the_next_run_makes_it_good(cloudlet, tmp_path, page):
    untroubled = Cloudlet(tmp_path / "untroubled")
    untroubled.run(T1)
    untroubled.run(T2)
    cloudlet.run(T1)

    broken = cloudlet.run(T2, compute=FakeCompute(servers(T2), page_size=2, fail_on_page=page + 1))

    errors = [scope.error for scope in broken.scopes if scope.error]
    assert [type(error) for error in errors] == [SourceError]
    assert broken.exit_status == 1
    assert sorted(until for _, until in cloudlet.checkpoints()) == [T1, T2]
    assert cloudlet.run(T2).exit_status == 0
    assert cloudlet.received() == untroubled.received()


def test_a_failed_shared_listing_falls_back_to_per_project(tmp_path):
    cloudlet = Cloudlet(tmp_path, admin=True)

    report = cloudlet.run(T1, compute=FakeCompute(servers(T1), page_size=2, fail_on_page=2, admin=True))

    assert report.exit_status == 0
    assert cloudlet.checkpoints() == [("p1", T1), ("p2", T1)]


def test_a_cell_that_is_down_keeps_every_checkpoint_and_what_was_seen(cloudlet):
    """Of any project it may hide what ended in it, and no listing has a row of that."""
    cloudlet.full_listing_every = timedelta(0)
    cloudlet.run(T1)
    hidden = [a_partial_server("gpu", "p1") if row["id"] == "gpu" else row for row in servers(T2)]

    report = cloudlet.run(T2, compute=FakeCompute(hidden))

    assert report.exit_status == 1
    assert cloudlet.checkpoints() == [("p1", T1), ("p2", T1)]
    assert cloud_row(cloudlet, "ends")["Status"] == "completed"
    assert cloud_row(cloudlet, "gpu")["EndTime"] is None


def test_an_odd_object_costs_nobody_else_anything_and_is_met_again(cloudlet):
    odd = [row | {"created": None} if row["id"] == "ends" else row for row in servers(T2)]
    cloudlet.run(T1)

    report = cloudlet.run(T2, compute=FakeCompute(odd))

    assert (report.exit_status, cloudlet.checkpoints()) == (1, [("p1", T2), ("p2", T2)])
    # It is deleted, and nothing says when: for now it ended where it was last seen well.
    assert abs(cloud_row(cloudlet, "ends")["EndTime"] - T1) < timedelta(seconds=1)
    # Its deletion is long before the next window: it is found all the same.
    later = T2 + 2 * HOUR
    assert cloudlet.run(later).exit_status == 0
    assert cloud_row(cloudlet, "ends")["EndTime"] == datetime(2024, 3, 10, 11, 20, tzinfo=UTC)


def test_a_server_that_vanished_from_a_complete_listing_ends_where_it_was_last_seen(cloudlet):
    cloudlet.full_listing_every = timedelta(0)
    cloudlet.run(T1)
    archived = [row for row in servers(T1) if row["id"] != "runs"]

    cloudlet.run(T2, compute=FakeCompute(archived))

    row = cloud_row(cloudlet, "runs")
    assert row["Status"] == "completed"
    assert abs(row["EndTime"] - T1) < timedelta(seconds=1)


def test_a_soft_deleted_server_has_not_vanished(cloudlet):
    def soft_deleted(when):
        return [row | {"status": "SOFT_DELETED", "updated": when} if row["id"] == "runs" else row for row in servers(T1)]

    cloudlet.run(T1)
    cloudlet.run(T2, compute=FakeCompute(soft_deleted("2024-03-10T11:30:00Z")))
    cloudlet.run(T2 + HOUR, compute=FakeCompute(soft_deleted("2024-03-10T11:30:00Z")))

    assert cloud_row(cloudlet, "runs")["Status"] == "stopped"


def test_what_an_old_nova_does_not_list_has_not_vanished(cloudlet):
    """Before 2.69 the servers of a cell that is down are left out without a word."""
    cloudlet.run(T1, compute=FakeCompute(servers(T1), microversion="2.60"))

    report = cloudlet.run(T2, compute=FakeCompute(servers(T1)[1:], microversion="2.60"))

    assert report.exit_status == 0
    assert cloud_row(cloudlet, "runs")["Status"] == "started"


def test_everything_locked_by_another_run_starts_nothing(cloudlet):
    with cloudlet.store() as store:
        names = [f"scope {'/'.join(Scope('', REGION, project, 'nova'))}" for project in ("p1", "p2")]
        with store.locks.acquire(names, T1):
            report = cloudlet.run(T1)

    assert report.exit_status == 2
    assert len(report.locked) == 2


def test_republishing_the_past_moves_no_checkpoint_and_gives_the_same_rows(cloudlet):
    cloudlet.run(T1)
    cloudlet.run(T2)
    before = {kind: dict(rows) for kind, rows in cloudlet.received().items()}

    past = Period(now=T2 + HOUR, until=T1, since=datetime(2024, 2, 1, tzinfo=UTC), past=True)
    report = cloudlet.run(T2 + HOUR, compute=FakeCompute(servers(T2)), period=past)

    assert report.exit_status == 0
    assert cloudlet.checkpoints() == [("p1", T2), ("p2", T2)]
    after = cloudlet.received()
    assert {key: row for key, row in after["cloud"].items() if key in before["cloud"]} == before["cloud"]


def test_asking_for_older_months_on_the_first_run_sends_them_and_sets_the_checkpoint(cloudlet):
    cloudlet.run(T1, period=Period(now=T1, until=T1, since=datetime(1970, 1, 1, tzinfo=UTC)))

    assert cloudlet.checkpoints() == [("p1", T1), ("p2", T1)]
    assert {month for _, month, _ in cloudlet.received()["cloud"]} == {2, 3}


def test_a_project_without_a_vo_is_left_undone_and_stops_nobody(cloudlet):
    nobody = Project("p3", "gamma", None, None)

    report = cloudlet.run(T1, unmapped=[nobody])

    assert report.exit_status == 1
    assert len(report.scopes) == 2


def test_a_cloud_that_does_not_answer_leaves_what_is_due_to_be_delivered(cloudlet):
    def down(records):
        raise DeliveryError("full")

    cloudlet.run(T1, outlets=[Outlet("ssm", Recorder(down))])
    recorder = Recorder()

    report = cloudlet.run(T2, projects=[], trouble=SourceError("keystone is down"), outlets=[Outlet("ssm", recorder)])

    assert report.exit_status == 1
    assert recorder.keys


class Crashing(Extractor):
    """Somebody's extractor with a bug in it."""

    @classmethod
    def from_conf(cls, conf, sources, **shared):
        return cls()

    def extract(self, ask: Ask) -> Iterator[Page]:
        raise ZeroDivisionError("oops")


def test_a_fault_in_somebodys_extractor_costs_only_its_own_scopes(cloudlet):
    nova = cloudlet.job(T1).extractors["nova"]

    report = cloudlet.run(T1, extractors={"nova": nova, "crashing": Crashing()})

    assert {scope.scope.extractor for scope in report.scopes if scope.error} == {"crashing"}
    assert sorted(cloudlet.checkpoints()) == [(project, until) for project in ("p1", "p2") for until in (MARCH, T1)]
    assert cloudlet.received()["cloud"]


class Leaving(Crashing):
    """Somebody's extractor that would end the program."""

    def extract(self, ask: Ask) -> Iterator[Page]:
        raise SystemExit(3)


class Lazy(Crashing):
    """Somebody's extractor that forgot to write tuple."""

    observes = frozenset({"volume"})

    def extract(self, ask: Ask) -> Iterator[Page]:
        yield Page(seen_volume(at=T1, project_id=project) for project in ask.windows)


@pytest.mark.parametrize("faulty", [Leaving(), Lazy()])
def test_an_extractor_that_leaves_or_tells_nothing_to_keep_stops_nobody(cloudlet, faulty):
    nova = cloudlet.job(T1).extractors["nova"]

    report = cloudlet.run(T1, extractors={"nova": nova, "faulty": faulty})

    assert {scope.scope.extractor for scope in report.scopes if scope.error} == {"faulty"}
    assert cloudlet.received()["cloud"]


class Telling(Crashing):
    """Somebody's extractor that tells of something that cannot be."""

    observes = frozenset({"volume"})

    def extract(self, ask: Ask) -> Iterator[Page]:
        for project in ask.windows:
            wrong = {"size_gib": 1.5} if project == "p1" else {}
            yield Page((seen_volume(at=T1, uuid=f"of-{project}", project_id=project, **wrong),))


def test_what_could_not_be_read_again_is_not_kept_and_costs_only_its_own_project(cloudlet, caplog):
    nova = cloudlet.job(T1).extractors["nova"]

    first = cloudlet.run(T1, extractors={"nova": nova, "telling": Telling()})
    second = cloudlet.run(T2, extractors={"nova": nova, "telling": Telling()})

    for report in (first, second):
        assert [scope.project.id for scope in report.scopes if scope.error] == ["p1"]
    assert "telling: project alpha in RegionOne: fault of the plug-in: volume of-p1: state.size_gib is 1.5" in caplog.text


class Making(Crashing):
    """Somebody's extractor that makes records itself; the kind is no matter here."""

    observes = frozenset()
    makes = (StorageRecord,)

    def extract(self, ask: Ask) -> Iterator[Page]:
        yield Page(records=tuple(a_storage_record(volume_id=project, project_id=project) for project in ask.windows))


def test_records_that_an_extractor_makes_itself_are_counted_with_their_project(cloudlet):
    report = cloudlet.run(T1, extractors={"making": Making()})

    assert {scope.project.id: scope.records for scope in report.scopes} == {"p1": 1, "p2": 1}


def test_a_dry_run_counts_per_project_vo_and_kind_and_sends_nothing(cloudlet):
    recorder = Recorder()

    report = cloudlet.run(T1, dry_run=True, outlets=[Outlet("recorder", recorder)])

    assert recorder.keys == []
    assert {(row.project_id, row.vo, row.kind) for row in report.preview} == {
        ("p1", "vo.alpha", "accelerator"),
        ("p1", "vo.alpha", "cloud"),
        ("p2", "vo.beta", "cloud"),
    }


def test_old_records_are_dropped_after_keep_months(cloudlet):
    cloudlet.run(T1)
    much_later = datetime(2025, 9, 1, 12, tzinfo=UTC)
    alive = FakeCompute([row for row in servers(T2) if row["status"] != "DELETED"])
    cloudlet.run(much_later, compute=alive, keep_months=2)

    late = Recorder()
    cloudlet.run(much_later, outlets=[Outlet("late", late)])

    assert {key[-7:] for key in late.keys if key.startswith("cloud/")} == {"2025-07", "2025-08", "2025-09"}


def test_a_project_that_lost_its_tag_gets_one_last_window_and_is_retired(cloudlet, caplog):
    cloudlet.run(T1)
    alpha, beta = PROJECTS

    report = cloudlet.run(T2, projects=[beta], listed=frozenset({"p2"}))

    assert report.exit_status == 0
    assert [scope.project.id for scope in report.scopes if scope.last] == ["p1"]
    assert cloud_row(cloudlet, "ends")["Status"] == "completed"
    assert caplog.text.count("no longer to be accounted for") == 1
    later = cloudlet.run(T2 + HOUR, projects=[beta], listed=frozenset({"p2"}))
    assert [scope.project.id for scope in later.scopes] == ["p2"]

    back = cloudlet.run(T2 + 2 * HOUR, projects=[alpha, beta], listed=frozenset({"p1", "p2"}))

    assert {scope.project.id: scope.plan.window.start for scope in back.scopes} == {"p1": T2, "p2": T2 + HOUR}


def test_a_project_that_is_gone_has_its_servers_end_where_they_were_last_seen(cloudlet):
    cloudlet.run(T1)
    nova = NovaExtractor(fake_sources(compute=FakeCompute(servers(T2)), clock=ticking(T2), no_role_on=["p1"]))

    report = cloudlet.run(T2, projects=[PROJECTS[1]], listed=frozenset({"p2"}), extractors={"nova": nova})

    assert report.exit_status == 0
    row = cloud_row(cloudlet, "runs")
    assert row["Status"] == "completed"
    assert abs(row["EndTime"] - T1) < timedelta(seconds=1)


def test_a_project_that_was_gone_and_comes_back_is_asked_for_what_nobody_could_tell_meanwhile(tmp_path):
    never_gone, gone = (Cloudlet(tmp_path / name, extractors=("nova", "cinder", "neutron")) for name in ("never gone", "gone"))
    for at in (T1, T2, T2 + HOUR):
        never_gone.run(at)
    gone.run(T1)
    refused = fake_sources(compute=FakeCompute(servers(T2)), clock=ticking(T2), no_role_on=["p1"])
    extractors = {"nova": NovaExtractor(refused), "cinder": CinderExtractor(refused), "neutron": NeutronExtractor(refused)}
    gone.run(T2, projects=[PROJECTS[1]], listed=frozenset({"p2"}), extractors=extractors)
    assert ("born", 3, 2024) not in gone.received()["cloud"]

    back = gone.run(T2 + HOUR)

    assert back.exit_status == 0
    assert {scope.plan.window.start for scope in back.scopes if scope.project.id == "p1"} == {T1}
    assert gone.received()["cloud"] == never_gone.received()["cloud"]


def test_a_server_that_comes_and_goes_while_glance_is_down_is_published_by_the_name_of_its_image_in_the_end(cloudlet):
    class Glance(FakeImage):
        down = False

        def answer(self, scope, path, params):
            if self.down:
                raise SourceError("glance: cannot list images: HTTP 503; the next run asks again")
            return super().answer(scope, path, params)

    glance = Glance({"image-1": {"vmcatcher_event_ad_mpuri": "https://appdb.example/1"}})
    brief = {"status": "DELETED", "updated": "2024-03-10T11:50:00Z"}

    def run(at):
        rows = [row | brief if row["id"] == "born" else row for row in servers(at)]
        sources = fake_sources(compute=FakeCompute(rows), image=glance, clock=ticking(at))
        return cloudlet.run(at, extractors={"nova": NovaExtractor(sources)})

    run(T1)
    glance.down = True
    without = run(T2)
    assert (without.exit_status, {str(scope.error)[:6] for scope in without.scopes}) == (1, {"glance"})
    # What was known of an image goes on; of the server that is new nobody knows it.
    rows = cloudlet.received()["cloud"]
    assert {uuid for (uuid, month, _), row in rows.items() if row["ImageId"] == "image-1"} == {"born"}
    glance.down = False

    assert run(T2 + HOUR).exit_status == 0
    assert [key for key, row in cloudlet.received()["cloud"].items() if row["ImageId"] != "https://appdb.example/1"] == []


def test_a_run_over_some_projects_only_retires_nobody(cloudlet):
    cloudlet.run(T1)

    report = cloudlet.run(T2, projects=[PROJECTS[1]], listed=None)

    assert [scope.project.id for scope in report.scopes] == ["p2"]
