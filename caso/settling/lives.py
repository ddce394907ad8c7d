"""Lives: entities that are accounted for one by one, each from where it was last accounted for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from caso.accounting.paces import NO_PACES, NOTHING, Told
from caso.accounting.rules import cut
from caso.planning import Plan
from caso.settling.context import Context
from caso.store import Changes, Due, Statement
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
    account: Callable[[Context, Sequence[Owed]], Mapping[str, Told]]
    terms: Callable[[Context], str]
    """All that their records depend on besides what is known of each: while it is the same, those that go on by time alone do."""

    def subject(self, uuid: str) -> str:
        return f"{self.kind}/{uuid}"


def settle_lives(lives: Lives, context: Context) -> None:
    """The records of all entities of a kind that are owed some."""
    going = _Going.on(lives, context)
    for chunk in _chunks(_due(lives, context, going)):
        owed = [Owed(item, _cut(item, context.plan), _until(item, context.plan)) for item in chunk]
        told = _told(lives, context, owed)
        statements = [_statement(lives, context, one, told.get(one.uuid, NOTHING), going) for one in owed]
        changes = context.step.ledger.put_many(statements)
        context.settled.changes += changes
        _note(lives, context, owed, told, going)
        if changes.kept or (changes.news and not context.plan.live):
            # What was told of the past, or is known better, may be none of what goes on.
            context.step.entities.note_steady(context.place, [one.uuid for one in owed], steady=False, kind=lives.kind)
    if context.plan.live and context.whole:
        until = context.plan.window.end
        context.step.entities.all_accounted(
            context.place, context.project_id, until, kind=lives.kind, terms=going.terms if going.course else None
        )
        context.settled.changes += going.moved(context)


def _told(lives: Lives, context: Context, owed: Sequence[Owed]) -> Mapping[str, Told]:
    told, end = lives.account(context, owed), context.plan.window.end
    # What was accounted for beyond the window before is not where the course will be.
    ahead = {one.uuid: told[one.uuid]._replace(paces=NO_PACES) for one in owed if one.until != end and one.uuid in told}
    return {**told, **ahead} if ahead else told


class _Going:
    """The records that go on by time alone in a pass: as the ``course`` of their project, 0 where none do."""

    def __init__(self, terms: str, course: int = 0, gone_on: bool = False) -> None:
        self.terms = terms
        self.course = course
        self.gone_on = gone_on
        """What has gone on so far still does, unless something was told of it."""
        self.told: Counter[str] = Counter()

    @classmethod
    def on(cls, lives: Lives, context: Context) -> _Going:
        """What a pass finds: only one over all that is known of a project lets it go on."""
        until, terms = context.plan.window.end, f"{Month.of(context.plan.window.end)} {lives.terms(context)}"
        course = context.step.ledger.course(context.place, lives.kind, context.project_id)
        if not (context.plan.live and context.whole) or (course.until is not None and course.until > until):
            return cls(terms)
        # What is measured in the last moment of a month is dated otherwise.
        same = course.terms == terms and until <= Month.of(until).last_second
        return cls(terms, course.number, gone_on=same)

    def moved(self, context: Context) -> Changes:
        """What went on without a word of it."""
        sizes = context.step.ledger.going_on(self.course) if self.course else {}
        count = {kind: size - self.told[kind] for kind, size in sizes.items() if size > self.told[kind]}
        return Changes(changed=sum(count.values()), by_kind=Counter({(kind, "changed"): n for kind, n in count.items()}))


def _note(lives: Lives, context: Context, owed: Sequence[Owed], told: Mapping[str, Told], going: _Going) -> None:
    """Note of what was accounted for up to when it was, and whether it goes on by time alone."""
    if context.plan.live and not context.whole:
        context.step.entities.accounted(context.place, [(one.uuid, one.until) for one in owed], kind=lives.kind)
    if going.course:
        steady = {one.uuid: bool(told.get(one.uuid, NOTHING).paces) for one in owed}
        for new in (True, False):
            changed = [one.uuid for one in owed if steady[one.uuid] is new and one.item.steady is not new]
            context.step.entities.note_steady(context.place, changed, steady=new, kind=lives.kind)
        for one in told.values():
            going.told.update(record.kind for record in one.records if record.key in one.paces)


def _due(lives: Lives, context: Context, going: _Going) -> Iterator[Due]:
    entities, plan = context.step.entities, context.plan
    if plan.live:
        since = context.touched_since
        return entities.due(context.place, context.project_id, touched_since=since, kind=lives.kind, quiet=not going.gone_on)
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


def _statement(lives: Lives, context: Context, owed: Owed, told: Told, going: _Going) -> Statement:
    # The closing record of the month before comes along, and says nothing of what else is held of that month.
    return Statement(
        subject=lives.subject(owed.uuid),
        kinds=lives.records,
        since=Month.of(owed.since),
        until=Month.of(owed.until - RESOLUTION),
        known_at=owed.item.entity.known_at,
        records=told.records,
        place=context.place,
        project_id=context.project_id,
        course=going.course,
        paces=told.paces,
        over=owed.item.entity.ended is not None,
    )
