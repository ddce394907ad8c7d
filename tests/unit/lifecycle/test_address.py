"""The life of a public address in a project's hands."""

from datetime import UTC, datetime

from caso.lifecycle.address import observe, vanish
from caso.testing.entities import CREATED, hours, seen_address

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)


def test_an_address_is_held_from_its_creation_on():
    address = observe(None, seen_address(at=hours(5)))

    assert address.state_at(hours(-1)) is None
    assert address.state_at(CREATED).project_id == "project-1"
    assert address.state_at(hours(99)).server_id is None


def test_it_leads_to_the_server_from_when_its_row_changed():
    first = observe(None, seen_address(at=hours(5)))
    address = observe(first, seen_address(at=hours(9), unchanged_since=hours(7), server_id="vm"))

    assert [address.state_at(hours(at)).server_id for at in (6, 7, 8)] == [None, "vm", "vm"]


def test_one_that_was_given_back_was_held_until_it_was_last_seen():
    address = vanish(observe(None, seen_address(at=hours(5))), hours(9), "not listed")

    assert address.ended == hours(5)
    assert address.state_at(hours(6)) is None


def test_over_the_end_of_a_month_counts_the_level_that_was_seen_last():
    seen = observe(None, seen_address(at=datetime(2026, 1, 31, 22, tzinfo=UTC)))

    address = vanish(seen, datetime(2026, 2, 1, 3, tzinfo=UTC), "not listed")

    assert address.state_at(datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)) is not None
    assert address.ended == FEBRUARY
