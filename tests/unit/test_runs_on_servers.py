"""Whole runs with a store on a database server: the same numbers as with a file, and nothing lost when it goes away."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from caso.errors import StoreError
from caso.store.schema import locks, metadata
from tests.databases.server import Server
from tests.unit.cloudlet import T1, T2, Cloudlet
from tests.unit.dying import EVERYTHING, die_at


class Cutter:
    """Counts the steps of the run, and ends its connections at the one that was chosen."""

    def __init__(self, server: Server, connection: str, chosen: int) -> None:
        self._server, self._connection, self.left = server, connection, chosen

    def step(self, name: str, count: int) -> None:
        self.left -= 1
        if self.left == 0:
            self._server.cut_off(self._connection)


def everything(cloudlet: Cloudlet) -> dict[str, list[str]]:
    """All rows of the store, but what is of one file or process."""
    tables = [table for table in metadata.sorted_tables if table is not locks]
    with cloudlet.store() as store, store.database.read() as connection:
        return {table.name: sorted(map(str, connection.execute(table.select()))) for table in tables}


@pytest.fixture
def undisturbed(tmp_path: Path) -> Cloudlet:
    """Two runs with a file."""
    cloudlet = Cloudlet(tmp_path / "undisturbed", extractors=EVERYTHING)
    cloudlet.run(T1)
    cloudlet.run(T2)
    return cloudlet


@pytest.fixture
def cloudlet(tmp_path: Path, database: str) -> Cloudlet:
    """One run with a database server."""
    cloudlet = Cloudlet(tmp_path / "server", extractors=EVERYTHING, connection=database)
    cloudlet.run(T1)
    return cloudlet


def test_the_store_and_the_recipient_hold_the_same_as_with_a_file(undisturbed, cloudlet):
    cloudlet.run(T2)

    assert everything(cloudlet) == everything(undisturbed)
    assert cloudlet.received() == undisturbed.received()


@pytest.mark.parametrize("step", [1, 4, 9, 14])
def test_a_run_that_is_killed_loses_nothing(undisturbed, cloudlet, step):
    assert die_at(cloudlet.folder, step, cloudlet.connection) == 9

    cloudlet.run(T2)

    assert cloudlet.received() == undisturbed.received()


@pytest.mark.parametrize("step", [1, 4, 9, 14])
def test_a_run_whose_connections_are_cut_off_loses_nothing(server, undisturbed, cloudlet, step):
    cutter = Cutter(server, cloudlet.connection, step)
    # Between two transactions nobody notices.
    with contextlib.suppress(StoreError):
        cloudlet.run(T2, cutter)
    assert cutter.left <= 0

    cloudlet.run(T2)

    assert cloudlet.received() == undisturbed.received()
