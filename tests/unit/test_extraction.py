"""The pool of extractors: who is asked, and who is not any more."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from caso.extraction import Task, extract
from caso.extractors.base import Ask, Extractor, Page


class Counting(Extractor):
    """Notes where it was asked; a page each."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    @classmethod
    def from_conf(cls, conf, sources, **shared):
        return cls()

    def extract(self, ask: Ask) -> Iterator[Page]:
        self.asked.append(ask.region)
        yield Page()
        yield Page()


def test_who_stops_reading_waits_only_for_the_questions_that_are_under_way():
    extractor = Counting()
    events = extract([Task("counting", extractor, Ask(f"region-{number}", {})) for number in range(50)], threads=1)

    next(events)
    events.close()

    assert len(extractor.asked) < 10
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("caso")]
