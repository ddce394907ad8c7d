"""Intervals to seconds: what each adds to a server's use, and their sums."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from caso.accounting.rules import Rules
from caso.lifecycle.server import Server, ServerState
from caso.lifecycle.timeline import Interval
from caso.records import CloudRecord
from caso.records.pace import microseconds, whole_seconds


@dataclasses.dataclass(frozen=True, slots=True)
class Term:
    """What one interval adds to a server's use in a stretch of time: its wall seconds and its suspend seconds there."""

    interval: Interval[ServerState]
    wall_seconds: float
    suspend_seconds: float

    @property
    def cpu_seconds(self) -> float:
        return self.wall_seconds * self.interval.value.flavor.vcpus

    def __sub__(self, earlier: Term) -> Term:
        """What the interval added after an earlier time, of which the other term tells."""
        wall = self.wall_seconds - earlier.wall_seconds
        return Term(self.interval, wall, self.suspend_seconds - earlier.suspend_seconds)


class Use(NamedTuple):
    """Use in the whole seconds that records carry: the sums of some terms, or what a record says."""

    wall_seconds: int
    suspend_seconds: int
    cpu_seconds: int

    @classmethod
    def of(cls, terms: Sequence[Term]) -> Use:
        return cls(
            _rounded(sum(term.wall_seconds for term in terms)),
            _rounded(sum(term.suspend_seconds for term in terms)),
            _rounded(sum(term.cpu_seconds for term in terms)),
        )

    @classmethod
    def recorded(cls, record: CloudRecord | None) -> Use:
        """What a record says, nothing where there is none."""
        return cls(record.wall_seconds, record.suspend_seconds, record.cpu_seconds) if record else cls(0, 0, 0)


def _rounded(seconds: float) -> int:
    """As what goes on by time alone is rounded later: by microseconds, so that no sum of fractions shows."""
    return whole_seconds(microseconds(seconds))


def term(interval: Interval[ServerState], server: Server, until: datetime, rules: Rules) -> Term:
    """What an interval adds before ``until``."""
    asleep = _suspended_seconds(interval, server, until, rules)
    return Term(interval, interval.seconds_until(until) - asleep, asleep)


def asleep_from(interval: Interval[ServerState], server: Server, rules: Rules) -> datetime | None:
    """From when on an interval's seconds are suspend seconds, which may be after its end; None where all of them are wall.

    Before the first observation everything counts as wall: cASO counted it so, and a
    site that comes from it must see no step.
    """
    return max(interval.start, server.first_seen) if rules.suspends(interval.value.status) else None


def _suspended_seconds(interval: Interval[ServerState], server: Server, until: datetime, rules: Rules) -> float:
    """Suspend seconds of an interval before ``until``."""
    since = asleep_from(interval, server, rules)
    return 0.0 if since is None else interval.seconds_until(until) - interval.seconds_until(min(since, until))
