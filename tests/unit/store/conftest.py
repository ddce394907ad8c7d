from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from caso.store import Store, open_store
from tests.databases.fixtures import BACKENDS, DatabaseOf
from tests.unit.store.building import url

Fresh = Callable[[], AbstractContextManager[str]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the test's own store lies, for tests of SQLite files."""
    return tmp_path / "spool" / "caso.sqlite"


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Each kind of database that a store may be in."""
    return request.param


@pytest.fixture
def connection(backend: str, path: Path, database_of: DatabaseOf) -> Iterator[str]:
    """The URL of a store that is not made yet, in each kind of database."""
    if backend == "sqlite":
        yield url(path)
        return
    with database_of(backend) as made:
        yield made


@pytest.fixture
def store(connection: str) -> Iterator[Store]:
    with open_store(connection) as opened:
        yield opened


@pytest.fixture
def fresh(backend: str, database_of: DatabaseOf) -> Fresh:
    """As ``connection``, anew for each block: for properties, which have many examples to a test."""
    return file if backend == "sqlite" else lambda: database_of(backend)


@contextmanager
def file() -> Iterator[str]:
    with TemporaryDirectory() as folder:
        yield url(Path(folder) / "caso.sqlite")
