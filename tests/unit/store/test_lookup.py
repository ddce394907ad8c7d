"""Finding a thing by its id, wherever it is."""

from caso.extractors.base import OddObject
from caso.store import Place, Store
from caso.testing.entities import seen_volume
from tests.unit.store.building import HERE, HOUR, NOW, a_record, a_server, a_statement, put

SOUTH = Place("cloud", "south")
BOTH = {"server", "volume"}


def test_an_id_is_found_in_each_place_and_kind_with_how_far_it_is_accounted_for(store: Store):
    store.observe(HERE, [a_server("x-1"), a_server("x-2")], by="nova")
    store.observe(SOUTH, [a_server("x-1")], by="nova")
    store.observe(HERE, [seen_volume(at=NOW, uuid="x-1")], by="cinder")
    with store.transaction() as step:
        step.entities.accounted(HERE, [("x-1", NOW)])

    found = store.lookup.entities("x-1", BOTH)

    assert [(known.place, known.kind, known.accounted_until) for known in found] == [
        (HERE, "server", NOW),
        (HERE, "volume", None),
        (SOUTH, "server", None),
    ]
    assert {known.entity.uuid for known in found} == {"x-1"}
    assert [known.kind for known in store.lookup.entities("x-1", {"volume"})] == ["volume"]


def test_the_quarantine_is_looked_through_as_well(store: Store):
    store.quarantine(
        SOUTH,
        [OddObject("server", "odd-1", "p1", "no name"), OddObject("address", "odd-1", "p1", "no name")],
        window_start=NOW,
        at=NOW + HOUR,
    )

    ((place, odd),) = store.lookup.quarantined("odd-1", BOTH)

    assert (place, odd.kind, odd.reason, odd.window_start, odd.met_at) == (SOUTH, "server", "no name", NOW, NOW + HOUR)
    assert store.lookup.ids_from("odd", BOTH) == ["odd-1"]


def test_beginnings_and_parts_find_each_id_once_and_take_no_wildcards(store: Store):
    for place in (HERE, SOUTH):
        store.observe(place, [a_server("abc-1234"), a_server("abd-1234")], by="nova")

    assert store.lookup.ids_from("ab", BOTH) == ["abc-1234", "abd-1234"]
    assert store.lookup.ids_from("abc", BOTH) == ["abc-1234"]
    assert store.lookup.ids_from("%", BOTH) == store.lookup.ids_from("abc_", BOTH) == []
    assert store.lookup.ids_like("zzz-1234", BOTH) == ["abc-1234", "abd-1234"]
    assert store.lookup.ids_like("nothing", BOTH) == []


def test_the_keys_of_a_subject_are_those_of_its_records(store: Store):
    mine, other = a_record("vm-1"), a_record("vm-2")
    put(store, a_statement(mine), a_statement(other, about="vm-2"))

    assert store.lookup.keys_of("server/vm-1") == {mine.key}
