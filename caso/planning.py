"""Which stretch of time each scope is asked for, and whether its checkpoint moves: pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime

from caso.store import Checkpoint, History, Scope
from caso.window import BEGINNING, RESOLUTION, Month, Window


@dataclasses.dataclass(frozen=True)
class Period:
    """What the operator asked for: up to ``until``; ``since`` None goes on from each checkpoint.

    ``now`` is when the run started. ``past`` is True when ``until`` was given: with ``since`` it is
    a stretch of history, and history moves no checkpoint.
    """

    now: datetime
    until: datetime
    since: datetime | None = None
    past: bool = False
    resumed: bool = False
    """What an earlier run left unfinished of such a stretch is to be gone on with."""

    @property
    def asked_to(self) -> datetime | None:
        """The end that the operator named, or None for up to now."""
        return self.until if self.past else None


@dataclasses.dataclass(frozen=True)
class Plan:
    """One scope's part of a run.

    ``since`` is where accounting of the scope began (no month before it is ever sent), ``opening`` the
    cut at which servers that lived then owe a closing record of the month before, or None.
    ``live``: the checkpoint moves to the window's end once all of it is seen. ``done``: up to where a stretch of
    the past is accounted for again already, ``seen``: all that is to be asked for it has been.
    """

    scope: Scope
    window: Window
    since: datetime
    opening: datetime | None
    live: bool
    done: datetime | None = None
    seen: bool = False

    def steps(self, first_life: datetime | None = None) -> Iterator[Plan]:
        """The parts that are accounted for one after the other: the months of a stretch of the past, oldest first.

        A live window is one part, as its records and its checkpoint are kept together. So are the months up to the
        one in which what is to be accounted for began, at ``first_life``.
        """
        if self.live:
            yield self
            return
        start, end = max(self.window.start, self.done or BEGINNING), self.window.end
        while start < end:
            stop = min(end, Month.of(max(start, min(first_life or end, end - RESOLUTION))).end)
            yield dataclasses.replace(self, window=Window(start, stop), opening=self.opening if start == self.since else None)
            start = stop


def asked_again(history: History, now: datetime) -> Period:
    """What the operator asked for when the stretch was begun."""
    return Period(now, history.asked_to or now, history.asked_from, past=history.asked_to is not None)


def resume(history: History, checkpoint: Checkpoint | None, now: datetime) -> Plan | None:
    """What is left to do of a stretch of the past; the first run of a scope that has not come to a checkpoint is made again."""
    period = asked_again(history, now)
    if not goes_back(checkpoint, period):
        return plan(history.scope, checkpoint, None, period)
    window = Window.of(history.since, history.until)
    return Plan(history.scope, window, history.since, history.opening, live=False, done=history.done, seen=history.seen)


def plan(scope: Scope, checkpoint: Checkpoint | None, legacy: datetime | None, period: Period) -> Plan | None:
    """What to ask for ``scope``; None where there is nothing: it has been extracted until then already.

    ``legacy`` is where cASO stopped, for a scope that has no checkpoint yet.
    """
    if period.since is not None and not _begins_again(checkpoint, period):
        return _history(scope, checkpoint, period.since, period)
    if checkpoint is not None:
        start, since, opening = checkpoint.until, checkpoint.since or BEGINNING, checkpoint.opening
    elif legacy is not None:
        start, since, opening = legacy, legacy, None
    else:
        start = since = opening = Month.of(period.until).start
    if start >= period.until:
        return None
    return Plan(scope, Window.of(start, period.until), since, opening, live=True)


def goes_back(checkpoint: Checkpoint | None, period: Period) -> bool:
    """Whether the period is history for a scope: it has been extracted before, or is asked for up to a time in the past."""
    return period.since is not None and not _begins_again(checkpoint, period) and (checkpoint is not None or period.past)


def _begins_again(checkpoint: Checkpoint | None, period: Period) -> bool:
    """What was asked for on a first run is asked for once more, since that run could not finish it: no history yet."""
    if checkpoint is None or period.since is None or period.past:
        return False
    return checkpoint.until == (checkpoint.since or BEGINNING) <= period.since


def _history(scope: Scope, checkpoint: Checkpoint | None, since: datetime, period: Period) -> Plan | None:
    """A stretch of the past. Where there is a checkpoint, it goes no further than that, and moves nothing."""
    # A month that is touched is sent again whole: recipients replace it, and half a month would take use away.
    whole = Month.of(period.until - RESOLUTION).end
    until = min(whole, checkpoint.until if checkpoint else period.now)
    if since >= until:
        return None
    opening = since if since > BEGINNING else None
    live = checkpoint is None and not period.past
    return Plan(scope, Window.of(since, until), since, opening, live)
