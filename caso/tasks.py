"""From a job and the checkpoints to the questions of a run: one for each extractor and region, over all its projects."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from caso.extraction import Task
from caso.extractors.base import Ask, Listing
from caso.job import Job
from caso.lifecycle.notice import Fate, Notice
from caso.planning import asked_again, goes_back, plan, resume
from caso.projects import Project
from caso.report import ScopeReport
from caso.store import Checkpoint, Place, Quarantined, Scope, Store
from caso.window import BEGINNING, Window

LOG = logging.getLogger(__name__)

METERS_ALONE = frozenset({"energy", "measure"})
"""What an extractor observes that tells of no lives: what it does not tell of the past counts as allotted."""


def locks_of(job: Job, store: Store) -> dict[Scope, str]:
    """The name of the lock of each scope: extracting its past again has one of its own, as that moves no checkpoint."""
    reached = {checkpoint.scope: checkpoint for checkpoint in store.checkpoints.all()}
    resumed = {one.scope: asked_again(one, job.period.now) for one in job.unfinished}
    return {
        scope: f"{'history' if goes_back(reached.get(scope), resumed.get(scope, job.period)) else 'scope'} {'/'.join(scope)}"
        for scope, _ in job.scopes()
    }


def plan_scopes(job: Job, store: Store, held: Collection[Scope], leaving: Sequence[Project]) -> list[ScopeReport]:
    """The scopes that there is something to ask about, of those whose locks are ``held``; ``leaving`` for the last time."""
    if job.period.resumed:
        projects = {project.id: project for _, project in job.scopes()}
        left = [one for one in job.unfinished if one.scope in held]
        plans = [resume(one, store.checkpoints.get(one.scope), job.period.now) for one in left]
        return [ScopeReport(again, projects[again.scope.project_id]) for again in plans if again]
    planned = []
    # Where cASO stopped is long past for what was taken over from there under another name of the cloud.
    marks = store.checkpoints.all()
    begun = {one.scope.project_id for one in marks if one.scope.cloud != job.cloud}
    # And for a meter that is new where others went on since.
    gone_on = {one.scope.project_id for one in marks if one.succeeded and one.until > (one.since or BEGINNING)}
    for scope, project in job.scopes():
        if scope not in held:
            continue
        checkpoint = store.checkpoints.get(scope)
        if project in leaving and (checkpoint is None or checkpoint.retired):
            # Of this scope there is nothing to end, or its last window has been: only others of the project wait for theirs.
            continue
        if checkpoint is None and not job.offers(scope):
            # Once it has told something, its service may not just be gone from the catalog.
            LOG.info("%s: region %s has no service for it", scope.extractor, scope.region)
            continue
        past = begun | gone_on if job.extractors[scope.extractor].observes <= METERS_ALONE else begun
        legacy = None if project.id in past else store.checkpoints.legacy(project.id, project.name)
        asked = plan(scope, checkpoint, legacy, job.period)
        if asked is None:
            LOG.info("%s: %s is extracted already until then", scope.extractor, project.name)
        else:
            planned.append(ScopeReport(asked, project, last=project in leaving))
    return planned


class Remembered:
    """What the store knows of a region, for extractors that can ask for less because of it.

    ``listings`` are by project: when the extractor in question last listed all of it.
    """

    def __init__(self, store: Store, place: Place, listings: Mapping[str, Listing]) -> None:
        self._store = store
        self._place = place
        self._listings = listings

    def listing(self, project_id: str) -> Listing | None:
        return self._listings.get(project_id)

    def living(self, kind: str, project_id: str) -> Iterable[Any]:
        return self._store.living(self._place, project_id, kind)

    def lived(self, kind: str, project_id: str, since: datetime) -> Iterable[Any]:
        return self._store.lived(self._place, project_id, kind, since)

    def known(self, kind: str, ids: Collection[str]) -> Mapping[str, Any]:
        return self._store.known(self._place, kind, ids)

    def volume_types(self) -> Mapping[str, str]:
        return self._store.volume_types.names(self._place)

    def waiting(self) -> Iterable[Notice]:
        return (held.notice for held in self._store.events.left([Fate.WAITING], self._place))


def tasks_for(job: Job, store: Store, scopes: Sequence[ScopeReport]) -> list[Task]:
    tasks = []
    marks = {checkpoint.scope: checkpoint for checkpoint in store.checkpoints.all()}
    for name, extractor in job.extractors.items():
        for region in job.rules:
            mine = [s for s in scopes if (s.scope.extractor, s.scope.region) == (name, region) and not s.plan.seen]
            if mine:
                place = Place(job.cloud, region)
                told = extractor.observes | extractor.mentions
                waiting = [odd for odd in store.quarantined(place) if odd.kind in told]
                windows = {s.scope.project_id: _reach_back(s, waiting) for s in mine}
                if "measure" in extractor.observes:
                    windows |= {s.scope.project_id: _reach_on(windows[s.scope.project_id], marks.get(s.scope)) for s in mine}
                names = {s.project.id: s.project.name for s in mine}
                memory = Remembered(store, place, dict(_listings(mine, marks)))
                tasks.append(Task(name, extractor, Ask(region, windows, names, memory)))
    return tasks


def _listings(scopes: Iterable[ScopeReport], marks: Mapping[Scope, Checkpoint]) -> Iterator[tuple[str, Listing]]:
    """By project, the last full listing, where what is known since then is to be gone on from."""
    for scope in scopes:
        mark = marks.get(scope.scope)
        # History is told as it is now; of a project that is asked for the last time, all is looked at once more.
        if mark and mark.listed and scope.plan.live and not scope.last:
            yield scope.scope.project_id, Listing(mark.listed, mark.listed_note or "")


def _reach_back(scope: ScopeReport, waiting: Sequence[Quarantined]) -> Window:
    """The window to list: from where the oldest quarantined object that may be this project's was first met.

    So it is met again, until it is well or gone.
    """
    window = scope.plan.window
    starts = [odd.window_start for odd in waiting if odd.project_id in (None, scope.scope.project_id)]
    return Window(min([window.start, *starts]), window.end)


def _reach_on(window: Window, mark: Checkpoint | None) -> Window:
    """The window up to where all is told already: records add up all since the first measure, and none in between may lack."""
    return Window(window.start, max(window.end, mark.until)) if mark else window
