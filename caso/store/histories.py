"""How far extracting the past again has come, so that a run that was killed can be resumed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, delete, insert, select, update

from caso.store.engine import Database
from caso.store.names import Scope
from caso.store.schema import histories


class History(NamedTuple):
    """A stretch of a scope's past that is being accounted for again, month by month.

    ``asked_from`` and ``asked_to`` are what the operator asked for (None: up to now), ``since`` and ``until`` the
    stretch that this means for the scope; ``opening`` as in a plan. ``seen``: the extractor has told all of
    it. ``done`` is until when it is accounted for.
    """

    scope: Scope
    asked_from: datetime
    asked_to: datetime | None
    since: datetime
    until: datetime
    opening: datetime | None
    seen: bool
    done: datetime


class Histories:
    """The histories of one transaction: those that are not finished."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[History]:
        rows = self._connection.execute(select(histories).order_by(*histories.primary_key))
        return [History(Scope(*row[: len(Scope._fields)]), *row[len(Scope._fields) :]) for row in rows]

    def begin(self, begun: Iterable[History]) -> None:
        """Note what is to be done; what was begun of these scopes before is forgotten."""
        for history in begun:
            self._connection.execute(delete(histories).where(_is(history.scope)))
            row = history._asdict()
            self._connection.execute(insert(histories).values({**row.pop("scope")._asdict(), **row}))

    def seen(self, scope: Scope) -> None:
        """The extractor has told all of it: who resumes it need not ask again."""
        self._connection.execute(update(histories).where(_is(scope)).values(seen=True))

    def covered(self, scope: Scope, since: datetime) -> None:
        """A regular run has done all since then: what was to begin no earlier is finished."""
        self._connection.execute(delete(histories).where(_is(scope), histories.c.since >= since))

    def advance(self, scope: Scope, done: datetime) -> None:
        """It is accounted for until then; what is finished is forgotten, unless the extractor could not tell all of it."""
        self._connection.execute(update(histories).where(_is(scope)).values(done=done))
        finished = and_(_is(scope), histories.c.seen, histories.c.done >= histories.c.until)
        self._connection.execute(delete(histories).where(finished))


class HistoryReader:
    """The histories as they are, outside of any transaction of the caller."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[History]:
        with self._database.read() as connection:
            return Histories(connection).all()


def _is(scope: Scope) -> Any:
    return and_(*(histories.c[field] == value for field, value in scope._asdict().items()))
