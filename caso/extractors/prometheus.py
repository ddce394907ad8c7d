"""The energy that servers took, as Prometheus knows it."""

from __future__ import annotations

import dataclasses
import itertools
import logging
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from oslo_config import cfg

from caso.errors import SourceError
from caso.extractors.base import Ask, Extractor, Listing, Memory, Page
from caso.extractors.flavors import ACCELERATOR_OPTIONS, BENCHMARK_OPTIONS, AcceleratorKeys, BenchmarkKeys
from caso.extractors.nova import NovaExtractor
from caso.extractors.power import Drawn, PowerMeter
from caso.extractors.power_finding import examine
from caso.extractors.power_options import POWER_OPTIONS, connection_from, meter_from
from caso.extractors.powered import Asked, Lived
from caso.findings import Finding
from caso.lifecycle.measured import ENERGY, Measured
from caso.lifecycle.server import ServerSeen
from caso.sources import Sources
from caso.sources.prometheus import Metering
from caso.sources.prometheus_failure import TooMuchError
from caso.window import Window

LOG = logging.getLogger(__name__)

SERVER = frozenset({"server"})
KEPT_BY_ALL = timedelta(days=2)
"""Nobody keeps samples shorter: for the days of a run that comes every hour, retention need not be known."""


class PrometheusExtractor(Extractor):
    """What meters of power tell of servers: one query for each project and UTC day.

    Which servers there are is what caso knows. Where no other extractor of the run tells, Nova is listed.
    """

    observes = frozenset({"energy"})
    mentions = SERVER
    options: ClassVar[tuple[cfg.Opt, ...]] = POWER_OPTIONS
    shared_options: ClassVar[Mapping[str, tuple[cfg.Opt, ...]]] = {
        "benchmark": BENCHMARK_OPTIONS,
        "accelerator": ACCELERATOR_OPTIONS,
    }

    def __init__(self, sources: Sources, server: Metering, meter: PowerMeter, nova: NovaExtractor | None = None) -> None:
        self._sources = sources
        self._server = server
        self._meter = meter
        # Images are of no use here.
        self._nova = nova or NovaExtractor(sources, image_id_property="")
        self._lock = threading.Lock()
        self._kept: list[timedelta | None] = []

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts.GroupAttr, sources: Sources, **shared: cfg.ConfigOpts.GroupAttr) -> Self:
        nova = NovaExtractor(
            sources,
            benchmark=BenchmarkKeys.from_conf(shared["benchmark"]),
            accelerator=AcceleratorKeys.from_conf(shared["accelerator"]),
            image_id_property="",
        )
        return cls(sources, sources.prometheus(**connection_from(conf)), meter_from(conf), nova)

    def beside(self, kinds: frozenset[str]) -> None:
        self.mentions, self.needs = SERVER - kinds, SERVER & kinds

    def examine(self) -> Iterator[Finding]:
        return examine(self._server, self._meter, self._sources.now())

    def extract(self, ask: Ask) -> Iterator[Page]:
        """Servers, where nobody else tells of them; then, of each project, day by day, what meters say, oldest first."""
        told: dict[str, list[ServerSeen]] = {project_id: [] for project_id in ask.windows}
        if self.mentions:
            for page in self._nova.extract(dataclasses.replace(ask, memory=_Unlisted(ask.memory))):
                for seen in page.seen:
                    if isinstance(seen, ServerSeen):
                        told[seen.project_id].append(seen)
                yield dataclasses.replace(page, listed=None, vouched=frozenset(), unmarked=frozenset())
        for project_id, window in ask.windows.items():
            try:
                yield from self._of_project(ask, project_id, window, told[project_id])
            except SourceError as exc:
                # That one project cannot be told of in a day is no reason to ask for all of the others once more.
                yield Page(unfinished={project_id: str(exc)})
        yield Page(listed="")

    def _of_project(self, ask: Ask, project_id: str, window: Window, told: Sequence[ServerSeen]) -> Iterator[Page]:
        # None on a first run, and where the past is asked for again.
        again = ask.memory.listing(project_id) is not None
        asked = Asked.of(window, again=again)
        servers = list(_lives(ask.memory, project_id, told, asked, again=again))
        asked = self._as_kept(asked, servers, ask.name_of(project_id))
        for day, lives in asked.by_day(servers):
            yield from self._of_day(project_id, day, lives)

    def _as_kept(self, asked: Asked, servers: Sequence[Lived], name: str) -> Asked:
        """What of the question Prometheus may have an answer to: of what is older than its retention it knows nothing."""
        first = next((day.start for day, _ in asked.by_day(servers)), None)
        now = self._sources.now()
        if first is None or first >= now - KEPT_BY_ALL or (kept := self._retention()) is None:
            return asked
        within = asked.from_(now - kept)
        lost = max(first, asked.since)
        if lost < within.since:
            LOG.warning(
                "prometheus: it keeps samples for %d days: project %s is not asked for before %s, and has no energy records of "
                "the days from %s until then",
                *(kept.days, name, f"{within.since:%F}", f"{lost:%F}"),
            )
        return within

    def _retention(self) -> timedelta | None:
        with self._lock:
            if not self._kept:
                self._kept.append(self._server.retention())
            return self._kept[0]

    def _of_day(self, project_id: str, day: Window, lives: Mapping[str, Window]) -> Iterator[Page]:
        """What was measured of some servers on one day, of those of which something was."""
        try:
            drawn, warnings = self._drawn(day, lives)
        except TooMuchError as exc:
            if len(lives) == 1:
                raise
            LOG.info("%s; asking for half of the servers at a time", exc)
            for half in _halves(lives):
                yield from self._of_day(project_id, day, half)
            return
        now = self._sources.now()
        totals = ((uuid, lives[uuid], one.total()) for uuid, one in sorted(drawn.items()))
        measured = tuple(
            Measured(
                meter=ENERGY,
                uuid=uuid,
                project_id=project_id,
                start=lived.start,
                end=lived.end,
                amount=total.amount,
                covered_seconds=total.covered_seconds,
                seen_at=now,
            )
            for uuid, lived, total in totals
            if total.covered_seconds
        )
        lacking = f"prometheus: a part of what was asked for is missing from its answer: {'; '.join(warnings)}"
        yield Page(measured=measured, unfinished={project_id: lacking} if warnings else {})

    def _drawn(self, day: Window, lives: Mapping[str, Window]) -> tuple[dict[str, Drawn], Sequence[str]]:
        answer = self._server.samples(
            self._meter.about(sorted(lives)),
            day,
            margin_seconds=self._meter.margin_seconds,
            step_seconds=self._meter.evaluated_every,
        )
        drawn: dict[str, Drawn] = {}
        for series in answer:
            uuid = series.labels.get(self._meter.label, "")
            if uuid in lives:
                drawn.setdefault(uuid, Drawn(self._meter, lives[uuid])).take(series.samples)
        return drawn, answer.warnings


def _lives(memory: Memory, project_id: str, told: Sequence[ServerSeen], asked: Asked, *, again: bool) -> Iterator[Lived]:
    """The servers of a project that lived in what is asked for, by what is remembered of them and by what was just told."""
    now = {seen.uuid: seen for seen in told}
    for server in memory.lived("server", project_id, asked.earliest):
        late = again and server.first_seen >= asked.known
        yield Lived.of(now.pop(server.uuid, server), late)
    yield from (Lived.of(seen, again) for seen in now.values())


def _halves(lives: Mapping[str, Window]) -> Iterator[dict[str, Window]]:
    middle = len(lives) // 2
    yield dict(itertools.islice(lives.items(), middle))
    yield dict(itertools.islice(lives.items(), middle, None))


class _Unlisted:
    """A memory in which nothing was ever listed: all is to be looked at."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def listing(self, project_id: str) -> Listing | None:
        return None

    def living(self, kind: str, project_id: str) -> Any:
        return self._memory.living(kind, project_id)

    def lived(self, kind: str, project_id: str, since: datetime) -> Any:
        return self._memory.lived(kind, project_id, since)

    def known(self, kind: str, ids: Collection[str]) -> Any:
        return self._memory.known(kind, ids)

    def volume_types(self) -> Any:
        return self._memory.volume_types()

    def waiting(self) -> Any:
        return self._memory.waiting()
