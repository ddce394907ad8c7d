"""Which records time alone will change, up to the end of their month, and at which pace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from caso.accounting.rules import Rules
from caso.accounting.servers import Reading
from caso.accounting.use import asleep_from
from caso.lifecycle.address import Address
from caso.lifecycle.measured import NOTHING as METERED_NOTHING
from caso.lifecycle.measured import Metered
from caso.lifecycle.volume import Volume
from caso.records import AcceleratorRecord, CloudRecord, Record, StorageRecord
from caso.records.pace import Growth, Pace, microseconds
from caso.window import RESOLUTION, Month


class Told(NamedTuple):
    """The records of one thing, and the paces of those that go on by time alone, by their keys.

    Where the newest has none, the thing has to be accounted for again after any time.
    """

    records: Sequence[Record]
    paces: Mapping[str, Pace]


NO_PACES: Mapping[str, Pace] = {}
NOTHING = Told((), NO_PACES)


def server_paces(
    reading: Reading,
    rules: Rules,
    cloud: CloudRecord,
    accelerators: Sequence[AcceleratorRecord],
    addresses: Sequence[Address] | None = None,
    metered: Metered = METERED_NOTHING,
) -> Mapping[str, Pace]:
    """The paces of a server's records of its newest reading; none where anything else than time can change them.

    What was learned of the time after the reading, be it of addresses, waits for the next one; what meters tell, they tell alone.
    """
    point, newest = reading.point, reading.lived[-1]
    if not _goes_on(reading) or metered.totals or _may_change(addresses, point.through):
        return NO_PACES
    vcpus = newest.value.flavor.vcpus
    if vcpus != int(vcpus):
        return NO_PACES
    rates = _rates(reading, rules)
    terms = reading.terms(rules)
    paces: dict[str, Pace] = {
        cloud.key: {
            "wall_seconds": rates.awake(sum(term.wall_seconds for term in terms)),
            "suspend_seconds": rates.asleep(sum(term.suspend_seconds for term in terms)),
            "cpu_seconds": rates.awake(sum(term.cpu_seconds for term in terms), int(vcpus)),
        }
    }
    for record in accelerators:
        held = _wall_seconds_of(record, reading, rules)
        if held is None:
            return NO_PACES
        paces[record.key] = {"available_seconds": rates.awake(held)}
    return paces


def volume_paces(volume: Volume, records: Sequence[StorageRecord], until: datetime) -> Mapping[str, Pace]:
    """The pace of the newest stretch of a volume that goes on: only the time up to which it is told.

    None where it had another owner in the month, on whose VO a record of that depends.
    """
    newest, month = volume.intervals()[-1], Month.of(until)
    if not records or volume.ended is not None or records[-1].measured_at != until or newest.start >= until:
        return NO_PACES
    owners = {i.value.project_id for i in volume.intervals() if i.end is None or i.end > month.start}
    return {records[-1].key: {}} if until <= month.last_second and len(owners) == 1 else NO_PACES


def _goes_on(reading: Reading) -> bool:
    """Whether it is a life that goes on, of which no more is known than the reading tells, nor dated otherwise than measured."""
    point, newest = reading.point, reading.lived[-1]
    lives = newest.end is None and newest.start < point.through and reading.server.ended is None
    return lives and point.measured_at == point.through <= point.month.last_second


class _Rates(NamedTuple):
    """Whether a server uses what it has (1) or sleeps (0), and after how many microseconds it is taken to sleep, None: not."""

    running: int
    turn: int | None = None

    def awake(self, seconds: float, rate: int = 1) -> Growth:
        return Growth(microseconds(seconds), rate * self.running, self.turn)

    def asleep(self, seconds: float) -> Growth:
        return Growth(microseconds(seconds), 1 - self.running, self.turn, 0 if self.turn is None else 1)


def _rates(reading: Reading, rules: Rules) -> _Rates:
    asleep = asleep_from(reading.lived[-1], reading.server, rules)
    if asleep is None:
        return _Rates(1)
    # One that sleeps counts as awake until it was seen.
    return _Rates(0) if asleep <= reading.point.through else _Rates(1, (asleep - reading.point.through) // RESOLUTION)


def _wall_seconds_of(record: AcceleratorRecord, reading: Reading, rules: Rules) -> float | None:
    """In the month, of who has the accelerators; None where their number changed in it, or there are none any more."""
    terms = reading.terms_of_month(rules)
    counts = {
        sum(device.count for device in term.interval.value.flavor.accelerators if device.model == record.model) for term in terms
    }
    return sum(term.wall_seconds for term in terms) if counts == {record.count} else None


def _may_change(addresses: Sequence[Address] | None, instant: datetime) -> bool:
    """Whether anything is known of the addresses of the time after an instant."""
    intervals = [interval for address in addresses or () for interval in address.intervals()]
    return any(interval.start > instant or (interval.end is not None and interval.end > instant) for interval in intervals)
