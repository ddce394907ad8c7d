"""Energy: records of single days, each made once its day is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from caso.accounting.energy import energy_record
from caso.lifecycle.measured import CPU, ENERGY, OVER_AFTER, Measured
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
        cpu = measures.of_days(context.place, CPU, chunk)
        servers = context.step.entities.known(context.place, "server", sorted({one.uuid for one in chunk}))
        known = [
            one
            for one in chunk
            if one.uuid in servers
            and (
                context.last
                or not (_is_going_on(one, servers[one.uuid], over) or _waits(context, one, cpu.get((one.uuid, one.day))))
            )
        ]
        statements = [_statement(context, one, servers[one.uuid], cpu.get((one.uuid, one.day))) for one in known]
        context.settled.changes += context.step.ledger.put_many(statements)
        measures.note_stated(context.place, known)


def _is_going_on(energy: Measured, server: Server, over: datetime) -> bool:
    """Whether it is of a server that has just ended: what is read and handed on after that is not told yet."""
    return energy.day >= over.date() and server.ended is not None and server.ended > over


def _waits(context: Context, energy: Measured, cpu: Measured | None) -> bool:
    """Whether its CPU time is not told to the end of the slot yet, and soon may be."""
    if cpu is None or cpu.end >= energy.end or not context.plan.live:
        return False
    return context.plan.window.end < energy.end + CPU_WITHIN


def _statement(context: Context, energy: Measured, server: Server, cpu: Measured | None) -> Statement:
    vo = context.accounts.vo_of.get(energy.project_id)
    record = energy_record(server, energy, cpu, vo, context.rules) if vo is not None else None
    month = Month.of(energy.start)
    return Statement(
        subject=f"energy/{energy.uuid}/{energy.day.isoformat()}",
        kinds=frozenset({EnergyRecord.kind}),
        since=month,
        until=month,
        known_at=max(energy.seen_at, cpu.seen_at if cpu else energy.seen_at, server.known_at),
        records=[record] if record else [],
        place=context.place,
        project_id=context.project_id,
    )


def _chunks(owed: Iterable[Measured]) -> Iterator[Sequence[Measured]]:
    rest = iter(owed)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk
