"""The requests of one run: how many of each service, how long they took, and until when there may be more."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime

from caso.deadline import Deadline

UNKNOWN = "unknown"


@dataclasses.dataclass(frozen=True)
class Calls:
    """Requests to one service; ``failed`` are those that got no answer, or one of 400 and above. ``seconds`` is their sum."""

    requests: int = 0
    failed: int = 0
    seconds: float = 0.0


class Traffic:
    """Counts requests by the name of their service (``nova``). Threads may share it; ``deadline`` is that of the run."""

    def __init__(self, deadline: Deadline | None = None) -> None:
        self.deadline = deadline or Deadline()
        self._lock = threading.Lock()
        self._calls: dict[str, Calls] = {}
        self._ahead: dict[str, float] = {}
        self._here = threading.local()

    @contextmanager
    def to(self, service: str) -> Iterator[None]:
        """What this thread requests within the block, it requests of that service."""
        before = getattr(self._here, "service", UNKNOWN)
        self._here.service = service
        try:
            yield
        finally:
            self._here.service = before

    def note(self, url: str, seconds: float, *, failed: bool) -> None:
        """One request more. A token is Keystone's, whoever it is for."""
        service = self._service_of(url)
        with self._lock:
            known = self._calls.get(service, Calls())
            self._calls[service] = Calls(known.requests + 1, known.failed + failed, known.seconds + seconds)

    def note_clock(self, url: str, date: str | None, now: float) -> None:
        """An answer says by its Date header what time it is there; ``now`` are seconds since the epoch by our clock."""
        with contextlib.suppress(TypeError, ValueError):
            ahead = parsedate_to_datetime(str(date)).timestamp() - now
            service = self._service_of(url)
            with self._lock:
                # The answer that was on its way for the shortest time tells best.
                self._ahead[service] = min(self._ahead.get(service, ahead), ahead, key=abs)

    def clocks(self) -> Mapping[str, float]:
        """How many seconds the clock of each service is ahead of ours, as far as its answers tell."""
        with self._lock:
            return dict(sorted(self._ahead.items()))

    def _service_of(self, url: str) -> str:
        return "keystone" if url.endswith("/auth/tokens") else str(getattr(self._here, "service", UNKNOWN))

    def calls(self) -> Mapping[str, Calls]:
        """What was requested so far, by service."""
        with self._lock:
            return dict(sorted(self._calls.items()))
