"""Objects that could not be read: kept with their reason, until they are well or gone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from sqlalchemy import ColumnElement, Connection, and_, delete, false, insert, select

from caso.store.engine import chunks
from caso.store.names import Place
from caso.store.schema import quarantine


class OddLike(Protocol):
    """An object that could not be read; ``project_id`` is None where even that is unreadable."""

    @property
    def kind(self) -> str: ...
    @property
    def object_id(self) -> str: ...
    @property
    def project_id(self) -> str | None: ...
    @property
    def reason(self) -> str: ...
    @property
    def deleted(self) -> bool: ...


class Quarantined(NamedTuple):
    """``window_start`` is the start of the window that it was first missed in; ``met_at`` when it was last in a listing."""

    kind: str
    object_id: str
    project_id: str | None
    reason: str
    window_start: datetime
    met_at: datetime


class Quarantine:
    """The quarantine of one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self, place: Place) -> list[Quarantined]:
        columns = (quarantine.c[field] for field in Quarantined._fields)
        rows = self._connection.execute(select(*columns).where(_at(place)).order_by(quarantine.c.kind, quarantine.c.object_id))
        return [Quarantined(*row) for row in rows]

    def put(self, place: Place, odd: Sequence[OddLike], *, window_start: datetime, at: datetime) -> None:
        """Keep each with its newest reason and its first window."""
        held = {(one.kind, one.object_id): one for one in self.all(place)}
        rows = {}
        for one in odd:
            before = held.get((one.kind, one.object_id))
            rows[one.kind, one.object_id] = {
                **place._asdict(),
                "kind": one.kind,
                "object_id": one.object_id,
                "project_id": one.project_id or (before.project_id if before else None),
                "reason": one.reason,
                "deleted": one.deleted,
                "window_start": before.window_start if before else window_start,
                "met_at": at,
            }
        for kind in {kind for kind, _ in rows}:
            self.clear(place, kind, [object_id for of, object_id in rows if of == kind])
        if rows:
            self._connection.execute(insert(quarantine), list(rows.values()))

    def clear(self, place: Place, kind: str, object_ids: Iterable[str]) -> None:
        mine = and_(_at(place), quarantine.c.kind == kind)
        if self._connection.scalar(select(quarantine.c.object_id).where(mine).limit(1)) is None:
            # So it is nearly always, and to name each takes longer.
            return
        for chunk in chunks(object_ids):
            self._connection.execute(delete(quarantine).where(mine, quarantine.c.object_id.in_(chunk)))

    def forget(self, place: Place, project_id: str | None, *, met_before: datetime, kind: str) -> int:
        """Drop what a complete listing did not have: it is gone. How many that were."""
        gone = delete(quarantine).where(
            _at(place), quarantine.c.kind == kind, quarantine.c.project_id == project_id, quarantine.c.met_at < met_before
        )
        return self._connection.execute(gone).rowcount

    def met_since(self, place: Place, kind: str, since: datetime) -> set[str]:
        """What was met and is not known to be deleted: it lives, though nothing else can be read of it."""
        alive = and_(quarantine.c.met_at >= since, quarantine.c.deleted == false())
        met = select(quarantine.c.object_id).where(_at(place), quarantine.c.kind == kind, alive)
        return set(self._connection.scalars(met))


def _at(place: Place) -> ColumnElement[bool]:
    return and_(quarantine.c.cloud == place.cloud, quarantine.c.region == place.region)
