"""Entities: what was seen is folded in, and what has to be accounted for is found."""

from __future__ import annotations

import dataclasses

import pytest

from caso.errors import StoreError
from caso.lifecycle.server import Server, observe
from caso.store import Due, Place, Store, open_store
from tests.unit.store.building import HERE, HOUR, LARGE, NOVA, NOW, a_server


def due(store: Store, project_id: str = "p1", **options) -> list[Due]:
    with store.transaction() as step:
        return list(step.entities.due(HERE, project_id, **({"touched_since": None} | options)))


def account(store: Store, uuid: str, until) -> None:
    with store.transaction() as step:
        step.entities.accounted(HERE, [(uuid, until)])


def uuids(found: list[Due]) -> list[str]:
    return [one.entity.uuid for one in found]


def test_a_server_comes_back_as_lifecycle_knows_it(store):
    first, second = a_server(at=NOW), a_server(at=NOW + HOUR, flavor=LARGE)

    store.observe(HERE, [first], by="nova")
    store.observe(HERE, [second], by="nova")

    assert [one.entity for one in due(store)] == [observe(observe(None, first), second)]


def test_observations_of_one_server_in_one_page_are_folded_one_after_the_other(store):
    first, second = a_server(at=NOW), a_server(at=NOW + HOUR, flavor=LARGE)

    store.observe(HERE, [first, second], by="nova")

    assert [one.entity for one in due(store)] == [observe(observe(None, first), second)]


def test_observe_tells_what_lives_otherwise_than_was_known(store):
    store.observe(HERE, [a_server("vm-1", project_id="p1")], by="nova")

    touched = store.observe(
        HERE, [a_server("vm-1", at=NOW + HOUR, project_id="p2"), a_server("vm-2", project_id="p3")], by="nova"
    )

    assert touched == {"vm-1", "vm-2"}
    assert uuids(due(store, "p1")) == []
    assert uuids(due(store, "p2")) == ["vm-1"]


def test_an_empty_page_changes_nothing(store):
    assert store.observe(HERE, [], by="nova") == set()


def test_regions_do_not_meet(store):
    store.observe(HERE, [a_server("vm-1")], by="nova")
    store.observe(Place("cloud", "south"), [a_server("vm-1", flavor=LARGE)], by="nova")

    assert [one.entity.intervals()[-1].value.flavor.name for one in due(store)] == ["small"]


def test_a_new_server_is_due_from_its_creation(store):
    store.observe(HERE, [a_server()], by="nova")

    assert [(one.accounted_until, one.dirty_from) for one in due(store)] == [(None, a_server().created)]


def test_a_listing_can_only_miss_what_its_own_extractor_told_of(store):
    store.observe(HERE, [a_server("ours"), a_server("both")], by="nova")
    store.observe(HERE, [a_server("theirs"), a_server("both")], by="machines")

    gone = store.vanish(NOVA, seen_since=NOW + HOUR, at=NOW + HOUR, reason="not listed")

    assert gone == ["both", "ours"]


def test_a_server_that_goes_on_as_it_was_is_not_dirty(store):
    store.observe(HERE, [a_server()], by="nova")
    account(store, "vm-1", NOW)

    store.observe(HERE, [a_server(at=NOW + HOUR)], by="nova")

    assert [(one.accounted_until, one.dirty_from) for one in due(store)] == [(NOW, None)]


def test_dirty_from_is_the_earliest_time_that_is_known_otherwise(store):
    store.observe(HERE, [a_server()], by="nova")
    account(store, "vm-1", NOW)
    resized = NOW - 5 * HOUR

    store.observe(HERE, [a_server(at=NOW + HOUR, flavor=LARGE, unchanged_since=resized)], by="nova")
    store.observe(HERE, [a_server(at=NOW + 2 * HOUR, flavor=LARGE, unchanged_since=NOW + 2 * HOUR)], by="nova")

    # What is between two observations is for lifecycle to say; that the earlier of two differences stays is for the store.
    assert [one.dirty_from for one in due(store)] == [resized]


def test_accounting_cleans(store):
    store.observe(HERE, [a_server()], by="nova")

    account(store, "vm-1", NOW)

    assert [(one.accounted_until, one.dirty_from) for one in due(store)] == [(NOW, None)]


def test_what_ended_is_due_until_it_is_accounted_beyond_its_end(store):
    store.observe(HERE, [a_server(ended=NOW - HOUR)], by="nova")

    # A window ends before its last instant, so an end at it is for the next window.
    account(store, "vm-1", NOW - HOUR)
    assert uuids(due(store)) == ["vm-1"]

    account(store, "vm-1", NOW)
    assert uuids(due(store)) == []


def test_the_past_is_accounted_again_for_all_that_lived_in_it(store):
    store.observe(
        HERE, [a_server("alive"), a_server("then", ended=NOW - HOUR), a_server("before", ended=NOW - 3 * HOUR)], by="nova"
    )
    for uuid in ("alive", "then", "before"):
        account(store, uuid, NOW)

    with store.transaction() as step:
        assert uuids(list(step.entities.lived(HERE, "p1", since=NOW - 2 * HOUR))) == ["alive", "then"]


def test_what_ended_and_was_accounted_for_is_due_again_when_its_end_proves_wrong(store):
    store.observe(HERE, [a_server(ended=NOW - HOUR)], by="nova")
    account(store, "vm-1", NOW)

    store.observe(HERE, [a_server(at=NOW + HOUR, ended=NOW - 3 * HOUR)], by="nova")

    assert [(one.entity.ended, one.dirty_from) for one in due(store)] == [(NOW - 3 * HOUR, NOW - 3 * HOUR)]


def test_touched_since_asks_only_for_what_was_observed_since(store):
    store.observe(HERE, [a_server("early"), a_server("late", at=NOW + HOUR)], by="nova")

    assert uuids(due(store, touched_since=NOW + HOUR)) == ["late"]


def test_due_streams_over_pages_while_its_caller_writes(store):
    store.observe(HERE, [a_server(f"vm-{number:04}") for number in range(1234)], by="nova")

    with store.transaction() as step:
        met = []
        for one in step.entities.due(HERE, "p1", touched_since=None):
            met.append(one.entity.uuid)
            step.entities.accounted(HERE, [(one.entity.uuid, NOW)])

    assert met == [f"vm-{number:04}" for number in range(1234)]


def test_times_keep_their_microseconds(store):
    precise = NOW.replace(microsecond=123456)

    store.observe(HERE, [a_server(at=precise)], by="nova")
    account(store, "vm-1", precise)

    [one] = due(store)
    assert (one.entity.known_at, one.accounted_until) == (precise, precise)
    assert one.accounted_until.utcoffset() is not None


def test_what_a_complete_listing_does_not_have_ended_where_it_was_last_seen(store):
    store.observe(HERE, [a_server("gone", at=NOW), a_server("there", at=NOW + HOUR)], by="nova")
    account(store, "gone", NOW)

    gone = store.vanish(NOVA, seen_since=NOW + HOUR, at=NOW + HOUR, reason="not listed")

    assert gone == ["gone"]
    found = {one.entity.uuid: one for one in due(store)}
    assert found["there"].entity.ended is None
    assert "gone" not in found or found["gone"].entity.ended == NOW


def test_what_none_of_those_that_are_asked_ever_told_of_vanishes_as_well(store):
    store.observe(HERE, [a_server("former"), a_server("other")], by="ceilometer")
    store.observe(HERE, [a_server("other")], by="other")

    missing = [
        store.vanish(NOVA, seen_since=NOW + HOUR, at=NOW + HOUR, reason="not listed", tellers=tellers)
        for tellers in ((), ("nova", "ceilometer"), ("nova", "other"))
    ]

    assert missing == [[], [], ["former"]]


def test_what_vanished_is_due_up_to_its_end(store):
    store.observe(HERE, [a_server(at=NOW)], by="nova")
    account(store, "vm-1", NOW - HOUR)

    store.vanish(NOVA, seen_since=NOW + HOUR, at=NOW + HOUR, reason="not listed")

    [one] = due(store)
    assert (one.entity.ended, one.entity.end_reason, one.dirty_from) == (NOW, "not listed", NOW)


def test_vanishing_leaves_other_projects_and_what_has_ended_alone(store):
    store.observe(HERE, [a_server("other", project_id="p2"), a_server("ended", ended=NOW - HOUR)], by="nova")

    assert store.vanish(NOVA, seen_since=NOW + HOUR, at=NOW + HOUR, reason="not listed") == []


def test_an_observation_of_no_known_kind_is_a_mistake_of_the_program(store):
    with pytest.raises(TypeError, match="int"):
        store.observe(HERE, [42], by="nova")


def test_an_unreadable_body_is_named_as_damage(connection):
    with open_store(connection) as store:
        store.observe(HERE, [a_server()], by="nova")
        with store.database.write() as connection:
            connection.exec_driver_sql("UPDATE entities SET body = '{}'")

        with pytest.raises(StoreError, match="restore it from a backup"):
            due(store)


def test_every_field_of_a_server_survives_the_store(store):
    seen = a_server(name="n", user_id="u", user_name="un", image_id="i", image_name="in", public_ip_count=2)

    store.observe(HERE, [seen], by="nova")

    [one] = due(store)
    assert {field.name: getattr(one.entity, field.name) for field in dataclasses.fields(Server)} == {
        field.name: getattr(observe(None, seen), field.name) for field in dataclasses.fields(Server)
    }
