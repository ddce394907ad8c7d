"""Lives for who asks about projects and periods, in all places: what the API reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import case, func, select

from caso.store import servers
from caso.store.engine import CHUNK, Database
from caso.store.entities import Entities
from caso.store.kinds import KINDS
from caso.store.names import Place
from caso.store.periods import COLUMNS, Mark, page, values
from caso.store.schema import entities

EVENTFUL = ("server", "volume")
"""The kinds whose lives are shown."""


class Lived(NamedTuple):
    """An entity and where it lives."""

    place: Place
    kind: str
    entity: Any


class Lives:
    """Each call is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_id(self, thing_id: str, kinds: Collection[str] = EVENTFUL) -> list[Lived]:
        """What is known under an id: nearly always one."""
        mine = select(*COLUMNS).where(entities.c.id == thing_id, entities.c.kind.in_(sorted(kinds)))
        with self._database.read() as connection:
            return [_lived(row) for row in connection.execute(mine.order_by(*entities.primary_key))]

    def between(
        self, project_id: str, start: datetime, end: datetime, kinds: Collection[str] = EVENTFUL, *, after: Mark | None = None
    ) -> Iterator[Lived]:
        """All that lived from ``start`` to ``end``, both included, and was the project's then or at another time.

        In the order of creation, read a part at a time; ``after`` a page's mark.
        """
        mark, told = after, set[tuple[str, ...]]()
        while True:
            # From the mark on, not after it: two of the same id and time, of two places, may be before and behind it.
            asked = page(tuple(sorted(kinds)), beyond=mark is not None, including=mark is not after)
            with self._database.read() as connection:
                servers.read_in_order(connection)
                rows = connection.execute(asked, values(project_id, start, end, mark)).all()
            for row in rows:
                if _key(row) not in told:
                    yield _lived(row)
            if len(rows) < CHUNK:
                return
            mark = Mark(rows[-1].created, rows[-1].id)
            told = {_key(row) for row in rows if Mark(row.created, row.id) == mark}

    def counts(self) -> tuple[int, int]:
        """How many there are, and how many of them have no end."""
        kind = entities.c.kind.in_(EVENTFUL)
        asked = select(func.count(), func.count(case((entities.c.ended.is_(None), 1)))).where(kind)
        with self._database.read() as connection:
            every, active = connection.execute(asked).one()
        return int(every), int(active)

    def places(self) -> list[Place]:
        """Where anything lives."""
        with self._database.read() as connection:
            rows = connection.execute(select(entities.c.cloud, entities.c.region).distinct())
            return sorted(Place(row.cloud, row.region) for row in rows)

    def newest(self, kind: str, words: str) -> Iterator[Any]:
        """Entities of a kind whose written form has these words in it, the newest first: to find one that is like another."""
        like = entities.c.body.contains(words, autoescape=True)
        asked = select(*COLUMNS).where(entities.c.kind == kind, like).order_by(entities.c.created.desc()).limit(CHUNK)
        with self._database.read() as connection:
            for row in connection.execute(asked):
                yield _lived(row).entity

    def write(self, place: Place, kind: str, thing_id: str, change: Callable[[Any | None], Any]) -> Any:
        """What is known of one, changed as a person says; ``change`` gets None of what is not known. What it is then."""
        with self._database.write() as connection:
            return Entities(connection).write(place, kind, thing_id, change)


def _key(row: Any) -> tuple[str, ...]:
    return row.cloud, row.region, row.kind, row.id


def _lived(row: Any) -> Lived:
    return Lived(Place(row.cloud, row.region), row.kind, KINDS[row.kind].load(row.body, row.known_at))
