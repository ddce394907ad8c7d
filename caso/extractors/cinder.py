"""Volumes, as Cinder lists them.

Cinder shows no deleted volumes: one that is missing from a complete listing has vanished. Where a project has many volumes,
and nearly all of them are known, the listing is saved: what changed is asked for, and the project's total is compared
with what is known then. That takes three requests, of which none is heavy; a listing takes one for each 1000 volumes, and joins
a handful of tables for each of them. So below ``many`` volumes one listing is the cheaper way.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import ClassVar, Self

from oslo_config import cfg

from caso.extractors.base import Ask, Extractor, OddObject, Page
from caso.extractors.sharing import Reach, ask_within_reach, require_whole_view, require_worth_sharing
from caso.extractors.times import OVERLAP, UnreadableError, listed_since
from caso.extractors.volumes import see
from caso.lifecycle.volume import Volume, VolumeSeen
from caso.sources import OddRow, Sources, VolumePage, Volumes
from caso.window import BEGINNING

MANY = 1000
"""As many as a page of Cinder has unless its operator set less: up to here a listing is one request."""


class CinderExtractor(Extractor):
    """The volumes that there are; one project with more than ``many`` known ones is checked rather than listed."""

    observes: ClassVar[frozenset[str]] = frozenset({"volume"})
    service: ClassVar[str | None] = "block-storage"

    def __init__(self, sources: Sources, *, many: int = MANY) -> None:
        self._sources = sources
        self._many = many

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts.GroupAttr, sources: Sources, **shared: cfg.ConfigOpts.GroupAttr) -> Self:
        return cls(sources)

    def extract(self, ask: Ask) -> Iterator[Page]:
        """Pages as Cinder gives them; with several projects asked for, one listing of all projects, for an admin."""
        return ask_within_reach(ask, self._sources, lambda reach: self._pages(ask, reach), silent=True)

    def _pages(self, ask: Ask, reach: Reach) -> Iterator[Page]:
        # Cinder sums up the volumes of the token's project, or of the whole cloud: never of one out of all.
        if not reach.all_projects:
            known: Sequence[Volume] = ask.memory.living("volume", str(reach.scope))
            if len(known) > self._many:
                checked = self._check(ask, reach, known)
                if checked is not None:
                    yield checked
                    return
        yield from self._list(ask, reach)

    def _list(self, ask: Ask, reach: Reach) -> Iterator[Page]:
        volumes = self._sources.volumes(ask.region, reach.scope)
        owners: set[str | None] = set()
        listing = volumes.volumes(reach.of, all_projects=reach.all_projects, project_id=reach.project_id)
        for number, page in enumerate(listing):
            if number == 0:
                require_worth_sharing([row.tenant_id for row in page.rows], page.more, ask, "volumes")
            owners.update(row.tenant_id for row in page.rows)
            yield self._page(page, ask)
        require_whole_view(owners, reach, "cinder", lambda: _everybody(volumes, ask, reach))
        yield Page(inventory=self.observes)

    def _check(self, ask: Ask, reach: Reach, known: Sequence[Volume]) -> Page | None:
        """What changed, with all else seen again where nothing vanished; None where that cannot be told.

        The order of the three questions closes the gaps between them: changed, total, made. A volume that vanished makes the
        total smaller than what is known, unless another of its size came into the project that is in neither list. What came
        before the first question is in the first list or, without a change, in the last; what was made between the two
        lists is in the last. To be in neither, it would have to be made, finished, and deleted again while three requests are
        answered (or handed over by another project in that moment): then the next run finds out, which knows one
        volume more than there are. What is made after the total is in the last list, and only has all be listed.
        """
        volumes = self._sources.volumes(ask.region, reach.scope)
        if not volumes.compares_times:
            return None
        (window,) = ask.windows.values()
        # Whatever the window is: of what is known, nothing may have changed since it was seen.
        since = max(BEGINNING, min([listed_since(window), *(volume.known_at - OVERLAP for volume in known)]))
        changed = [self._page(page, ask) for page in volumes.volumes(reach.of, changed_since=since)]
        total = volumes.total(reach.of)
        made = [self._page(page, ask) for page in volumes.volumes(reach.of, made_since=since)]
        told = {seen.uuid: seen for page in (*changed, *made) for seen in page.seen if isinstance(seen, VolumeSeen)}
        seen = {volume.uuid: volume.seen_again(total.arrived_at) for volume in known} | told
        odd = any(page.odd for page in (*changed, *made))
        if odd or (len(seen), sum(one.state.size_gib for one in seen.values())) != (total.count, total.size_gib):
            return None
        return Page(tuple(seen.values()))

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


def _everybody(volumes: Volumes, ask: Ask, reach: Reach) -> Collection[str | None]:
    """Who has volumes, by a page of all; not asked where nothing of the project is known that could have ended."""
    if not any(ask.memory.living("volume", project_id) for project_id in ask.windows):
        return (None,)
    return {row.tenant_id for row in next(volumes.volumes(reach.of, all_projects=True)).rows}
