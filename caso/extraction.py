"""Extractors over a bounded pool: their pages, as they arrive, in the thread of the one who writes the store."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Full, Queue
from threading import Event

from caso.errors import CasoError, SourceError, after_name
from caso.extractors.base import Ask, CannotShareError, Extractor, Page
from caso.extractors.checking import faults
from caso.store import Scope

LOG = logging.getLogger(__name__)


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


def extract(tasks: Sequence[Task], threads: int) -> Iterator[tuple[Task, Page | Ended]]:
    """Every page of every task, and one Ended for each task that is not split.

    A task over several projects that fails is split: each project is asked for alone.
    """
    waiting: Queue[tuple[Task, Page | Ended]] = Queue(maxsize=2 * threads)
    stop = Event()
    with ThreadPoolExecutor(threads, thread_name_prefix="caso") as pool:
        try:
            for task in tasks:
                pool.submit(_work, task, waiting, stop)
            running = len(tasks)
            while running:
                task, event = waiting.get()
                if isinstance(event, Ended):
                    running -= 1
                    parts = _split(task, event)
                    for part in parts:
                        pool.submit(_work, part, waiting, stop)
                    running += len(parts)
                    if parts:
                        continue
                yield task, event
        finally:
            # Whoever reads stopped early (an error, a signal): nobody must ask what nobody will read,
            # nor wait for room in the queue for ever.
            pool.shutdown(wait=False, cancel_futures=True)
            stop.set()


def _split(task: Task, ended: Ended) -> list[Task]:
    if ended.error is None or len(task.ask.windows) == 1:
        return []
    if not isinstance(ended.error, SourceError):
        return []
    level = logging.INFO if isinstance(ended.error, CannotShareError) else logging.WARNING
    LOG.log(level, "%s: %s; asking project by project", task.name, after_name(task.name, ended.error))
    return [dataclasses.replace(task, ask=ask) for ask in task.ask.alone()]


def _work(task: Task, waiting: Queue[tuple[Task, Page | Ended]], stop: Event) -> None:
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


def _put(waiting: Queue[tuple[Task, Page | Ended]], item: tuple[Task, Page | Ended], stop: Event) -> bool:
    """False when nobody reads any more."""
    while not stop.is_set():
        try:
            waiting.put(item, timeout=0.5)
        except Full:
            continue
        return True
    return False
