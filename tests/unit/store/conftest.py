from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import MetaData, create_engine

from caso.store import Store, open_store
from tests.unit.store.building import url


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the test's own store lies, for tests of SQLite files."""
    return tmp_path / "spool" / "caso.sqlite"


@pytest.fixture
def connection(path: Path) -> str:
    """The URL of a store that is not made yet: an SQLite file, or the database of CASO_TEST_STORE, emptied."""
    elsewhere = os.environ.get("CASO_TEST_STORE")
    if elsewhere:
        engine, tables = create_engine(elsewhere), MetaData()
        tables.reflect(engine)
        tables.drop_all(engine)
        engine.dispose()
    return elsewhere or url(path)


@pytest.fixture
def store(connection: str) -> Iterator[Store]:
    with open_store(connection) as opened:
        yield opened
