"""The life of a public address in a project's hands."""

from datetime import UTC, datetime

from caso.lifecycle.address import Address, Origin, observe, vanish
from caso.lifecycle.timeline import Evidence
from caso.testing.entities import CREATED, hours, seen_address

FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)


def test_all_that_was_seen_of_an_address_is_known_of_it():
    seen = seen_address(at=hours(5), unchanged_since=hours(2), server_id="vm", ip="2a0f::1", origin=Origin.FIXED)

    assert observe(None, seen) == Address(
        id=seen.id,
        created=CREATED,
        ended=None,
        end_reason=None,
        first_seen=hours(5),
        known_at=hours(5),
        evidence=(Evidence(seen.state, hours(2), hours(5), hours(5)),),
        ip="2a0f::1",
        version=6,
        origin=Origin.FIXED,
    )


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

    assert (address.ended, address.end_reason, address.known_at) == (hours(5), "not listed", hours(9))
    assert address.state_at(hours(5)) is None


def test_over_the_end_of_a_month_counts_the_level_that_was_seen_last():
    seen = observe(None, seen_address(at=datetime(2026, 1, 31, 22, tzinfo=UTC)))

    address = vanish(seen, datetime(2026, 2, 1, 3, tzinfo=UTC), "not listed")

    assert address.state_at(datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)) is not None
    assert address.ended == FEBRUARY
