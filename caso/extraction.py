"""Extractors over a bounded pool: their pages, as they arrive, in the thread of the one who writes the store."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Sequence
from queue import Empty, Full, Queue, SimpleQueue
from threading import Event, Thread

from caso.deadline import Deadline
from caso.errors import CasoError, SourceError, after_name
from caso.extractors.base import Ask, CannotShareError, Extractor, Page
from caso.extractors.checking import faults
from caso.store import Scope

LOG = logging.getLogger(__name__)

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


Item = tuple[Task, Page | Ended]


def extract(tasks: Sequence[Task], threads: int, deadline: Deadline | None = None, grace: float = GRACE) -> Iterator[Item]:
    """Every page of every task, and one Ended for each task that is not split.

    A task over several projects that fails is split: each project is asked for alone. Tasks that have not ended at
    the deadline, and ``grace`` seconds after it, end with an error, whatever keeps them.
    """
    waiting: Queue[Item] = Queue(maxsize=2 * threads)
    todo: SimpleQueue[Task | None] = SimpleQueue()
    stop = Event()
    for _ in range(min(threads, sum(max(1, len(task.ask.windows)) for task in tasks))):
        # Daemons: a question that nobody answers must not keep alive a process that was told to end.
        Thread(target=_work_off, args=(todo, waiting, stop), name="caso", daemon=True).start()
    try:
        yield from _followed(tasks, todo, waiting, deadline or Deadline(), grace)
    finally:
        # Whoever reads stopped early (an error, a signal): nobody must ask what nobody will read,
        # nor wait for room in the queue for ever.
        stop.set()
        for _ in range(threads):
            todo.put(None)


def _followed(
    tasks: Sequence[Task], todo: SimpleQueue[Task | None], waiting: Queue[Item], deadline: Deadline, grace: float
) -> Iterator[Item]:
    running: list[Task] = []

    def begin(those: Sequence[Task]) -> None:
        running.extend(those)
        for task in those:
            todo.put(task)

    begin(tasks)
    while running:
        try:
            task, event = waiting.get(timeout=None if deadline.seconds is None else deadline.left + grace)
        except Empty:
            for task in running:
                yield task, Ended(SourceError(f"it was not told all in {deadline.seconds:g} s (deadline); the next run goes on"))
            return
        if isinstance(event, Ended):
            running = [other for other in running if other is not task]
            if parts := _split(task, event):
                begin(parts)
                continue
        yield task, event


def _split(task: Task, ended: Ended) -> list[Task]:
    if ended.error is None or len(task.ask.windows) == 1:
        return []
    if not isinstance(ended.error, SourceError):
        return []
    level = logging.INFO if isinstance(ended.error, CannotShareError) else logging.WARNING
    LOG.log(level, "%s: %s; asking project by project", task.name, after_name(task.name, ended.error))
    parts = (ended.error.parts if isinstance(ended.error, CannotShareError) else ()) or task.ask.alone()
    return [dataclasses.replace(task, ask=ask) for ask in parts]


def _work_off(todo: SimpleQueue[Task | None], waiting: Queue[Item], stop: Event) -> None:
    """One thread's work."""
    while not stop.is_set() and (task := todo.get()) is not None:
        _work(task, waiting, stop)


def _work(task: Task, waiting: Queue[Item], stop: Event) -> None:
    try:
        for page in task.extractor.extract(task.ask):
            for fault in faults(task.extractor, page):
                raise SourceError(f"fault of the plug-in: {fault}; tell its author")
            if not _put(waiting, (task, page), stop):
                return
        ended = Ended()
    except CasoError as exc:
        ended = Ended(exc)
    except (Exception, SystemExit) as exc:
        # A plug-in that leaves ends its thread only, and who reads would wait for its end for ever.
        LOG.debug("%s failed", task.name, exc_info=True)
        ended = Ended(SourceError(f"{type(exc).__name__} in the plug-in {task.name}: {exc}; tell its author"))
    _put(waiting, (task, ended), stop)


def _put(waiting: Queue[Item], item: Item, stop: Event) -> bool:
    """False when nobody reads any more."""
    while not stop.is_set():
        try:
            waiting.put(item, timeout=0.5)
        except Full:
            continue
        return True
    return False
