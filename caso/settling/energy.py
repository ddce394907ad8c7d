"""Energy: records of single days, each made once its day is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple

from caso.accounting.energy import energy_record
from caso.lifecycle.measured import CPU, ENERGY, OVER_AFTER, TOLD_AFTER, Measured, Metered
from caso.lifecycle.server import Server
from caso.records import EnergyRecord
from caso.settling.context import Context
from caso.store import Statement
from caso.window import Month

CHUNK = 500
CPU_WITHIN = timedelta(days=1)
"""So long after a slot its CPU time is waited for where the meter tells of it: another service does, which may be slow."""


def settle_energy(context: Context) -> None:
    """The records of all days that are over, and of servers that have ended, that meters told of otherwise since.

    A day that goes on makes none yet: some recipients add up what they are sent, and would count it again with each run.
    For the same reason none is made of what could not be told whole. In a scope's last window there is no waiting for the
    end of the day. Of a stretch of the past all are made again.
    """
    if not context.whole:
        return
    plan, measures = context.plan, context.step.measures
    over = min(plan.window.end, context.accounts.seen_since - OVER_AFTER)
    owed = measures.unstated(
        context.place,
        context.project_id,
        ENERGY,
        before=None if context.last else over.date(),
        since=plan.since.date(),
        again_since=None if plan.live else plan.window.start.date(),
    )
    for chunk in _chunks(owed):
        ids = sorted({one.uuid for one in chunk})
        cpu = measures.of_days(context.place, CPU, chunk)
        cpu_since = _measured_since(measures.metered(context.place, ids))
        servers = context.step.entities.known(context.place, "server", ids)
        slots = [
            Slot(one, servers[one.uuid], cpu.get((one.uuid, one.day)), cpu_since.get(one.uuid))
            for one in chunk
            if one.uuid in servers
        ]
        known = [
            slot for slot in slots if context.last or not (slot.goes_on(over) or (plan.live and slot.waits(plan.window.end)))
        ]
        context.settled.changes += context.step.ledger.put_many([_statement(context, slot) for slot in known])
        measures.note_stated(context.place, [slot.energy for slot in known])


class Slot(NamedTuple):
    """A server's day: its energy, its CPU time if any was told, and since when that is measured, if it is."""

    energy: Measured
    server: Server
    cpu: Measured | None
    cpu_since: datetime | None

    def goes_on(self, over: datetime) -> bool:
        """Whether the server has just ended: what is read and handed on after that is not told yet."""
        return self.energy.day >= over.date() and self.server.ended is not None and self.server.ended > over

    def waits(self, now: datetime) -> bool:
        """Whether its CPU time may still be told, or told otherwise."""
        if self.cpu_since is None or self.cpu_since >= self.energy.end:
            return False
        is_told = self.cpu is not None and self.cpu.end >= self.energy.end
        return now < self.energy.end + (TOLD_AFTER if is_told else CPU_WITHIN)

    @property
    def known_at(self) -> datetime:
        return max(self.energy.seen_at, self.cpu.seen_at if self.cpu else self.energy.seen_at, self.server.known_at)


def _measured_since(metered: Mapping[str, Metered]) -> dict[str, datetime]:
    """Since when the CPU time of servers is measured, of those of which it is."""
    totals = {uuid: one.totals.get(CPU, ()) for uuid, one in metered.items()}
    return {uuid: min(total.since for total in those) for uuid, those in totals.items() if those}


def _statement(context: Context, slot: Slot) -> Statement:
    energy = slot.energy
    vo = context.accounts.vo_of.get(energy.project_id)
    record = None if vo is None else energy_record(slot.server, energy, slot.cpu, slot.cpu_since, vo, context.rules)
    month = Month.of(energy.start)
    return Statement(
        subject=f"energy/{energy.uuid}/{energy.day.isoformat()}",
        kinds=frozenset({EnergyRecord.kind}),
        since=month,
        until=month,
        known_at=slot.known_at,
        records=[record] if record else [],
        place=context.place,
        project_id=context.project_id,
    )


def _chunks(owed: Iterable[Measured]) -> Iterator[Sequence[Measured]]:
    rest = iter(owed)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
