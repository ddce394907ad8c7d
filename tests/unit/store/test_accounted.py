"""Up to when entities are accounted for: noted once for those that go along with their project."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from caso.store import Place, Step, Store, open_store
from tests.unit.store.building import HERE, HOUR, LARGE, NOW, SMALL, a_server, url

THERE = Place("cloud", "south")
TIMES = st.integers(0, 6).map(lambda hours: NOW + hours * HOUR)


def bookkeeping(store: Store, place: Place = HERE, project_id: str = "p1") -> list[tuple[str, object, object]]:
    with store.transaction() as step:
        return [(one.entity.uuid, one.accounted_until, one.dirty_from) for one in step.entities.due(place, project_id)]


def account_for_all(store: Store, until: datetime, place: Place = HERE, project_id: str = "p1") -> None:
    with store.transaction() as step:
        step.entities.all_accounted(place, project_id, until)


def test_all_that_is_due_of_a_project_is_noted_at_once(store):
    store.observe(HERE, [a_server("vm-1"), a_server("vm-2"), a_server("other", project_id="p2")], by="nova")
    store.observe(THERE, [a_server("vm-3")], by="nova")

    account_for_all(store, NOW)

    assert bookkeeping(store) == [("vm-1", NOW, None), ("vm-2", NOW, None)]
    assert [until for _, until, _ in bookkeeping(store, HERE, "p2") + bookkeeping(store, THERE)] == [None, None]


def test_what_is_told_of_anew_keeps_up_to_when_it_was_accounted_for_while_the_others_go_on(store):
    store.observe(HERE, [a_server("vm-1"), a_server("vm-2")], by="nova")
    account_for_all(store, NOW)

    store.observe(HERE, [a_server("vm-2", at=NOW + HOUR, flavor=LARGE, unchanged_since=NOW)], by="nova")

    assert bookkeeping(store) == [("vm-1", NOW, None), ("vm-2", NOW, NOW)]


def test_what_another_project_takes_over_does_not_go_along_with_it_unaccounted(store):
    store.observe(HERE, [a_server("moves"), a_server("stays", project_id="p2")], by="nova")
    account_for_all(store, NOW)
    account_for_all(store, NOW + 3 * HOUR, project_id="p2")

    store.observe(HERE, [a_server("moves", at=NOW + HOUR, project_id="p2")], by="nova")

    assert [(uuid, until) for uuid, until, _ in bookkeeping(store, HERE, "p2")] == [("moves", NOW), ("stays", NOW + 3 * HOUR)]


def test_what_has_ended_is_due_no_more_once_it_is_accounted_for_beyond_its_end(store):
    store.observe(HERE, [a_server("ended", ended=NOW), a_server("lives")], by="nova")

    account_for_all(store, NOW)
    at_its_end = bookkeeping(store)
    account_for_all(store, NOW + HOUR)

    assert at_its_end == [("ended", NOW, None), ("lives", NOW, None)]
    assert bookkeeping(store) == [("lives", NOW + HOUR, None)]


def test_what_goes_along_already_is_not_written_again(path):
    with open_store(url(path)) as store:
        store.observe(HERE, [a_server("vm-1"), a_server("vm-2")], by="nova")
        account_for_all(store, NOW)

        with store.transaction() as step:
            before = _rows_written(step)
            step.entities.all_accounted(HERE, "p1", NOW + HOUR)
            written = _rows_written(step) - before

        assert bookkeeping(store) == [("vm-1", NOW + HOUR, None), ("vm-2", NOW + HOUR, None)]
        assert written == len(["up to when", "at which revision"])


def _rows_written(step: Step) -> int:
    """As SQLite counts them."""
    return int(step.entities._connection.exec_driver_sql("SELECT total_changes()").scalar_one())


SIGHTINGS = st.builds(
    lambda uuid, at, project_id, flavor, ended: a_server(
        uuid, at=at, project_id=project_id, flavor=flavor, ended=min(at, NOW + HOUR) if ended else None
    ),
    st.sampled_from(["vm-1", "vm-2", "vm-3"]),
    TIMES,
    st.sampled_from(["p1", "p2"]),
    st.sampled_from([SMALL, LARGE]),
    st.booleans(),
)
STEPS = st.lists(st.one_of(SIGHTINGS, st.tuples(st.sampled_from(["p1", "p2"]), TIMES)), max_size=12)


@given(STEPS)
@settings(deadline=None, max_examples=40)
def test_noting_it_of_all_is_as_noting_it_of_each(steps):
    with (
        TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder,
        open_store(url(Path(folder) / "s")) as store,
    ):
        for step in steps:
            if not isinstance(step, tuple):
                store.observe(HERE, [step], by="nova")
                store.observe(THERE, [step], by="nova")
                continue
            project_id, until = step
            account_for_all(store, until, HERE, project_id)
            with store.transaction() as each:
                due = list(each.entities.due(THERE, project_id))
                each.entities.accounted(THERE, [(one.entity.uuid, max(until, one.accounted_until or until)) for one in due])

            assert bookkeeping(store, HERE, project_id) == bookkeeping(store, THERE, project_id)
