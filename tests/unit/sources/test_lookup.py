"""What is found out once, by whichever thread comes first."""

from __future__ import annotations

import threading

import pytest

from caso.sources.lookup import Once
from tests.unit.sources.serving import at_once


def test_threads_that_ask_at_once_find_out_once():
    once: Once[str, int] = Once()
    found: list[int] = []

    at_once(*(lambda: once.get("one", lambda: found.append(1) or len(found)) for _ in range(8)))

    assert found == [1]


def test_a_region_that_does_not_answer_holds_back_no_other():
    once: Once[str, bool] = Once()
    asked, freed = threading.Event(), threading.Event()

    def hang() -> bool:
        asked.set()
        return freed.wait(60)

    waiting = threading.Thread(target=once.get, args=("one", hang))
    waiting.start()
    asked.wait(60)

    assert once.get("two", lambda: not freed.is_set())

    freed.set()
    waiting.join(60)
    assert once.get("one", lambda: False)


def test_what_failed_is_found_out_by_the_next():
    once: Once[str, int] = Once()

    with pytest.raises(ZeroDivisionError):
        once.get("one", lambda: 1 // 0)

    assert once.get("one", lambda: 1) == 1
