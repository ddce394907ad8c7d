"""Why the ledger and Nova tell different hours of one server, and the hours themselves."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import NamedTuple

HOUR = 3600
GIB = 1024
"""MiB in it."""


class Size(NamedTuple):
    """What a flavor brings; the disk is root plus ephemeral."""

    vcpus: float
    memory_mib: float
    disk_gib: float


@dataclasses.dataclass(frozen=True, slots=True)
class Hours:
    """Use, of one server or of many.

    >>> Hours.of(7200, Size(2, 4096, 20))
    Hours(core=4.0, memory_gib=8.0, disk_gib=40.0)
    """

    core: float = 0.0
    memory_gib: float = 0.0
    disk_gib: float = 0.0

    @classmethod
    def of(cls, seconds: float, size: Size) -> Hours:
        """A size, for so many seconds."""
        hours = seconds / HOUR
        return cls(hours * size.vcpus, hours * size.memory_mib / GIB, hours * size.disk_gib)

    def __add__(self, other: Hours) -> Hours:
        return Hours(self.core + other.core, self.memory_gib + other.memory_gib, self.disk_gib + other.disk_gib)

    def __sub__(self, other: Hours) -> Hours:
        return self + -other

    def __neg__(self) -> Hours:
        return Hours(-self.core, -self.memory_gib, -self.disk_gib)

    @property
    def none(self) -> bool:
        """Nothing but the noise of floating point numbers."""
        # A month of a server's disk is some 1e6 GiB-hours, of which a double has ten more digits than that.
        return max(abs(self.core), abs(self.memory_gib), abs(self.disk_gib)) < 1e-6


NO_HOURS = Hours()


class Cause(StrEnum):
    """Why the ledger has more than Nova, or less; the order is that of the tables."""

    BEFORE_LAUNCH = "before_launch"
    DELETED_WITHOUT_END = "deleted_without_end"
    SOFT_DELETED = "soft_deleted"
    SUSPENDED = "suspended"
    OTHER_FLAVOR = "other_flavor"
    MEASURED = "measured"
    ARCHIVED = "archived"
    NEVER_LAUNCHED = "never_launched"
    VANISHED = "vanished"
    QUARANTINED = "quarantined"
    BEFORE_ACCOUNTING = "before_accounting"
    NO_EARLIER_RECORD = "no_earlier_record"
    NOT_EXTRACTED_YET = "not_extracted_yet"
    NOT_ACCOUNTED_YET = "not_accounted_yet"
    BEYOND_CHECKPOINT = "beyond_checkpoint"
    NEVER_SHRINKS = "never_shrinks"
    MADE_UP_FOR = "made_up_for"
    ROUNDED = "rounded"
    NOT_EXPLAINED = "not_explained"

    @property
    def meaning(self) -> str:
        """For people, on one line."""
        return MEANINGS[self]


MEANINGS = {
    Cause.BEFORE_LAUNCH: "before launched_at, from which Nova counts",
    Cause.DELETED_WITHOUT_END: "deleted without an end: Nova counts on",
    Cause.SOFT_DELETED: "soft-deleted: Nova counts no more",
    Cause.SUSPENDED: "suspended or shelved: Nova counts it",
    Cause.OTHER_FLAVOR: "another flavor at the time",
    Cause.MEASURED: "CPU time measured: Nova counts vCPUs",
    Cause.ARCHIVED: "deleted row archived: Nova forgot it",
    Cause.NEVER_LAUNCHED: "never launched: nobody counts it",
    Cause.VANISHED: "vanished from Nova's listings: ended there",
    Cause.QUARANTINED: "quarantined: its row cannot be read",
    Cause.BEFORE_ACCOUNTING: "before accounting of its project began",
    Cause.NO_EARLIER_RECORD: "earlier months, of which no record is held",
    Cause.NOT_EXTRACTED_YET: "not extracted yet",
    Cause.NOT_ACCOUNTED_YET: "seen, and not accounted yet",
    Cause.BEYOND_CHECKPOINT: "recorded beyond the checkpoint",
    Cause.NEVER_SHRINKS: "values never shrink",
    Cause.MADE_UP_FOR: "earlier months were sent otherwise",
    Cause.ROUNDED: "rounded to whole seconds",
    Cause.NOT_EXPLAINED: "not explained",
}
