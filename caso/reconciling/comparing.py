"""One server's month in the ledger beside Nova's: the difference, taken apart into causes.

Between Nova's number and the ledger's stands a row of numbers that differ from their neighbour in one thing only: from
when it counts, until when, whether suspended time counts, at which flavor. Each step is a cause, so they add up to
the difference; what is left over is named not explained.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from caso.accounting.use import Term, Use, term
from caso.lifecycle.server import Server, ServerSeen
from caso.reconciling.cases import Basis, Bill, Booked, Case, Known, seconds_in, size_of, through
from caso.reconciling.causes import HOUR, NO_HOURS, Cause, Hours
from caso.reconciling.measuring import as_allotted
from caso.window import Window


@dataclasses.dataclass(frozen=True, slots=True)
class Comparison:
    """A server's hours in the ledger, by Nova, and by a listing as on a first sight; why the first two differ."""

    uuid: str
    name: str | None
    ledger: Hours
    nova: Hours
    listing: Hours
    causes: Mapping[Cause, Hours]


def compare(case: Case, basis: Basis) -> Comparison:
    """The server's hours in the window, and the causes of their difference: these add up to ledger minus Nova."""
    if case.booked is None:
        return _compare(case, basis)
    allotted = as_allotted(case.booked, case.known, basis.rules)
    found = _compare(dataclasses.replace(case, booked=allotted), basis)
    measured = case.booked.hours - allotted.hours
    if measured.none:
        return found
    return dataclasses.replace(found, ledger=found.ledger + measured, causes={**found.causes, Cause.MEASURED: measured})


def _compare(case: Case, basis: Basis) -> Comparison:
    ledger = case.booked.hours if case.booked else NO_HOURS
    nova = case.bill.hours if case.bill else NO_HOURS
    listing = _as_on_a_first_sight(case.listed, basis.window) if case.listed else NO_HOURS
    if case.booked is None:
        steps = found = _not_booked(case, basis)
    elif case.bill is None and case.listed is None:
        steps = found = _not_in_nova(case.booked, case.known)
    else:
        steps = dict(_Steps(case, case.booked, basis).taken())
        found = {cause: hours for cause, hours in steps.items() if not hours.none}
    # Of all steps, or those that are too small to be told would add up to a rest that is not.
    rest = ledger - nova - sum(steps.values(), NO_HOURS)
    causes = found if rest.none else {**found, Cause.NOT_EXPLAINED: rest}
    return Comparison(case.uuid, _name(case), ledger, nova, listing, causes)


def _name(case: Case) -> str | None:
    if case.listed:
        return case.listed.name
    return case.booked.record.machine_name if case.booked else None


def _as_on_a_first_sight(listed: ServerSeen, window: Window) -> Hours:
    if not listed.launched:
        return NO_HOURS
    return Hours.of(seconds_in(listed.created, listed.ended, window), size_of(listed.state.flavor))


def _not_in_nova(booked: Booked, known: Known | None) -> dict[Cause, Hours]:
    """Rows are archived, or purged, once they are deleted; one that lives cannot be missing."""
    ended = booked.record.end is not None or (known is not None and known.server.ended is not None)
    return {Cause.ARCHIVED: booked.hours} if ended and not booked.hours.none else {}


def _not_booked(case: Case, basis: Basis) -> dict[Cause, Hours]:
    if case.bill is None:
        alive = case.listed is not None and case.listed.created < basis.window.end
        return {Cause.NEVER_LAUNCHED: NO_HOURS} if alive and case.listed and not case.listed.launched else {}
    cause = _why_not_booked(case, case.bill, basis)
    return {cause: -case.bill.hours} if cause and not case.bill.hours.none else {}


def _why_not_booked(case: Case, bill: Bill, basis: Basis) -> Cause | None:
    server = case.known.server if case.known else None
    ended = case.listed.ended if case.listed else server.ended if server else None
    if case.unreadable:
        return Cause.QUARANTINED
    if bill.ended is None and (ended < basis.window.start if ended else case.listed is None and server is None):
        # The listings have all that lives, and all that changed since the window's start: it was deleted before.
        return Cause.DELETED_WITHOUT_END
    if not basis.begun:
        return Cause.BEFORE_ACCOUNTING
    if basis.since is not None and (end := ended or bill.ended) is not None and end < basis.since:
        return Cause.BEFORE_ACCOUNTING
    if case.known is not None and case.known.dirty:
        return Cause.NOT_ACCOUNTED_YET
    return Cause.NOT_EXTRACTED_YET if _changed_since(case.listed, basis.until) else None


def _changed_since(listed: ServerSeen | None, checkpoint: datetime) -> bool:
    return listed is not None and listed.unchanged_since >= checkpoint


class _Seconds(NamedTuple):
    """A stretch of a life, as it was before records round it to whole seconds."""

    awake: float
    asleep: float
    cpu: float

    @classmethod
    def of(cls, terms: Sequence[Term]) -> _Seconds:
        awake, asleep = sum(one.wall_seconds for one in terms), sum(one.suspend_seconds for one in terms)
        return cls(awake, asleep, sum(one.cpu_seconds for one in terms))


class _Steps:
    """From Nova's number of a server to the ledger's, step by step."""

    def __init__(self, case: Case, booked: Booked, basis: Basis) -> None:
        self._case = case
        self._booked = booked
        self._basis = basis
        self._window = basis.window
        self._server = case.known.server if case.known else None
        self._size = case.bill.size if case.bill else size_of(case.listed.state.flavor) if case.listed else booked.size

    def taken(self) -> list[tuple[Cause, Hours]]:
        """Each step with its hours; those that change nothing are among them."""
        server, window = self._server, self._window
        if server is None:
            # What the records say is all that is known of its life.
            first, last = Use.recorded(self._booked.before), Use.recorded(self._booked.record)
            recorded = last
            used = _Seconds(*(float(b - a) for a, b in zip(first, last, strict=True)))
            lived = used.awake + used.asleep
        else:
            terms = [self._terms_until(at, server) for at in (*window, through(self._booked.record))]
            first, last, recorded = (Use.of(some) for some in terms)
            used = _Seconds.of([later - earlier for earlier, later in zip(terms[0], terms[1], strict=True)])
            lived = seconds_in(server.created, server.ended, window)
        exact = dataclasses.replace(Hours.of(used.awake, self._booked.size), core=used.cpu / HOUR)
        return [
            *self._of_nova(lived),
            (Cause.SUSPENDED, -self._hours(used.asleep)),
            (Cause.OTHER_FLAVOR, exact - self._hours(used.awake)),
            (Cause.ROUNDED, self._booked.between(first, last) - exact),
            (Cause.BEYOND_CHECKPOINT, self._booked.between(last, recorded)),
            *self._of_records(first, recorded),
        ]

    def _of_nova(self, lived: float) -> list[tuple[Cause, Hours]]:
        """From Nova's seconds to those that caso takes the server to have lived in the window."""
        bill, listed, created = self._case.bill, self._case.listed, self._booked.record.start
        ended = listed.ended if listed else self._server.ended if self._server else self._booked.record.end
        counted = seconds_in(bill.launched, bill.ended, self._window) if bill else 0.0
        since_created = seconds_in(created, bill.ended if bill else ended, self._window)
        told = seconds_in(created, ended, self._window)
        return [
            (Cause.BEFORE_LAUNCH, self._hours(since_created - counted)),
            (Cause.DELETED_WITHOUT_END, self._hours(min(0.0, told - since_created))),
            (Cause.SOFT_DELETED, self._hours(max(0.0, told - since_created))),
            *self._of_news(lived - told),
        ]

    def _of_news(self, seconds: float) -> list[tuple[Cause, Hours]]:
        """Where caso and the listing tell different ends: it has vanished for caso, or its row is newer than the checkpoint."""
        if self._server is not None and self._server.end_reason is not None:
            return [(Cause.VANISHED, self._hours(seconds))]
        if _changed_since(self._case.listed, self._basis.until):
            return [(Cause.NOT_EXTRACTED_YET, self._hours(seconds))]
        return []

    def _of_records(self, first: Use, recorded: Use) -> list[tuple[Cause, Hours]]:
        """From what is known of its life now to what its records say."""
        booked, before = self._booked, self._booked.before
        earlier = booked.between(Use.recorded(before), first)
        later = booked.between(recorded, Use.recorded(booked.record))
        if before is None:
            return [(Cause.NO_EARLIER_RECORD, earlier), *self._of_newer_knowledge(later)]
        values = zip(Use.recorded(before), Use.recorded(booked.record), recorded, strict=True)
        if any(held == sent > known for held, sent, known in values):
            return [(Cause.NEVER_SHRINKS, earlier + later)]
        return [(Cause.MADE_UP_FOR, earlier), *self._of_newer_knowledge(later)]

    def _of_newer_knowledge(self, hours: Hours) -> list[tuple[Cause, Hours]]:
        return [(Cause.NOT_ACCOUNTED_YET, hours)] if self._case.known and self._case.known.dirty else []

    def _terms_until(self, at: datetime, server: Server) -> list[Term]:
        return [term(interval, server, at, self._basis.rules) for interval in server.intervals()]

    def _hours(self, seconds: float) -> Hours:
        return Hours.of(seconds, self._size)
