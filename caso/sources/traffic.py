"""The requests of one run: how many of each service, how long they took, how many at a time, and until when."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime

from caso.deadline import Deadline
from caso.lanes import AT_ONCE

UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class Calls:
    """Requests to one service; ``failed`` are those that got no answer, or one of 400 and above. ``seconds`` is their sum."""

    requests: int = 0
    failed: int = 0
    seconds: float = 0.0


class Traffic:
    """Counts requests by the name of their service (``nova``). Threads may share it; ``deadline`` is that of the run.

    To one service of a region at most ``at_once`` are on their way, whoever asks, and what for.
    """

    def __init__(self, deadline: Deadline | None = None, at_once: int = AT_ONCE) -> None:
        self.deadline = deadline or Deadline()
        self.at_once = at_once
        self._lock = threading.Lock()
        self._calls: dict[str, Calls] = {}
        self._ahead: dict[str, float] = {}
        self._rooms: dict[tuple[str, str | None], threading.Semaphore] = {}
        self._here = threading.local()

    @contextmanager
    def to(self, service: str, region: str | None = None) -> Iterator[None]:
        """What this thread requests within the block, it requests of that service."""
        before = self._asked
        self._here.asked = (service, region)
        try:
            yield
        finally:
            self._here.asked = before

    @contextmanager
    def turn(self, url: str) -> Iterator[None]:
        """Room for one request, waited for until there is some; TimeoutError where there is none before the deadline.

        A token is one of many things that Keystone is asked for, and whoever has one waits for none.
        """
        whom = self._whom(url)
        with self._lock:
            room = self._rooms.setdefault(whom, threading.Semaphore(self.at_once))
        left = self.deadline.left
        if not room.acquire(timeout=None if math.isinf(left) else left):
            raise TimeoutError(f"{whom[0]}: {self.at_once} questions are on their way, and none was answered in time")
        try:
            yield
        finally:
            room.release()

    def note(self, url: str, seconds: float, *, failed: bool) -> None:
        """One request more. A token is Keystone's, whoever it is for."""
        service, _ = self._whom(url)
        with self._lock:
            known = self._calls.get(service, Calls())
            self._calls[service] = Calls(known.requests + 1, known.failed + failed, known.seconds + seconds)

    def note_clock(self, url: str, date: str | None, now: float) -> None:
        """An answer says by its Date header what time it is there; ``now`` are seconds since the epoch by our clock."""
        with contextlib.suppress(TypeError, ValueError):
            ahead = parsedate_to_datetime(str(date)).timestamp() - now
            service, _ = self._whom(url)
            with self._lock:
                # The answer that was on its way for the shortest time tells best.
                self._ahead[service] = min(self._ahead.get(service, ahead), ahead, key=abs)

    def clocks(self) -> Mapping[str, float]:
        """How many seconds the clock of each service is ahead of ours, as far as its answers tell."""
        with self._lock:
            return dict(sorted(self._ahead.items()))

    def _whom(self, url: str) -> tuple[str, str | None]:
        return ("keystone", None) if url.endswith("/auth/tokens") else self._asked

    @property
    def _asked(self) -> tuple[str, str | None]:
        asked: tuple[str, str | None] = getattr(self._here, "asked", (UNKNOWN, None))
        return asked

    def calls(self) -> Mapping[str, Calls]:
        """What was requested so far, by service."""
        with self._lock:
            return dict(sorted(self._calls.items()))
