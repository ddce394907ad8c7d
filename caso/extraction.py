"""Extractors over a bounded pool: their pages, as they arrive, in the thread of the one who writes the store."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Sequence
from queue import Empty, Full, Queue
from threading import Event, Thread

from caso.deadline import Deadline
from caso.errors import CasoError, SourceError, after_name
from caso.extractors.base import Ask, CannotShareError, Extractor, Page
from caso.extractors.checking import faults
from caso.lanes import Lanes
from caso.store import Scope

LOG = logging.getLogger(__name__)

WAITING = 1
"""Pages that were told and are not kept yet."""
GRACE = 5.0
"""Seconds after the deadline in which a question that is on its way may still be answered."""


@dataclasses.dataclass(frozen=True)
class Task:
    """One extractor asked about some projects of one region."""

    name: str
    extractor: Extractor
    ask: Ask

    def asks(self, scope: Scope) -> bool:
        asked = (self.name, self.ask.region) == (scope.extractor, scope.region)
        return asked and scope.project_id in self.ask.windows


@dataclasses.dataclass(frozen=True)
class Ended:
    """A task has yielded all its pages; ``error`` is why it could not finish, or None."""

    error: CasoError | None = None


@dataclasses.dataclass(frozen=True)
class _Split:
    """A task could not be done as one; its ``parts`` are done in its place."""

    parts: Sequence[Task]


Item = tuple[Task, Page | Ended]
_Told = tuple[Task, Page | Ended | _Split]


def extract(
    tasks: Sequence[Task],
    threads: int,
    deadline: Deadline | None = None,
    grace: float = GRACE,
    per_service: int | None = None,
) -> Iterator[Item]:
    """Every page of every task, and one Ended for each task that is not split.

    Of one service of a region at most ``per_service`` tasks are asked at a time (None: as many as there are threads);
    one that is slow holds up no other. A task over several projects that fails is split: each project is asked for
    alone. Tasks that have not ended at the deadline, and ``grace`` seconds after it, end with an error, whatever keeps them.
    """
    # Few pages wait: each may hold a thousand objects, and where the store is slower than the services, more
    # waiting would make nothing faster, only the process larger.
    told: Queue[_Told] = Queue(maxsize=WAITING)
    lanes = Lanes[Task](_service_of, per_service or threads)
    stop = Event()
    lanes.add(tasks)
    for _ in range(min(threads, sum(max(1, len(task.ask.windows)) for task in tasks))):
        # Daemons: a question that nobody answers must not keep alive a process that was told to end.
        Thread(target=_work_off, args=(lanes, told, stop), name="caso", daemon=True).start()
    try:
        yield from _followed(tasks, told, deadline or Deadline(), grace)
    finally:
        # Whoever reads stopped early (an error, a signal): nobody must ask what nobody will read,
        # nor wait for room in the queue for ever.
        stop.set()
        lanes.close()


def _service_of(task: Task) -> tuple[str, str]:
    """Whom the task will ask: who asks none in particular is in nobody's way."""
    return task.extractor.service or task.name, task.ask.region


def _followed(tasks: Sequence[Task], told: Queue[_Told], deadline: Deadline, grace: float) -> Iterator[Item]:
    running = list(tasks)
    while running:
        try:
            task, event = told.get(timeout=None if deadline.seconds is None else deadline.left + grace)
        except Empty:
            for task in running:
                yield task, Ended(SourceError(f"it was not told all in {deadline.seconds:g} s (deadline); the next run goes on"))
            return
        if not isinstance(event, Page):
            running = [other for other in running if other is not task]
        if isinstance(event, _Split):
            running.extend(event.parts)
        else:
            yield task, event


def _parts(task: Task, ended: Ended) -> list[Task]:
    """The tasks that are to be done in place of this one; none where it has ended for good."""
    if ended.error is None or len(task.ask.windows) == 1 or task.extractor.cloud_wide:
        return []
    if not isinstance(ended.error, SourceError):
        return []
    level = logging.INFO if isinstance(ended.error, CannotShareError) else logging.WARNING
    parts = ended.error.parts if isinstance(ended.error, CannotShareError) else ()
    how = "in parts" if parts else "project by project"
    LOG.log(level, "%s: %s; asking %s", task.name, after_name(task.name, ended.error), how)
    return [dataclasses.replace(task, ask=ask) for ask in parts or task.ask.alone()]


def _work_off(lanes: Lanes[Task], told: Queue[_Told], stop: Event) -> None:
    """One thread's work."""
    while (task := lanes.take()) is not None:
        ended = _work(task, told, stop)
        parts = _parts(task, ended)
        # Told before anyone begins with the parts: who reads has to know whose pages those are.
        _put(told, (task, _Split(parts) if parts else ended), stop)
        lanes.leave(task, parts)


def _work(task: Task, told: Queue[_Told], stop: Event) -> Ended:
    """Tell every page, and say how it ended."""
    try:
        for page in task.extractor.extract(task.ask):
            for fault in faults(task.extractor, page):
                raise SourceError(f"fault of the plug-in: {fault}; tell its author")
            if not _put(told, (task, page), stop):
                break
    except CasoError as exc:
        return Ended(exc)
    except (Exception, SystemExit) as exc:
        # A plug-in that leaves ends its thread only, and who reads would wait for its end for ever.
        LOG.debug("%s failed", task.name, exc_info=True)
        return Ended(SourceError(f"{type(exc).__name__} in the plug-in {task.name}: {exc}; tell its author"))
    return Ended()


def _put(told: Queue[_Told], item: _Told, stop: Event) -> bool:
    """False when nobody reads any more."""
    while not stop.is_set():
        try:
            told.put(item, timeout=0.5)
        except Full:
            continue
        return True
    return False
