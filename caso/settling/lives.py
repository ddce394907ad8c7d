"""Lives: entities that are accounted for one by one, each from where it was last accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from caso.accounting.rules import cut
from caso.planning import Plan
from caso.records import Record
from caso.settling.context import Context
from caso.store import Due, Statement
from caso.window import RESOLUTION, Month

CHUNK = 500
"""Entities accounted for with one look into the ledger."""


class Owed(NamedTuple):
    """An entity, and the stretch [since, until) that it is to be accounted for."""

    item: Due
    since: datetime
    until: datetime

    @property
    def uuid(self) -> str:
        return str(self.item.entity.uuid)


class Lives(NamedTuple):
    """How one kind of entity is accounted for: ``account`` gives the records of each, by its id."""

    kind: str
    records: frozenset[str]
    account: Callable[[Context, Sequence[Owed]], Mapping[str, Sequence[Record]]]

    def subject(self, uuid: str) -> str:
        return f"{self.kind}/{uuid}"


def settle_lives(lives: Lives, context: Context) -> None:
    """The records of all entities of a kind that are owed some."""
    for chunk in _chunks(_due(lives, context)):
        owed = [Owed(item, _cut(item, context.plan), _until(item, context.plan)) for item in chunk]
        records = lives.account(context, owed)
        statements = [_statement(lives, context, one, records.get(one.uuid, ())) for one in owed]
        context.settled.changes += context.step.ledger.put_many(statements)
        if context.plan.live and not context.whole:
            context.step.entities.accounted(context.place, [(one.uuid, one.until) for one in owed], kind=lives.kind)
    if context.plan.live and context.whole:
        context.step.entities.all_accounted(context.place, context.project_id, context.plan.window.end, kind=lives.kind)


def _due(lives: Lives, context: Context) -> Iterator[Due]:
    entities, plan = context.step.entities, context.plan
    if plan.live:
        return entities.due(context.place, context.project_id, touched_since=context.touched_since, kind=lives.kind)
    # Months of the past are told one by one: what turns out to have ended in one of them is taken back in the others.
    return entities.lived(context.place, context.project_id, since=plan.window.start, kind=lives.kind, or_since=plan.since)


def _chunks(due: Iterator[Due]) -> Iterator[list[Due]]:
    chunk: list[Due] = []
    for item in due:
        chunk.append(item)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _until(item: Due, plan: Plan) -> datetime:
    """Up to where to account for it: never back behind what was sent already, but of months that nobody asked for."""
    end, done = plan.window.end, item.accounted_until
    if done is None or done <= end:
        return end
    return done if plan.live else min(done, Month.of(end - RESOLUTION).end)


def _cut(item: Due, plan: Plan) -> datetime:
    if not plan.live:
        return plan.window.start
    return cut(plan.since, item.accounted_until, item.dirty_from, item.entity.ended)


def _statement(lives: Lives, context: Context, owed: Owed, records: Sequence[Record]) -> Statement:
    # The closing record of the month before comes along, and says nothing of what else is held of that month.
    return Statement(
        subject=lives.subject(owed.uuid),
        kinds=lives.records,
        since=Month.of(owed.since),
        until=Month.of(owed.until - RESOLUTION),
        known_at=owed.item.entity.known_at,
        records=records,
        place=context.place,
        project_id=context.project_id,
    )
