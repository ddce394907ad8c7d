"""How a run behaves towards the services: it counts what it asks, ends in time, and leaves alone who does not answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from caso.deadline import Deadline
from caso.errors import SourceError
from caso.sources.failure import unanswered
from caso.sources.traffic import Traffic

LIMIT = 5
"""Different questions of one kind in a row, each with its retries, that a service may leave unanswered; then it is asked none of
that kind any more in this run.

Different ones: Keystone may have no token for one project, which every extractor asks it for, and be well otherwise.
"""


class Subject(NamedTuple):
    """What a question is about; ``kind`` is its path without ids: where Nova's actions fail, its listings may be well."""

    service: str
    region: str | None = None
    kind: str = ""


class Manners:
    """What all questions of one run have in common. Threads may share it."""

    def __init__(self, traffic: Traffic | None = None, sleep: Callable[[float], None] = time.sleep, limit: int = LIMIT) -> None:
        self.traffic = traffic or Traffic()
        self.sleep = sleep
        self._limit = limit
        self._lock = threading.Lock()
        self._unanswered: dict[Subject, set[str]] = {}

    @property
    def deadline(self) -> Deadline:
        return self.traffic.deadline

    def require_hope(self, about: Subject, what: str) -> None:
        """SourceError where ``what`` ("nova: cannot list servers") need not be tried: no time is left, or the service is down."""
        self.require_time(what)
        with self._lock:
            count = len(self._unanswered.get(about, ()))
        if count >= self._limit:
            raise SourceError(
                f"{what}: it has left {count} such questions unanswered, and is not asked any more; the next run asks again"
            )

    def require_time(self, what: str) -> None:
        """SourceError where the run has no time left for ``what``, or had too little."""
        if self.deadline.passed:
            raise SourceError(
                f"{what}: this run has asked for {self.deadline.seconds:g} s, as long as it may (deadline); the next one goes on"
            )

    def note(self, about: Subject, what: str, exc: Exception | None = None) -> None:
        """The question ``what`` was answered, or failed by ``exc``; one that was refused was answered."""
        with self._lock:
            if exc is not None and unanswered(exc):
                self._unanswered.setdefault(about, set()).add(what)
            else:
                self._unanswered.pop(about, None)
