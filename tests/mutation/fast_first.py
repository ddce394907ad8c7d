"""A plug-in of pytest for mutmut's runs: the fast tests first, as most mutants fail one of them; none of them without end."""

import os
import signal
from collections.abc import Iterator
from types import FrameType

import pytest
from mutmut.state import state

TIMEOUT = 36
"""mutmut's own status of a mutant that took too long."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    took = state().duration_by_test
    items.sort(key=lambda item: (took.get(item.nodeid, 0.0), item.nodeid))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Ends the process where a test computes much longer than it did without a mutant: a loop that does not end any more.

    mutmut itself waits for many times what all tests take. Time of computing is the same on a busy machine.
    """
    took = state().duration_by_test.get(item.nodeid, 0.0)
    signal.signal(signal.SIGVTALRM, _give_up)
    # While mutmut measures how long tests take, it has noted 0 for this one.
    signal.setitimer(signal.ITIMER_VIRTUAL, 10 + 10 * took if took else 0)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _give_up(number: int, frame: FrameType | None) -> None:
    os._exit(TIMEOUT)
