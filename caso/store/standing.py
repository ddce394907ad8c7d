"""How each record held stands with a messenger, and the question for it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Join, Subquery, and_, case, func, literal, not_, null, or_, select, true

from caso.store import subscriptions
from caso.store.courses import BEFORE_IT_CAME
from caso.store.handing import AS_OF, IN_PART
from caso.store.held import MEASURED_AT, REVISION, WITH_COURSE
from caso.store.schema import accounted, deliveries, reached, records
from caso.store.subscriptions import NOT_SENT
from caso.window import Month


class State(StrEnum):
    """What became, or becomes, of the newest revision of a record with one messenger."""

    ACCEPTED = "accepted"
    DUE = "due"
    SET_ASIDE = "set_aside"
    """The recipient refused it."""
    SKIPPED = "skipped"
    """It is not to be sent until it changes: held before the messenger came, or forgotten by an administrator."""
    NOT_TAKEN = "not_taken"
    """The messenger does not take this kind."""


class Selection(NamedTuple):
    """Records that meet every condition that is given; none given: all that are held."""

    kind: str | None = None
    project_id: str | None = None
    month: Month | None = None
    since: Month | None = None
    """The first month of several."""
    keys: frozenset[str] | None = None
    before: Month | None = None
    """Of the months before this one."""

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.kind is not None:
            found.append(records.c.kind == self.kind)
        if self.project_id is not None:
            found.append(records.c.project_id == self.project_id)
        if self.month is not None:
            found.append(records.c.month == str(self.month))
        if self.since is not None:
            found.append(records.c.month >= str(self.since))
        if self.before is not None:
            found.append(records.c.month < str(self.before))
        if self.keys is not None:
            found.append(records.c.key.in_(sorted(self.keys)))
        return found


EVERYTHING = Selection()


_TOLD_LAST = and_(records.c.revision <= AS_OF, or_(deliveries.c.revision.is_(None), deliveries.c.revision < AS_OF))
"""Whether the newest that is noted of a record and a messenger is noted of the record's course."""
_SPARED = and_(reached.c.spared, not_(IN_PART))

SETTLED = case((_TOLD_LAST, AS_OF), else_=deliveries.c.revision)
"""The newest revision that a messenger accepted, refused or was spared; of what is selected from ``with_messenger``."""
ACCEPTED = case((and_(_TOLD_LAST, not_(_SPARED)), AS_OF), else_=deliveries.c.accepted)
"""The newest revision that it accepted."""
_AT = case((_TOLD_LAST, reached.c.at), else_=deliveries.c.at)
_REFUSED = case((and_(_TOLD_LAST, _SPARED), literal(BEFORE_IT_CAME)), (_TOLD_LAST, null()), else_=deliveries.c.refused)


def with_messenger(messenger: str) -> Join:
    """Records, beside what is noted of this messenger: of each record alone, and of the course that it goes on with."""
    alone = and_(deliveries.c.key == records.c.key, deliveries.c.messenger == messenger)
    along = and_(reached.c.course == records.c.course, reached.c.kind == records.c.kind, reached.c.messenger == messenger)
    return WITH_COURSE.outerjoin(deliveries, alone).outerjoin(reached, along)


def standings(connection: Connection, messenger: str, chosen: Selection = EVERYTHING) -> Subquery:
    """A row for each record chosen: key, kind, revision, measured_at and its ``state`` with the messenger.

    ``settled`` is the newest revision that the messenger accepted or refused, or was spared, ``at`` that time, or None;
    ``refused`` why it was not accepted.
    """
    question = select(
        *(records.c.key, records.c.kind, REVISION, MEASURED_AT),
        *(SETTLED.label("settled"), _AT.label("at"), _REFUSED.label("refused")),
        _state(connection, messenger).label("state"),
    )
    # A subquery, as what is grouped by has to be a column: PostgreSQL takes two mentions of the expression for two.
    return question.select_from(with_messenger(messenger)).where(*chosen.conditions()).subquery()


def _state(connection: Connection, messenger: str) -> ColumnElement[Any]:
    """The State of a record, of which the newest word of this messenger is joined."""
    kinds = subscriptions.subscription_of(connection, messenger).kinds
    floor_of = subscriptions.floors_of(connection, messenger)
    taken = true() if kinds is None else records.c.kind.in_(sorted(kinds))
    above = [and_(records.c.kind == kind, records.c.revision > floor) for kind, floor in sorted(floor_of.items())]
    settled = func.coalesce(accounted.c.revision, records.c.revision) == SETTLED
    return case(
        (and_(settled, _REFUSED.is_(None)), literal(State.ACCEPTED.value)),
        (and_(settled, _REFUSED.in_(NOT_SENT)), literal(State.SKIPPED.value)),
        (settled, literal(State.SET_ASIDE.value)),
        (and_(taken, or_(records.c.course != 0, records.c.kind.not_in(sorted(floor_of)), *above)), literal(State.DUE.value)),
        (taken, literal(State.SKIPPED.value)),
        else_=literal(State.NOT_TAKEN.value),
    )
