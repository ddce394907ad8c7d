from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from caso.store import Store, open_store
from tests.unit.store.building import url


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the test's store lies."""
    return tmp_path / "spool" / "caso.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with open_store(url(path)) as opened:
        yield opened
