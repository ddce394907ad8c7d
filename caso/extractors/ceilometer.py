"""What Ceilometer metered, as Gnocchi has it: lives of servers and volumes, CPU time and network traffic.

Where another extractor tells of the lives, this one tells what was measured of them, and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import ClassVar, Self

from oslo_config import cfg, types

from caso.extractors.base import Ask, Extractor, Page
from caso.extractors.flavors import ACCELERATOR_OPTIONS, BENCHMARK_OPTIONS, AcceleratorKeys, BenchmarkKeys, FlavorReader
from caso.extractors.metered_days import midnight
from caso.extractors.metered_lives import Lives, owner_of
from caso.extractors.metered_use import INSTANCE, INTERFACE, Counted, Instance, use
from caso.extractors.metering import Meters, Method
from caso.extractors.sharing import Reach, ask_within_reach, require_whole_view
from caso.lifecycle.measured import TOLD_AFTER
from caso.lifecycle.server import Server
from caso.sources import MissingError, Sources
from caso.sources.gnocchi import Gnocchi
from caso.sources.gnocchi_rows import ResourcePage, ResourceRow
from caso.window import BEGINNING, Month, Window

LOG = logging.getLogger(__name__)

A_RUN = timedelta(hours=1)
"""A window that ended longer ago is one of the past: a run asks up to when it began."""
VOLUME = "volume"
TYPES = (INSTANCE, INTERFACE, VOLUME)
MEASURE = "measure"


class CeilometerExtractor(Extractor):
    """Resources that lived in the windows, with their history, and what was measured of them on whole days."""

    observes: frozenset[str] = frozenset({"server", "volume", MEASURE})
    service: ClassVar[str | None] = "metric"
    options: ClassVar[tuple[cfg.Opt, ...]] = (
        cfg.FloatOpt(
            "granularity",
            default=0,
            min=0,
            help="Seconds of the measures to ask for. 0: the finest that the archive policy of a meter has.",
        ),
        cfg.ListOpt(
            "aggregation_methods",
            default=["last", "max", "mean", "rate:mean"],
            item_type=types.String(choices=["last", "max", "mean", "rate:mean"]),
            help="How readings of counters (cpu, network.incoming.bytes, network.outgoing.bytes) are asked for: the first of "
            "these that the archive policy has. Ceilometer's ceilometer-low-rate has mean and rate:mean. rate:mean tells too "
            "little where two readings fall into one granularity, and at each reset of a counter.",
        ),
        cfg.ListOpt(
            "resource_types",
            default=list(TYPES),
            item_type=types.String(choices=list(TYPES)),
            help="Types of resources to ask for: instance for servers and their CPU time, instance_network_interface for their "
            "network traffic, volume for storage.",
        ),
        cfg.IntOpt("batch_size", default=500, min=1, max=500, help="Resources whose measures are asked for in one request."),
    )
    shared_options: ClassVar[Mapping[str, tuple[cfg.Opt, ...]]] = {
        "benchmark": BENCHMARK_OPTIONS,
        "accelerator": ACCELERATOR_OPTIONS,
    }

    def __init__(
        self,
        sources: Sources,
        *,
        method: Method | None = None,
        resource_types: Collection[str] = TYPES,
        benchmark: BenchmarkKeys | None = None,
        accelerator: AcceleratorKeys | None = None,
    ) -> None:
        self._sources = sources
        self._types = frozenset(resource_types)
        self._meters = Meters(method or Method())
        reader = FlavorReader(benchmark or BenchmarkKeys(), accelerator or AcceleratorKeys())
        self._lives = Lives(sources, reader, self._meters)
        told = {"server": INSTANCE, "volume": VOLUME, MEASURE: INSTANCE}
        self.observes = frozenset(kind for kind, of in told.items() if of in self._types)

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts.GroupAttr, sources: Sources, **shared: cfg.ConfigOpts.GroupAttr) -> Self:
        return cls(
            sources,
            method=Method(conf.granularity, tuple(conf.aggregation_methods), conf.batch_size),
            resource_types=conf.resource_types,
            benchmark=BenchmarkKeys.from_conf(shared["benchmark"]),
            accelerator=AcceleratorKeys.from_conf(shared["accelerator"]),
        )

    def beside(self, kinds: frozenset[str]) -> None:
        self.observes -= kinds - {MEASURE}

    def extract(self, ask: Ask) -> Iterator[Page]:
        """Lives first, then what was measured; with several projects asked for, all of them together, for an admin."""
        return ask_within_reach(ask, self._sources, lambda reach: self._pages(ask, reach), silent=True)

    def _pages(self, ask: Ask, reach: Reach) -> Iterator[Page]:
        gnocchi = self._sources.gnocchi(ask.region, reach.scope)
        instances: list[Instance] = []
        if INSTANCE in self._types:
            owners: set[str | None] = set()
            for page in self._resources(gnocchi, INSTANCE, ask, reach, history="server" in self.observes):
                owners.update(map(owner_of, page.rows))
                if "server" in self.observes:
                    yield self._lives.servers(page, ask, reach, gnocchi)
                instances += _instances(page, ask)
            if "server" in self.observes:
                require_whole_view(owners, reach, "gnocchi", lambda: _everybody(gnocchi, ask))
                yield Page(inventory=self._all_of(ask, "server"))
        if "volume" in self.observes:
            try:
                for page in self._resources(gnocchi, VOLUME, ask, reach, history=True):
                    yield self._lives.volumes(page, ask, gnocchi)
            except MissingError as exc:
                LOG.warning("ceilometer: no volume is accounted for: %s; or take volume out of [ceilometer] resource_types", exc)
            else:
                yield Page(inventory=self._all_of(ask, "volume"))
        for measured in use(instances, lambda: self._interfaces(instances, gnocchi, ask, reach), gnocchi, self._meters):
            yield Page(measured=tuple(measured))
        yield Page(listed="")

    def _all_of(self, ask: Ask, kind: str) -> frozenset[str]:
        """The kind, where all that lives of it was listed: not what began after windows that ended long ago."""
        recent = min(window.end for window in ask.windows.values()) >= self._sources.now() - A_RUN
        return frozenset({kind}) if recent else frozenset()

    def _resources(
        self, gnocchi: Gnocchi, resource_type: str, ask: Ask, reach: Reach, *, history: bool
    ) -> Iterator[ResourcePage]:
        window = Window(_earliest(ask), max(window.end for window in ask.windows.values()))
        return gnocchi.resources(resource_type, sorted(ask.windows), window, history=history)

    def _interfaces(self, instances: Sequence[Instance], gnocchi: Gnocchi, ask: Ask, reach: Reach) -> Iterator[Counted]:
        """The interfaces of these instances."""
        if INTERFACE not in self._types or not instances:
            return
        by_id = {one.uuid: one for one in instances}
        try:
            for page in self._resources(gnocchi, INTERFACE, ask, reach, history=False):
                for row in page.rows:
                    if isinstance(row, ResourceRow) and row.instance_id in by_id:
                        yield Counted(row.id, by_id[row.instance_id], row.metrics)
        except MissingError as exc:
            LOG.warning(
                "ceilometer: no traffic is accounted for: %s; or take %s out of [ceilometer] resource_types", exc, INTERFACE
            )


def measured_since(ask: Ask, project_id: str) -> datetime:
    """From which midnight on measures are asked for: each slot is told whole, until it is told for good.

    Never back before the window where nobody was asked so far: that was not measured.
    """
    start = ask.windows[project_id].start
    asked_before = ask.memory.listing(project_id) is not None
    return max(BEGINNING, midnight(max(BEGINNING + TOLD_AFTER, start) - TOLD_AFTER if asked_before else start))


def _earliest(ask: Ask) -> datetime:
    return min(measured_since(ask, project_id) for project_id in ask.windows)


def _instances(page: ResourcePage, ask: Ask) -> Iterator[Instance]:
    """Whose use is asked for, and since when."""
    revisions: dict[str, list[ResourceRow]] = {}
    for row in page.rows:
        if isinstance(row, ResourceRow):
            revisions.setdefault(row.id, []).append(row)
    rows = {uuid: max(those, key=attrgetter("revision_start")) for uuid, those in revisions.items()}
    rows = {uuid: row for uuid, row in rows.items() if row.project_id in ask.windows}
    heard_late = [
        uuid
        for uuid, row in rows.items()
        if row.started_at < (since := measured_since(ask, str(row.project_id)))
        and min(one.revision_start for one in revisions[uuid]) >= since
    ]
    known: Mapping[str, Server] = ask.memory.known("server", heard_late) if heard_late else {}
    for uuid, row in rows.items():
        window = ask.windows[str(row.project_id)]
        is_late = uuid in heard_late and (uuid not in known or known[uuid].first_seen >= window.start)
        since = measured_since(ask, str(row.project_id))
        since = _since_the_month_began(row, window, since) if is_late else since
        yield Instance(
            uuid=uuid,
            project_id=str(row.project_id),
            window=Window(since, window.end),
            started=min(row.started_at, row.created_at or row.started_at),
            created=row.created_at,
            ended=row.ended_at,
            seen_at=page.arrived_at,
            metrics=row.metrics,
        )


def _since_the_month_began(row: ResourceRow, window: Window, since: datetime) -> datetime:
    """What caso got to know late is measured since it was made, within the month of the window."""
    return min(since, max(midnight(row.started_at), Month.of(window.start).start))


def _everybody(gnocchi: Gnocchi, ask: Ask) -> Collection[str | None]:
    """Who has instances, by a page of all; not asked where nothing is known that could have ended."""
    if not any(True for project_id in ask.windows for _ in ask.memory.living("server", project_id)):
        return (None,)
    window = Window(_earliest(ask), max(window.end for window in ask.windows.values()))
    page = next(gnocchi.resources(INSTANCE, None, window, history=False), None)
    return set(map(owner_of, page.rows)) if page else ()
