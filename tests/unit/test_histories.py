"""Runs over days and months, with what goes wrong between them: the recipient's months stay right."""

from datetime import UTC, datetime, timedelta

import pytest

from caso.delivery import Outlet
from caso.extractors.nova import NovaExtractor
from caso.planning import Period
from caso.testing.servers import FakeCompute, a_server
from caso.testing.sources import fake_sources
from caso.window import Month
from tests.unit.cloudlet import GPU, PROJECTS, T1, T2, Cloudlet, servers, ticking

HOUR = timedelta(hours=1)
DAY = 86400


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.fixture
def cloudlet(tmp_path):
    return Cloudlet(tmp_path)


def wall(cloudlet, uuid, month, year=2024):
    cloudlet.received()
    return cloudlet.recipient.cloud_usage(Month(year, month))[uuid]["WallDuration"]


def test_older_months_asked_for_on_a_first_run_that_fails_are_sent_by_the_next_run(cloudlet):
    """Exit status 1: something is left and the next run will try it."""
    rows = [a_server("runs", "p1", created="2023-06-01T00:00:00Z")]
    asked = Period(now=T1, until=T1, since=utc(2024, 1, 1))
    failed = cloudlet.run(T1, period=asked, compute=FakeCompute(rows, fail_on_page=1), projects=PROJECTS[:1])
    assert failed.exit_status == 1

    cloudlet.run(T2, compute=FakeCompute(rows), projects=PROJECTS[:1])  # cron

    assert wall(cloudlet, "runs", 1) == 31 * DAY
    assert wall(cloudlet, "runs", 2) == 29 * DAY


def test_asking_again_for_the_older_months_that_a_first_run_could_not_finish_sends_them(cloudlet):
    rows = [a_server("runs", "p1", created="2023-06-01T00:00:00Z")]
    for at, page in ((T1, 1), (T2, None)):
        asked = Period(now=at, until=at, since=utc(2024, 1, 1))
        cloudlet.run(at, period=asked, compute=FakeCompute(rows, fail_on_page=page), projects=PROJECTS[:1])

    assert wall(cloudlet, "runs", 1) == 31 * DAY
    assert cloudlet.checkpoints() == [("p1", T2)]


def test_a_first_run_that_fails_halfway_leaves_no_month_unclosed(cloudlet):
    first = utc(2024, 3, 20, 11)
    rows = [a_server("one", "p1"), a_server("two", "p1")]
    cloudlet.run(first, compute=FakeCompute(rows, page_size=1, fail_on_page=2), projects=PROJECTS[:1])

    later = utc(2024, 4, 5, 12)
    ended = {"status": "DELETED", "updated": "2024-03-25T00:00:00Z", "OS-SRV-USG:terminated_at": "2024-03-25T00:00:00.000000"}
    cloudlet.run(later, compute=FakeCompute([rows[0], rows[1] | ended]), projects=PROJECTS[:1])

    assert wall(cloudlet, "one", 3) == 31 * DAY


def test_a_server_that_ends_after_a_first_run_that_failed_halfway_is_completed(cloudlet):
    first = utc(2024, 3, 20, 11)
    rows = [a_server("one", "p1"), a_server("two", "p1")]
    cloudlet.run(first, compute=FakeCompute(rows, page_size=1, fail_on_page=2), projects=PROJECTS[:1])

    ended = {"status": "DELETED", "updated": "2024-03-25T00:00:00Z", "OS-SRV-USG:terminated_at": "2024-03-25T00:00:00.000000"}
    cloudlet.run(utc(2024, 4, 5, 12), compute=FakeCompute([rows[0] | ended, rows[1]]), projects=PROJECTS[:1])

    assert wall(cloudlet, "one", 3) == 24 * DAY
    assert cloudlet.received()["cloud"]["one", 3, 2024]["Status"] == "completed"


def test_republishing_after_an_unfinished_window_takes_nothing_away(cloudlet):
    cloudlet.full_listing_every = timedelta(0)
    cloudlet.run(T1)
    # the alive ones of p1 and its changed ones are seen, the last page fails
    broken = cloudlet.run(
        T2,
        compute=FakeCompute([row for row in servers(T2) if row["tenant_id"] == "p1"], page_size=1, fail_on_page=7),
        projects=PROJECTS[:1],
    )
    assert broken.exit_status == 1
    before = dict(cloudlet.received()["cloud"])
    assert before["ends", 3, 2024]["Status"] == "completed"

    past = Period(now=T2 + HOUR, until=T2 + HOUR, since=utc(2024, 3, 1))
    cloudlet.run(T2 + HOUR, compute=FakeCompute(servers(T2)), period=past, projects=PROJECTS[:1])
    assert cloudlet.received()["cloud"]["ends", 3, 2024] == before["ends", 3, 2024]


def test_republishing_after_an_unfinished_window_loses_no_end(cloudlet):
    cloudlet.run(T1)
    cloudlet.run(
        T2,
        compute=FakeCompute([row for row in servers(T2) if row["tenant_id"] == "p1"], page_size=1, fail_on_page=7),
        projects=PROJECTS[:1],
    )
    past = Period(now=T2 + HOUR, until=T2 + HOUR, since=utc(2024, 3, 1))
    cloudlet.run(T2 + HOUR, compute=FakeCompute(servers(T2)), period=past)
    cloudlet.run(T2 + 2 * HOUR, compute=FakeCompute(servers(T2)))

    assert cloudlet.received()["cloud"]["ends", 3, 2024]["Status"] == "completed"


def test_a_first_run_after_republishing_an_old_month_bills_only_its_own_month(cloudlet):
    now = utc(2024, 6, 10, 12)
    rows = FakeCompute([a_server("runs", "p1")])
    old = Period(now=now, until=utc(2024, 3, 1), since=utc(2024, 2, 1), past=True)
    cloudlet.run(now, compute=rows, period=old, projects=PROJECTS[:1])

    cloudlet.run(now + HOUR, compute=rows, projects=PROJECTS[:1])

    assert wall(cloudlet, "runs", 2) == 29 * DAY
    assert wall(cloudlet, "runs", 6) == 9 * DAY + 13 * 3600


def test_republishing_months_before_the_first_run_bills_each_its_own(cloudlet):
    rows = FakeCompute([a_server("runs", "p1", created="2023-01-01T00:00:00Z")])
    cloudlet.run(T1, compute=rows, projects=PROJECTS[:1])

    past = Period(now=T2, until=utc(2024, 3, 1), since=utc(2024, 1, 1), past=True)
    cloudlet.run(T2, compute=rows, period=past, projects=PROJECTS[:1])

    assert wall(cloudlet, "runs", 3) == 9 * DAY + 11 * 3600
    assert wall(cloudlet, "runs", 2) == 29 * DAY
    assert wall(cloudlet, "runs", 1) == 31 * DAY


def test_a_server_that_is_launched_after_the_first_run_bills_each_month_its_own(cloudlet):
    row = a_server("slow", "p1", created="2024-02-29T12:00:00Z", status="BUILD", **{"OS-SRV-USG:launched_at": None})
    cloudlet.run(utc(2024, 3, 1, 1), compute=FakeCompute([row]), projects=PROJECTS[:1])
    launched = row | {
        "status": "ACTIVE",
        "updated": "2024-03-01T01:10:00Z",
        "OS-SRV-USG:launched_at": "2024-03-01T01:10:00.000000",
    }
    cloudlet.run(utc(2024, 3, 1, 2), compute=FakeCompute([launched]), projects=PROJECTS[:1])

    assert wall(cloudlet, "slow", 3) == 2 * 3600


def test_a_flavor_that_is_deleted_takes_back_no_accelerators(cloudlet):
    """Its properties were set after the servers were made: the server does not carry them."""
    flavor = a_server()["flavor"] | {"original_name": "gpu"}
    rows = [a_server("gpu", "p1", flavor=flavor)]
    there = utc(2024, 3, 31, 12)
    cloudlet.run(there, compute=FakeCompute(rows, flavors={"gpu": GPU}), projects=PROJECTS[:1])
    cloudlet.run(utc(2024, 4, 2), compute=FakeCompute(rows, flavors={"gpu": GPU}), projects=PROJECTS[:1])
    cloudlet.received()
    march = cloudlet.recipient.accelerator_seconds(Month(2024, 3))
    assert march == {"NVIDIA A100": 31 * DAY}

    cloudlet.run(utc(2024, 4, 3), compute=FakeCompute(rows, flavors={"other": {}}), projects=PROJECTS[:1])

    cloudlet.received()
    assert cloudlet.recipient.accelerator_seconds(Month(2024, 3)) == march
    assert cloudlet.recipient.accelerator_seconds(Month(2024, 4)) == {"NVIDIA A100": 2 * DAY}


class Second(NovaExtractor):
    """Another one that tells of servers."""


def test_an_extractor_added_later_does_not_hide_what_is_found_out_late(cloudlet):
    one = PROJECTS[:1]
    rows = [a_server("runs", "p1"), a_server("other", "p1")]
    cloudlet.run(utc(2024, 2, 10), compute=FakeCompute(rows), projects=one)
    # A cell is down from 10 February on: "runs" is hidden, and the checkpoint of nova stays; nova is old and does not tell
    hidden = FakeCompute([rows[1]], microversion="2.60")
    cloudlet.run(utc(2024, 2, 29, 23), compute=hidden, projects=one)
    cloudlet.run(utc(2024, 3, 9), compute=hidden, projects=one)

    ended = {"status": "DELETED", "updated": "2024-03-10T10:30:00Z", "OS-SRV-USG:terminated_at": "2024-02-20T00:00:00.000000"}
    now = FakeCompute([rows[0] | ended, rows[1]], microversion="2.60")
    extractors = {
        "second": Second(fake_sources(compute=now, clock=ticking(T1 + timedelta(milliseconds=1)))),
        "nova": NovaExtractor(fake_sources(compute=now, clock=ticking(T1 + timedelta(milliseconds=1)))),
    }
    cloudlet.run(T1, extractors=extractors, projects=one)

    assert cloudlet.received()["cloud"]["runs", 2, 2024]["Status"] == "completed"
    assert wall(cloudlet, "runs", 2) == 19 * DAY


def test_an_extractor_that_is_behind_sends_nothing_stale(cloudlet):
    one = PROJECTS[:1]
    rows = FakeCompute([a_server("runs", "p1")])
    cloudlet.run(T2, compute=rows, projects=one)
    before = cloudlet.received()["cloud"]["runs", 3, 2024]
    second = Second(fake_sources(compute=rows, clock=ticking(T2 + HOUR + timedelta(milliseconds=1))))
    nova = NovaExtractor(fake_sources(compute=rows, clock=ticking(T2 + HOUR + timedelta(milliseconds=1))))

    cloudlet.run(
        T2 + HOUR, extractors={"nova": nova, "second": second}, projects=one, period=Period(now=T2 + HOUR, until=T1, past=True)
    )

    assert cloudlet.received()["cloud"]["runs", 3, 2024] == before


def test_a_messenger_without_replay_is_sent_what_its_first_run_makes(cloudlet):
    outlet = cloudlet.outlet()
    modest = Outlet(outlet.name, outlet.messenger, outlet.kinds, replay=False)
    cloudlet.run(T1, outlets=[modest])
    cloudlet.run(T2, outlets=[modest])

    assert ("ended", 3, 2024) in cloudlet.received()["cloud"]
    assert wall(cloudlet, "runs", 3) == 9 * DAY + 12 * 3600


def test_an_odd_object_of_nobody_that_is_gone_leaves_the_quarantine(cloudlet):
    row = a_server("runs", "p1")
    cloudlet.run(T1, compute=FakeCompute([row], admin=True), projects=PROJECTS)
    odd = a_server("odd", None)
    report = cloudlet.run(T2, compute=FakeCompute([row, odd], admin=True), projects=PROJECTS)
    print("exit", report.exit_status)
    cloudlet.run(T2 + HOUR, compute=FakeCompute([row], admin=True), projects=PROJECTS)
    report = cloudlet.run(T2 + 30 * 24 * HOUR, compute=FakeCompute([row], admin=True), projects=PROJECTS)
    with cloudlet.store() as store:
        from caso.store import Place
        from caso.testing.sources import REGION

        assert not store.quarantined(Place("", REGION))


def test_a_life_of_many_changes_is_folded_quickly():
    """A tool that sets metadata every hour moves updated_at each time: some 2000 pieces of evidence in a quarter."""
    import time

    from caso.lifecycle.timeline import Evidence, fold
    from caso.testing.entities import seen_server

    born = utc(2024, 1, 1)
    many = [
        Evidence(seen_server(at=born).state, born + hour * HOUR, born + (hour + 0.5) * HOUR, born + (hour + 0.5) * HOUR)
        for hour in range(2000)
    ]
    began = time.process_time()
    assert len(fold(many, born)) == 1
    assert time.process_time() - began < 1


def test_a_property_that_a_flavor_gets_today_does_not_change_the_months_before(cloudlet):
    flavor = a_server()["flavor"] | {"original_name": "gpu"}
    rows = [a_server("gpu", "p1", flavor=flavor)]
    cloudlet.run(utc(2024, 3, 31, 12), compute=FakeCompute(rows, flavors={"gpu": {}}), projects=PROJECTS[:1])
    cloudlet.run(utc(2024, 4, 2), compute=FakeCompute(rows, flavors={"gpu": {}}), projects=PROJECTS[:1])
    before = dict(cloudlet.received()["cloud"])

    cloudlet.run(utc(2024, 4, 3), compute=FakeCompute(rows, flavors={"gpu": GPU}), projects=PROJECTS[:1])

    assert cloudlet.received()["cloud"]["gpu", 3, 2024] == before["gpu", 3, 2024]
    assert cloudlet.recipient.accelerator_seconds(Month(2024, 3)) == {}


def test_republishing_keeps_the_months_of_a_server_that_moved_from_a_project_that_was_retired(cloudlet):
    _, beta = PROJECTS
    start = utc(2024, 2, 10)
    mine, theirs = a_server("moves", "p1"), a_server("moves", "p2", updated="2024-03-02T00:00:00Z")
    other = a_server("other", "p1")
    cloudlet.run(start, compute=FakeCompute([mine, other]))
    cloudlet.run(utc(2024, 3, 1, 12), compute=FakeCompute([mine, other]))
    cloudlet.run(T1, compute=FakeCompute([theirs, other]))
    before = dict(cloudlet.received()["cloud"])
    cloudlet.run(T2, compute=FakeCompute([theirs]), projects=[beta], listed=frozenset({"p2"}))

    past = Period(now=T2 + HOUR, until=utc(2024, 3, 1), since=utc(2024, 2, 1), past=True)
    cloudlet.run(T2 + HOUR, compute=FakeCompute([theirs]), projects=[beta], listed=frozenset({"p2"}), period=past)

    assert cloudlet.received()["cloud"]["moves", 2, 2024] == before["moves", 2, 2024]


def test_a_clock_that_is_set_back_during_a_run_ends_no_server(cloudlet):
    cloudlet.run(T1, compute=FakeCompute([a_server("runs", "p1")]), projects=PROJECTS[:1])
    compute = FakeCompute([a_server("runs", "p1")])
    nova = NovaExtractor(fake_sources(compute=compute, clock=ticking(T2 - timedelta(seconds=2))))
    cloudlet.run(T2, extractors={"nova": nova}, projects=PROJECTS[:1])

    assert cloudlet.received()["cloud"]["runs", 3, 2024]["Status"] == "started"


def test_a_soft_deleted_server_of_a_project_that_is_gone_ends_too(cloudlet):
    soft = a_server("runs", "p1", status="SOFT_DELETED", updated="2024-03-10T10:30:00Z")
    cloudlet.run(T1, compute=FakeCompute([soft]))
    nova = NovaExtractor(fake_sources(compute=FakeCompute([]), clock=ticking(T2), no_role_on=["p1"]))
    cloudlet.run(T2, projects=[PROJECTS[1]], listed=frozenset({"p2"}), extractors={"nova": nova})

    assert cloudlet.received()["cloud"]["runs", 3, 2024]["Status"] == "completed"


def test_a_server_whose_deleted_row_cannot_be_read_is_not_billed_for_ever(cloudlet):
    one = PROJECTS[:1]
    row = a_server("runs", "p1")
    cloudlet.run(T1, compute=FakeCompute([row]), projects=one)
    odd = row | {"status": "DELETED", "updated": "2024-03-10T11:20:00Z", "flavor": None}
    for hour in range(1, 4):
        cloudlet.run(T1 + hour * HOUR, compute=FakeCompute([odd]), projects=one)
    assert cloudlet.received()["cloud"]["runs", 3, 2024]["WallDuration"] <= 38 * DAY + 11 * 3600 + 1200
