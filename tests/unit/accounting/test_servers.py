"""Servers to cloud and accelerator records, by the rules of doc/source/accounting.rst."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caso.accounting.rules import Rules, opening_point, points
from caso.accounting.servers import accelerator_records, cloud_record, never_shrinking, readings
from caso.lifecycle.server import Accelerator, Benchmark
from caso.records import Status
from caso.testing.entities import BIG, CREATED, SMALL, hours, life, seen_server

RULES = Rules("SITE", "cloud.site.example", "OpenStack")
VOS = {"project-1": "vo.example"}
DAY = timedelta(days=1)


def clouds(server, since, until, opening=None):
    return [cloud_record(reading, RULES) for reading in readings(server, since, until, VOS, opening)]


def test_a_running_server_is_measured_at_the_end_of_the_window_not_at_the_time_of_the_run():
    server = life(seen_server(at=hours(30)))

    (record,) = clouds(server, CREATED, hours(24))

    assert (record.measured_at, record.known_at) == (hours(24), hours(30))
    assert (record.wall_seconds, record.cpu_seconds, record.status, record.end) == (86400, 172800, Status.STARTED, None)


def test_a_deleted_server_is_completed_at_its_end():
    server = life(seen_server(at=hours(30), status="DELETED", ended=hours(20)))

    (record,) = clouds(server, CREATED, hours(24))

    assert (record.status, record.end, record.measured_at) == (Status.COMPLETED, hours(20), hours(20))
    assert record.wall_seconds == 20 * 3600


def test_a_server_that_was_never_launched_has_no_record():
    assert clouds(life(seen_server(at=hours(5), launched=False, status="ERROR")), CREATED, hours(9)) == []


def test_nine_days_on_two_vcpus_and_an_hour_on_sixteen_are_448_core_hours():
    resized = hours(9 * 24)
    server = life(
        seen_server(at=hours(1)),
        seen_server(at=resized, unchanged_since=CREATED),
        seen_server(at=resized + timedelta(hours=1), unchanged_since=resized, flavor=BIG),
    )

    (record,) = clouds(server, CREATED, resized + timedelta(hours=1))

    assert record.cpu_seconds == (9 * 24 * 2 + 16) * 3600
    assert (record.cpu_count, record.memory_mib) == (16, 65536)


def test_suspended_time_is_suspend_time_from_the_first_observation_on():
    server = life(seen_server(at=hours(2)), seen_server(at=hours(10), unchanged_since=hours(4), status="SUSPENDED"))

    (record,) = clouds(server, CREATED, hours(10))

    assert (record.wall_seconds, record.suspend_seconds, record.cpu_seconds) == (4 * 3600, 6 * 3600, 8 * 3600)
    assert record.status is Status.SUSPENDED


def test_before_the_first_observation_everything_counts_as_wall():
    server = life(seen_server(at=hours(10), unchanged_since=hours(4), status="SUSPENDED"))

    (record,) = clouds(server, CREATED, hours(12))

    assert (record.wall_seconds, record.suspend_seconds) == (10 * 3600, 2 * 3600)


@pytest.mark.parametrize(
    ("nova", "sent"),
    [
        *[(word, "started") for word in ["ACTIVE", "REBOOT", "HARD_REBOOT", "PASSWORD", "REBUILD", "RESIZE", "VERIFY_RESIZE"]],
        *[(word, "started") for word in ["REVERT_RESIZE", "MIGRATING", "RESCUE", "BUILD"]],
        *[(word, "stopped") for word in ["SHUTOFF", "SOFT_DELETED", "SHELVED"]],
        ("PAUSED", "paused"),
        ("SUSPENDED", "suspended"),
        ("SHELVED_OFFLOADED", "suspended"),
        ("ERROR", "error"),
        ("A_WORD_OF_2030", "unknown"),
    ],
)
def test_each_nova_state_has_its_status(nova, sent):
    assert RULES.status(nova) == sent


def test_only_the_suspended_states_cost_no_wall_time():
    awake = dataclasses.replace(RULES, suspended_states=frozenset({"PAUSED"}))

    assert awake.status("PAUSED") is Status.SUSPENDED
    assert awake.status("SUSPENDED") is Status.STOPPED
    assert not awake.suspends("SHELVED_OFFLOADED")


def test_every_month_that_the_life_touches_is_closed():
    server = life(seen_server(at=datetime(2026, 3, 10, tzinfo=UTC)))

    records = clouds(server, CREATED, datetime(2026, 3, 10, tzinfo=UTC))

    assert [r.key.split("/")[-1] for r in records] == ["2026-01", "2026-02", "2026-03"]
    assert records[0].measured_at == datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
    assert [r.wall_seconds // 86400 for r in records] == [31, 59, 68]
    assert all(r.end is None for r in records)


def test_a_window_that_ends_with_the_month_books_in_the_month_just_ended():
    server = life(seen_server(at=datetime(2026, 2, 2, tzinfo=UTC)))

    (record,) = clouds(server, CREATED, datetime(2026, 2, 1, tzinfo=UTC))

    assert str(record.month) == "2026-01"


def test_an_end_at_midnight_of_the_first_is_in_the_new_month():
    first = datetime(2026, 2, 1, tzinfo=UTC)
    server = life(seen_server(at=first + DAY, status="DELETED", ended=first))

    closing, completed = clouds(server, CREATED, first + DAY)

    assert (str(closing.month), closing.status) == ("2026-01", Status.STARTED)
    assert (str(completed.month), completed.end) == ("2026-02", first)
    assert completed.wall_seconds == closing.wall_seconds == 31 * 86400


def test_the_opening_closes_the_month_before_for_servers_that_lived_then():
    march = datetime(2026, 3, 1, tzinfo=UTC)
    server = life(seen_server(at=march + DAY))

    opening, now = clouds(server, march, march + DAY, opening=march)

    assert (str(opening.month), opening.wall_seconds) == ("2026-02", 59 * 86400)
    assert now.wall_seconds - opening.wall_seconds == 86400


def test_a_server_that_ended_before_the_cut_or_began_after_it_owes_no_opening():
    march = datetime(2026, 3, 1, tzinfo=UTC)

    assert opening_point(march, None, march) is None
    assert opening_point(CREATED, march - timedelta(seconds=1), march) is None
    assert opening_point(CREATED, march, march) is not None


def test_a_project_without_a_vo_gets_no_record():
    assert clouds(life(seen_server(at=hours(3), project_id="other")), CREATED, hours(3)) == []


def test_cumulative_values_are_held_up_to_those_of_the_month_before():
    (record,) = clouds(life(seen_server(at=hours(3))), CREATED, hours(3))
    before = dataclasses.replace(record, wall_seconds=99_999, cpu_seconds=1)

    assert never_shrinking(record, before).wall_seconds == 99_999
    assert never_shrinking(record, before).cpu_seconds == record.cpu_seconds
    assert never_shrinking(record, None) == record


def test_the_benchmark_and_the_facts_of_the_server_are_in_the_record():
    flavor = dataclasses.replace(SMALL, benchmark=Benchmark("hepscore23", 12.5))
    (record,) = clouds(life(seen_server(at=hours(3), flavor=flavor, public_ip_count=2)), CREATED, hours(3))

    assert (record.benchmark_name, record.benchmark_value) == ("hepscore23", 12.5)
    assert (record.user_name, record.public_ip_count, record.vo) == ("alice", 2, "vo.example")


GPU = Accelerator("GPU", "NVIDIA A100", 2)


def accelerators(server, since, until, opening=None):
    found = readings(server, since, until, VOS, opening)
    return [record for reading in found for record in accelerator_records(reading, RULES)]


def test_an_accelerator_counts_from_the_start_of_its_month():
    march = datetime(2026, 3, 1, tzinfo=UTC)
    server = life(seen_server(at=march + 10 * DAY, flavor=dataclasses.replace(SMALL, accelerators=(GPU,))))

    (record,) = accelerators(server, march + 5 * DAY, march + 10 * DAY)

    assert (record.count, record.available_seconds, str(record.month)) == (2, 10 * 86400, "2026-03")


def test_an_accelerator_owes_no_opening_since_its_values_start_anew_each_month():
    march = datetime(2026, 3, 1, tzinfo=UTC)
    server = life(seen_server(at=march + DAY, flavor=dataclasses.replace(SMALL, accelerators=(GPU,))))

    assert [str(r.month) for r in accelerators(server, march, march + DAY, opening=march)] == ["2026-03"]


def test_accelerator_seconds_are_weighted_when_the_count_changed_in_the_month():
    one = dataclasses.replace(SMALL, accelerators=(dataclasses.replace(GPU, count=1),))
    two = dataclasses.replace(BIG, accelerators=(GPU,))
    server = life(seen_server(at=hours(4), flavor=one), seen_server(at=hours(10), unchanged_since=hours(4), flavor=two))

    (record,) = accelerators(server, CREATED, hours(10))

    assert (record.count, record.available_seconds) == (2, (4 * 1 + 6 * 2) * 3600 // 2)


def test_an_accelerator_that_a_resize_took_away_keeps_its_record_of_the_month():
    with_gpu = dataclasses.replace(SMALL, accelerators=(GPU,))
    server = life(seen_server(at=hours(4), flavor=with_gpu), seen_server(at=hours(10), unchanged_since=hours(4), flavor=BIG))

    (record,) = accelerators(server, CREATED, hours(10))

    assert (record.count, record.available_seconds) == (2, 4 * 3600)


def test_an_offloaded_server_holds_no_accelerator():
    gpu = dataclasses.replace(SMALL, accelerators=(GPU,))
    server = life(
        seen_server(at=hours(2), flavor=gpu),
        seen_server(at=hours(9), unchanged_since=hours(4), status="SHELVED_OFFLOADED", flavor=gpu),
    )

    (record,) = accelerators(server, CREATED, hours(9))

    assert record.available_seconds == 4 * 3600


instants = st.integers(0, 24 * 100).map(hours)


@given(instants, st.none() | instants, instants, instants)
def test_every_month_of_the_window_and_the_life_has_one_reading_in_order(created, ended, since, until):
    if ended is not None and ended < created:
        created, ended = ended, created
    if until < since:
        since, until = until, since

    found = list(points(created, ended, since, until))

    months = [point.month for point in found]
    assert months == sorted(set(months))
    assert sum(point.completed for point in found) == (ended is not None and since <= ended < until and created < until)
    for point in found:
        assert point.through <= (until if ended is None else min(until, max(ended, created)))
        assert point.month.start <= point.measured_at < point.month.end


@given(instants, st.none() | instants, st.lists(instants, min_size=1, max_size=5))
def test_months_add_up_to_the_life_however_the_windows_are_cut(created, ended, ends):
    """The sum of the monthly differences is the life, for one window and for many."""
    if ended is not None and ended < created:
        created, ended = ended, created
    sighting = seen_server(
        at=hours(24 * 101), created=created, status="DELETED" if ended else "ACTIVE", ended=ended, unchanged_since=created
    )
    server, last = life(sighting), max(ends)

    held, since = {}, CREATED
    for until in sorted(ends):
        held.update({record.key: record for record in clouds(server, since, until)})
        since = until

    assert held == {record.key: record for record in clouds(server, CREATED, last)}
    if held:
        newest = max(held.values(), key=lambda record: record.measured_at)
        assert newest.wall_seconds == int((min(last, ended or last) - created).total_seconds())
