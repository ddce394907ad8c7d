"""Locks: no two live processes hold one name, and a dead process holds none."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import update

from caso.errors import LockedError
from caso.store import open_store
from caso.store.processes import Process
from caso.store.schema import locks
from tests.unit.store.building import HOUR, NOW

MINUTE = timedelta(minutes=1)
HOLDER = (
    "import sys; from tests.unit.store.building import NOW; from caso.store import open_store\n"
    "store = open_store(sys.argv[1]); lease = store.locks.acquire(sys.argv[2:], NOW)\n"
    "print('held', flush=True); sys.stdin.read(); lease.release()\n"
)


@contextmanager
def another_process_that_holds(connection, *names):
    command = [sys.executable, "-c", HOLDER, connection, *names]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            holder.kill()


def pretend(store, **facts) -> None:
    """Make the leases those of another process: hosts and boots are hard to come by in a test."""
    with store.database.write() as connection:
        connection.execute(update(locks).values(**facts))


def test_a_name_that_is_held_is_refused_and_its_holder_is_named(store, connection):
    with (
        another_process_that_holds(connection, "p1") as holder,
        pytest.raises(LockedError, match=f"p1 is locked by process {holder.pid} on"),
    ):
        store.locks.acquire(["p1"], NOW)


def test_all_or_nothing_is_acquired(store):
    with store.locks.acquire(["p1"], NOW):
        with pytest.raises(LockedError):
            store.locks.acquire(["p0", "p1", "p2"], NOW)

        assert store.locks.acquire_some(["p0", "p2"], NOW).held == {"p0", "p2"}


def test_some_are_acquired_and_the_others_refused(store):
    with store.locks.acquire(["p1"], NOW):
        lease = store.locks.acquire_some(["p0", "p1", "p2"], NOW)

    assert lease.held == {"p0", "p2"}
    assert list(lease.refused) == ["p1"]
    assert "since 2024-03-10T12:00:00Z" in lease.refused["p1"]


def test_a_lease_is_released_at_the_end_of_its_block(store):
    with store.locks.acquire(["p1"], NOW):
        pass

    assert store.locks.acquire(["p1"], NOW).held == {"p1"}


def test_a_lease_is_released_when_its_block_fails(store):
    with pytest.raises(ZeroDivisionError), store.locks.acquire(["p1"], NOW):
        _ = 1 / 0

    assert store.locks.acquire(["p1"], NOW).held == {"p1"}


def test_a_process_does_not_get_a_name_twice(store):
    with store.locks.acquire(["p1"], NOW), pytest.raises(LockedError):
        store.locks.acquire(["p1"], NOW)


def test_the_lease_of_a_killed_process_is_free_at_once(store, connection):
    with another_process_that_holds(connection, "p1") as holder:
        holder.kill()
        # Not waited for: a process that is dead and not yet buried holds nothing either.
        while store.locks.acquire_some(["p1"], NOW).refused:
            pass

    assert store.locks.acquire_some(["p1"], NOW).refused


def test_a_process_that_ends_well_leaves_nothing(store, connection):
    with another_process_that_holds(connection, "p1") as holder:
        holder.communicate(input="")

        assert store.locks.acquire(["p1"], NOW).held == {"p1"}


def test_a_live_process_of_this_host_keeps_its_lease_however_long_it_is_silent(store, connection):
    with another_process_that_holds(connection, "p1"):
        assert store.locks.acquire_some(["p1"], NOW + 24 * HOUR).refused


def test_a_process_number_that_is_used_again_is_another_process(store):
    store.locks.acquire(["p1"], NOW)
    pretend(store, started="1")

    assert store.locks.acquire(["p1"], NOW).held == {"p1"}


def test_a_lease_from_before_the_last_boot_is_free_at_once(store):
    store.locks.acquire(["p1"], NOW)
    pretend(store, boot="another")

    assert store.locks.acquire(["p1"], NOW).held == {"p1"}


def test_the_lease_of_another_host_is_free_only_when_it_has_expired(store):
    store.locks.acquire(["p1"], NOW)
    pretend(store, host="elsewhere", pid=999999)

    assert store.locks.acquire_some(["p1"], NOW + 29 * MINUTE).refused
    assert store.locks.acquire_some(["p1"], NOW + 31 * MINUTE).held == {"p1"}


def test_a_lease_that_is_renewed_does_not_expire(store):
    lease = store.locks.acquire(["p1"], NOW)
    pretend(store, host="elsewhere")
    for minutes in range(0, 60, 10):
        lease.renew(NOW + minutes * MINUTE)

    assert store.locks.acquire_some(["p1"], NOW + 70 * MINUTE).refused


def test_a_run_that_was_silent_too_long_learns_that_its_lease_is_lost(store):
    lease = store.locks.acquire(["p1", "p2"], NOW)
    pretend(store, host="elsewhere")
    store.locks.acquire(["p1"], NOW + HOUR)

    with pytest.raises(LockedError, match="1 of its 2 locks"):
        lease.renew(NOW + HOUR)


def test_releasing_a_lost_lease_takes_nothing_from_its_new_holder(store):
    lease = store.locks.acquire(["p1"], NOW)
    pretend(store, host="elsewhere")
    store.locks.acquire(["p1"], NOW + HOUR)

    lease.release()

    assert store.locks.acquire_some(["p1"], NOW + HOUR).refused


def test_a_process_that_another_user_runs_is_not_taken_for_dead():
    here = Process.current()
    init = here._replace(pid=1, started="")

    assert not here.is_known_dead(here)
    assert here._replace(pid=2**22 + 1).is_known_dead(here)
    assert init.is_known_dead(here)  # The one that held the lease had another start.


def test_locks_survive_the_store_being_closed_by_others(connection):
    with open_store(connection) as store, another_process_that_holds(connection, "p1"):
        open_store(connection).close()

        assert store.locks.acquire_some(["p1"], NOW).refused
