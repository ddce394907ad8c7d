from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from caso.store import open_store
from tests.unit.api.calling import Api
from tests.unit.store.building import url


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """The API over a store of its own."""
    with open_store(url(tmp_path / "caso.sqlite")) as store:
        yield Api(store)
