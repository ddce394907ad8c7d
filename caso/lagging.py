"""Scopes that lag so far behind that their service may soon forget, or has forgotten, what was deleted meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from caso.job import Job
from caso.store import Scope, Store

LOG = logging.getLogger(__name__)

SKEW = timedelta(minutes=1)
"""By how much clocks of hosts that share a store may differ before a word is said."""


class Lag(StrEnum):
    """What the distance between a checkpoint and now means for what was deleted since."""

    LATE = "late"
    """Soon the service may not tell of all of it any more."""
    LOST = "lost"
    """It may not tell of all of it already."""


class Lagging(NamedTuple):
    """A scope that lags: ``until`` is how far it is extracted, ``kept`` how long its service tells of what was deleted."""

    scope: Scope
    project: str
    until: datetime
    kept: timedelta

    @property
    def reliable_until(self) -> datetime:
        """From then on what was deleted since ``until`` may be forgotten."""
        return self.until + self.kept


def lag_of(until: datetime, kept: timedelta | None, now: datetime) -> Lag | None:
    """What it means that a scope is extracted up to ``until``; None: nothing, or nothing is known of its service.

    >>> from datetime import UTC
    >>> now, month = datetime(2024, 3, 31, tzinfo=UTC), timedelta(days=30)
    >>> [lag_of(datetime(2024, 3, day, tzinfo=UTC), month, now) for day in (1, 2, 11, 12)]
    [<Lag.LATE: 'late'>, <Lag.LATE: 'late'>, None, None]
    """
    if kept is None:
        return None
    if now - until > kept:
        return Lag.LOST
    # A third of the time is left to act.
    return Lag.LATE if now - until > kept * 2 / 3 else None


def sentence(lagging: Iterable[Lagging], now: datetime, *, still: bool = False) -> str | None:
    """One line for an operator about all that lags, or None; ``still``: a run has tried to catch up."""
    late = sorted((one for one in lagging if lag_of(one.until, one.kept, now)), key=lambda one: (one.reliable_until, one.scope))
    if not late:
        return None
    first = late[0]
    projects = len({one.scope.project_id for one in late})
    lost = [one for one in late if lag_of(one.until, one.kept, now) is Lag.LOST]
    who = "projects that still lag far behind after this run" if still else "projects that lag far behind"
    since = f"{first.project} ({first.scope.extractor}) is extracted until {first.until:%F %H:%M}"
    told = f"only until {first.reliable_until:%F %H:%M} is it sure to be told what was deleted since (deleted_kept_days)"
    act = "see why caso-extract fails" if still else "run caso-extract, and see why it fails if it does"
    return "; ".join(
        [f"{who}: {projects}", since, _lost(lost, now) if lost else told, act, "caso-reconcile shows what is missing"]
    )


def _lost(lost: Iterable[Lagging], now: datetime) -> str:
    """What was deleted before this time may be archived: of all, the latest; a service that keeps less forgets more."""
    return f"what was deleted before {max(now - one.kept for one in lost):%F %H:%M} may be missing"


def warn_of_the_future(job: Job, store: Store, now: datetime) -> None:
    """Warn, in one line, where scopes are extracted up to a time that has not come: the clock was set back, or was ahead.

    Until that time nobody is told of changes: all is listed then.
    """
    scopes = {scope for scope, _ in job.scopes()}
    early = [one for one in store.checkpoints.all() if one.scope in scopes and one.until - now > SKEW]
    ahead = [one.until for one in early]
    with store.transaction() as step:
        for one in early:
            step.checkpoints.forget_listing(one.scope)
    if ahead and not job.period.past:
        LOG.warning(
            "the clock says %s, and %d scopes are extracted up to %s already: nothing is asked of them until then; see whether "
            "the clock was set back, and set it right; if it was ahead in an earlier run, restore the store from before that",
            f"{now:%F %H:%M}",
            len(ahead),
            f"{max(ahead):%F %H:%M}",
        )


def warn(job: Job, store: Store, now: datetime, *, after: bool = False) -> None:
    """Warn, in one line, of the scopes of a run that lag; ``after`` it, of those whose checkpoints stayed.

    A run over the past moves no checkpoint: after it there is nothing new to say.
    """
    if after and job.period.since is not None:
        return
    if text := sentence(_marks(job, store), now, still=after):
        LOG.warning("%s", text)


def kept_by(job: Job) -> Mapping[str, timedelta]:
    """How long the service of each extractor tells of what was deleted, of those that say so."""
    return {name: kept for name, extractor in job.extractors.items() if (kept := extractor.deleted_kept) is not None}


def _marks(job: Job, store: Store) -> Iterator[Lagging]:
    kept = kept_by(job)
    held = {mark.scope: mark for mark in store.checkpoints.all()}
    for scope, project in job.scopes():
        if scope.extractor not in kept:
            continue
        mark = held.get(scope)
        until = mark.until if mark else store.checkpoints.legacy(project.id, project.name)
        if until is not None and not (mark and mark.retired):
            yield Lagging(scope, project.name, until, kept[scope.extractor])
