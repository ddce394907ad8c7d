"""Where requests are worked on: the store, what caso-api is told, and the time."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import uuid4

from caso.api.bodies import LONGEST
from caso.api.errors import UnavailableError
from caso.api.rows import KINDS, SERVER, Row, rows
from caso.api.settings import Settings
from caso.lifecycle.notice import VolumeType
from caso.lifecycle.server import Flavor, Server
from caso.lifecycle.written import Field, Written
from caso.store import Lived, Place, Store


@dataclasses.dataclass(frozen=True, slots=True)
class Pen:
    """One request that writes: its own id, and when it came."""

    id: str
    now: datetime

    def entry(self, at: datetime, field: Field, value: Any, *, until: datetime | None = None, sent: Any = None) -> Written:
        return Written.of(self.id, self.now, at, field, value, until=until, sent=sent)


@dataclasses.dataclass(frozen=True, slots=True)
class Desk:
    """What every request needs; ``clock`` tells aware UTC."""

    store: Store
    settings: Settings
    clock: Callable[[], datetime]

    def pen(self) -> Pen:
        return Pen(uuid4().hex, self.clock())

    def find(self, thing_id: str, *kinds: str) -> list[Lived]:
        """What is known under an id, of these kinds: nearly always one."""
        # No database is asked for what none could hold.
        return self.store.lives.by_id(thing_id, kinds or KINDS) if len(thing_id) <= LONGEST and "\0" not in thing_id else []

    def change(self, kind: str, thing_id: str, change: Callable[[Any | None], Any]) -> Any:
        """What is known under an id, changed, in one transaction; what it is then. ``change`` raises for what is not known."""
        found = self.find(thing_id, kind)
        return self.store.lives.write(found[0].place, kind, thing_id, change) if found else change(None)

    def rows(self, kind: str, entity: Any) -> list[Row]:
        return rows(kind, entity, self.settings.rules)

    def rows_of(self, thing_id: str) -> list[Row]:
        """All rows of a server or volume, in the order in which they were noted; none where it is unknown."""
        found = [row for lived in self.find(thing_id) for row in self.rows(lived.kind, lived.entity)]
        return sorted(found, key=lambda row: row.order)

    def active(self, kind: str, entity: Any) -> Row | None:
        """The row that goes on."""
        return next((row for row in self.rows(kind, entity) if row.end is None), None)

    def place_for_new(self) -> Place:
        """Where that lives which nobody but a person told of yet."""
        if self.settings.place is not None:
            return self.settings.place
        places = self.store.lives.places()
        if len(places) != 1:
            raise UnavailableError("caso-api was not told in which region new things are; set region_name in [api] of caso.conf")
        return places[0]

    def volume_types(self) -> Iterator[tuple[Place, VolumeType]]:
        """Those that are not deleted, in the order in which they became known, with where they are."""
        return ((place, one) for place, one in self.store.volume_types.everywhere() if not one.deleted)

    def flavor(self, name: str, of: Server | None = None) -> Flavor:
        """The flavor that has this name, as the server had it, else as the newest server has it that has it.

        Where none has, it is known by name only: what it costs, nobody knows.
        """
        for server in [of] if of else []:
            if found := _flavor(server, name):
                return found
        written = json.dumps(name, ensure_ascii=False)
        for server in self.store.lives.newest(SERVER, f'"name":{written}'):
            if found := _flavor(server, name):
                return found
        return Flavor(name, vcpus=0, memory_mib=0, disk_gib=0)


def _flavor(server: Server, name: str) -> Flavor | None:
    """The server's newest flavor of this name whose size is known."""
    flavors = [piece.value.flavor for piece in sorted(server.evidence, key=lambda piece: piece.until, reverse=True)]
    flavors += [interval.value.flavor for interval in server.intervals()]
    return next((flavor for flavor in flavors if flavor.name == name and flavor.vcpus), None)
