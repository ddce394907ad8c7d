"""What a project used in a stretch of time, of its own intervals: in whole microseconds, so that stretches add up exactly."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from fractions import Fraction
from typing import NamedTuple

from caso.accounting.rules import Rules
from caso.accounting.use import asleep_from
from caso.lifecycle.server import Server, ServerState
from caso.lifecycle.timeline import Interval
from caso.lifecycle.volume import Volume
from caso.window import RESOLUTION

HOUR = timedelta(hours=1) // RESOLUTION
MIB_PER_GIB = 1024


class Stretch(NamedTuple):
    """From ``start``, inside, to ``end``, outside; it may end before it starts: then nothing is in it."""

    start: datetime
    end: datetime

    def within(self, start: datetime, end: datetime | None) -> int:
        """Microseconds of it that lie between two times; ``end`` None: there is no end."""
        last = self.end if end is None else min(self.end, end)
        return max(0, (last - max(self.start, start)) // RESOLUTION)


@dataclasses.dataclass(frozen=True, slots=True)
class ServerUse:
    """Use of servers; of what is suspended only the time counts, since nothing else is held for it.

    ``count`` is how many were there, ``unsized`` how many of them were of a flavor that nobody told the size of: of these, too,
    only the time counts. The others are in microseconds, times vCPUs, MiB and GiB.
    """

    count: int = 0
    unsized: int = 0
    wall: int = 0
    suspended: int = 0
    cores: int | Fraction = 0
    memory_mib: int = 0
    disk_gib: int = 0

    def __add__(self, other: ServerUse) -> ServerUse:
        return ServerUse(
            self.count + other.count,
            self.unsized + other.unsized,
            self.wall + other.wall,
            self.suspended + other.suspended,
            self.cores + other.cores,
            self.memory_mib + other.memory_mib,
            self.disk_gib + other.disk_gib,
        )

    @property
    def wall_hours(self) -> Fraction:
        return Fraction(self.wall, HOUR)

    @property
    def suspended_hours(self) -> Fraction:
        return Fraction(self.suspended, HOUR)

    @property
    def core_hours(self) -> Fraction:
        return Fraction(self.cores) / HOUR

    @property
    def memory_gib_hours(self) -> Fraction:
        return Fraction(self.memory_mib, HOUR * MIB_PER_GIB)

    @property
    def disk_gib_hours(self) -> Fraction:
        return Fraction(self.disk_gib, HOUR)


@dataclasses.dataclass(frozen=True, slots=True)
class VolumeUse:
    """Use of volumes: how many were there, and microseconds times GiB."""

    count: int = 0
    gib: int = 0

    def __add__(self, other: VolumeUse) -> VolumeUse:
        return VolumeUse(self.count + other.count, self.gib + other.gib)

    @property
    def gib_hours(self) -> Fraction:
        return Fraction(self.gib, HOUR)


NO_USE = ServerUse()


class _Owned(NamedTuple):
    """A stretch of a server's life; from ``asleep`` on, where that is not None, nothing is held. ``vcpus`` is exact."""

    start: datetime
    end: datetime | None
    asleep: datetime | None
    vcpus: int | Fraction
    memory_mib: int
    disk_gib: int


class ServerMeter:
    """One server's use by one project. One that never ran used nothing."""

    def __init__(self, server: Server, project_id: str, rules: Rules) -> None:
        intervals = server.intervals() if server.launched else ()
        self._owned = [_owned(i, asleep_from(i, server, rules)) for i in intervals if i.value.project_id == project_id]

    def use(self, stretch: Stretch) -> ServerUse:
        there, unsized, uses = 0, 0, NO_USE
        for one in self._owned:
            lasted = stretch.within(one.start, one.end)
            if lasted:
                there, unsized = 1, unsized or int(not one.vcpus)
                suspended = 0 if one.asleep is None else stretch.within(one.asleep, one.end)
                wall = lasted - suspended
                uses += ServerUse(0, 0, wall, suspended, wall * one.vcpus, wall * one.memory_mib, wall * one.disk_gib)
        return uses + ServerUse(there, unsized) if there else uses


def _owned(interval: Interval[ServerState], asleep: datetime | None) -> _Owned:
    flavor = interval.value.flavor
    vcpus = int(flavor.vcpus) if flavor.vcpus == int(flavor.vcpus) else Fraction(flavor.vcpus)
    return _Owned(interval.start, interval.end, asleep, vcpus, flavor.memory_mib, flavor.disk_gib)


class VolumeMeter:
    """One volume's use by one project: it holds its space as long as it is there, whatever its status."""

    def __init__(self, volume: Volume, project_id: str) -> None:
        self._owned = [i for i in volume.intervals() if i.value.project_id == project_id]

    def use(self, stretch: Stretch) -> VolumeUse:
        there = [(i, lasted) for i in self._owned if (lasted := stretch.within(i.start, i.end))]
        return VolumeUse(count=int(bool(there)), gib=sum(i.value.size_gib * lasted for i, lasted in there))
