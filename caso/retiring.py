"""Projects that are no longer to be accounted for: one last window, then their scopes are retired."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from datetime import datetime

from caso.errors import DeniedError
from caso.job import Job
from caso.projects import Project
from caso.report import ScopeReport
from caso.store import Checkpoint, Store

LOG = logging.getLogger(__name__)


def departed(job: Job, checkpoints: Sequence[Checkpoint]) -> list[Project]:
    """The projects of the job that have a checkpoint which is not retired, and are not listed any more.

    A checkpoint of a region or an extractor that the job does not ask keeps nobody: this job cannot end it.
    Their VO is the one that was last known; their name is not, so it is the id. None of them where
    the job is about some projects only, or about the past.
    """
    if job.listed is None or job.period.since is not None:
        return []
    vos = {
        checkpoint.scope.project_id: checkpoint.vo
        for checkpoint in checkpoints
        if checkpoint.scope.cloud == job.cloud
        and checkpoint.scope.region in job.rules
        and checkpoint.scope.extractor in job.extractors
        and checkpoint.scope.project_id not in job.listed
        and checkpoint.retired is None
        and checkpoint.vo
    }
    return [Project(project_id, project_id, vo, "last known") for project_id, vo in sorted(vos.items())]


def end_what_is_out_of_reach(store: Store, report: ScopeReport, kinds: Collection[str], started: datetime, now: datetime) -> None:
    """Where the last window is denied (the role or the project is gone), what is of ``kinds`` ends where it was last seen.

    The checkpoint stays: should the project or the role come back, that window is asked for once more.
    """
    if isinstance(report.error, DeniedError):
        reason = "its project is no longer accounted for, and cannot be asked any more"
        for kind in sorted(kinds):
            store.vanish(
                report.scope,
                seen_since=started,
                at=now,
                reason=reason,
                kind=kind,
                unlisted=True,
            )
        with store.transaction() as step:
            step.checkpoints.forget_listing(report.scope)
        report.error = None
        report.ended = report.unreachable = True


def retire(store: Store, report: ScopeReport, at: datetime) -> None:
    """Ask no more about the scope; should its project come back, it goes on from where it ended."""
    if report.whole:
        with store.transaction() as step:
            step.checkpoints.retire(report.scope, at)
        LOG.warning(
            "%s: project %s is no longer to be accounted for: its last window ended at %s; give it back the tag to go on",
            report.scope.extractor,
            report.project.id,
            f"{report.reached:%FT%TZ}",
        )
