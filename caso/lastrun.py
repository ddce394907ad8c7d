"""The way back to cASO: its files kept current, so that it could go on where caso stopped."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from caso.delivery import Delivery
from caso.errors import StoreError
from caso.job import Job
from caso.store import Store, lastrun_marks, names_of_lastrun, write_lastrun

LOG = logging.getLogger(__name__)


def keep_lastrun(job: Job, folder: Path, store: Store, deliveries: Sequence[Delivery]) -> StoreError | None:
    """Bring cASO's files up to date; why that could not be, or None.

    Not as long as something is due to a messenger: cASO would go on after it, and nobody would ever send it.
    """
    absent = set(store.ledger.inspection.messengers()) - {delivery.name for delivery in deliveries}
    left = any(delivery.error or delivery.tally.due for delivery in deliveries)
    # A run with messengers of its own leaves to the others what is due to them.
    if left or any(store.ledger.counts(name).due for name in absent):
        LOG.info("cASO's lastrun files stay as they are, until every messenger has what is due to it")
        return None
    checkpoints = store.checkpoints.all()
    reached = {checkpoint.scope for checkpoint in checkpoints}
    scopes = {scope for scope, _ in job.scopes() if scope in reached or job.offers(scope)}
    if job.narrowed:
        # cASO would go on after the mark with all of its extractors, also with those that this run was not about.
        projects = {scope.project_id for scope in scopes}
        others = (one.scope for one in checkpoints if one.scope.cloud == job.cloud and one.retired is None)
        scopes |= {scope for scope in others if scope.project_id in projects}
    marks = lastrun_marks(
        checkpoints,
        sorted(scopes),
        {project.id: project.name for project in job.projects},
        job.named,
        names_of_lastrun(folder),
    )
    try:
        write_lastrun(folder, marks)
    except StoreError as exc:
        LOG.error("%s", exc)
        return exc
    return None
