"""The pool of extractors: who is asked, by how many at a time, and who is not any more."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from caso.deadline import Deadline
from caso.errors import SourceError
from caso.extraction import Ended, Task, extract
from caso.extractors.base import Ask, CannotShareError, Extractor, Page
from caso.window import Window


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


WINDOW = Window(datetime(2024, 3, 10, 11, tzinfo=UTC), datetime(2024, 3, 10, 12, tzinfo=UTC))


class Service(Counting):
    """Asked about one project at a time, by threads that are counted; one that ``hangs`` answers once it is ``freed``."""

    def __init__(self, service: str | None, *, hangs: bool = False, error: type[SourceError] = CannotShareError) -> None:
        super().__init__()
        self.service = service
        self.hangs = hangs
        self.error = error
        self.here: Counter[str] = Counter()
        self.most = 0
        self.freed = threading.Event()
        self.changed = threading.Condition()

    def extract(self, ask: Ask) -> Iterator[Page]:
        if len(ask.windows) > 1:
            raise self.error(f"{ask.region}: one by one")
        with self.changed:
            self.here[ask.region] += 1
            self.most = max(self.most, *self.here.values())
            self.changed.notify_all()
        if self.hangs:
            self.freed.wait(60)
        time.sleep(0.001)
        with self.changed:
            self.here[ask.region] -= 1
        yield from super().extract(ask)


def about(name: str, extractor: Extractor, projects: int, region: str = "one") -> Task:
    return Task(name, extractor, Ask(region, {f"{name}-{number}": WINDOW for number in range(projects)}))


@pytest.mark.parametrize("error", [CannotShareError, SourceError])
def test_of_one_service_no_more_tasks_are_asked_at_a_time_than_may_be(error):
    services = {name: Service(name, error=error) for name in ("nova", "cinder")}
    tasks = [about(name, service, 25, region) for name, service in services.items() for region in ("one", "two")]

    events = list(extract(tasks, threads=16, per_service=3))

    assert {name: (service.most, len(service.asked)) for name, service in services.items()} == {
        "nova": (3, 50),
        "cinder": (3, 50),
    }
    assert sum(isinstance(event, Ended) for _, event in events) == 100


def test_two_extractors_of_one_service_share_its_limit():
    service = Service("nova")

    list(extract([about("nova", service, 20), about("energy", service, 20)], threads=8, per_service=2))

    assert (service.most, len(service.asked)) == (2, 40)


def test_services_that_hang_hold_back_no_other_also_when_their_tasks_came_first():
    nova, cinder, neutron = Service("nova", hangs=True), Service("cinder", hangs=True), Service("neutron")
    tasks = [about("nova", nova, 50), about("cinder", cinder, 50), about("neutron", neutron, 50)]
    events = extract(tasks, threads=8, deadline=Deadline(40), per_service=4)

    told = [next(events) for _ in range(3 * 50)]

    assert {task.name for task, _ in told} == {"neutron"}
    assert sum(isinstance(event, Ended) for _, event in told) == 50
    assert (nova.asked, cinder.asked) == ([], [])
    nova.freed.set()
    cinder.freed.set()
    assert sum(isinstance(event, Ended) for _, event in events) == 100


def test_one_service_alone_gets_as_many_threads_as_it_may():
    nova = Service("nova", hangs=True)
    tasks = [about("nova", nova, 20), about("idle", Counting(), 1)]
    events = extract(tasks, threads=8, per_service=4)
    told = [next(events) for _ in range(3)]

    with nova.changed:
        assert nova.changed.wait_for(lambda: nova.here["one"] == 4, timeout=60)

    nova.freed.set()
    assert len([*told, *events]) == 3 * 21
    assert nova.most == 4


def test_who_does_not_read_is_not_handed_the_fleet():
    extractor = Service("nova")
    events = extract(asking(extractor, 200), threads=4, per_service=4)
    next(events)
    before = -1
    while before != len(extractor.asked):
        before = len(extractor.asked)
        time.sleep(0.3)

    # As many pages as threads wait to be read, and each thread holds one.
    assert len(extractor.asked) <= 1 + 2 * 4
    events.close()
