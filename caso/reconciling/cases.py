"""What the ledger, Nova and caso's memory tell of one server in a month, side by side."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from caso.accounting.rules import Rules
from caso.accounting.use import Use
from caso.lifecycle.measured import NOTHING, Metered
from caso.lifecycle.server import Flavor, Server, ServerSeen
from caso.reconciling.causes import HOUR, Hours, Size
from caso.records import CloudRecord
from caso.window import Window


@dataclasses.dataclass(frozen=True, slots=True)
class Bill:
    """What Nova's own usage says of a server: so many seconds at this size, since launched_at or the window's start."""

    seconds: float
    size: Size
    launched: datetime
    ended: datetime | None

    @property
    def hours(self) -> Hours:
        return Hours.of(self.seconds, self.size)


@dataclasses.dataclass(frozen=True, slots=True)
class Booked:
    """A server's record of the month; ``before`` is the newest of an earlier month, or None where none is held."""

    record: CloudRecord
    before: CloudRecord | None

    @property
    def size(self) -> Size:
        """The one size that a record carries; its vCPU seconds are added up already."""
        return Size(1, self.record.memory_mib or 0, self.record.disk_gib or 0)

    @property
    def hours(self) -> Hours:
        """What a recipient books in the month: the difference of the two records, memory and disk as this one has them."""
        return self.between(Use.recorded(self.before), Use.recorded(self.record))

    def between(self, first: Use, last: Use) -> Hours:
        wall = Hours.of(last.wall_seconds - first.wall_seconds, self.size)
        return dataclasses.replace(wall, core=(last.cpu_seconds - first.cpu_seconds) / HOUR)


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """What caso remembers of a server; ``dirty`` where its life is known otherwise than it was accounted for.

    ``metered`` is what meters told of it.
    """

    server: Server
    dirty: bool = False
    metered: Metered = NOTHING


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """All that is told of one server; None where that source does not have it.

    ``listed`` is its row in a listing made now. ``unreadable``: its row is there, and makes no sense.
    """

    uuid: str
    bill: Bill | None = None
    listed: ServerSeen | None = None
    booked: Booked | None = None
    known: Known | None = None
    unreadable: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Basis:
    """What all servers of a project are compared by: in ``window``, under the site's rules.

    Accounting of the project began at ``since`` (None: the beginning of time), and has come to ``until``. ``begun``: False for
    a window before that of which nothing is booked, as nobody extracted it later either.
    """

    window: Window
    since: datetime | None
    until: datetime
    rules: Rules
    begun: bool = True


def through(record: CloudRecord) -> datetime:
    """Up to when a record counts: a month's closing record is dated on its last second, and has all of it."""
    closing = record.end is None and record.measured_at == record.month.last_second
    return record.month.end if closing else record.measured_at


def size_of(flavor: Flavor) -> Size:
    return Size(flavor.vcpus, flavor.memory_mib, flavor.disk_gib)


def seconds_in(start: datetime, end: datetime | None, window: Window) -> float:
    """Of a stretch, the seconds that lie in the window."""
    first, last = max(start, window.start), min(end or window.end, window.end)
    return max(0.0, (last - first).total_seconds())
