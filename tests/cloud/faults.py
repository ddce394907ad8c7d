"""What can go wrong between a client and the cloud, on demand."""

import dataclasses
import re
import threading


@dataclasses.dataclass(frozen=True)
class Call:
    """A request a client made. ``path`` has the query; ``status`` is None if no answer arrived.

    ``project_id`` is the scope of its token, None without a token or project.
    """

    service: str
    method: str
    path: str
    status: int | None = None
    project_id: str | None = None


@dataclasses.dataclass(frozen=True)
class Fault:
    """Which requests suffer, and from what.

    Requests: all that agree with each of ``service``, ``method``, ``path`` and ``query`` (regular
    expressions searched in the two parts of the URL), ``body`` (one searched in what is sent) and ``project_id``; None
    agrees with all. Only the first ``times`` of them, after the first ``skip``.

    Effects: ``delay`` seconds before anything else; then silence until the client hangs up
    (``silent``), or a ``status`` instead of asking the service, with ``retry_after`` seconds and the text ``says``; or
    of the service's answer the connection ``reset`` in mid-body, the body ended after ``truncate``
    bytes as if that were all, made no JSON (``malformed``), or with each row of its list twice (``repeat``).

    Habits of a service, which may be a fault's only effect: it gives at most ``limit`` rows, or forgets where it was
    asked to go on and begins again (``forgetful``), or its clock is ``ahead`` seconds ahead.
    """

    service: str | None = None
    method: str | None = None
    path: str | None = None
    query: str | None = None
    body: str | None = None
    project_id: str | None = None
    times: int | None = None
    skip: int = 0
    status: int | None = None
    retry_after: int | None = None
    says: str = "made by the test proxy"
    delay: float = 0.0
    silent: bool = False
    reset: bool = False
    truncate: int | None = None
    malformed: bool = False
    repeat: bool = False
    limit: int | None = None
    forgetful: bool = False
    ahead: float = 0.0

    def agrees(self, call: Call, body: bytes = b"") -> bool:
        """Whether that request is one of them."""
        path, _, query = call.path.partition("?")
        return (
            self.service in (None, call.service)
            and self.method in (None, call.method)
            and self.project_id in (None, call.project_id)
            and (self.path is None or re.search(self.path, path) is not None)
            and (self.query is None or re.search(self.query, query) is not None)
            and (self.body is None or re.search(self.body.encode(), body) is not None)
        )


class Faults:
    """The faults in force; the first which agrees with a request is taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: list[tuple[Fault, int]] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._seen.append((fault, 0))

    def clear(self) -> None:
        with self._lock:
            self._seen = []

    def suffered(self, fault: Fault) -> int:
        """How many requests have suffered from it, those still waiting for their answer among them."""
        with self._lock:
            seen = sum(count for other, count in self._seen if other == fault)
        return max(0, min(seen - fault.skip, fault.times if fault.times is not None else seen))

    def take(self, call: Call, body: bytes = b"") -> Fault | None:
        """The fault this request suffers from, counted; None if it fares well."""
        with self._lock:
            for place, (fault, seen) in enumerate(self._seen):
                if not fault.agrees(call, body):
                    continue
                self._seen[place] = (fault, seen + 1)
                if seen >= fault.skip and (fault.times is None or seen < fault.skip + fault.times):
                    return fault
        return None


class Calls(list[Call]):
    """Requests in the order of their answers."""

    def by_service(self) -> dict[str, int]:
        """How many each service got."""
        counts: dict[str, int] = {}
        for call in self:
            counts[call.service] = counts.get(call.service, 0) + 1
        return counts

    def of(self, service: str, path: str = "") -> "Calls":
        """Those to a service whose path (with query) a regular expression is found in."""
        return Calls(c for c in self if c.service == service and re.search(path, c.path))
