"""Volume types: Cinder's messages and Almanach's users have their ids, everybody else their names."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from caso.lifecycle.notice import VolumeType
from caso.store.engine import Database
from caso.store.names import Place
from caso.store.schema import volume_types


class VolumeTypes:
    """The volume types of one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, place: Place, told: Iterable[VolumeType]) -> None:
        """Keep each as it was told last; one that was deleted keeps the name it had, which its volumes go by."""
        for one in told:
            held = self.get(place, one.id)
            if held is None:
                row = {"id": one.id, "name": one.name, "deleted": one.deleted, "known_at": one.known_at}
                self._connection.execute(insert(volume_types).values(**place._asdict(), **row, number=self._next()))
            elif held.known_at <= one.known_at:
                # What is deleted stays so: ids are never used again.
                changes = {"name": one.name or held.name, "deleted": one.deleted or held.deleted, "known_at": one.known_at}
                self._connection.execute(update(volume_types).where(_is(place, one.id)).values(**changes))

    def get(self, place: Place, type_id: str) -> VolumeType | None:
        row = self._connection.execute(select(volume_types).where(_is(place, type_id))).one_or_none()
        return None if row is None else VolumeType(row.id, row.name, row.known_at, row.deleted)

    def forget(self, place: Place, type_id: str) -> None:
        self._connection.execute(delete(volume_types).where(_is(place, type_id)))

    def all(self, place: Place) -> list[VolumeType]:
        """In the order in which they became known, those that are deleted too."""
        asked = select(volume_types).where(_in(place)).order_by(volume_types.c.number)
        return [VolumeType(row.id, row.name, row.known_at, row.deleted) for row in self._connection.execute(asked)]

    def everywhere(self) -> list[tuple[Place, VolumeType]]:
        """As :meth:`all`, of all places."""
        rows = self._connection.execute(select(volume_types).order_by(volume_types.c.number))
        return [(Place(row.cloud, row.region), VolumeType(row.id, row.name, row.known_at, row.deleted)) for row in rows]

    def _next(self) -> int:
        return int(self._connection.execute(select(func.coalesce(func.max(volume_types.c.number), 0))).scalar_one()) + 1


class VolumeTypeReader:
    """The volume types as they are, and as people write them; each call is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self, place: Place) -> list[VolumeType]:
        with self._database.read() as connection:
            return VolumeTypes(connection).all(place)

    def names(self, place: Place) -> dict[str, str]:
        """The name of each, by id."""
        return {one.id: one.name for one in self.all(place)}

    def everywhere(self) -> list[tuple[Place, VolumeType]]:
        """As :meth:`all`, of all places, each with its own."""
        with self._database.read() as connection:
            return VolumeTypes(connection).everywhere()

    def forget(self, place: Place, type_id: str) -> None:
        """As if nobody had ever told of it: volumes keep the name that they have."""
        with self._database.write() as connection:
            VolumeTypes(connection).forget(place, type_id)

    def put(self, place: Place, told: Iterable[VolumeType]) -> None:
        with self._database.write() as connection:
            VolumeTypes(connection).put(place, told)


def _in(place: Place) -> ColumnElement[bool]:
    return and_(volume_types.c.cloud == place.cloud, volume_types.c.region == place.region)


def _is(place: Place, type_id: str) -> ColumnElement[bool]:
    return and_(_in(place), volume_types.c.id == type_id)
