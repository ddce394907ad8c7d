"""A plug-in of pytest for mutmut's runs: the fast tests first, as most mutants fail one of them; always in one order."""

import pytest
from mutmut.state import state


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    took = state().duration_by_test
    items.sort(key=lambda item: (took.get(item.nodeid, 0.0), item.nodeid))
