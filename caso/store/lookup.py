"""Finding one thing by its id, wherever it is: for a person who asks about it. Nothing here writes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, select, union

from caso.store import accounted
from caso.store.engine import Database
from caso.store.kinds import KINDS
from caso.store.names import Place
from caso.store.quarantine import Quarantined
from caso.store.schema import entities, quarantine, records

NEAR = 20
"""Ids that are offered in place of one that is not there."""


class Known(NamedTuple):
    """An entity, where it lives, and what is noted of it; ``dirty_from`` as in :class:`caso.store.Due`."""

    place: Place
    kind: str
    entity: Any
    accounted_until: datetime | None
    dirty_from: datetime | None


class Lookup:
    """Questions by id; each one is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entities(self, thing_id: str, kinds: Collection[str]) -> list[Known]:
        """What is known under this id, by place and kind."""
        told = [entities.c[name] for name in ("cloud", "region", "kind", "body", "known_at", "dirty_from")]
        asked = select(*told, accounted.UNTIL).select_from(accounted.WITH_UNTIL)
        mine = asked.where(entities.c.id == thing_id, entities.c.kind.in_(sorted(kinds)))
        with self._database.read() as connection:
            rows = connection.execute(mine.order_by(*entities.primary_key)).all()
        return [
            Known(
                place=Place(row.cloud, row.region),
                kind=row.kind,
                entity=KINDS[row.kind].load(row.body, row.known_at),
                accounted_until=row.accounted_until,
                dirty_from=row.dirty_from,
            )
            for row in rows
        ]

    def quarantined(self, thing_id: str, kinds: Collection[str]) -> list[tuple[Place, Quarantined]]:
        """What is in quarantine under this id, by place and kind."""
        mine = select(quarantine).where(quarantine.c.object_id == thing_id, quarantine.c.kind.in_(sorted(kinds)))
        with self._database.read() as connection:
            rows = connection.execute(mine.order_by(*quarantine.primary_key)).all()
        return [
            (Place(row.cloud, row.region), Quarantined(*(getattr(row, name) for name in Quarantined._fields))) for row in rows
        ]

    def ids_from(self, prefix: str, kinds: Collection[str]) -> list[str]:
        """Ids of these kinds, quarantined ones too, that begin so: the first of them."""
        return self._ids(prefix, kinds, "startswith")

    def ids_like(self, text: str, kinds: Collection[str]) -> list[str]:
        """Ids that have the longest part in common with one that is not there: mistyped, or cut out of a line badly."""
        parts = sorted({text, *text.split("-"), text[:6], text[-6:]}, key=len, reverse=True)
        for part in (part for part in parts if len(part) > 3):
            if found := self._ids(part, kinds, "contains"):
                return found
        return []

    def keys_of(self, subject: str) -> frozenset[str]:
        """The keys of all records held of a subject of the ledger."""
        with self._database.read() as connection:
            return frozenset(connection.scalars(select(records.c.key).where(records.c.subject == subject)))

    def _ids(self, text: str, kinds: Collection[str], how: str) -> list[str]:
        def question(of: Column[str], kind: Column[str]) -> Any:
            return select(of.label("id")).where(getattr(of, how)(text, autoescape=True), kind.in_(sorted(kinds)))

        both = union(question(entities.c.id, entities.c.kind), question(quarantine.c.object_id, quarantine.c.kind)).subquery()
        with self._database.read() as connection:
            return list(connection.scalars(select(both.c.id).order_by(both.c.id).limit(NEAR)))
