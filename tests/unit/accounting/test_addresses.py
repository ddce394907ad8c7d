"""Levels of public addresses, per project and per server."""

from datetime import UTC, datetime, timedelta

from caso.accounting.addresses import ip_records, of_server
from caso.accounting.rules import Rules
from caso.lifecycle.address import observe, vanish
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

    assert (record.project_id, record.vo, record.known_at) == ("project-1", "vo.one", hours(3))


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
