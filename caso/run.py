"""One run: ask, observe, account, deliver. What a scope suffers goes into the report, and costs no other."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from caso import history, lagging
from caso.delivery import deliver, preview, subscribe
from caso.extraction import extract
from caso.extractors.base import Page
from caso.job import Job
from caso.keeping import close, forget_odd_of_nobody, take
from caso.lastrun import keep_lastrun
from caso.report import Coverage, Report, ScopeReport
from caso.retiring import departed, retire
from caso.settling import Accounts, settle
from caso.store import Lease, Step, Store
from caso.tasks import locks_of, plan_scopes, tasks_for
from caso.window import Month

LOG = logging.getLogger(__name__)

Clock = Callable[[], datetime]

TELLS_AGAIN = timedelta(days=7)
"""An extractor that runs of this job do not have, and that told something so long ago, is taken to be there still."""


class Watcher(Protocol):
    """Is told how a run goes on; a progress bar, or a test.

    Steps, in order: ``planned`` (scopes), ``observed`` (objects of a page), ``parts`` (those to be accounted for:
    scopes, and months of the past), ``settled`` (records of a part), ``delivered`` (records of a batch), each with its count.
    """

    def step(self, name: str, count: int) -> None: ...


class Silent:
    def step(self, name: str, count: int) -> None:
        """Nobody watches."""


def run(job: Job, store: Store, clock: Clock, watcher: Watcher | None = None, report: Report | None = None) -> Report:
    """Ask what happened since each checkpoint, keep it, account for it, and hand on what is due.

    Raises StoreError when the store cannot be written; every other failure is in the report. One that is given
    is filled, so that whoever gave it has what was done until then.
    """
    report = report or Report()
    report.began = report.began or clock()
    try:
        _run(job, store, clock, watcher or Silent(), report)
    finally:
        report.calls = job.traffic.calls()
        report.ended = clock()
    return report


def _run(job: Job, store: Store, clock: Clock, watcher: Watcher, report: Report) -> None:
    _open(report, job, store)
    subscribe(store, job.outlets, clock(), whole=not job.some_outlets)
    leaving = departed(job, store.checkpoints.all())
    job = dataclasses.replace(job, projects=[*job.projects, *leaving])
    lagging.warn(job, store, clock())
    lagging.warn_of_the_future(job, store, clock())
    locks = locks_of(job, store)
    with store.locks.acquire_some(locks.values(), clock()) as lease:
        _tell_of_locked(report, lease)
        report.scopes = plan_scopes(job, store, [scope for scope, name in locks.items() if name in lease.held], leaving)
        history.begin(job, store, report.scopes)
        watcher.step("planned", len(report.scopes))
        started = _ask(job, store, report, lease, clock, watcher)
        _account(job, store, report, started, lease, clock, watcher)
    if not report.locked:
        lagging.warn(job, store, clock(), after=True)
    if job.dry_run:
        report.preview = preview(store, job.outlets)
    else:
        report.deliveries = deliver(store, job.outlets, clock, lambda count: watcher.step("delivered", count))
        report.lastrun = keep_lastrun(job, job.lastrun_dir, store, report.deliveries) if job.lastrun_dir else None
    store.ledger.purge(_months_before(Month.of(job.period.now), job.keep_months))
    for known in (extractor.messages_known for extractor in job.extractors.values()):
        if known is not None:
            store.forget_events(clock() - known)


def _tell_of_locked(report: Report, lease: Lease) -> None:
    report.locked = sorted(lease.refused)
    if report.locked:
        holder = lease.refused[report.locked[0]]
        LOG.warning("%d scopes are held by another run (%s) and left to it", len(report.locked), holder)


def _ask(job: Job, store: Store, report: Report, lease: Lease, clock: Clock, watcher: Watcher) -> datetime:
    """Keep what the extractors tell, and what is missing from all that they tell; the time since when that was asked."""
    started = clock()
    if job.dry_run:
        for extractor in job.extractors.values():
            extractor.rehearse()
    tasks, traffic = tasks_for(job, store, report.scopes), job.traffic
    first = [task for task in tasks if not task.extractor.needs]
    # They ask about what the first ones tell.
    then = [task for task in tasks if task.extractor.needs]
    for stage in (first, then):
        for task, event in extract(stage, job.threads, traffic.deadline, per_service=traffic.at_once):
            take(store, report, job.cloud, task, event, clock())
            watcher.step("observed", len(event.seen) if isinstance(event, Page) else 0)
            # A clock that was set back meanwhile must not make what was just seen look as if it had been missed.
            if isinstance(event, Page) and not task.extractor.cloud_wide:
                started = min([started, *(seen.seen_at for seen in event.seen)])
            lease.renew(clock())
    tellers = _tellers(job, store, started)
    for scope in report.scopes:
        close(store, scope, tellers, started, clock())
    history.note_seen(store, report.scopes)
    return started


def _account(job: Job, store: Store, report: Report, started: datetime, lease: Lease, clock: Clock, watcher: Watcher) -> None:
    """Make the records of all that was seen, part by part, and let go of projects that had their last window."""
    observes = {name: extractor.observes for name, extractor in job.extractors.items()}
    accounts = Accounts(job.rules, _vos(job, store), observes, started)
    parts = list(history.parts(store, report.scopes, observes))
    watcher.step("parts", len(parts))
    for scope, plan in parts:
        settled = settle(store, accounts, plan, whole=scope.whole, moves=not scope.unreachable, last=scope.last)
        scope.settled += settled
        watcher.step("settled", settled.changes.news)
        lease.renew(clock())
    for scope in report.scopes:
        if scope.last and not _is_waited_with(scope, report.scopes, observes):
            retire(store, scope, clock())
    _note_success(job, store, report, started, clock())
    forget_odd_of_nobody(job, store, report, started)


def _tellers(job: Job, store: Store, now: datetime) -> dict[str, frozenset[str]]:
    """By kind, the extractors that tell of it: those of the run, and of others that told of late, as they may again."""
    others = [
        one for one in store.checkpoints.all() if one.until > now - TELLS_AGAIN and one.scope.extractor not in job.extractors
    ]
    tells = {one.scope.extractor: one.kinds for one in others}
    tells |= {
        name: frozenset() if extractor.cloud_wide else extractor.observes | extractor.mentions
        for name, extractor in job.extractors.items()
    }
    kinds = frozenset[str]().union(*tells.values())
    return {kind: frozenset(name for name, told in tells.items() if kind in told) for kind in kinds}


def _is_waited_with(scope: ScopeReport, scopes: Collection[ScopeReport], observes: Mapping[str, frozenset[str]]) -> bool:
    """Whether who measures its servers has not told all: that is accounted for with the servers, and they come with it again."""
    if "server" not in observes[scope.scope.extractor]:
        return False
    same = [one for one in scopes if (one.scope.region, one.project.id) == (scope.scope.region, scope.project.id)]
    return any(one.last and not one.whole and "measure" in observes[one.scope.extractor] for one in same)


def _note_memory(step: Step, scope: ScopeReport, kinds: Collection[str], started: datetime) -> None:
    """What the next run may build on."""
    if scope.listed is not None:
        # It was listed a moment after: what happens meanwhile is asked for again.
        step.checkpoints.note_listing(scope.scope, scope.plan.window.end, scope.listed)
    if scope.vouched and scope.vouched.issuperset(kinds):
        step.checkpoints.note_vouched(scope.scope, started)


def _note_success(job: Job, store: Store, report: Report, started: datetime, at: datetime) -> None:
    """Of scopes whose checkpoints moved on, when that was, and of all what their projects are called."""
    # The name of a project in its last window is only its id.
    names = {one.scope: one.project.name for one in report.scopes if not one.last}
    with store.transaction() as step:
        for scope in report.scopes:
            # On what is known of a project that leaves, nothing is built should it come back.
            if scope.plan.live and scope.whole and not scope.unreachable and not scope.last:
                _note_memory(step, scope, job.extractors[scope.scope.extractor].observes, started)
        step.checkpoints.note_names(names)
        step.checkpoints.note_success(
            [one.scope for one in report.scopes if one.plan.live and one.whole and not one.unreachable], at
        )


def _open(report: Report, job: Job, store: Store) -> None:
    report.unmapped, report.missing, report.trouble = list(job.unmapped), list(job.missing.values()), job.trouble
    report.dry_run, report.kept = job.dry_run, lagging.kept_by(job)
    if not (job.narrowed or job.trouble):
        report.coverage = Coverage(job.cloud, frozenset(job.rules), frozenset(job.extractors))
    for project in job.unmapped:
        LOG.warning(
            "project %s (%s) has no VO and is left undone; set one of the properties of vo_property on it, "
            "or put it into mapping_file",
            project.name,
            project.id,
        )
    known = {checkpoint.scope.cloud for checkpoint in store.checkpoints.all()}
    if known and not job.trouble and job.cloud not in known and job.period.since is None:
        LOG.warning(
            "the store knows of the cloud %s, and not of %s: every project is extracted as for the first time; "
            "if it is the same cloud, name it with --os-cloud as before",
            " and ".join(repr(name) for name in sorted(known)),
            repr(job.cloud),
        )
    for why in job.missing.values():
        LOG.error("%s", why)
    if job.trouble:
        LOG.error("nothing can be extracted: %s", job.trouble)


def _vos(job: Job, store: Store) -> dict[str, str]:
    """The VO of each project, as last known of those that this run is not about: servers may have been theirs."""
    last = {checkpoint.scope.project_id: checkpoint.vo for checkpoint in store.checkpoints.all() if checkpoint.vo}
    return last | {project.id: project.vo for project in job.projects if project.vo}


def _months_before(month: Month, count: int) -> Month:
    index = month.year * 12 + month.month - 1 - count
    return Month(index // 12, index % 12 + 1)
