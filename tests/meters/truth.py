"""The truth about a cloud that Ceilometer meters: what each server had and used, and when it was asked.

Times are aware UTC in whole seconds, amounts are whole numbers, so what was used between two times is exact.
"""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from tests.cloud.seed.truth import Flavor, Project

NANOSECONDS = 10**9
SECOND = timedelta(seconds=1)


@dataclasses.dataclass(frozen=True)
class Counter:
    """What a hypervisor counts: so many a second from each time of ``rates`` on; at each of ``resets`` it begins at 0 again."""

    rates: tuple[tuple[datetime, int], ...]
    resets: tuple[datetime, ...] = ()

    def used(self, start: datetime, end: datetime) -> int:
        """What really was used in [start, end), whatever the counter told."""
        ends = [at for at, _ in self.rates[1:]] + [max(end, self.rates[-1][0])]
        return sum(
            rate * (max(timedelta(), min(end, until) - max(start, at)) // SECOND)
            for (at, rate), until in zip(self.rates, ends, strict=True)
        )

    def reading(self, at: datetime) -> int:
        """What the counter tells at a time: at that of a reset, still the old value."""
        begun = max((reset for reset in self.resets if reset < at), default=self.rates[0][0])
        return self.used(begun, at)


@dataclasses.dataclass(frozen=True)
class Interface:
    """A network interface: Gnocchi knows it by ``id``, which is no UUID."""

    id: str
    name: str
    since: datetime
    received: Counter
    sent: Counter


@dataclasses.dataclass(frozen=True)
class MeteredServer:
    """A server's whole life, and the ``polls`` at which its counters were read.

    Counters change their pace and are reset at polls only: so what is read tells all that was used between the
    first and the last of them. Gnocchi learns of the server when it ``appears``, some time after it was ``created``.
    """

    id: str
    name: str
    project_id: str
    user_id: str
    host: str
    image_id: str | None
    created: datetime
    appears: datetime
    ended: datetime | None
    flavors: tuple[tuple[datetime, Flavor], ...]
    cpu: Counter
    interfaces: tuple[Interface, ...]
    polls: tuple[datetime, ...]
    dated: bool = True
    """Whether Ceilometer publishes ``created_at`` and ``launched_at``, as it does since 2024."""
    server_group: str | None = None

    def lives(self, start: datetime, end: datetime) -> bool:
        """Whether any of its life, as Gnocchi knows it, is in [start, end)."""
        return self.appears < end and (self.ended is None or self.ended > start)

    def flavor(self, at: datetime) -> Flavor:
        return next((flavor for since, flavor in reversed(self.flavors) if since <= at), self.flavors[0][1])

    def cpu_seconds(self, start: datetime, end: datetime) -> float:
        """CPU time used in [start, end)."""
        return self.cpu.used(start, end) / NANOSECONDS

    def received_bytes(self, start: datetime, end: datetime) -> int:
        return sum(interface.received.used(start, end) for interface in self.interfaces)

    def sent_bytes(self, start: datetime, end: datetime) -> int:
        return sum(interface.sent.used(start, end) for interface in self.interfaces)

    def wall_seconds(self, start: datetime, end: datetime) -> int:
        """How much of [start, end) it lived."""
        stretch = min(end, self.ended or end) - max(start, self.created)
        return max(timedelta(), stretch) // SECOND

    @property
    def revisions(self) -> list[tuple[datetime, dict[str, Any]]]:
        """What Gnocchi is told of it and when: all at first, then what changes."""
        stamps = {"created_at": self.created.isoformat(), "launched_at": (self.created + 20 * SECOND).isoformat()}
        first = {
            **_flavor(self.flavors[0][1]),
            **(stamps if self.dated else {}),
            "user_id": self.user_id,
            "project_id": self.project_id,
            "display_name": self.name,
            "host": self.host,
            "image_ref": self.image_id,
            "server_group": self.server_group,
        }
        later = [(at, _flavor(flavor)) for at, flavor in self.flavors[1:]]
        return [(self.appears, first), *later, *_end(self.ended)]


@dataclasses.dataclass(frozen=True)
class MeteredVolume:
    """A volume; from each time of ``steps`` on it has that size and belongs to that project."""

    id: str
    name: str | None
    type: str
    user_id: str
    created: datetime
    deleted: datetime | None
    steps: tuple[tuple[datetime, int, str], ...]
    polls: tuple[datetime, ...]

    def size_gib(self, at: datetime) -> int:
        return next((size for since, size, _ in reversed(self.steps) if since <= at), self.steps[0][1])

    def project_id(self, at: datetime) -> str:
        return next((project for since, _, project in reversed(self.steps) if since <= at), self.steps[0][2])

    @property
    def revisions(self) -> list[tuple[datetime, dict[str, Any]]]:
        """As those of a server; that its size changes is in the measures alone."""
        first = {"user_id": self.user_id, "display_name": self.name, "volume_type": self.type}
        told = [(self.created, first | {"project_id": self.steps[0][2]})]
        for (_, _, before), (at, _, project) in pairwise(self.steps):
            told += [(at, {"project_id": project})] if project != before else []
        return [*told, *_end(self.deleted)]


@dataclasses.dataclass(frozen=True)
class Metered:
    """All there is, from ``begin`` to ``until``: what begins earlier was not metered before."""

    begin: datetime
    until: datetime
    projects: tuple[Project, ...]
    servers: tuple[MeteredServer, ...]
    volumes: tuple[MeteredVolume, ...] = ()

    def server(self, name: str) -> MeteredServer:
        return next(server for server in self.servers if server.name == name)

    def servers_in(self, start: datetime, end: datetime, project_id: str | None = None) -> list[MeteredServer]:
        """Those that lived in [start, end), of one project or of all."""
        return [one for one in self.servers if project_id in (None, one.project_id) and one.lives(start, end)]


def _flavor(flavor: Flavor) -> dict[str, str]:
    return {"flavor_id": flavor.id, "flavor_name": flavor.name}


def _end(at: datetime | None) -> list[tuple[datetime, dict[str, Any]]]:
    return [(at, {"ended_at": at.isoformat()})] if at else []
