"""Transactions: all of a step, or nothing of it."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caso.errors import StoreError
from caso.store import Subscription, open_store
from caso.store.schema import metadata
from tests.unit.store.building import HERE, HOUR, JANUARY, MARCH, NOVA, NOW, a_record, a_server, a_statement, deliver, put, url


class CrashError(Exception):
    pass


def everything(store):
    with store.database.read() as connection:
        return {table.name: sorted(map(str, connection.execute(table.select()))) for table in metadata.sorted_tables}


def some_history(store):
    store.observe(HERE, [a_server("vm-1"), a_server("vm-2")], by="nova")
    put(store, a_statement(a_record(month=JANUARY), a_record(month=MARCH)))
    store.ledger.configure({"ssm": Subscription()}, NOW)
    deliver(store, "ssm")
    with store.transaction() as step:
        step.checkpoints.advance(NOVA, NOW)


@pytest.fixture
def store_with_history(store):
    """A store, and all that is in it."""
    some_history(store)
    return store, everything(store)


STEPS = {
    "entities": lambda step: step.entities.accounted(HERE, [("vm-1", NOW)]),
    "new record": lambda step: step.ledger.put(a_statement(a_record("vm-2"), about="vm-2")),
    "retraction": lambda step: step.ledger.put(a_statement(known_at=NOW + HOUR)),
    "checkpoint": lambda step: step.checkpoints.advance(NOVA, NOW + HOUR),
    "new checkpoint": lambda step: step.checkpoints.advance(NOVA._replace(extractor="cinder"), NOW),
    "retirement": lambda step: step.checkpoints.retire(NOVA, NOW),
}


def crash_after(names, step):
    for name in names:
        STEPS[name](step)
    raise CrashError


# A step that was rolled back leaves the store to the next example as it was.
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.sampled_from(sorted(STEPS)), unique=True))
def test_a_crash_at_any_point_of_a_step_leaves_everything_as_it_was(store_with_history, names):
    store, before = store_with_history

    with pytest.raises(CrashError), store.transaction() as step:
        crash_after(names, step)

    assert everything(store) == before


def test_a_process_that_is_killed_in_a_step_leaves_everything_as_it_was(connection):
    with open_store(connection) as store:
        some_history(store)
        before = everything(store)
    program = (
        "import os, signal, sys; from tests.unit.store.building import *; from caso.store import open_store\n"
        "with open_store(sys.argv[1]) as store, store.transaction() as step:\n"
        "    step.checkpoints.advance(NOVA, NOW + HOUR)\n"
        "    step.ledger.put(a_statement())\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )

    killed = subprocess.run([sys.executable, "-c", program, connection], check=False)

    assert killed.returncode == -9
    with open_store(connection) as store:
        assert everything(store) == before


def test_what_is_not_committed_is_not_seen_by_readers_and_they_do_not_wait(store):
    with store.transaction() as step:
        step.checkpoints.advance(NOVA, NOW)
        assert store.checkpoints.get(NOVA) is None

    assert store.checkpoints.get(NOVA).until == NOW


def test_a_write_beside_a_step_of_the_same_thread_fails_at_once_instead_of_waiting_for_itself(store):
    with pytest.raises(RuntimeError, match="would wait for itself"), store.transaction():
        store.observe(HERE, [a_server()], by="nova")


def test_threads_take_turns(store):
    def observe(number: int) -> None:
        for hour in range(5):
            store.observe(HERE, [a_server(f"vm-{number}", at=NOW + hour * HOUR)], by="nova")

    threads = [threading.Thread(target=observe, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with store.transaction() as step:
        assert {one.entity.known_at for one in step.entities.due(HERE, "p1", touched_since=None)} == {NOW + 4 * HOUR}


def test_errors_of_the_database_come_out_as_errors_of_the_store(store):
    with pytest.raises(StoreError, match="nowhere"), store.transaction(), store.database.read() as connection:
        connection.exec_driver_sql("SELECT * FROM nowhere")


def test_a_full_disk_says_what_to_do_and_loses_nothing(path):
    with open_store(url(path)) as store:
        some_history(store)
        before = everything(store)

        with pytest.raises(StoreError, match="make room"), store.database.write() as connection:
            write_more_than_there_is_room_for(connection)

        assert everything(store) == before


def write_more_than_there_is_room_for(connection):
    # SQLite takes this as: not a page more than there are.
    connection.exec_driver_sql("PRAGMA max_page_count = 1")
    connection.exec_driver_sql("INSERT INTO meta VALUES ('filler', zeroblob(10000000))")
