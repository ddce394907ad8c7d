"""Levels of public addresses, per project and per server."""

import dataclasses
from datetime import UTC, datetime, timedelta

from caso.accounting.addresses import ip_records, of_server
from caso.accounting.rules import Rules
from caso.lifecycle.address import observe, vanish
from caso.records import IpRecord
from caso.testing.entities import CREATED, hours, seen_address

RULES = Rules("SITE", "SERVICE", "OpenStack")
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def held(number, *, at=1, ip="192.0.2.1", **changes):
    return observe(None, seen_address(at=hours(at), id=f"address-{number}", ip=ip, **changes))


def levels(addresses, since, until):
    records = ip_records(addresses, "project-1", "vo.one", since, until, RULES)
    return [(record.measured_at, record.ip_version, record.ip_count) for record in records]


def test_ipv4_and_ipv6_are_two_records():
    addresses = [held(1), held(2), held(3, ip="2a0f::1")]

    assert levels(addresses, CREATED, hours(2)) == [(hours(2), 4, 2), (hours(2), 6, 1)]


def test_a_project_that_never_held_an_address_has_no_record():
    assert levels([], CREATED, hours(2)) == []


def test_released_to_none_is_zero_in_that_month_and_nothing_in_the_next():
    gone = vanish(held(1), hours(3), "not listed")

    assert levels([gone], CREATED, hours(3)) == [(hours(3), 4, 0)]
    assert levels([gone], FEBRUARY, FEBRUARY + timedelta(hours=1)) == []


def test_an_address_that_was_taken_after_the_window_does_not_count_yet():
    assert levels([held(1, created=hours(5), at=6)], CREATED, hours(4)) == []


def test_each_month_of_a_window_is_closed_with_the_level_at_its_last_second():
    march = datetime(2026, 3, 1, tzinfo=UTC)
    addresses = [held(1), held(2, created=FEBRUARY + timedelta(days=3), at=1500)]

    assert levels(addresses, CREATED, march + timedelta(hours=1)) == [
        (FEBRUARY - SECOND, 4, 1),
        (march - SECOND, 4, 2),
        (march + timedelta(hours=1), 4, 2),
    ]


def test_a_window_that_ends_with_the_month_books_in_the_month_that_ended():
    assert levels([held(1)], CREATED, FEBRUARY) == [(FEBRUARY - SECOND, 4, 1)]


def test_addresses_of_another_project_do_not_count():
    assert levels([held(1, project_id="somebody-else")], CREATED, hours(2)) == []


def test_the_owner_is_the_project_and_knowledge_is_as_new_as_the_newest_address():
    (record,) = ip_records([held(1), held(2, at=3)], "project-1", "vo.one", CREATED, hours(4), RULES)

    assert record.known_at == hours(3)
    assert record == IpRecord(
        measured_at=hours(4),
        known_at=hours(3),
        site_name="SITE",
        service_name="SERVICE",
        cloud_type="OpenStack",
        project_id="project-1",
        vo="vo.one",
        ip_version=4,
        ip_count=2,
    )


def test_a_server_has_the_addresses_that_lead_to_it():
    addresses = [held(1, server_id="vm"), held(2, server_id="other"), held(3)]

    assert of_server(addresses, "vm", hours(2), completed=False) == 1


def test_what_neutron_took_away_just_before_the_end_was_the_server_s_until_then():
    address = observe(held(1, at=1, server_id="vm"), seen_address(at=hours(9), id="address-1", unchanged_since=hours(5)))

    assert of_server([address], "vm", hours(5) + timedelta(seconds=20), completed=True) == 1
    assert of_server([address], "vm", hours(6), completed=True) == 0
    assert of_server([address], "vm", hours(5) + timedelta(seconds=20), completed=False) == 0


def test_what_vanished_with_a_server_was_the_server_s_until_its_end():
    address = vanish(held(1, at=1, server_id="vm"), hours(3), "not listed")

    assert of_server([address], "vm", hours(2), completed=True) == 1
    assert of_server([address], "vm", hours(2), completed=False) == 0
    assert of_server([address], "vm", hours(4), completed=True) == 0


def test_a_month_counts_an_address_that_was_held_in_it_for_any_time_and_no_other():
    until = FEBRUARY + timedelta(hours=1)
    given_back_at_the_end_of_january = dataclasses.replace(held(1), ended=FEBRUARY)
    given_back_just_after = dataclasses.replace(held(1), ended=FEBRUARY + SECOND)
    taken_at_the_end = held(1, created=until, at=1500)
    taken_just_after = held(1, created=until + SECOND, at=1500)

    found = [
        levels([address], FEBRUARY, until)
        for address in (given_back_at_the_end_of_january, given_back_just_after, taken_at_the_end, taken_just_after)
    ]

    assert found == [[], [(until, 4, 0)], [(until, 4, 1)], []]


def test_an_address_that_changed_hands_is_one_of_each_project_in_its_time():
    address = observe(held(1), seen_address(at=hours(9), id="address-1", unchanged_since=hours(5), project_id="project-2"))

    assert levels([address], CREATED, hours(4)) == [(hours(4), 4, 1)]
    assert levels([address], CREATED, hours(6)) == [(hours(6), 4, 0)]


def test_a_server_has_an_address_from_the_moment_that_it_leads_there_until_just_before_it_leads_away():
    first = observe(None, seen_address(at=hours(1), id="address-1"))
    there = observe(first, seen_address(at=hours(4), id="address-1", unchanged_since=hours(3), server_id="vm"))
    address = observe(there, seen_address(at=hours(9), id="address-1", unchanged_since=hours(5)))

    def led(through, completed):
        return of_server([address], "vm", through, completed=completed)

    assert [led(at, False) for at in (hours(3) - SECOND, hours(3), hours(5) - SECOND, hours(5))] == [0, 1, 1, 0]
    assert [led(hours(5) + timedelta(minutes=2) + after, True) for after in (-SECOND, timedelta(0))] == [1, 0]


def test_what_vanished_and_had_led_elsewhere_before_was_the_first_server_s_for_that_time_only():
    first = held(1, at=1, server_id="vm")
    moved = observe(first, seen_address(at=hours(6), id="address-1", unchanged_since=hours(5), server_id="other"))
    address = vanish(moved, hours(9), "not listed")

    assert [of_server([address], vm, hours(8), completed=True) for vm in ("vm", "other")] == [0, 1]


def test_what_was_given_back_by_its_owner_is_no_server_s_until_it_was_found_out():
    seen = seen_address(at=hours(9), id="address-1", server_id="vm")
    given_back = observe(None, dataclasses.replace(seen, ended=hours(5)))

    assert of_server([given_back], "vm", hours(8), completed=True) == 0
