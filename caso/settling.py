"""From entities to the ledger: the one accounting pass after extraction."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from caso.accounting.rules import Rules, cut
from caso.accounting.servers import KINDS, accelerator_records, cloud_record, never_shrinking, readings
from caso.planning import Plan
from caso.records import CloudRecord, Record
from caso.store import Changes, Due, Place, Statement, Step, Store
from caso.window import BEGINNING, RESOLUTION, Month

LOG = logging.getLogger(__name__)

CHUNK = 500
"""Servers accounted for with one look into the ledger."""


@dataclasses.dataclass
class Settled:
    """What one scope's pass put into the ledger; ``shrunk`` counts values that were held up so as not to fall."""

    changes: Changes = dataclasses.field(default_factory=Changes)
    shrunk: int = 0


def settle(store: Store, plan: Plan, rules: Rules, vo_of: Mapping[str, str], seen_since: datetime, whole: bool) -> Settled:
    """Commit together: the records of a scope's window, and its checkpoint where the window was ``whole``.

    Of a window that could not be finished, what was seen of it since ``seen_since`` is
    accounted for; the checkpoint stays.
    """
    settled = Settled()
    place = Place(plan.scope.cloud, plan.scope.region)
    with store.transaction() as step:
        due = _due(step, place, plan, None if whole else seen_since)
        began = _with_its_beginning(step, plan)
        for servers in _chunks(due):
            statements = _statements(step, servers, began, rules, vo_of, settled)
            settled.changes += step.ledger.put_many(statements)
            if plan.live:
                step.entities.accounted(place, [(item.entity.uuid, _until(item, plan)) for item in servers])
        if plan.live:
            vo = vo_of[plan.scope.project_id]
            # Where a first window could not be finished, it is from now on known where it began.
            until = plan.window.end if whole else plan.window.start
            step.checkpoints.advance(plan.scope, until, since=plan.since, opening=plan.opening, vo=vo)
    return settled


def _due(step: Step, place: Place, plan: Plan, touched_since: datetime | None) -> Iterator[Due]:
    if plan.live:
        return step.entities.due(place, plan.scope.project_id, touched_since=touched_since)
    return step.entities.lived(place, plan.scope.project_id, since=plan.window.start)


def _chunks(due: Iterator[Due]) -> Iterator[list[Due]]:
    chunk: list[Due] = []
    for item in due:
        chunk.append(item)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _statements(
    step: Step, servers: list[Due], plan: Plan, rules: Rules, vo_of: Mapping[str, str], settled: Settled
) -> list[Statement]:
    starts = {item.entity.uuid: _cut(item, plan) for item in servers}
    earlier = {
        month: step.ledger.before_many(
            [f"server/{uuid}" for uuid, since in starts.items() if Month.of(since) == month], CloudRecord.kind, month
        )
        for month in {Month.of(since) for since in starts.values()}
    }
    statements = []
    for item in servers:
        subject, since = f"server/{item.entity.uuid}", starts[item.entity.uuid]
        before = earlier[Month.of(since)].get(subject)
        statements.append(_statement(item, since, before, plan, rules, vo_of, settled))
    return statements


def _with_its_beginning(step: Step, plan: Plan) -> Plan:
    """The plan with the beginning of accounting of its project, whichever extractor that was: they share its entities."""
    if not plan.live:
        return plan
    begun = [(checkpoint.since or BEGINNING, checkpoint.opening) for checkpoint in step.checkpoints.siblings(plan.scope)]
    since, opening = min([(plan.since, plan.opening), *begun], key=lambda beginning: beginning[0])
    return dataclasses.replace(plan, since=since, opening=opening)


def _until(item: Due, plan: Plan) -> datetime:
    """Up to where to account for it: never back behind what was sent already, but of months that nobody asked for."""
    end, done = plan.window.end, item.accounted_until
    if done is None or done <= end:
        return end
    return done if plan.live else min(done, Month.of(end - RESOLUTION).end)


def _owed(since: datetime, before: Record | None, plan: Plan) -> datetime | None:
    """The opening of the plan, where the month before has no record yet that differences could start from."""
    if plan.opening is None or Month.of(since) != Month.of(plan.opening):
        return None
    return plan.opening if before is None or before.month.next() < Month.of(plan.opening) else None


def _cut(item: Due, plan: Plan) -> datetime:
    if not plan.live:
        return plan.window.start
    return cut(plan.since, item.accounted_until, item.dirty_from, item.entity.ended)


def _statement(
    item: Due,
    since: datetime,
    before: Record | None,
    plan: Plan,
    rules: Rules,
    vo_of: Mapping[str, str],
    settled: Settled,
) -> Statement:
    server, until = item.entity, _until(item, plan)
    owed = _owed(since, before, plan)
    records: list[Record] = []
    newest = before if isinstance(before, CloudRecord) else None
    for reading in readings(server, since, until, vo_of, owed):
        measured = cloud_record(reading, rules)
        record = never_shrinking(measured, newest)
        if record != measured:
            settled.shrunk += 1
            LOG.warning("server %s: cumulative use would fall in %s; the larger value is sent", server.uuid, record.month)
        records += [record, *accelerator_records(reading, rules)]
        newest = record
    first = min((record.month for record in records), default=Month.of(since))
    return Statement(
        subject=f"server/{server.uuid}",
        kinds=frozenset(KINDS),
        since=min(first, Month.of(since)),
        until=Month.of(until - RESOLUTION),
        known_at=server.known_at,
        records=records,
        place=Place(plan.scope.cloud, plan.scope.region),
        project_id=server.project_id,
    )


def put_own(store: Store, place: Place, records: Sequence[Record]) -> None:
    """Keep records that an extractor made itself: kinds that no accounting function makes."""
    if not records:
        return
    with store.transaction() as step:
        step.ledger.put_many(
            Statement(
                subject=f"record/{record.key}",
                kinds=frozenset({record.kind}),
                since=record.month,
                until=record.month,
                known_at=record.known_at,
                records=[record],
                place=place,
                project_id="",
            )
            for record in records
        )
