"""What a project used in a stretch of time, of its own intervals: in whole microseconds, so that stretches add up exactly."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta
from fractions import Fraction
from typing import NamedTuple, Self

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


class _Sum:
    """Values that add up, field by field."""

    __slots__ = ()

    def __add__(self, other: Self) -> Self:
        names = [field.name for field in dataclasses.fields(self)]  # type: ignore[arg-type]  # the kinds are dataclasses
        return type(self)(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclasses.dataclass(frozen=True, slots=True)
class ServerUse(_Sum):
    """Use of servers; of what is suspended only the time counts, since nothing else is held for it.

    ``count`` is how many were there, ``unsized`` how many of them were of a flavor that nobody told the size of: of these, too,
    only the time counts. The others are in microseconds, times vCPUs, MiB and GiB.
    """

    count: int = 0
    unsized: int = 0
    wall: int = 0
    suspended: int = 0
    cores: Fraction = Fraction(0)
    memory_mib: int = 0
    disk_gib: int = 0

    @property
    def wall_hours(self) -> Fraction:
        return Fraction(self.wall, HOUR)

    @property
    def suspended_hours(self) -> Fraction:
        return Fraction(self.suspended, HOUR)

    @property
    def core_hours(self) -> Fraction:
        return self.cores / HOUR

    @property
    def memory_gib_hours(self) -> Fraction:
        return Fraction(self.memory_mib, HOUR * MIB_PER_GIB)

    @property
    def disk_gib_hours(self) -> Fraction:
        return Fraction(self.disk_gib, HOUR)


@dataclasses.dataclass(frozen=True, slots=True)
class VolumeUse(_Sum):
    """Use of volumes: how many were there, and microseconds times GiB."""

    count: int = 0
    gib: int = 0

    @property
    def gib_hours(self) -> Fraction:
        return Fraction(self.gib, HOUR)


class ServerMeter:
    """One server's use by one project. One that never ran used nothing."""

    def __init__(self, server: Server, project_id: str, rules: Rules) -> None:
        self._server = server
        self._rules = rules
        self._owned = [i for i in server.intervals() if i.value.project_id == project_id] if server.launched else []

    def use(self, stretch: Stretch) -> ServerUse:
        there = [i for i in self._owned if stretch.within(i.start, i.end)]
        if not there:
            return ServerUse()
        unsized = int(not all(interval.value.flavor.vcpus for interval in there))
        return sum((self._of(interval, stretch) for interval in there), start=ServerUse(count=1, unsized=unsized))

    def _of(self, interval: Interval[ServerState], stretch: Stretch) -> ServerUse:
        asleep = asleep_from(interval, self._server, self._rules)
        suspended = 0 if asleep is None else stretch.within(asleep, interval.end)
        wall = stretch.within(interval.start, interval.end) - suspended
        flavor = interval.value.flavor
        return ServerUse(
            wall=wall,
            suspended=suspended,
            cores=wall * Fraction(flavor.vcpus),
            memory_mib=wall * flavor.memory_mib,
            disk_gib=wall * flavor.disk_gib,
        )


class VolumeMeter:
    """One volume's use by one project: it holds its space as long as it is there, whatever its status."""

    def __init__(self, volume: Volume, project_id: str) -> None:
        self._owned = [i for i in volume.intervals() if i.value.project_id == project_id]

    def use(self, stretch: Stretch) -> VolumeUse:
        there = [(i, lasted) for i in self._owned if (lasted := stretch.within(i.start, i.end))]
        return VolumeUse(count=int(bool(there)), gib=sum(i.value.size_gib * lasted for i, lasted in there))
