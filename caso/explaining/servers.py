"""The arithmetic of a server, month by month, beside what the ledger holds of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import datetime

from caso.accounting.measured import cpu_seconds
from caso.accounting.rules import Point, points
from caso.accounting.servers import Held, Reading, accelerators_of, cloud_record, never_shrinking
from caso.accounting.use import Term, Use, term
from caso.explaining.held import Background, how_far, why_nothing, why_otherwise
from caso.lifecycle.measured import CPU
from caso.lifecycle.server import Server
from caso.records import AcceleratorRecord, CloudRecord
from caso.store import Known
from caso.window import SECOND, Month

NEVER_LAUNCHED = "it never ran: Nova gives it no launched_at, and a server that never ran makes no record"


@dataclasses.dataclass(frozen=True)
class Devices:
    """A model of accelerator that the server held in a month; ``sent`` is the record held of it, None where there is none."""

    held: Held
    sent: AcceleratorRecord | None


@dataclasses.dataclass(frozen=True)
class ServerMonth:
    """One month of a server: ``terms`` and ``use`` are of this month alone, ``total`` is cumulative since the creation.

    All count ``through`` that time. Where CPU time is measured, since ``cpu_measured_since``, ``use`` and ``total`` have that;
    the terms have what was allotted. ``sent`` is the record held, None where there is none. ``notes`` say why the records
    held are not what the intervals give.
    """

    month: Month
    through: datetime
    completed: bool
    terms: tuple[Term, ...]
    use: Use
    total: Use
    accelerators: tuple[Devices, ...]
    sent: CloudRecord | None
    notes: tuple[str, ...]
    cpu_measured_since: datetime | None = None

    def stretch_of(self, term: Term) -> tuple[datetime, datetime]:
        """From when to when the term's interval lies in this month."""
        start, end = term.interval.start, term.interval.end
        return max(start, self.month.start), self.through if end is None else min(end, self.through)


def months_of_server(known: Known, background: Background) -> Iterator[ServerMonth]:
    """Every month of the server's life, oldest first; none if it never launched."""
    server: Server = known.entity
    if not server.launched:
        return
    held, accelerators = background.records(CloudRecord), background.records(AcceleratorRecord)
    intervals = server.intervals()
    for point in life_points(known):
        reading = Reading.at(server, intervals, point, background.vo_of.get(server.project_id, ""))
        yield _month(known, reading, background, held, _devices(reading, background, accelerators))


def life_points(known: Known) -> list[Point]:
    """A reading for each month of a life: as it was accounted for, and, in the months after that, as it is known."""
    entity, done = known.entity, known.accounted_until
    accounted = list(points(entity.created, entity.ended, entity.created, done)) if done else []
    last = accounted[-1].month if accounted else None
    # An end at the last thing that is known lies in no window that stops there.
    horizon = entity.known_at + SECOND if entity.known_at == entity.ended else entity.known_at
    later = points(entity.created, entity.ended, done or entity.created, horizon)
    return [*accounted, *(point for point in later if last is None or point.month > last)]


def _devices(reading: Reading, background: Background, held: Mapping[str, AcceleratorRecord]) -> tuple[Devices, ...]:
    uuid, month = reading.server.uuid, reading.point.month
    return tuple(
        Devices(one, held.get(AcceleratorRecord.key_of(uuid, month, one.latest.model)))
        for one in accelerators_of(reading, background.rules)
    )


def _month(
    known: Known, reading: Reading, background: Background, held: Mapping[str, CloudRecord], devices: tuple[Devices, ...]
) -> ServerMonth:
    point, rules = reading.point, background.rules
    before = _before(held, point.month)
    sent = held.get(CloudRecord.key_of(reading.server.uuid, point.month))
    measured = cloud_record(reading, rules, metered=background.metered)
    cpu = background.metered.through(CPU, point.month)
    terms = reading.terms_of_month(rules)
    notes = how_far(known, point.through) if _is_last(known, point) else []
    if any(one.wall_seconds and rules.suspends(one.interval.value.status) for one in terms):
        notes.append(f"its suspended time before {known.entity.first_seen:%F %T}, when it was first seen, counts as wall time")
    if sent is None:
        notes.insert(0, why_nothing(known, background, point.month.start, point.through, reading.newest.project_id))
    else:
        notes = [*_differences(known, sent, measured, before, background), *notes]
        notes += [note for one in devices for note in _of_devices(one, point.month, background)]
    return ServerMonth(
        month=point.month,
        through=point.through,
        completed=point.completed,
        terms=tuple(terms),
        use=Use.of(terms)._replace(cpu_seconds=measured.cpu_seconds - _cpu_before(reading, background)) if cpu else Use.of(terms),
        total=Use.recorded(measured),
        accelerators=devices,
        sent=sent,
        notes=tuple(notes),
        cpu_measured_since=cpu.since if cpu else None,
    )


def _cpu_before(reading: Reading, background: Background) -> int:
    """CPU seconds up to the beginning of the reading's month."""
    server, start, rules = reading.server, reading.point.month.start, background.rules
    measured = background.metered.through(CPU, Month.of(start - SECOND))
    if measured is not None:
        return cpu_seconds(server, reading.lived, start, rules, measured)
    return Use.of([term(interval, server, start, rules) for interval in reading.lived]).cpu_seconds


def _is_last(known: Known, point: Point) -> bool:
    """Whether it is the month that the server was accounted for last."""
    return known.accounted_until is not None and point.through == min(known.accounted_until, known.entity.ended or point.through)


def _before(held: Mapping[str, CloudRecord], month: Month) -> CloudRecord | None:
    earlier = [record for record in held.values() if record.month < month]
    return max(earlier, key=lambda record: record.measured_at, default=None)


def _differences(
    known: Known, sent: CloudRecord, measured: CloudRecord, before: CloudRecord | None, background: Background
) -> list[str]:
    """Why the record held does not say what the intervals give."""
    if background.retracted(sent.key):
        return ["taken back: there should be no record of this month, so the one sent adds nothing to the month before"]
    if Use.recorded(sent) == Use.recorded(measured):
        return []
    expected = never_shrinking(measured, before)
    if before is not None and expected != measured and Use.recorded(sent) == Use.recorded(expected):
        return [f"held up so as never to fall below {before.month}: the intervals give {_words(measured)}"]
    told = f"the record says {_words(sent)}, the intervals {_words(measured)}"
    if sent.measured_at != measured.measured_at:
        told += f", as it was measured at {sent.measured_at:%F %T}"
    return [f"{told}: {why_otherwise(known, sent)}"]


def _of_devices(one: Devices, month: Month, background: Background) -> list[str]:
    model, sent = one.held.latest.model, one.sent
    if sent is None and background.began is not None and month < Month.of(background.began):
        # The closing record before the first month only sets where differences start from; this kind has none.
        return []
    if sent is None:
        return [f"no record of {model} is held"]
    if (sent.count, sent.available_seconds) == (one.held.latest.count, one.held.available_seconds):
        return []
    return [
        f"the record of {model} says {sent.count:g} for {sent.available_seconds} s: it was measured at {sent.measured_at:%F %T}"
    ]


def _words(record: CloudRecord) -> str:
    return f"wall {record.wall_seconds}, suspend {record.suspend_seconds}, CPU {record.cpu_seconds} s"
