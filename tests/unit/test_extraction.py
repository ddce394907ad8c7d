"""The pool of extractors: who is asked, and who is not any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from caso.deadline import Deadline
from caso.extraction import Ended, Task, extract
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


class Stuck(Counting):
    """Yields a page, and never ends."""

    def __init__(self) -> None:
        super().__init__()
        self.freed = threading.Event()

    def extract(self, ask: Ask) -> Iterator[Page]:
        yield Page()
        self.freed.wait(60)


def asking(extractor: Extractor, count: int) -> list[Task]:
    return [Task("counting", extractor, Ask(f"region-{number}", {})) for number in range(count)]


def workers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "caso" and thread.is_alive()]


def test_who_stops_reading_is_not_asked_for_more():
    extractor = Counting()
    events = extract(asking(extractor, 50), threads=1)

    next(events)
    events.close()
    for worker in workers():
        worker.join(5)

    assert len(extractor.asked) < 10
    assert workers() == []


def test_who_stops_reading_waits_for_nobody():
    extractor = Stuck()
    events = extract(asking(extractor, 2), threads=2)
    next(events)
    begun = time.monotonic()

    events.close()

    assert time.monotonic() - begun < 1
    assert all(worker.daemon for worker in workers())
    extractor.freed.set()


def test_at_the_deadline_who_has_not_ended_has_failed():
    extractor = Stuck()

    told = [event for _, event in extract(asking(extractor, 2), threads=1, deadline=Deadline(0.3), grace=0)]

    assert [event for event in told if isinstance(event, Page)] == [Page()]
    assert [str(event.error) for event in told if isinstance(event, Ended)] == [
        "it was not told all in 0.3 s (deadline); the next run goes on"
    ] * 2
    extractor.freed.set()


def test_every_task_is_asked_once_by_as_many_threads_as_there_may_be():
    extractor = Counting()

    events = list(extract(asking(extractor, 20), threads=3, deadline=Deadline(60)))

    assert sorted(extractor.asked) == sorted(f"region-{number}" for number in range(20))
    assert sum(isinstance(event, Ended) for _, event in events) == 20
