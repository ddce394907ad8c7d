"""Looking into the ledger: what is held, and how it stands with each messenger. Nothing here writes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, false, func, or_, select

from caso.errors import StoreError
from caso.store import subscriptions, upgrading
from caso.store.book import Line
from caso.store.courses import BEFORE_IT_CAME
from caso.store.engine import Database, chunks, engine_of
from caso.store.held import COLUMNS, MEASURED_AT, WITH_COURSE, line_of
from caso.store.schema import records
from caso.store.sqlite import exists
from caso.store.standing import EVERYTHING, Selection, State, standings
from caso.store.subscriptions import Messaging

NEAR = 20
"""Keys that are offered in place of one that is not there."""


class Standing(NamedTuple):
    """How one record stands with one messenger.

    ``at``: when it was accepted, set aside or skipped. ``reason``: why it was not accepted.
    ``accepted_revision``: the older revision that the messenger has, where a newer one is due, else None.
    """

    state: State
    at: datetime | None = None
    reason: str | None = None
    accepted_revision: int | None = None


class Entry(NamedTuple):
    """A record as it is held, its content still JSON: the plug-in that made it need not be there."""

    line: Line
    standings: dict[str, Standing]


class Totals(NamedTuple):
    """How the records of one kind stand with one messenger.

    ``oldest_due``: the earliest ``measured_at`` of what is due; ``newest_accepted``: when it last accepted one.
    ``readable``: False for a kind that no plug-in in use makes: what is due of it waits for that plug-in.
    """

    messenger: str
    kind: str
    held: int
    accepted: int
    due: int
    set_aside: int
    skipped: int
    not_taken: int
    oldest_due: datetime | None
    newest_accepted: datetime | None
    readable: bool


def require_store(connection: str) -> None:
    """StoreError where no store was made at this URL yet; nothing is made."""
    database = Database(engine_of(connection))
    try:
        if database.file is not None:
            there = exists(database.file)
        else:
            with database.read() as opened:
                there = upgrading.revision_of(opened) is not None
    finally:
        database.close()
    if not there:
        raise StoreError(
            f"store {database.name}: there is none yet; the first run of caso-extract makes it: "
            "see whether spooldir and [store] connection are those that it runs with"
        )


class Inspection:
    """Questions to the ledger; each one is a transaction of its own."""

    def __init__(self, database: Database, readable: Collection[str]) -> None:
        self._database = database
        self._readable = frozenset(readable)

    def messengers(self) -> list[str]:
        """Those of the last run."""
        with self._database.read() as connection:
            return subscriptions.names(connection)

    def messagings(self) -> dict[str, Messaging]:
        """Since when each of them is there, and when it last had all that it could be sent."""
        with self._database.read() as connection:
            return subscriptions.messagings(connection)

    def kinds(self) -> list[str]:
        """The kinds of which records are held."""
        with self._database.read() as connection:
            return list(connection.scalars(select(records.c.kind).distinct().order_by(records.c.kind)))

    def totals(self, messengers: Sequence[str], chosen: Selection = EVERYTHING) -> list[Totals]:
        """For each messenger and each kind that has records among those chosen."""
        with self._database.read() as connection:
            return [total for name in messengers for total in self._totals(connection, name, chosen)]

    def count(self, chosen: Selection = EVERYTHING, messengers: Sequence[str] = (), states: Collection[State] = ()) -> int:
        """How many records :meth:`entries` has."""
        with self._database.read() as connection:
            question = select(func.count()).select_from(records).where(*_conditions(connection, chosen, messengers, states))
            return int(connection.execute(question).scalar_one())

    def entries(
        self,
        chosen: Selection,
        messengers: Sequence[str],
        states: Collection[State] = (),
        limit: int | None = None,
    ) -> Iterator[Entry]:
        """The records chosen, newest first; with ``states`` only those in one of them with one of the messengers."""
        with self._database.read() as connection:
            question = select(records.c.key).select_from(WITH_COURSE).where(*_conditions(connection, chosen, messengers, states))
            question = question.order_by(MEASURED_AT.desc(), records.c.key).limit(limit)
            for keys in chunks(connection.scalars(question).all()):
                yield from _entries(connection, keys, messengers)

    def keys_like(self, key: str) -> list[str]:
        """Keys that hold the text, or else the longest of its parts that any key holds: where it was mistyped or cut short."""
        parts = sorted(set(key.split("/")).difference(self.kinds()), key=len, reverse=True)
        with self._database.read() as connection:
            for part in (part for part in [key, *parts] if len(part) > 3):
                question = select(records.c.key).where(records.c.key.contains(part, autoescape=True)).order_by(records.c.key)
                if found := list(connection.scalars(question.limit(NEAR))):
                    return found
        return []

    def _totals(self, connection: Connection, messenger: str, chosen: Selection) -> list[Totals]:
        rows = standings(connection, messenger, chosen)
        columns = (rows.c.kind, rows.c.state, func.count(), func.min(rows.c.measured_at), func.max(rows.c.at))
        question = select(*columns).group_by(rows.c.kind, rows.c.state)
        found: dict[str, dict[State, tuple[int, datetime, datetime | None]]] = {}
        for kind, state, count, oldest, newest in connection.execute(question):
            found.setdefault(kind, {})[State(state)] = (count, oldest, newest)
        return [self._total(messenger, kind, of) for kind, of in sorted(found.items())]

    def _total(self, messenger: str, kind: str, of: dict[State, tuple[int, datetime, datetime | None]]) -> Totals:
        number = {state.value: of[state][0] if state in of else 0 for state in State}
        return Totals(
            messenger=messenger,
            kind=kind,
            held=sum(number.values()),
            **number,
            oldest_due=of[State.DUE][1] if State.DUE in of else None,
            newest_accepted=of[State.ACCEPTED][2] if State.ACCEPTED in of else None,
            readable=kind in self._readable,
        )


def _conditions(
    connection: Connection, chosen: Selection, messengers: Sequence[str], states: Collection[State]
) -> list[ColumnElement[bool]]:
    found = chosen.conditions()
    if states:
        wanted = [state.value for state in states]
        each = [standings(connection, name, chosen) for name in messengers]
        found.append(or_(false(), *(records.c.key.in_(select(one.c.key).where(one.c.state.in_(wanted))) for one in each)))
    return found


def _entries(connection: Connection, keys: Sequence[str], messengers: Sequence[str]) -> Iterator[Entry]:
    """In the order of ``keys``."""
    chosen = Selection(keys=frozenset(keys))
    question = select(*COLUMNS).select_from(WITH_COURSE).where(*chosen.conditions())
    lines = {row.key: line_of(row) for row in connection.execute(question)}
    known: dict[str, dict[str, Standing]] = {key: {} for key in lines}
    for name in messengers:
        for row in connection.execute(select(standings(connection, name, chosen))):
            known[row.key][name] = _standing(row)
    return (Entry(lines[key], known[key]) for key in keys if key in lines)


def _standing(row: Any) -> Standing:
    state = State(row.state)
    if row.settled == row.revision:
        return Standing(state, row.at, row.refused)
    if state is State.SKIPPED:
        return Standing(state, None, BEFORE_IT_CAME)
    return Standing(state, accepted_revision=row.settled if row.settled is not None and row.refused is None else None)
