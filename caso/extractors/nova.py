"""Servers, as Nova lists them."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cache, partial
from typing import ClassVar, Self

from oslo_config import cfg

from caso import __version__
from caso.errors import DeniedError
from caso.extractors.base import Ask, Extractor, Listing, OddObject, Page
from caso.extractors.changes import Changes
from caso.extractors.flavors import ACCELERATOR_OPTIONS, BENCHMARK_OPTIONS, AcceleratorKeys, BenchmarkKeys, FlavorReader
from caso.extractors.images import ImageNames
from caso.extractors.remembering import FULL_LISTING_HOURS, Trust, reaching_back
from caso.extractors.servers import see
from caso.extractors.sharing import PLAIN_ROLES, Reach, ask_within_reach, require_worth_sharing
from caso.extractors.times import OVERLAP, UnreadableError, listed_since
from caso.lifecycle.server import ServerSeen
from caso.sources import Compute, OddRow, PartialRow, ScopeOrProject, ServerPage, ServerRow, Sources
from caso.window import Window

LOG = logging.getLogger(__name__)

LONG = timedelta(hours=12)
"""In less, so little changes that leaving out some of it saves no page."""


class NovaExtractor(Extractor):
    """The servers that changed in the windows, deleted ones included; before them, now and then, all that are alive.

    In this order nothing slips between the two: a server that ends, is made or changes while the first is read is in the
    second, which is the later truth. The other way round, one that ends in between would be in neither. Of changes that are
    older than the first, those of servers that are alive are left out where the role allows it.

    Of a server that is not as it was known, Nova is asked what was done to it and when: one request for each of these.
    """

    observes: frozenset[str] = frozenset({"server"})
    service: ClassVar[str | None] = "compute"
    options: ClassVar[tuple[cfg.Opt, ...]] = (
        cfg.StrOpt(
            "image_id_property",
            default="vmcatcher_event_ad_mpuri",
            help="Image property that is published as the image's id where an image has it. Empty: Glance is not asked.",
        ),
        FULL_LISTING_HOURS,
        cfg.IntOpt(
            "deleted_kept_days",
            default=30,
            min=0,
            help="Days that Nova tells of a deleted server: caso warns before a project lags so far. The cron job that runs "
            "nova-manage db archive_deleted_rows says it, by --before; with no --before it is less than the time between two "
            "runs of the job. 0: nobody archives them.",
        ),
    )
    shared_options: ClassVar[Mapping[str, tuple[cfg.Opt, ...]]] = {
        "benchmark": BENCHMARK_OPTIONS,
        "accelerator": ACCELERATOR_OPTIONS,
    }

    def __init__(
        self,
        sources: Sources,
        *,
        benchmark: BenchmarkKeys | None = None,
        accelerator: AcceleratorKeys | None = None,
        image_id_property: str = "vmcatcher_event_ad_mpuri",
        deleted_kept: timedelta | None = None,
        full_listing_every: timedelta = timedelta(days=1),
    ) -> None:
        self.deleted_kept = deleted_kept
        self._trust = Trust(full_listing_every)
        # Another caso may read more of a row.
        self._settings = repr((__version__, benchmark, accelerator, image_id_property))
        self._sources = sources
        self._flavors = FlavorReader(benchmark or BenchmarkKeys(), accelerator or AcceleratorKeys())
        self._images = ImageNames(sources, image_id_property)

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts.GroupAttr, sources: Sources, **shared: cfg.ConfigOpts.GroupAttr) -> Self:
        return cls(
            sources,
            benchmark=BenchmarkKeys.from_conf(shared["benchmark"]),
            accelerator=AcceleratorKeys.from_conf(shared["accelerator"]),
            image_id_property=conf.image_id_property,
            deleted_kept=timedelta(days=conf.deleted_kept_days) or None,
            full_listing_every=timedelta(hours=conf.full_listing_every),
        )

    def extract(self, ask: Ask) -> Iterator[Page]:
        """Pages as Nova gives them; with several projects asked for, one listing of all projects."""
        listings = self._trust.in_whole(ask)
        return ask_within_reach(ask, self._sources, lambda reach: self._pages(ask, reach, listings.values()))

    def _pages(self, ask: Ask, reach: Reach, listings: Collection[Listing]) -> Iterator[Page]:
        if listings and {listing.note for listing in listings} == {self._note(ask.region, reach.scope)}:
            yield from self._changed(ask, reach)
        else:
            yield from self._all(ask, reach)

    def _changed(self, ask: Ask, reach: Reach) -> Iterator[Page]:
        """What Nova tells as changed: whatever else is known of the projects goes on as it is."""
        compute = self._sources.compute(ask.region, reach.scope)
        changes = Changes(ask, compute)
        for number, page in enumerate(_servers(compute, reach)(changes_since=_earliest(ask))):
            if number == 0:
                require_worth_sharing([row.tenant_id for row in page.rows], page.more, ask, "changed servers")
            changed = _changed_in_its_window(page, ask.windows)
            self._ask_for_names(changed, ask, reach.scope)
            yield self._page(changed, ask, reach.scope, changes)
        # Who has a plain role is not told, and learns it from the next listing of all.
        hosts = None if self._sources.roles(reach.scope) <= PLAIN_ROLES else self._sources.unknown_hosts(ask.region, reach.scope)
        if hosts:
            yield Page(doubt=f"nova: a cell is down ({hosts} hosts), and what changed in it is not told")
        yield Page(vouched=self.observes)

    def _ask_for_names(self, page: ServerPage, ask: Ask, scope: ScopeOrProject) -> None:
        """Ask for all names that rows of the page have to be given, each kind of another service, side by side."""
        rows = [row for row in page.rows if isinstance(row, ServerRow) and row.tenant_id in ask.windows]
        if any(row.user_id for row in rows):
            self._sources.ask_ahead(self._sources.users.list)
        if any(row.image for row in rows):
            self._sources.ask_ahead(lambda: self._images.list(ask.region, scope))

    def _all(self, asked: Ask, reach: Reach) -> Iterator[Page]:
        """All that are alive, and what changed since that was last looked at."""
        ask = reaching_back(asked)
        # What every row is looked up in comes while the first page does, which takes Nova longest.
        self._sources.ask_ahead(
            lambda: self._sources.flavors(ask.region).listed(reach.scope),
            self._sources.users.list,
            lambda: self._images.list(ask.region, reach.scope),
        )
        compute = self._sources.compute(ask.region, reach.scope)
        changes = Changes(ask, compute, asked.windows)
        servers = _servers(compute, reach)
        # With a project's name as a filter, Nova says nothing of cells that are down.
        complete = compute.tells_of_cells and reach.project_id is None
        pages = 0
        for page in servers():
            pages += 1
            if pages == 1:
                require_worth_sharing([row.tenant_id for row in page.rows], page.more, ask, "servers")
            told = self._page(page, ask, reach.scope, changes, asked)
            # A page is let go of before the next one comes: each takes megabytes.
            del page
            yield told
            del told
        if pages > 1:
            # Nova shows servers of a cell that is down only as far as a page has room for them (compute/api.py, get_all).
            hosts = self._sources.unknown_hosts(ask.region, reach.scope)
            complete = complete and hosts == 0
            if hosts:
                yield Page(doubt=f"nova: a cell is down ({hosts} hosts), and which servers it hides is not told")
        if complete:
            yield Page(inventory=frozenset({"server"}))
        for page in self._not_alive(servers, ask, reach.scope):
            told = self._page(_changed_in_its_window(page, ask.windows), ask, reach.scope, changes, asked)
            del page
            yield told
            del told
        yield Page(listed=self._note(ask.region, reach.scope))

    def _not_alive(self, servers: Callable[..., Iterator[ServerPage]], ask: Ask, scope: ScopeOrProject) -> Iterator[ServerPage]:
        """What changed, after all that are alive were listed.

        In a long time most of that is of servers that were just listed. Whose role may filter asks for those that ended,
        and then for what changed since the listing began; who has a plain role is shown all that changed.
        """
        since, begun = _earliest(ask), min(window.end for window in ask.windows.values()) - OVERLAP
        if begun - since < LONG or self._sources.roles(scope) <= PLAIN_ROLES:
            yield from servers(changes_since=since)
        else:
            yield from servers(changes_since=since, ended=True)
            yield from servers(changes_since=begun)

    def _note(self, region: str, scope: ScopeOrProject) -> str:
        """What servers are looked at by besides their own rows: where it is another one, all are to be looked at again."""
        try:
            flavors = self._sources.flavors(region).listed(scope)
        except DeniedError:
            flavors = ()
        # Private ones differ from scope to scope.
        told = {row.name: self._flavors.told_by(row.extra_specs or {}) for row in flavors if row.public}
        set_there = sorted((name, properties) for name, properties in told.items() if any(properties))
        return hashlib.sha256(repr((self._settings, set_there)).encode()).hexdigest()

    def _page(self, page: ServerPage, ask: Ask, scope: ScopeOrProject, changes: Changes, checked: Ask | None = None) -> Page:
        seen: list[ServerSeen] = []
        odd: list[OddObject] = []
        hidden: Counter[str] = Counter()
        known = changes.known(page.rows)
        look = self._looking(ask.region, scope)
        for row in page.rows:
            if isinstance(row, PartialRow):
                # Whose it is may be hidden as well: then it may be anyone's.
                hidden.update([row.tenant_id] if row.tenant_id else ask.windows)
            elif row.tenant_id is not None and row.tenant_id not in ask.windows:
                continue
            elif isinstance(row, OddRow):
                odd.append(OddObject("server", row.id, row.tenant_id, row.reason, row.deleted))
            else:
                try:
                    seen.append(look(row, page.arrived_at))
                except UnreadableError as exc:
                    odd.append(OddObject("server", row.id, row.tenant_id, str(exc), row.status == "DELETED"))
        unfinished = {
            project_id: f"nova: a cell is down, and hides {count} servers of project {ask.name_of(project_id)}"
            for project_id, count in hidden.items()
            if project_id in ask.windows
        }
        if reason := self._images.doubt(ask.region):
            # What has ended is not listed any more once the checkpoint moves on, and would keep the wrong image for ever.
            unfinished = dict.fromkeys((one.project_id for one in seen if one.image_id), reason) | unfinished
        # Of any project, such a cell hides also what ended in it: of that no listing has a row.
        doubt = "nova: a cell is down, and what ended in it is not told" if hidden else None
        unmarked = frozenset(one.uuid for one in seen if checked is not None and _is_unmarked(one, checked))
        return Page(tuple(changes.since(known, seen)), tuple(odd), unfinished, doubt, unmarked=unmarked)

    def _looking(self, region: str, scope: ScopeOrProject) -> Callable[[ServerRow, datetime], ServerSeen]:
        """What is seen in a row of a page; what many rows name is looked up once for them all."""
        specs_of = cache(lambda flavor: self._current_specs(region, flavor, scope))
        image_name = cache(lambda image_id: self._images.find(image_id, region, scope))
        user_name = cache(self._sources.users.name)

        def look(row: ServerRow, arrived_at: datetime) -> ServerSeen:
            specs = specs_of(row.flavor.original_name)
            return see(
                row,
                arrived_at,
                self._flavors.read(row.flavor, specs),
                image_name=image_name(row.image.id) if row.image else None,
                user_name=user_name(row.user_id),
                properties_known=specs is not None,
            )

        return look

    def _current_specs(self, region: str, flavor: str, scope: ScopeOrProject) -> Mapping[str, str] | None:
        try:
            found = self._sources.flavors(region).find(flavor, scope)
        except DeniedError as exc:
            LOG.debug("flavors count as they were at boot: %s", exc)
            return None
        return None if found is None else found.extra_specs


def _servers(compute: Compute, reach: Reach) -> Callable[..., Iterator[ServerPage]]:
    return partial(compute.servers, reach.of, all_projects=reach.all_projects, project_id=reach.project_id)


def _earliest(ask: Ask) -> datetime:
    return min(listed_since(window) for window in ask.windows.values())


def _is_unmarked(seen: ServerSeen, ask: Ask) -> bool:
    """Whether its change, if it has one, was there to be told before the window that is asked for."""
    window = ask.windows[seen.project_id]
    remembered = ask.memory.listing(seen.project_id) is not None
    return remembered and (seen.ended or seen.unchanged_since) < listed_since(window)


def _changed_in_its_window(page: ServerPage, windows: Mapping[str, Window]) -> ServerPage:
    """The page without what changed before its project's own window, so that sharing a listing changes no answer."""

    def wanted(row: ServerRow | OddRow | PartialRow) -> bool:
        window = windows.get(row.tenant_id or "")
        if window is None or not isinstance(row, ServerRow) or row.updated is None:
            return True
        return row.updated >= listed_since(window)

    return dataclasses.replace(page, rows=tuple(row for row in page.rows if wanted(row)))
