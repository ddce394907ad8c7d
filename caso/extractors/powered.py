"""Which servers a meter is asked about, and for which days."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta

from caso.accounting.meters import days
from caso.lifecycle.measured import OVER_AFTER
from caso.lifecycle.server import Server, ServerSeen
from caso.window import Window

LATE_DAYS = timedelta(days=31)
"""How far back a server is asked for that caso got to know late."""


@dataclasses.dataclass(frozen=True, slots=True)
class Lived:
    """What is known of a server's life; ``late``: nobody could ask about it before."""

    uuid: str
    created: datetime
    ended: datetime | None
    late: bool

    @classmethod
    def of(cls, server: Server | ServerSeen, late: bool) -> Lived:
        return cls(server.uuid, server.created, server.ended, late)

    def within(self, stretch: Window) -> Window | None:
        """The part of it in which the server lived, if it did."""
        start, end = max(self.created, stretch.start), min(self.ended or stretch.end, stretch.end)
        return Window(start, end) if start < end else None


@dataclasses.dataclass(frozen=True)
class Asked:
    """What is asked of a project: all of its servers ``since`` then, and those that were not ``known`` yet from ``earliest``."""

    since: datetime
    earliest: datetime
    known: datetime
    end: datetime

    @classmethod
    def of(cls, window: Window, *, again: bool) -> Asked:
        """``again``: the project's meters were read up to the window's start, and what was not there then is asked for as well.

        That is the end of a day that was just over, and servers that nobody knew.
        """
        start = window.start - OVER_AFTER if again else window.start
        # Each slot is told whole: from midnight.
        since = midnight(start)
        return cls(since, midnight(window.start - LATE_DAYS) if again else since, window.start, window.end)

    def from_(self, oldest: datetime) -> Asked:
        """The same, without days that were over before ``oldest``."""
        first = midnight(oldest)
        return dataclasses.replace(self, since=max(self.since, first), earliest=max(self.earliest, first))

    def by_day(self, servers: Sequence[Lived]) -> Iterator[tuple[Window, Mapping[str, Window]]]:
        """Of each day on which a server lived, oldest first: for each that did, when; up to the end of what is asked for."""
        begun = [max(server.created, self.earliest if server.late else self.since) for server in servers]
        if not begun or (first := midnight(min(begun))) >= self.end:
            return
        for day in days(Window(first, self.end)):
            asked = (server for server in servers if server.late or day.start >= self.since)
            found = {server.uuid: lived for server in asked if (lived := server.within(day))}
            if found:
                yield day, found


def midnight(at: datetime) -> datetime:
    """The beginning of a day in UTC."""
    return datetime.combine(at.astimezone(UTC).date(), time(), UTC)
