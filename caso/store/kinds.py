"""What the store has to know of each kind of entity: how to fold it, and how to write it down.

One entry here is all that a further kind needs of the store.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from pydantic import TypeAdapter, ValidationError

from caso.lifecycle import address, life, server, volume
from caso.lifecycle.address import Address, AddressSeen
from caso.lifecycle.server import Server, ServerSeen
from caso.lifecycle.volume import Volume, VolumeSeen
from caso.store.damage import damaged


class Entity(Protocol):
    """What the store asks of what it keeps."""

    @property
    def project_id(self) -> str: ...
    @property
    def known_at(self) -> datetime: ...
    @property
    def created(self) -> datetime: ...
    @property
    def ended(self) -> datetime | None: ...


@dataclasses.dataclass(frozen=True)
class EntityKind:
    """A kind of entity: what observations of it are, and the pure functions of its lifecycle.

    ``name`` is also the kind of its odd objects in the quarantine, and the first part of its subjects in the ledger.
    """

    name: str
    entity: type[Any]
    seen: type[Any]
    id_of: Callable[[Any], str]
    """The id of an observation and of an entity alike."""
    row_of: Callable[[str], str]
    """The id of the row that a listing shows it in, by its own id."""
    observe: Callable[[Any, Any], Any]
    vanish: Callable[[Any, datetime, str], Any]
    is_listed: Callable[[Any], bool]
    """False for what a plain listing hides though it exists: it cannot be missed there."""
    first_difference: Callable[[Any, Any], datetime | None]
    facts: Callable[[Any], tuple[object, ...]]
    """Of what is known, all that its own row tells, and marks as a change."""
    again_is_no_news: bool = False
    """Of one that is told of again, and is as it was, only that is noted."""

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.entity)

    def dump(self, entity: Entity) -> str:
        return self._adapter.dump_json(entity).decode()

    def load(self, body: str, known_at: datetime) -> Any:
        """The entity, which was last told to be as it was at ``known_at``."""
        try:
            entity = self._adapter.validate_json(body)
        except ValidationError as exc:
            raise damaged(f"an entity ({self.name})", "; ".join(error["msg"] for error in exc.errors())) from exc
        return entity if entity.known_at == known_at else life.vouched_for(entity, known_at)


SERVER = EntityKind(
    name=ServerSeen.kind,
    entity=Server,
    seen=ServerSeen,
    id_of=lambda thing: str(thing.uuid),
    row_of=str,
    observe=server.observe,
    vanish=life.vanish,
    is_listed=server.is_listed,
    first_difference=server.first_difference,
    facts=server.facts,
)
VOLUME = EntityKind(
    name=VolumeSeen.kind,
    entity=Volume,
    seen=VolumeSeen,
    id_of=lambda thing: str(thing.uuid),
    row_of=str,
    observe=volume.observe,
    vanish=life.vanish,
    is_listed=lambda thing: True,
    first_difference=life.first_difference,
    facts=life.facts,
)
ADDRESS = EntityKind(
    name=AddressSeen.kind,
    entity=Address,
    seen=AddressSeen,
    id_of=lambda thing: str(thing.id),
    row_of=address.row_of,
    observe=address.observe,
    vanish=address.vanish,
    is_listed=lambda thing: True,
    first_difference=life.first_difference,
    facts=life.facts,
    # Neutron marks no change of an address, so that all are told of in each run.
    again_is_no_news=True,
)

KINDS = {kind.name: kind for kind in (SERVER, VOLUME, ADDRESS)}


def kind_of(seen: object) -> EntityKind:
    """The kind that an observation is of."""
    for kind in KINDS.values():
        if isinstance(seen, kind.seen):
            return kind
    raise TypeError(f"no kind of entity is observed by a {type(seen).__name__}")
