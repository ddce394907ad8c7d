"""The ledger of events: each message that was taken from a queue, once, and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, func, insert, or_, select, update

from caso.lifecycle.notice import Fate, Notice
from caso.store.batches import execute_many
from caso.store.engine import CHUNK, Database, chunks
from caso.store.names import Place
from caso.store.schema import events

LEFT = (Fate.WAITING, Fate.DEAD)


class Held(NamedTuple):
    """A message of the ledger, and where and when it was taken."""

    place: Place
    notice: Notice
    taken: datetime


class Events:
    """The ledger of events of one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def new(self, place: Place, ids: Iterable[str]) -> set[str]:
        """Those of these ids that were never folded: a message comes again when its receipt was lost."""
        wanted = set(ids)
        for chunk in chunks(sorted(wanted)):
            folded = select(events.c.id).where(_at(place), events.c.id.in_(chunk), events.c.state == Fate.FOLDED)
            wanted -= set(self._connection.scalars(folded))
        return wanted

    def note(self, place: Place, notices: Sequence[Notice], taken: datetime) -> None:
        """Keep what became of each; one that was folded stays so."""
        rows = {one.id: _row(place, one, taken) for one in notices}
        for chunk in chunks(sorted(rows)):
            asked = select(events.c.id, events.c.state).where(_at(place), events.c.id.in_(chunk))
            held = {row.id: row.state for row in self._connection.execute(asked)}
            execute_many(self._connection, insert(events), [rows[one] for one in chunk if one not in held])
            again = [rows[one] | {"b_id": one} for one in chunk if held.get(one, Fate.FOLDED) != Fate.FOLDED]
            this = update(events).where(_at(place), events.c.id == bindparam("b_id"))
            told = ({name: row[name] for name in ("state", "reason", "message", "b_id")} for row in again)
            execute_many(self._connection, this, list(told))

    def forget(self, before: datetime) -> int:
        """Drop what was folded and taken before a time: nobody delivers it again. How many."""
        old = and_(events.c.state == Fate.FOLDED, events.c.taken < before)
        return self._connection.execute(delete(events).where(old)).rowcount


class EventLedger:
    """The ledger of events as it is; each call is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def left(self, fates: Collection[Fate] = LEFT, place: Place | None = None) -> Iterator[Held]:
        """What waits or is dead, in the order in which it was taken; read a part at a time."""
        which = and_(events.c.state.in_(sorted(fates)), *([] if place is None else [_at(place)]))
        columns = [
            events.c[name] for name in ("cloud", "region", "id", "event_type", "at", "state", "reason", "message", "taken")
        ]
        page = select(*columns).where(which).order_by(events.c.taken, events.c.id).limit(CHUNK)
        after: ColumnElement[bool] | None = None
        while True:
            with self._database.read() as connection:
                rows = connection.execute(page if after is None else page.where(after)).all()
            for row in rows:
                notice = Notice(row.id, row.event_type, row.at, Fate(row.state), row.reason, row.message)
                yield Held(Place(row.cloud, row.region), notice, row.taken)
            if len(rows) < CHUNK:
                return
            last = rows[-1]
            after = or_(events.c.taken > last.taken, and_(events.c.taken == last.taken, events.c.id > last.id))

    def counts(self, fates: Collection[Fate] = tuple(Fate)) -> dict[Fate, int]:
        """How many there are of each of these fates."""
        asked = select(events.c.state, func.count()).where(events.c.state.in_(sorted(fates))).group_by(events.c.state)
        with self._database.read() as connection:
            rows = connection.execute(asked).all()
        return dict.fromkeys(fates, 0) | {Fate(state): int(count) for state, count in rows}

    def retry(self, ids: Collection[str] | None = None) -> int:
        """Let the dead, or those of these ids, wait: the next drain reads them again. How many."""
        with self._database.write() as connection:
            return connection.execute(update(events).where(_dead(ids)).values(state=Fate.WAITING)).rowcount

    def drop(self, ids: Collection[str] | None = None) -> int:
        """Never mind the dead, or those of these ids; delivered again, they are known. How many."""
        with self._database.write() as connection:
            gone = update(events).where(_dead(ids)).values(state=Fate.FOLDED, message=None)
            return connection.execute(gone).rowcount


def _dead(ids: Collection[str] | None) -> ColumnElement[bool]:
    if ids is None:
        return events.c.state == Fate.DEAD
    return and_(events.c.state.in_(sorted(LEFT)), events.c.id.in_(sorted(ids)))


def _at(place: Place) -> ColumnElement[bool]:
    return and_(events.c.cloud == place.cloud, events.c.region == place.region)


def _row(place: Place, notice: Notice, taken: datetime) -> dict[str, object]:
    return {
        **place._asdict(),
        "id": notice.id,
        "event_type": notice.event_type,
        "at": notice.at,
        "taken": taken,
        "state": notice.fate,
        "reason": notice.reason,
        "message": notice.message,
    }
