"""Runs that go on from what caso remembers: fewer questions, the same numbers, and what was remembered wrong is mended."""

import logging
from datetime import timedelta

import pytest

from caso.extractors.cinder import CinderExtractor
from caso.extractors.nova import NovaExtractor
from caso.summary import members_of
from caso.testing.servers import FakeCompute, a_server
from caso.testing.sources import fake_sources
from caso.testing.volumes import FakeVolume, a_volume
from caso.window import Month
from tests.unit.cloudlet import GPU, PROJECTS, T1, T2, Cloudlet, servers, ticking

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVERYTHING = ("nova", "cinder", "neutron")


@pytest.fixture
def cloudlet(tmp_path):
    return Cloudlet(tmp_path)


class Recorded(FakeCompute):
    """A Nova that notes how many servers it showed in each listing."""

    def answer(self, scope, path, params):
        answer = super().answer(scope, path, params)
        if path == "/servers/detail":
            self.shown = [*getattr(self, "shown", []), (bool(params.get("changes-since")), len(answer["servers"]))]
        return answer


@pytest.mark.parametrize("admin", [False, True])
def test_the_numbers_are_those_of_runs_that_list_everything_each_time(tmp_path, admin):
    remembering = Cloudlet(tmp_path / "remembering", admin=admin, extractors=EVERYTHING)
    listing = Cloudlet(tmp_path / "listing", admin=admin, extractors=EVERYTHING, full_listing_every=timedelta(0))

    for at in (T1, T2, T2 + HOUR, T2 + DAY, T2 + 30 * DAY, T2 + 30 * DAY + HOUR):
        assert (remembering.run(at).exit_status, listing.run(at).exit_status) == (0, 0)

    assert remembering.received() == listing.received()


def test_after_the_first_run_no_server_is_listed_that_did_not_change(cloudlet):
    cloudlet.run(T1)
    nova = Recorded(servers(T2), page_size=100, admin=True)

    cloudlet.run(T2, compute=nova)

    # One ended, one was stopped, one was made, one was resized; two did not change, and one had ended long before.
    assert nova.shown == [(True, 4)]


def test_what_was_remembered_wrong_is_mended_counted_and_named_once_a_day(cloudlet, caplog):
    cloudlet.run(T1)
    # Nova's row changed, and no listing of changes told it.
    hidden = [
        row | {"status": "SHUTOFF", "updated": "2024-03-10T10:00:00Z"} if row["id"] == "runs" else row for row in servers(T1)
    ]

    an_hour_later = cloudlet.run(T2, compute=FakeCompute(hidden, admin=True))
    before = cloudlet.received()["cloud"]["runs", 3, 2024]["Status"]
    with caplog.at_level(logging.WARNING):
        a_day_later = cloudlet.run(T1 + DAY + HOUR, compute=FakeCompute(hidden, admin=True))

    assert (an_hour_later.mended, a_day_later.mended) == ({}, {"nova": 1})
    assert members_of(a_day_later)["mended"] == {"nova": 1}
    assert (before, cloudlet.received()["cloud"]["runs", 3, 2024]["Status"]) == ("started", "stopped")
    assert "nova: 1 objects were remembered wrong, as their changes were never told" in caplog.text
    # What is well is no news, and neither is what was mended the day after.
    assert cloudlet.run(T1 + 2 * DAY + 2 * HOUR, compute=FakeCompute(hidden, admin=True)).mended == {}


def test_a_volume_that_vanished_was_there_when_the_totals_were_last_those_of_what_is_known(cloudlet):
    cloudlet.extractors = ("cinder",)
    there = [a_volume(name, "p1") for name in "abc"]

    for hours in range(4):
        at = T1 + hours * HOUR
        volumes = FakeVolume(there if hours < 3 else there[1:], page_size=2)
        sources = fake_sources(volume=volumes, clock=ticking(at + timedelta(milliseconds=1)))
        cloudlet.run(at, extractors={"cinder": CinderExtractor(sources)}, projects=PROJECTS[:1])

    # What changed, what was made, and all that is there.
    assert volumes.pages_served == 4
    gone = [row for (uuid, *_), row in _storage(cloudlet).items() if uuid.startswith("a/")]
    assert [row["EndTime"].replace(microsecond=0) for row in gone] == [T1 + 2 * HOUR]


def _storage(cloudlet):
    rows = cloudlet.received()["storage"]
    return {key if isinstance(key, tuple) else (key,): row for key, row in rows.items()}


def test_what_is_out_of_reach_was_there_when_nova_last_told_its_changes(cloudlet):
    cloudlet.run(T1)
    cloudlet.run(T2, compute=FakeCompute(servers(T1), admin=True))
    nova = NovaExtractor(fake_sources(compute=FakeCompute([]), clock=ticking(T2 + HOUR), no_role_on=["p1"]))

    cloudlet.run(T2 + HOUR, projects=[PROJECTS[1]], listed=frozenset({"p2"}), extractors={"nova": nova})

    ended = cloudlet.received()["cloud"]["runs", 3, 2024]["EndTime"]
    assert ended.replace(microsecond=0) == T2


def test_a_run_that_could_not_finish_its_listing_has_the_next_one_list_all(cloudlet):
    many = [a_server(f"s{number}", "p1") for number in range(6)]
    cloudlet.run(T1, compute=FakeCompute(many, page_size=2, fail_on_page=3), projects=PROJECTS[:1])
    nova = Recorded(many, page_size=100)

    cloudlet.run(T2, compute=nova, projects=PROJECTS[:1])

    assert nova.shown[0] == (False, 6)


def test_a_project_that_comes_back_within_the_day_is_listed_anew(cloudlet):
    cloudlet.run(T1)
    cloudlet.run(T2, listed=frozenset({"p2"}), projects=PROJECTS[1:])
    # It was changed while nobody asked, by someone who left no mark on its row.
    changed = [row | {"status": "SHUTOFF"} if row["id"] == "runs" else row for row in servers(T2)]

    cloudlet.run(T2 + HOUR, compute=FakeCompute(changed))

    assert cloudlet.received()["cloud"]["runs", 3, 2024]["Status"] == "stopped"


@pytest.mark.parametrize("every", [HOUR, DAY])
def test_all_are_listed_as_often_as_is_said_though_no_two_runs_begin_after_exactly_so_long(cloudlet, every):
    cloudlet.full_listing_every = every
    listings = []

    for number, late in enumerate((2, 0, 59, 1)):
        at = T1 + number * every + timedelta(seconds=late)
        nova = Recorded(servers(T1), page_size=100, admin=True)
        cloudlet.run(at, compute=nova)
        listings.append([changes for changes, _ in nova.shown])

    assert [listed.count(False) for listed in listings] == [1] * 4


@pytest.mark.parametrize("every", [timedelta(0), DAY])
def test_an_edited_flavor_counts_from_the_run_that_notices_it_and_not_from_the_listing_before(cloudlet, every):
    cloudlet.full_listing_every = every
    gpu = {"m1.medium": {**GPU, "Accelerator:Number": "1"}}
    rows = [a_server("runs", "p1")]

    for hour in range(8):
        flavors = {"m1.medium": {}} if hour < 5 else gpu
        cloudlet.run(T1 + hour * HOUR, compute=FakeCompute(rows, flavors), projects=PROJECTS[:1])

    cloudlet.received()
    (seconds,) = cloudlet.recipient.device_seconds(Month(2024, 3))["runs"].values()
    # It was noticed in the run five hours after the first, and had been none in the one before.
    assert 2 * 3600 <= seconds <= 3 * 3600


def test_a_deleted_server_that_cannot_be_read_ends_whoever_asks_and_however_many_pages_there_are(cloudlet):
    many = [a_server(f"s{number}", "p1") for number in range(5)]
    cloudlet.run(T1, compute=FakeCompute(many, page_size=2), projects=PROJECTS[:1])
    odd = [
        row | {"status": "DELETED", "updated": "2024-03-10T11:20:00Z", "flavor": None} if row["id"] == "s0" else row
        for row in many
    ]

    for hour in (1, 2):
        nova = Recorded(odd, page_size=2)
        cloudlet.run(T1 + hour * HOUR, compute=nova, projects=PROJECTS[:1])
        assert {changes for changes, _ in nova.shown} == {True}

    assert cloudlet.received()["cloud"]["s0", 3, 2024]["Status"] == "completed"
    assert cloudlet.received()["cloud"]["s1", 3, 2024]["Status"] == "started"


def test_servers_that_were_hidden_for_a_moment_are_back_in_the_next_run(cloudlet):
    cloudlet.run(T1)
    cloudlet.run(T1 + DAY, compute=FakeCompute([row for row in servers(T1) if row["id"] != "runs"], admin=True))
    while_hidden = cloudlet.received()["cloud"]["runs", 3, 2024]["Status"]

    cloudlet.run(T1 + DAY + HOUR, compute=FakeCompute(servers(T1), admin=True))

    assert (while_hidden, cloudlet.received()["cloud"]["runs", 3, 2024]["Status"]) == ("completed", "started")
