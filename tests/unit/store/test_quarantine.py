"""The quarantine: odd objects wait, with their reason, until they are well or gone."""

from __future__ import annotations

from typing import NamedTuple

from caso.testing.entities import seen_address
from tests.unit.store.building import HERE, HOUR, NOVA, NOW, a_server


class Odd(NamedTuple):
    object_id: str
    reason: str = "its name is null"
    project_id: str | None = "p1"
    kind: str = "server"
    deleted: bool = False


def test_an_odd_object_is_kept_with_its_reason(store):
    store.quarantine(HERE, [Odd("vm-1")], window_start=NOW - HOUR, at=NOW)

    [kept] = store.quarantined(HERE)
    assert kept == ("server", "vm-1", "p1", "its name is null", NOW - HOUR, NOW)


def test_the_first_window_and_the_newest_reason_are_kept(store):
    store.quarantine(HERE, [Odd("vm-1")], window_start=NOW - HOUR, at=NOW)
    store.quarantine(HERE, [Odd("vm-1", reason="no flavor", project_id=None)], window_start=NOW, at=NOW + HOUR)

    [kept] = store.quarantined(HERE)
    assert kept == ("server", "vm-1", "p1", "no flavor", NOW - HOUR, NOW + HOUR)


def test_an_object_that_is_met_twice_in_a_page_is_kept_once(store):
    store.quarantine(HERE, [Odd("vm-1"), Odd("vm-1", reason="second")], window_start=NOW, at=NOW)

    assert [kept.reason for kept in store.quarantined(HERE)] == ["second"]


def test_an_object_that_is_well_again_leaves(store):
    store.quarantine(HERE, [Odd("vm-1"), Odd("vm-2")], window_start=NOW, at=NOW)

    store.observe(HERE, [a_server("vm-1")], by="nova")

    assert [kept.object_id for kept in store.quarantined(HERE)] == ["vm-2"]


def test_an_object_that_a_complete_listing_does_not_have_leaves(store):
    store.quarantine(HERE, [Odd("gone"), Odd("foreign", project_id="p2")], window_start=NOW, at=NOW)
    store.quarantine(HERE, [Odd("there")], window_start=NOW, at=NOW + HOUR)

    store.vanish(NOVA, seen_since=NOW + HOUR, at=NOW + HOUR, reason="not listed")

    assert [kept.object_id for kept in store.quarantined(HERE)] == ["foreign", "there"]


def test_a_server_that_is_listed_but_unreadable_does_not_end(store):
    store.observe(HERE, [a_server("vm-1", at=NOW)], by="nova")
    store.quarantine(HERE, [Odd("vm-1")], window_start=NOW, at=NOW + HOUR)

    assert store.vanish(NOVA, seen_since=NOW + HOUR, at=NOW + HOUR, reason="not listed") == []


def test_the_addresses_of_a_port_that_is_listed_but_unreadable_do_not_end(store):
    ids = ["port-1/192.0.2.1", "port-1/2001:db8::1", "port-2/192.0.2.2"]
    store.observe(HERE, [seen_address(at=NOW, id=name, project_id="p1") for name in ids], by="neutron")
    store.quarantine(HERE, [Odd("port-1", kind="address")], window_start=NOW, at=NOW + HOUR)

    ended = store.vanish(
        NOVA._replace(extractor="neutron"), seen_since=NOW + HOUR, at=NOW + HOUR, reason="not listed", kind="address"
    )

    assert ended == ["port-2/192.0.2.2"]


def test_objects_of_an_unreadable_project_are_dropped_on_their_own(store):
    store.quarantine(HERE, [Odd("vm-1", project_id=None)], window_start=NOW, at=NOW)
    store.vanish(NOVA, seen_since=NOW + HOUR, at=NOW + HOUR, reason="not listed")

    assert store.forget_quarantined(HERE, None, met_before=NOW + HOUR) == 1
    assert store.quarantined(HERE) == []
