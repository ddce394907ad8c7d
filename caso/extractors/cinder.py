"""Volumes, as Cinder lists them.

Cinder shows no deleted volumes: one that is missing from a complete listing has vanished. Where there are many volumes, and they
are known, the listing is saved: what changed is asked for, and the total is compared with what is known then. That takes three
requests, of which none is heavy; a listing takes one for each page, and joins a handful of tables for each volume:
a real Cinder took 1.5 s for 400. So a listing that serves all projects is saved from a hundred volumes on. Where each project
is asked for by itself, three requests for each are many: there it is saved where it takes more than one page.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import ClassVar, NamedTuple, Self

from oslo_config import cfg

from caso.extractors.base import Ask, Extractor, OddObject, Page
from caso.extractors.remembering import DAILY
from caso.extractors.sharing import Reach, ask_within_reach, require_whole_view, require_worth_sharing
from caso.extractors.times import UnreadableError, listed_since
from caso.extractors.volumes import see
from caso.lifecycle.volume import VolumeSeen, VolumeState
from caso.sources import OddRow, Sources, Total, VolumePage, VolumeRow, Volumes

HEAVY = 100
"""Volumes of all projects from which on three small questions are lighter than a listing."""


class Noted(NamedTuple):
    """Of a listing: how many pages it took, how many rows were on them, and what projects had that were not asked for."""

    pages: int
    rows: int
    others: Total

    @classmethod
    def of(cls, text: str) -> Self | None:
        """What a note says; None for one of another caso's."""
        try:
            pages, rows, count, size = map(int, text.split())
        except ValueError:
            return None
        return cls(pages, rows, Total(count, size))

    @property
    def text(self) -> str:
        return f"{self.pages} {self.rows} {self.others.count} {self.others.size_gib}"

    def after(self, rows: int, theirs: Total) -> Noted:
        """One page more, with so many rows, of which these are of others."""
        return Noted(self.pages + 1, self.rows + rows, self.others + theirs)

    def is_heavy(self, *, shared: bool) -> bool:
        """Whether another such listing is better saved."""
        return self.pages > 1 or (shared and self.rows >= HEAVY)


class CinderExtractor(Extractor):
    """The volumes that there are; known ones that take more than one page are checked rather than listed."""

    observes: frozenset[str] = frozenset({"volume"})
    service: ClassVar[str | None] = "block-storage"

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts.GroupAttr, sources: Sources, **shared: cfg.ConfigOpts.GroupAttr) -> Self:
        return cls(sources)

    def extract(self, ask: Ask) -> Iterator[Page]:
        """Pages as Cinder gives them; with several projects asked for, one listing of all projects, for an admin."""
        return ask_within_reach(ask, self._sources, lambda reach: self._pages(ask, reach), silent=True)

    def _pages(self, ask: Ask, reach: Reach) -> Iterator[Page]:
        noted = _noted(ask, reach)
        if noted and noted.is_heavy(shared=reach.all_projects):
            checked = self._check(ask, reach, noted.others)
            if checked is not None:
                yield checked
                return
        yield from self._list(ask, reach)

    def _list(self, ask: Ask, reach: Reach) -> Iterator[Page]:
        volumes = self._sources.volumes(ask.region, reach.scope)
        owners: set[str | None] = set()
        noted = Noted(0, 0, Total())
        listing = volumes.volumes(reach.of, all_projects=reach.all_projects, project_id=reach.project_id)
        for number, page in enumerate(listing):
            if number == 0:
                require_worth_sharing([row.tenant_id for row in page.rows], page.more, ask, "volumes")
            owners.update(row.tenant_id for row in page.rows)
            theirs = [row for row in page.rows if isinstance(row, VolumeRow) and row.tenant_id not in ask.windows]
            noted = noted.after(len(page.rows), Total(len(theirs), sum(row.size for row in theirs)))
            yield self._page(page, ask)
        require_whole_view(owners, reach, "cinder", lambda: _everybody(volumes, ask, reach))
        yield Page(inventory=self.observes, listed=noted.text)

    def _check(self, ask: Ask, reach: Reach, others: Total) -> Page | None:
        """What changed, with all else vouched for where nothing vanished; None where that cannot be told.

        The order of the three questions closes the gaps between them: changed, total, made. A volume that vanished makes the
        total smaller than what is known, unless another of its size came into the project that is in neither list. What came
        before the first question is in the first list or, without a change, in the last; what was made between the two
        lists is in the last. To be in neither, it would have to be made, finished, and deleted again while three requests are
        answered (or handed over by another project in that moment): then the next run finds out, which knows one
        volume more than there are. What is made after the total is in the last list, and only has all be listed.

        Out of all projects, Cinder sums up those of nobody here as well: ``others`` are what they had when all were listed.
        Where one of theirs has changed since, it cannot be told.
        """
        volumes = self._sources.volumes(ask.region, reach.scope)
        if not volumes.compares_times:
            return None
        since = min(listed_since(window) for window in ask.windows.values())
        everything = reach.all_projects
        changed = list(volumes.volumes(reach.of, all_projects=everything, changed_since=since))
        total = volumes.total(reach.of, all_projects=everything)
        made = list(volumes.volumes(reach.of, all_projects=everything, made_since=since))
        if any(row.tenant_id not in ask.windows for page in (*changed, *made) for row in page.rows):
            return None
        pages = [self._page(page, ask) for page in (*changed, *made)]
        told = {seen.uuid: seen for page in pages for seen in page.seen if isinstance(seen, VolumeSeen)}
        ours = _known(ask, told.keys()) + _sum(seen.state for seen in told.values())
        if any(page.odd for page in pages) or ours + others != total:
            return None
        return Page(tuple(told.values()), vouched=self.observes)

    def _page(self, page: VolumePage, ask: Ask) -> Page:
        seen: list[VolumeSeen] = []
        odd: list[OddObject] = []
        for row in page.rows:
            if row.tenant_id is not None and row.tenant_id not in ask.windows:
                continue
            if isinstance(row, OddRow):
                odd.append(OddObject("volume", row.id, row.tenant_id, row.reason))
                continue
            try:
                seen.append(see(row, page.arrived_at, self._sources.users.name(row.user_id)))
            except UnreadableError as exc:
                odd.append(OddObject("volume", row.id, row.tenant_id, str(exc)))
        return Page(tuple(seen), tuple(odd))


def _noted(ask: Ask, reach: Reach) -> Noted | None:
    """What was noted when all were listed; None where what is known will not do."""
    # One that vanished, and another of its size made in the same moment, are noticed when all are listed.
    listings = DAILY.fresh(ask)
    # Of one project out of all, Cinder sums up nothing.
    if len(listings) < len(ask.windows) or reach.project_id is not None:
        return None
    # Projects that were listed apart were not told of the same others.
    first, *rest = set(listings.values())
    return None if rest else Noted.of(first.note)


def _known(ask: Ask, but: Collection[str]) -> Total:
    """What is known of the projects and lives, but for some that are told anew."""
    volumes = (volume for project_id in ask.windows for volume in ask.memory.living("volume", project_id))
    return _sum(volume.newest_claim.value for volume in volumes if volume.uuid not in but)


def _sum(states: Iterable[VolumeState]) -> Total:
    return sum((Total(1, state.size_gib) for state in states), Total())


def _everybody(volumes: Volumes, ask: Ask, reach: Reach) -> Collection[str | None]:
    """Who has volumes, by a page of all; not asked where nothing of the project is known that could have ended."""
    if not any(True for project_id in ask.windows for _ in ask.memory.living("volume", project_id)):
        return (None,)
    return {row.tenant_id for row in next(volumes.volumes(reach.of, all_projects=True)).rows}
