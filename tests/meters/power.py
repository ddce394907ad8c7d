"""The truth about the power that servers draw, as exporters show it to Prometheus; and its text, for promtool."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from tests.cloud.seed.catalog import make_projects, stable_id

BEGIN = datetime(2026, 9, 30, tzinfo=UTC)
UNTIL = datetime(2026, 10, 3, tzinfo=UTC)
"""Three days, the first of them in another month."""
MIDNIGHT = datetime(2026, 10, 1, tzinfo=UTC)
LONGEST_GAP_SECONDS = 300
DAY_SECONDS = 86400
HOUR = timedelta(hours=1)
PROJECTS = make_projects(2)[:2]

SCAPHANDRE = 'prometheus_value{type_instance="scaph_process_power_microwatts"'
WATTS = "vm_power_watts{"
JOULES = "kepler_vm_cpu_joules_total{"

Sample = tuple[float, int]
"""Seconds since 1970, to the millisecond; and microwatts, or joules since the counter began."""


@dataclasses.dataclass(frozen=True)
class Drawn:
    """What is known of a server's power in a stretch of time: energy, and for how much of it."""

    joules: float = 0.0
    covered_seconds: float = 0.0

    def __add__(self, other: Drawn) -> Drawn:
        return Drawn(self.joules + other.joules, self.covered_seconds + other.covered_seconds)


@dataclasses.dataclass(frozen=True)
class PoweredServer:
    """A server, and the samples of its power, by the host it was on, that are all anyone can know of it."""

    id: str
    name: str
    project_id: str
    created: datetime
    deleted: datetime | None
    power: tuple[tuple[str, tuple[Sample, ...]], ...]
    energy: tuple[Sample, ...]
    """What a counter of joules tells: it is told more rarely, and falls to 0 with its exporter."""

    def drawn(self, start: datetime, end: datetime, longest_gap: int = LONGEST_GAP_SECONDS) -> Drawn:
        """By trapezoids between samples that are not too far from each other."""
        return sum((_trapezoids(s, start.timestamp(), end.timestamp(), longest_gap) for _, s in self.power), Drawn())

    def counted(self, start: datetime, end: datetime) -> Drawn:
        """By what its counter grew: evenly between two samples, however far from each other."""
        return _increments(self.energy, start.timestamp(), end.timestamp())

    def by_day(self, longest_gap: int = LONGEST_GAP_SECONDS) -> dict[datetime, Drawn]:
        """``drawn`` of each UTC day."""
        return {day: self.drawn(day, day + 24 * HOUR, longest_gap) for day in days()}

    def counted_by_day(self) -> dict[datetime, Drawn]:
        return {day: self.counted(day, day + 24 * HOUR) for day in days()}


def days() -> list[datetime]:
    return [BEGIN + n * 24 * HOUR for n in range((UNTIL - BEGIN) // (24 * HOUR))]


def powered_servers() -> tuple[PoweredServer, ...]:
    """Named for what is special about each."""
    one, other = (project.id for project in PROJECTS)
    gap = (MIDNIGHT - HOUR, MIDNIGHT + 2 * HOUR)
    return (
        powered("even", one, watts=100, every=(60, 60)),
        powered("wavy", one),
        powered("silent-around-midnight", one, gap=gap),
        powered("deleted", other, deleted=MIDNIGHT + timedelta(hours=13, minutes=17, seconds=5)),
        powered("born", other, created=MIDNIGHT + 9 * HOUR),
        powered("moved", other, hosts=2),
        powered("zoë", other, created=MIDNIGHT + 40 * HOUR),
        powered("unmeasured", one, gap=(BEGIN, UNTIL)),
        powered("measured-once", one, gap=(BEGIN + timedelta(seconds=90), UNTIL)),
    )


def fleet(servers: int, *, samples: int = 4, day: datetime = MIDNIGHT, every: int = 60) -> Iterator[PoweredServer]:
    """Many servers, each with a few samples at the beginning of a day; they are those of ``seed.fleet``."""
    stretch = {"created": day, "until": day + timedelta(seconds=every * samples)}
    for name, project in zip((f"fleet-{n}" for n in range(servers)), itertools.cycle(PROJECTS), strict=False):
        yield powered(name, project.id, number=stable_id("metered", name), every=(every, every), **stretch)


def history(servers: Iterable[PoweredServer]) -> Iterator[str]:
    """Lines of OpenMetrics: the same power in scaphandre's microwatts and in watts, and Kepler's counters."""
    servers = list(servers)
    yield "# TYPE prometheus_value gauge"
    yield from scaphandre(servers)
    yield "# TYPE vm_power_watts gauge"
    yield from (f"{WATTS}{labels}}} {power / 10**6} {at:.3f}" for labels, at, power in _told(servers))
    yield "# TYPE kepler_vm_cpu_joules counter"
    for server in servers:
        labels = f'vm_id="{server.id}",vm_name="{server.name}",zone="package"'
        yield from (f"{JOULES}{labels}}} {joules} {at:.3f}" for at, joules in server.energy)


def scaphandre(servers: Iterable[PoweredServer]) -> Iterator[str]:
    """Its samples, without a head."""
    yield from (f"{SCAPHANDRE},{labels}}} {power} {at:.3f}" for labels, at, power in _told(servers))


def _told(servers: Iterable[PoweredServer]) -> Iterator[tuple[str, float, int]]:
    for server in servers:
        for host, samples in server.power:
            labels = f'uuid="{server.id}",vmname="{server.name}",instance="{host}:9100"'
            yield from ((labels, at, power) for at, power in samples)


def powered(
    name: str,
    project_id: str,
    *,
    number: str | None = None,
    created: datetime = BEGIN,
    deleted: datetime | None = None,
    gap: tuple[datetime, datetime] | None = None,
    hosts: int = 1,
    watts: int | None = None,
    every: tuple[int, int] = (20, 90),
    until: datetime = UNTIL,
) -> PoweredServer:
    """It is asked ``every`` so many seconds, and draws another power each time unless ``watts`` says which."""
    rng = random.Random(name)
    samples = []
    at, power, last = created.timestamp(), rng.randrange(20, 200) * 10**6, (deleted or until).timestamp()
    while at < last:
        if not gap or not gap[0].timestamp() <= at < gap[1].timestamp():
            samples.append((round(at, 3), watts * 10**6 if watts else power))
        at += rng.randrange(*every) + rng.randrange(1000) / 1000 if every[0] < every[1] else every[0]
        power = min(400 * 10**6, max(10**6, power + rng.randrange(-(10**7), 10**7)))
    size = -(-len(samples) // hosts) or 1
    power_by_host = tuple((f"compute-{n}", tuple(samples[n * size : (n + 1) * size])) for n in range(hosts))
    return PoweredServer(
        number or stable_id("powered", name), name, project_id, created, deleted, power_by_host, _counter(samples)
    )


def _counter(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """About each tenth sample, in whole joules; the exporter is started anew at a third of them."""
    told, total = [], 0.0
    for number, ((before, first), (at, second)) in enumerate(itertools.pairwise(samples)):
        if number == len(samples) // 3:
            total = 0.0
        total += (at - before) * (first + second) / 2 / 10**6
        if number % 10 == 9:
            told.append((at, int(total)))
    return tuple(told)


def _trapezoids(samples: Sequence[Sample], start: float, end: float, longest_gap: int) -> Drawn:
    joules = covered = 0.0
    for (left, first), (right, second) in itertools.pairwise(samples):
        begin, finish = max(left, start), min(right, end)
        if begin < finish and right - left <= longest_gap:
            slope = (second - first) / (right - left)
            middle = first + slope * ((begin + finish) / 2 - left)
            joules += middle / 10**6 * (finish - begin)
            covered += finish - begin
    return Drawn(joules, covered)


def _increments(samples: Sequence[Sample], start: float, end: float) -> Drawn:
    joules = covered = 0.0
    for (left, first), (right, second) in itertools.pairwise(samples):
        seconds = min(right, end) - max(left, start)
        if seconds > 0:
            joules += (second - first if second >= first else second) * seconds / (right - left)
            covered += seconds
    return Drawn(joules, covered)
