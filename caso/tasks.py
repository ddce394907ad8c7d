"""From a job and the checkpoints to the questions of a run: one for each extractor and region, over all its projects."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

from caso.extraction import Task
from caso.extractors.base import Ask
from caso.job import Job
from caso.planning import plan
from caso.projects import Project
from caso.report import ScopeReport
from caso.store import Place, Quarantined, Scope, Store
from caso.window import Window

LOG = logging.getLogger(__name__)


def lock_of(scope: Scope) -> str:
    """The name of the lock of a scope."""
    return f"scope {'/'.join(scope)}"


def plan_scopes(job: Job, store: Store, held: Collection[str], leaving: Sequence[Project]) -> list[ScopeReport]:
    """The scopes that there is something to ask about, of those whose locks are ``held``; ``leaving`` for the last time."""
    planned = []
    for scope, project in job.scopes():
        if lock_of(scope) not in held:
            continue
        legacy = store.checkpoints.legacy(project.id, project.name)
        asked = plan(scope, store.checkpoints.get(scope), legacy, job.period)
        if asked is None:
            LOG.info("%s: %s is extracted already until then", scope.extractor, project.name)
        else:
            planned.append(ScopeReport(asked, project, last=project in leaving))
    return planned


def tasks_for(job: Job, store: Store, scopes: Sequence[ScopeReport]) -> list[Task]:
    tasks = []
    for name, extractor in job.extractors.items():
        for region in job.rules:
            mine = [s for s in scopes if (s.scope.extractor, s.scope.region) == (name, region)]
            if mine:
                waiting = store.quarantined(Place(job.cloud, region))
                windows = {s.scope.project_id: _reach_back(s, waiting) for s in mine}
                names = {s.project.id: s.project.name for s in mine}
                tasks.append(Task(name, extractor, Ask(region, windows, names)))
    return tasks


def _reach_back(scope: ScopeReport, waiting: Sequence[Quarantined]) -> Window:
    """The window to list: from where the oldest quarantined object that may be this project's was first met.

    So it is met again, until it is well or gone.
    """
    window = scope.plan.window
    starts = [odd.window_start for odd in waiting if odd.project_id in (None, scope.scope.project_id)]
    return Window(min([window.start, *starts]), window.end)
