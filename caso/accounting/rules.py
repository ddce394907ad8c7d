"""What counts and when, shared by all kinds of record (doc/source/accounting.rst)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime

from caso.records import Status
from caso.window import SECOND, Month

SUSPENDED_STATES = frozenset({"SUSPENDED", "SHELVED_OFFLOADED"})

_STATUS = {
    "SHUTOFF": Status.STOPPED,
    "SOFT_DELETED": Status.STOPPED,
    "SHELVED": Status.STOPPED,
    "PAUSED": Status.PAUSED,
    "SUSPENDED": Status.SUSPENDED,
    "SHELVED_OFFLOADED": Status.SUSPENDED,
    "ERROR": Status.ERROR,
    # Only the past of a server that was first seen deleted has this state: as far as anyone knows it ran.
    "DELETED": Status.STARTED,
    **dict.fromkeys(
        (
            "ACTIVE",
            "BUILD",
            "HARD_REBOOT",
            "MIGRATING",
            "PASSWORD",
            "REBOOT",
            "REBUILD",
            "RESCUE",
            "RESIZE",
            "REVERT_RESIZE",
            "VERIFY_RESIZE",
        ),
        Status.STARTED,
    ),
}


@dataclasses.dataclass(frozen=True)
class Rules:
    """What a site says of itself, and the one choice it has: which Nova states hold no resources."""

    site_name: str
    service_name: str
    cloud_type: str
    suspended_states: frozenset[str] = SUSPENDED_STATES
    cpu_normalization_factor: float = 1.0
    """What a second of this site's CPUs is worth, for energy records."""

    def status(self, nova_status: str) -> Status:
        """The status that recipients know; a word that Nova did not have when this was written is unknown."""
        if nova_status in self.suspended_states:
            return Status.SUSPENDED
        status = _STATUS.get(nova_status, Status.UNKNOWN)
        return Status.STOPPED if status is Status.SUSPENDED else status

    def suspends(self, nova_status: str) -> bool:
        """True when the seconds of this state are suspend seconds, not wall seconds."""
        return nova_status in self.suspended_states


@dataclasses.dataclass(frozen=True, slots=True)
class Point:
    """A reading of a life: the values count ``through`` this instant, and are booked at ``measured_at``.

    The two differ for a month's closing record only: all of the month counts, and the
    reading is dated on the month's last second, or the recipient would book it in the next month.
    """

    measured_at: datetime
    through: datetime
    completed: bool = False
    opening: bool = False
    """It only sets where differences start from: for kinds whose values are cumulative over months."""

    @property
    def month(self) -> Month:
        return Month.of(self.measured_at)


def points(created: datetime, ended: datetime | None, since: datetime, until: datetime) -> Iterator[Point]:
    """The readings that a window [since, until) asks of one life, one per month, oldest first.

    Every month that the life touches is closed; the last reading is the end of the life where
    that lies in the window, else the end of the window.

    >>> from datetime import UTC
    >>> born, now = datetime(2024, 1, 30, tzinfo=UTC), datetime(2024, 2, 2, tzinfo=UTC)
    >>> [point.measured_at.isoformat() for point in points(born, None, born, now)]
    ['2024-01-31T23:59:59+00:00', '2024-02-02T00:00:00+00:00']
    """
    if created >= until or (ended is not None and ended < since):
        return
    over = ended is not None and ended < until
    end = max(ended, created) if over and ended is not None else until
    month = Month.of(min(max(created, since), end))
    while month.end <= end:
        yield Point(month.last_second, month.end)
        month = month.next()
    if over:
        yield Point(end, end, completed=True)
    elif month.start < end:
        yield Point(end, end)


def cut(
    since: datetime, accounted_until: datetime | None, known_otherwise_from: datetime | None, ended: datetime | None
) -> datetime:
    """From when a life is to be accounted for (again): where that was last done, or where better knowledge begins.

    Never before ``since``, where accounting of its scope began. The month of its end is
    always told with it, or it would seem to have vanished from that month.
    """
    if accounted_until is None:
        return since
    return max(since, min(instant for instant in (accounted_until, known_otherwise_from, ended) if instant is not None))


def opening_point(created: datetime, ended: datetime | None, cut: datetime) -> Point | None:
    """The closing reading of the month before ``cut``'s month, for a life that went on over that month's end.

    Owed once to each server when accounting starts: recipients take differences, and
    the first month would otherwise be billed the whole life.
    """
    start = Month.of(cut).start
    if created >= start or (ended is not None and ended < start):
        return None
    return Point(start - SECOND, start, opening=True)
