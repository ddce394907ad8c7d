"""Servers to cloud and accelerator records, by the rules of doc/source/accounting.rst."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caso.accounting.rules import Point, Rules, cut, opening_point, points
from caso.accounting.servers import Reading, accelerator_records, cloud_record, never_shrinking, readings
from caso.accounting.use import Term, Use
from caso.lifecycle.address import observe as observe_address
from caso.lifecycle.server import Accelerator, Benchmark
from caso.records import AcceleratorRecord, CloudRecord, Status
from caso.testing.entities import BIG, CREATED, SMALL, hours, life, seen_address, seen_server

RULES = Rules("SITE", "cloud.site.example", "OpenStack")
VOS = {"project-1": "vo.example"}
DAY = timedelta(days=1)
UUID = seen_server(at=CREATED).uuid


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
        ("DELETED", "started"),
        ("A_WORD_OF_2030", "unknown"),
    ],
)
def test_each_nova_state_has_its_status(nova, sent):
    assert RULES.status(nova) == sent


@pytest.mark.parametrize("status", ["SUSPENDED", "SHELVED_OFFLOADED"])
def test_where_a_site_says_that_a_state_holds_resources_its_servers_are_stopped(status: str):
    awake = dataclasses.replace(RULES, suspended_states=frozenset())

    assert (awake.status(status), RULES.status(status)) == (Status.STOPPED, Status.SUSPENDED)


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


def test_a_server_that_had_ended_before_accounting_begins_owes_nothing():
    march = datetime(2026, 3, 1, tzinfo=UTC)
    server = life(seen_server(at=march + DAY, status="DELETED", ended=march - DAY))

    assert clouds(server, march, march + DAY, opening=march) == []


def test_the_opening_is_dated_on_the_last_second_of_its_month_and_counts_all_of_it():
    march = datetime(2026, 3, 1, tzinfo=UTC)

    assert opening_point(CREATED, None, march + DAY) == Point(march - timedelta(seconds=1), march, opening=True)


def test_a_life_that_begins_as_the_window_ends_is_for_the_next_one_and_so_is_one_that_ends_then():
    end = hours(24)

    assert list(points(end, None, CREATED, end)) == []
    assert list(points(CREATED, end, CREATED, end)) == [Point(end, end)]
    assert list(points(CREATED, end, end, hours(30))) == [Point(end, end, completed=True)]
    assert list(points(CREATED, end, end + timedelta(seconds=1), hours(30))) == []


def test_a_life_that_ended_before_it_began_is_completed_where_it_began():
    assert list(points(hours(5), hours(4), CREATED, hours(24))) == [Point(hours(5), hours(5), completed=True)]


def test_a_server_that_ended_as_it_was_made_used_nothing():
    (record,) = clouds(life(seen_server(at=hours(3), status="DELETED", ended=CREATED)), CREATED, hours(3))

    assert (record.wall_seconds, record.cpu_count, record.status) == (0, 2, Status.COMPLETED)


def test_a_life_is_accounted_for_again_from_where_it_is_known_otherwise_and_from_its_end():
    assert cut(hours(5), None, hours(1), hours(2)) == hours(5)
    assert cut(hours(5), hours(9), None, None) == hours(9)
    assert cut(hours(5), hours(9), hours(8), None) == hours(8)
    assert cut(hours(5), hours(9), hours(8), hours(7)) == hours(7)
    assert cut(hours(5), hours(9), hours(4), None) == hours(5)


def test_a_change_at_the_moment_of_a_reading_is_for_the_next_one():
    server = life(seen_server(at=hours(2)), seen_server(at=hours(9), unchanged_since=hours(4), status="SHUTOFF", flavor=BIG))

    records = [*clouds(server, CREATED, hours(4)), *clouds(server, CREATED, hours(4) + timedelta(seconds=1))]

    assert [(record.status, record.cpu_count) for record in records] == [(Status.STARTED, 2), (Status.STOPPED, 16)]


def test_a_reading_is_of_the_vo_that_it_is_taken_for():
    server = life(seen_server(at=hours(2)))

    reading = Reading.at(server, server.intervals(), Point(hours(1), hours(1)), "vo.other")

    assert cloud_record(reading, RULES).vo == "vo.other"


def test_months_before_the_first_observation_have_no_suspend_time():
    march = datetime(2026, 3, 1, tzinfo=UTC)
    server = life(seen_server(at=march + DAY, status="SUSPENDED"))

    assert [record.suspend_seconds for record in clouds(server, CREATED, march + 2 * DAY)] == [0, 0, 86400]


def test_what_an_interval_added_after_a_time_is_the_difference_of_its_terms():
    server = life(seen_server(at=CREATED, status="SUSPENDED"))
    (interval,) = server.intervals()
    awake = Term(interval, 9.0, 4.0) - Term(interval, 2.0, 1.0)

    assert (awake.interval, awake.wall_seconds, awake.suspend_seconds, awake.cpu_seconds) == (interval, 7.0, 3.0, 14.0)


def test_seconds_are_rounded_once_for_all_intervals():
    (interval,) = life(seen_server(at=CREATED)).intervals()

    assert Use.of([Term(interval, 0.3, 0.4), Term(interval, 0.3, 0.4)]) == Use(wall_seconds=1, suspend_seconds=1, cpu_seconds=1)


def test_use_is_what_a_record_says_and_none_where_there_is_no_record():
    (record,) = clouds(life(seen_server(at=hours(2)), seen_server(at=hours(9), status="SUSPENDED")), CREATED, hours(9))

    assert Use.recorded(record) == Use(record.wall_seconds, record.suspend_seconds, record.cpu_seconds)
    assert Use.recorded(None) == Use(wall_seconds=0, suspend_seconds=0, cpu_seconds=0)


def test_a_project_without_a_vo_gets_no_record():
    assert clouds(life(seen_server(at=hours(3), project_id="other")), CREATED, hours(3)) == []


def test_cumulative_values_are_held_up_to_those_of_the_month_before():
    (record,) = clouds(life(seen_server(at=hours(3))), CREATED, hours(3))
    before = dataclasses.replace(record, wall_seconds=99_999, cpu_seconds=1, suspend_seconds=7)

    assert never_shrinking(record, before).wall_seconds == 99_999
    assert never_shrinking(record, before).suspend_seconds == 7
    assert never_shrinking(record, before).cpu_seconds == record.cpu_seconds
    assert never_shrinking(before, record).cpu_seconds == record.cpu_seconds
    assert never_shrinking(record, None) == record


def test_a_cloud_record_tells_all_of_the_server_its_flavor_and_the_site():
    flavor = dataclasses.replace(SMALL, benchmark=Benchmark("hepscore23", 12.5))
    server = life(seen_server(at=hours(4), created=hours(1), flavor=flavor, public_ip_count=2))

    (record,) = clouds(server, CREATED, hours(3))

    assert record.known_at == hours(4)
    assert record == CloudRecord(
        measured_at=hours(3),
        known_at=hours(4),
        vm_uuid=server.uuid,
        site_name="SITE",
        service_name="cloud.site.example",
        machine_name="vm-1",
        user_id="user-1",
        project_id="project-1",
        user_name="alice",
        vo="vo.example",
        status=Status.STARTED,
        start=hours(1),
        suspend_seconds=0,
        wall_seconds=7200,
        cpu_seconds=14400,
        cpu_count=2,
        public_ip_count=2,
        memory_mib=4096,
        disk_gib=20,
        benchmark_name="hepscore23",
        benchmark_value=12.5,
        image_id="image-1",
        cloud_type="OpenStack",
    )


def test_the_addresses_that_lead_to_a_server_count_rather_than_nova_s_word():
    address = observe_address(None, seen_address(at=hours(1), server_id=UUID))
    (reading,) = readings(life(seen_server(at=hours(3), public_ip_count=5)), CREATED, hours(3), VOS)

    counts = [cloud_record(reading, RULES, addresses).public_ip_count for addresses in (None, [], [address])]

    assert counts == [5, 0, 1]


def test_of_a_server_whose_addresses_nobody_saw_no_count_is_told_unless_neutron_knows_one():
    address = observe_address(None, seen_address(at=hours(1), server_id=UUID))
    (reading,) = readings(life(seen_server(at=hours(3), public_ip_count=None)), CREATED, hours(3), VOS)

    counts = [cloud_record(reading, RULES, addresses).public_ip_count for addresses in (None, [], [address])]

    assert counts == [None, None, 1]


def test_a_server_that_ended_had_the_addresses_that_neutron_took_away_just_before():
    address = dataclasses.replace(observe_address(None, seen_address(at=hours(1), server_id=UUID)), ended=hours(1.99))
    ended = life(seen_server(at=hours(3), status="DELETED", ended=hours(2)))
    (completed,) = readings(ended, CREATED, hours(3), VOS)
    (alive,) = readings(life(seen_server(at=hours(3))), CREATED, hours(2), VOS)

    assert [cloud_record(reading, RULES, [address]).public_ip_count for reading in (completed, alive)] == [1, 0]


GPU = Accelerator("GPU", "NVIDIA A100", 2)


def accelerators(server, since, until, opening=None):
    found = readings(server, since, until, VOS, opening)
    return [record for reading in found for record in accelerator_records(reading, RULES)]


def test_an_accelerator_record_tells_all_of_the_model_the_server_and_the_site():
    server = life(seen_server(at=hours(4), flavor=dataclasses.replace(SMALL, accelerators=(GPU,))))

    (record,) = accelerators(server, CREATED, hours(3))

    assert record.known_at == hours(4)
    assert record == AcceleratorRecord(
        measured_at=hours(3),
        known_at=hours(4),
        vm_uuid=server.uuid,
        site_name="SITE",
        service_name="cloud.site.example",
        cloud_type="OpenStack",
        user_name="alice",
        project_id="project-1",
        vo="vo.example",
        type="GPU",
        model="NVIDIA A100",
        count=2,
        available_seconds=3 * 3600,
    )


def test_models_of_accelerators_have_a_record_each_by_name():
    fpga = Accelerator("FPGA", "Alveo", 1)
    server = life(seen_server(at=hours(4), flavor=dataclasses.replace(SMALL, accelerators=(GPU, fpga))))

    found = [(record.model, record.type, record.count) for record in accelerators(server, CREATED, hours(4))]

    assert found == [("Alveo", "FPGA", 1), ("NVIDIA A100", "GPU", 2)]


def test_a_model_that_a_resize_took_away_before_the_month_has_no_record_in_it():
    march = datetime(2026, 3, 1, tzinfo=UTC)
    before = seen_server(at=march - DAY, flavor=dataclasses.replace(SMALL, accelerators=(GPU,)))

    until_the_month = life(before, seen_server(at=march + DAY, unchanged_since=march, flavor=BIG))
    into_the_month = life(before, seen_server(at=march + DAY, unchanged_since=march + timedelta(seconds=1), flavor=BIG))

    assert accelerators(until_the_month, march, march + DAY) == []
    assert [record.available_seconds for record in accelerators(into_the_month, march, march + DAY)] == [1]


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
