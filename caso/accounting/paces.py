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
from caso.records.pace import Pace, microseconds
from caso.window import Month


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
    awake = _awake(reading, rules)
    if awake is None or metered.totals or _may_change(addresses, point.through):
        return NO_PACES
    vcpus = newest.value.flavor.vcpus
    if vcpus != int(vcpus):
        return NO_PACES
    terms = reading.terms(rules)
    paces: dict[str, Pace] = {
        cloud.key: {
            "wall_seconds": (microseconds(sum(term.wall_seconds for term in terms)), awake),
            "suspend_seconds": (microseconds(sum(term.suspend_seconds for term in terms)), 1 - awake),
            "cpu_seconds": (microseconds(sum(term.cpu_seconds for term in terms)), awake * int(vcpus)),
        }
    }
    for record in accelerators:
        pace = _accelerator_pace(record, reading, rules, awake)
        if pace is None:
            return NO_PACES
        paces[record.key] = pace
    return paces


def volume_paces(volume: Volume, records: Sequence[StorageRecord], until: datetime) -> Mapping[str, Pace]:
    """The pace of the newest stretch of a volume that goes on: only the time up to which it is told."""
    newest = volume.intervals()[-1]
    if not records or volume.ended is not None or records[-1].measured_at != until or newest.start >= until:
        return NO_PACES
    return {records[-1].key: {}} if until <= Month.of(until).last_second else NO_PACES


def _awake(reading: Reading, rules: Rules) -> int | None:
    """1 where the server goes on to use what it has, 0 where it sleeps; None where it does not go on so from the reading."""
    point, newest = reading.point, reading.lived[-1]
    # A life that is over, or of which more is known than the reading tells.
    goes_on = newest.end is None and newest.start < point.through and reading.server.ended is None
    if not goes_on or point.measured_at != point.through or point.through > point.month.last_second:
        return None
    asleep = asleep_from(newest, reading.server, rules)
    if asleep is None:
        return 1
    return 0 if asleep <= point.through else None


def _accelerator_pace(record: AcceleratorRecord, reading: Reading, rules: Rules, awake: int) -> Pace | None:
    """Of the newest flavor's accelerators; None where their number changed within the month, and of those it has not any more."""
    terms = reading.terms_of_month(rules)
    counts = {
        sum(device.count for device in term.interval.value.flavor.accelerators if device.model == record.model) for term in terms
    }
    if counts != {record.count}:
        return None
    return {"available_seconds": (microseconds(sum(term.wall_seconds for term in terms)), awake)}


def _may_change(addresses: Sequence[Address] | None, instant: datetime) -> bool:
    """Whether anything is known of the addresses of the time after an instant."""
    intervals = [interval for address in addresses or () for interval in address.intervals()]
    return any(interval.start > instant or (interval.end is not None and interval.end > instant) for interval in intervals)
