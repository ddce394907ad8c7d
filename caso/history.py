"""Extracting the past again: month by month, oldest first, so that a run that was killed can be resumed."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Collection, Iterator, Sequence

from caso.errors import ConfigError
from caso.job import Job
from caso.planning import Period, Plan
from caso.report import ScopeReport
from caso.store import History, Store
from caso.window import Month

LOG = logging.getLogger(__name__)


def resumed(job: Job, store: Store) -> Job:
    """The job with what an interrupted run left of the stretch that it asks for, or of any where it names none.

    A stretch that is named and of which nothing is left is begun anew. Raises ConfigError where none is named and
    nothing is left.
    """
    unfinished = [one for one in store.histories.all() if one.scope.cloud == job.cloud]
    period = job.period
    if period.since is not None:
        mine = [one for one in unfinished if (one.asked_from, one.asked_to) == (period.since, period.asked_to)]
        return _with(job, mine) if mine else job
    if period.past:
        raise ConfigError("--resume: --extract-to says nothing without --extract-from; name both, or leave out both")
    if not unfinished:
        raise ConfigError("--resume: no extraction of the past was interrupted; name one with --extract-from and --extract-to")
    return _with(job, unfinished)


def _with(job: Job, unfinished: Sequence[History]) -> Job:
    asked = {scope for scope, _ in job.scopes()}
    if lost := {one.scope.project_id for one in unfinished if one.scope not in asked}:
        LOG.warning("%d projects of the interrupted extraction of the past are not accounted for in this run", len(lost))
    since, until = min(one.asked_from for one in unfinished), max(one.until for one in unfinished)
    return dataclasses.replace(job, period=Period(job.period.now, until, since, past=True, resumed=True), unfinished=unfinished)


def begin(job: Job, store: Store, scopes: Collection[ScopeReport]) -> None:
    """Note what of the past is to be accounted for, unless it is resumed.

    Also for the first time: a project that has no checkpoint when the run is killed would else be begun
    with the month of the next run, and nobody would miss the months before.
    """
    period = job.period
    if period.since is None or period.resumed or not scopes:
        return
    plans = [scope.plan for scope in scopes]
    asked = {plan.scope for plan in plans if not plan.live}
    if left := [one for one in store.histories.all() if one.scope in asked]:
        LOG.warning(
            "what was left of extracting from %s again (%d scopes) is not resumed; this run replaces it",
            f"{min(one.asked_from for one in left):%FT%TZ}",
            len(left),
        )
    with store.transaction() as step:
        step.histories.begin(_history(plan, period) for plan in plans)


def _history(plan: Plan, period: Period) -> History:
    start, end = plan.window
    return History(plan.scope, period.since or start, period.asked_to, start, end, plan.opening, seen=False, done=start)


def note_seen(store: Store, scopes: Collection[ScopeReport]) -> None:
    """Of these all was asked that there is to ask: who resumes them need not ask again."""
    with store.transaction() as step:
        for scope in scopes:
            if scope.whole and not scope.plan.live:
                step.histories.seen(scope.scope)


def parts(store: Store, scopes: Sequence[ScopeReport], observes: dict[str, frozenset[str]]) -> Iterator[tuple[ScopeReport, Plan]]:
    """What is accounted for, one after the other: live windows first, then the months of the past, oldest first.

    Of one month, addresses come first: the records of servers say how many lead to each.
    """
    found = []
    for scope in scopes:
        kinds = observes[scope.scope.extractor]
        for plan in scope.plan.steps(None if scope.plan.live else store.first_life(scope.scope, kinds)):
            month = Month.of(plan.window.start)
            found.append(((not plan.live, month if not plan.live else None, "address" not in kinds), scope, plan))
    yield from ((scope, plan) for _, scope, plan in sorted(found, key=lambda part: part[0]))
