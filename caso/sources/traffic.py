"""The requests of one run: how many of each service, how long they took, and until when there may be more."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

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
        service = "keystone" if url.endswith("/auth/tokens") else getattr(self._here, "service", UNKNOWN)
        with self._lock:
            known = self._calls.get(service, Calls())
            self._calls[service] = Calls(known.requests + 1, known.failed + failed, known.seconds + seconds)

    def calls(self) -> Mapping[str, Calls]:
        """What was requested so far, by service."""
        with self._lock:
            return dict(sorted(self._calls.items()))
