"""Scratch copies: for a dry run, which reads everything and touches nothing."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from caso.errors import StoreError
from caso.store import Subscription, open_scratch, open_store
from tests.unit.store.building import HERE, HOUR, NOVA, NOW, a_record, a_server, a_statement, deliver, put, url


def test_a_scratch_copy_has_everything_and_changes_nothing_of_the_original(store, connection):
    store.ledger.configure({"ssm": Subscription()}, NOW)
    put(store, a_statement(a_record()))

    with open_scratch(connection) as scratch:
        assert [one.key for one in deliver(scratch, "ssm")] == ["cloud/vm-1/2024-03"]
        with scratch.transaction() as step:
            step.checkpoints.advance(NOVA, NOW)

    assert store.ledger.counts("ssm").due == 1
    assert store.checkpoints.get(NOVA) is None


def test_not_a_byte_of_the_file_changes(path):
    open_store(url(path)).close()
    before = path.read_bytes()

    with open_scratch(url(path)) as scratch:
        scratch.observe(HERE, [a_server()], by="nova")

    assert path.read_bytes() == before


def test_a_scratch_copy_sees_what_a_running_process_has_committed(store, connection):
    store.observe(HERE, [a_server()], by="nova")

    with open_scratch(connection) as scratch, scratch.transaction() as step:
        assert len(list(step.entities.due(HERE, "p1", touched_since=None))) == 1


def test_a_scratch_copy_of_no_store_is_a_new_one_and_leaves_nothing(path):
    with open_scratch(url(path)) as scratch:
        scratch.observe(HERE, [a_server()], by="nova")

    assert not path.parent.exists()


def test_the_copy_is_gone_when_it_is_closed(path):
    before = set(Path(tempfile.gettempdir()).glob("caso-scratch-*"))

    with open_scratch(url(path)) as scratch:
        assert scratch.database.file.exists()

    assert set(Path(tempfile.gettempdir()).glob("caso-scratch-*")) == before


def test_a_dry_run_waits_for_nobodys_locks(store, connection):
    with (
        store.locks.acquire(["p1"], NOW),
        open_scratch(connection) as scratch,
        scratch.locks.acquire(["p1"], NOW + HOUR) as lease,
    ):
        assert lease.held == {"p1"}


@pytest.mark.parametrize("content", [b"", b"no database" * 100])
def test_a_damaged_store_is_refused_for_a_dry_run_too(tmp_path, content):
    (tmp_path / "caso.sqlite").write_bytes(content)

    with pytest.raises(StoreError, match=str(tmp_path / "caso.sqlite")):
        open_scratch(url(tmp_path / "caso.sqlite"))
