"""Pages of Gnocchi's resources to pages of what was seen: lives of servers and volumes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain, groupby
from typing import TypeVar

from caso.extractors import metered_servers, metered_volumes
from caso.extractors.base import Ask, OddObject, Page, Seen
from caso.extractors.flavors import FlavorReader
from caso.extractors.metered_days import BESIDE
from caso.extractors.metered_sizes import METRICS, Levels, Sized, Sizes, remembered
from caso.extractors.metered_volumes import SIZE
from caso.extractors.metering import Meters
from caso.extractors.sharing import Reach
from caso.extractors.times import UnreadableError, listed_since
from caso.lifecycle.server import Server
from caso.sources import OddRow, Sources
from caso.sources.gnocchi import Gnocchi
from caso.sources.gnocchi_rows import Point, ResourcePage, ResourceRow
from caso.window import BEGINNING, Window

Revisions = list[ResourceRow]
K = TypeVar("K")


class Lives:
    """Reads resources as lives; what they are looked up in is looked up once for a page."""

    def __init__(self, sources: Sources, reader: FlavorReader, meters: Meters) -> None:
        self._sources = sources
        self._sizes = Sizes(sources, reader)
        self._meters = meters

    def servers(self, page: ResourcePage, ask: Ask, reach: Reach, gnocchi: Gnocchi) -> Page:
        """The servers of a page of instances."""
        resources, odd = _resources("server", page, ask)
        sized = self._sized(resources, page.arrived_at, ask, reach, gnocchi)

        def see(revisions: Revisions) -> Iterator[Seen]:
            sizes = [_require(sized(row), row) for row in revisions]
            last = revisions[-1]
            yield metered_servers.see(revisions, sizes, last.project_id or "", page.arrived_at, self._user(last))

        return _page("server", resources, odd, see)

    def volumes(self, page: ResourcePage, ask: Ask, gnocchi: Gnocchi) -> Page:
        """The volumes of a page."""
        resources, odd = _resources("volume", page, ask)
        known = ask.memory.known("volume", [revisions[-1].id for revisions in resources])
        levels = self._levels((SIZE,), "volume", (revisions[-1] for revisions in resources), page.arrived_at, ask, gnocchi)

        def see(revisions: Revisions) -> Iterator[Seen]:
            last = revisions[-1]
            sizes = levels.get(last.id, {}).get(SIZE, ())
            yield from metered_volumes.see(revisions, sizes, known.get(last.id), page.arrived_at, self._user(last))

        return _page("volume", resources, odd, see)

    def _user(self, row: ResourceRow) -> str | None:
        return self._sources.users.name(row.user_id) if row.user_id else None

    def _sized(
        self, resources: Sequence[Revisions], now: datetime, ask: Ask, reach: Reach, gnocchi: Gnocchi
    ) -> Callable[[ResourceRow], Sized | None]:
        """How large the flavors of these are. What Nova does not list is remembered, or the instance was measured."""
        rows = list(chain.from_iterable(resources))
        found: dict[tuple[str, datetime], Sized | None] = {
            _key(row): self._sizes.listed(row, ask.region, reach.scope) for row in rows
        }
        unlisted = [row for row in rows if found[_key(row)] is None]
        if unlisted:
            servers: Mapping[str, Server] = ask.memory.known("server", {row.id for row in unlisted})
            found |= {_key(row): remembered(row, servers) for row in unlisted}
            unknown = [row for row in unlisted if found[_key(row)] is None]
            levels = self._levels(METRICS, "instance", unknown, now, ask, gnocchi)
            found |= {_key(row): self._sizes.measured(row, levels.get(row.id, {})) for row in unknown}
        for row in unlisted:
            if (sized := found[_key(row)]) is not None:
                self._sizes.note(row, sized)
        return lambda row: found[_key(row)] or self._sizes.noted(row)

    def _levels(
        self, metrics: Sequence[str], resource_type: str, rows: Iterable[ResourceRow], now: datetime, ask: Ask, gnocchi: Gnocchi
    ) -> dict[str, Levels]:
        """What was measured of resources, by resource and metric."""
        latest = {row.id: row for row in rows}
        windows = ask.windows.values()
        start = max(BEGINNING, min(window.start for window in windows)) - BESIDE
        window = Window(start, max(window.end for window in windows))
        found: dict[str, dict[str, Sequence[Point]]] = {}
        for metric in metrics:
            asked = {row.id: row.metrics[metric] for row in latest.values() if metric in row.metrics}
            for told in self._meters.readings(gnocchi, metric, resource_type, asked, window, now):
                found.setdefault(told.resource_id, {})[metric] = told.points
        return dict(found)


def _key(row: ResourceRow) -> tuple[str, datetime]:
    return row.id, row.revision_start


def _require(sized: Sized | None, row: ResourceRow) -> Sized:
    if sized is None:
        raise UnreadableError(
            f"neither Nova's list of flavors nor the meters vcpus and memory tell how large flavor {row.flavor_name} is"
        )
    return sized


def _page(kind: str, resources: Iterable[Revisions], odd: list[OddObject], see: Callable[[Revisions], Iterator[Seen]]) -> Page:
    seen: list[Seen] = []
    for revisions in resources:
        try:
            seen += see(revisions)
        except UnreadableError as exc:
            last = revisions[-1]
            odd.append(OddObject(kind, last.id, last.project_id, str(exc), last.ended_at is not None))
    return Page(tuple(seen), tuple(odd))


def _resources(kind: str, page: ResourcePage, ask: Ask) -> tuple[list[Revisions], list[OddObject]]:
    """The resources of a page that are asked about, each with its revisions; and what cannot be read."""
    resources: list[Revisions] = []
    odd: list[OddObject] = []
    for _, group in groupby(page.rows, key=lambda row: row.id):
        revisions = list(group)
        readable = [row for row in revisions if isinstance(row, ResourceRow)]
        unreadable = [row for row in revisions if isinstance(row, OddRow)]
        owner = owner_of(revisions[-1])
        if owner is not None and owner not in ask.windows:
            continue
        if unreadable:
            odd.append(OddObject(kind, unreadable[0].id, owner, unreadable[0].reason))
        elif owner is None:
            odd.append(OddObject(kind, readable[-1].id, None, "it has no project_id"))
        elif _is_news(readable[-1], ask.windows[owner]):
            resources.append(readable)
    return resources, odd


def owner_of(row: ResourceRow | OddRow) -> str | None:
    """The project that a resource belongs to, where that can be read."""
    return row.tenant_id if isinstance(row, OddRow) else row.project_id


def _is_news(row: ResourceRow, window: Window) -> bool:
    """Whether it lived in the window, or its end was told in it."""
    since = listed_since(window)
    return row.ended_at is None or row.ended_at >= since or row.revision_start >= since
