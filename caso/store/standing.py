"""How each record held stands with a messenger, and the question for it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Subquery, and_, case, literal, or_, select, true

from caso.store import subscriptions
from caso.store.schema import deliveries, records
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
        if self.keys is not None:
            found.append(records.c.key.in_(sorted(self.keys)))
        return found


EVERYTHING = Selection()


def standings(connection: Connection, messenger: str, chosen: Selection = EVERYTHING) -> Subquery:
    """A row for each record chosen: key, kind, revision, measured_at and its ``state`` with the messenger.

    ``settled`` is the newest revision that the messenger accepted or refused, or was spared, ``at`` that time, or None;
    ``refused`` why it was not accepted.
    """
    mine = and_(deliveries.c.key == records.c.key, deliveries.c.messenger == messenger)
    question = select(
        *(records.c.key, records.c.kind, records.c.revision, records.c.measured_at),
        *(deliveries.c.revision.label("settled"), deliveries.c.at, deliveries.c.refused),
        _state(connection, messenger).label("state"),
    )
    # A subquery, as what is grouped by has to be a column: PostgreSQL takes two mentions of the expression for two.
    return question.select_from(records.outerjoin(deliveries, mine)).where(*chosen.conditions()).subquery()


def _state(connection: Connection, messenger: str) -> ColumnElement[Any]:
    """The State of a record, of which the newest word of this messenger is joined."""
    kinds = subscriptions.subscription_of(connection, messenger).kinds
    floor_of = subscriptions.floors_of(connection, messenger)
    taken = true() if kinds is None else records.c.kind.in_(sorted(kinds))
    above = [and_(records.c.kind == kind, records.c.revision > floor) for kind, floor in sorted(floor_of.items())]
    settled = deliveries.c.revision == records.c.revision
    return case(
        (and_(settled, deliveries.c.refused.is_(None)), literal(State.ACCEPTED.value)),
        (and_(settled, deliveries.c.refused.in_(NOT_SENT)), literal(State.SKIPPED.value)),
        (settled, literal(State.SET_ASIDE.value)),
        (and_(taken, or_(records.c.kind.not_in(sorted(floor_of)), *above)), literal(State.DUE.value)),
        (taken, literal(State.SKIPPED.value)),
        else_=literal(State.NOT_TAKEN.value),
    )
