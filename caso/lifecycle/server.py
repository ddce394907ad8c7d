"""The life of a server: what was seen of it, folded into intervals."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Self

from caso.lifecycle import life
from caso.lifecycle.life import EventfulLife
from caso.lifecycle.notes import Note
from caso.lifecycle.timeline import TOLD_BY_EVENTS, Evidence, Source
from caso.lifecycle.written import Field, Written

TELL_NO_PROPERTIES = TOLD_BY_EVENTS | {Source.ALMANACH}
"""Who leaves out what flavors have besides their size; Almanach knew even that by the flavor's name only."""


@dataclasses.dataclass(frozen=True, slots=True)
class Benchmark:
    """How fast one core is, as the flavor's properties say."""

    name: str
    value: float


@dataclasses.dataclass(frozen=True, slots=True)
class Accelerator:
    """``count`` accelerators of one model that a flavor brings; ``type`` is GPU, FPGA or Other."""

    type: str
    model: str
    count: float


@dataclasses.dataclass(frozen=True, slots=True)
class Flavor:
    """The size of a server. ``disk_gib`` is root plus ephemeral.

    Without any vCPU it is known by name only, as a person wrote it, or Almanach.
    """

    name: str
    vcpus: float
    memory_mib: int
    disk_gib: int
    benchmark: Benchmark | None = None
    accelerators: tuple[Accelerator, ...] = ()

    @classmethod
    def of_fields(cls, fields: Mapping[str, Any]) -> Self:
        """The flavor of which ``dataclasses.asdict`` made these, also after they were JSON."""
        benchmark = fields.get("benchmark")
        accelerators = tuple(Accelerator(**one) for one in fields.get("accelerators") or ())
        told = {name: fields[name] for name in ("name", "vcpus", "memory_mib", "disk_gib")}
        return cls(**told, benchmark=Benchmark(**benchmark) if benchmark else None, accelerators=accelerators)

    @property
    def size(self) -> tuple[str, float, int, int]:
        """What makes it that flavor, be its properties edited or not."""
        return self.name, self.vcpus, self.memory_mib, self.disk_gib

    @property
    def is_bare(self) -> bool:
        """Whether it has no properties, or nobody told them."""
        return self.benchmark is None and not self.accelerators


@dataclasses.dataclass(frozen=True, slots=True)
class ServerState:
    """All of a server that is billed; a change of it closes an interval and opens the next.

    ``status`` is Nova's own word (ACTIVE, SHELVED_OFFLOADED, ...); what it costs is for accounting to say.
    """

    status: str
    project_id: str
    flavor: Flavor


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServerSeen:
    """What a poll saw of one server at ``seen_at``, or what an event told of it, which happened then: ``source`` says which.

    ``unchanged_since`` is the time since when the row has not changed, never after
    ``seen_at``. ``ended`` is None for a server that exists. ``image_name`` is what the site calls the image
    ``image_id``. This, ``user_name`` and ``public_ip_count`` are None where it could not be found out.
    """

    kind: ClassVar[str] = "server"
    """What an extractor that tells of them says in ``observes``."""

    uuid: str
    seen_at: datetime
    created: datetime
    launched: bool
    unchanged_since: datetime
    ended: datetime | None
    state: ServerState
    name: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    image_id: str | None = None
    image_name: str | None = None
    public_ip_count: int | None = None
    properties_known: bool = True
    """False where the flavor's properties are those at boot, since the flavor is gone or hidden: what was known is better."""
    told: tuple[Evidence[ServerState], ...] = ()
    """What others than the row tell of the time since the server was last seen: its instance actions."""
    source: Source = Source.POLL
    notes: tuple[Note, ...] = ()
    """What an event told that nobody is billed for."""

    @property
    def project_id(self) -> str:
        return self.state.project_id


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Server(EventfulLife[ServerState]):
    """All that is known of a server."""

    uuid: str
    created: datetime
    launched: bool
    ended: datetime | None
    end_reason: str | None
    first_seen: datetime
    known_at: datetime
    evidence: tuple[Evidence[ServerState], ...]
    name: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    image_id: str | None = None
    image_name: str | None = None
    public_ip_count: int | None = None
    gone: datetime | None = None
    notes: tuple[Note, ...] = ()
    written: tuple[Written, ...] = ()

    @property
    def of_the_moment(self) -> tuple[object, ...]:
        return self.created, self.name, self.user_id, self.image_id

    def completed(self, claims: Sequence[Evidence[ServerState]]) -> Sequence[Evidence[ServerState]]:
        """The claims, with the properties of flavors where an event did not tell them."""
        bare = [piece for piece in claims if piece.source in TELL_NO_PROPERTIES and piece.value.flavor.is_bare]
        if not bare or (len(bare) == len(claims) and all(piece.value.flavor.vcpus for piece in bare)):
            return claims
        return [_with_properties(piece, claims) if piece in bare else piece for piece in claims]

    @property
    def readers(self) -> Mapping[Field, Callable[[Any], Any]]:
        return {Field.FLAVOR: Flavor.of_fields}


def observe(known: Server | None, seen: ServerSeen) -> Server:
    """The server as it is known once ``seen`` is taken in; the same in any order, and for any repetition.

    The name of its image, once known, outlives the image, as it does a time when nobody tells it.
    """
    told = known is None or seen.properties_known or seen.source in TOLD_BY_EVENTS
    fresh = _from(seen if known is None or told else _with_known_properties(known, seen))
    if known is None:
        return fresh
    newer, older = (fresh, known) if fresh.outdates(known) else (known, fresh)
    return known.told_by(
        fresh,
        launched=known.launched or seen.launched,
        image_name=newer.image_name or older.image_name,
        public_ip_count=older.public_ip_count if newer.public_ip_count is None else newer.public_ip_count,
    )


def _with_known_properties(known: Server, seen: ServerSeen) -> ServerSeen:
    """What was seen, with the properties that its flavor was last known to have."""
    flavor = seen.state.flavor
    alike = [piece for piece in known.evidence if same_size(piece.value.flavor, flavor)]
    if not alike:
        return seen
    newest = max(alike, key=lambda piece: piece.until).value.flavor
    told = tuple(
        dataclasses.replace(piece, value=dataclasses.replace(piece.value, flavor=newest))
        if piece.value.flavor == flavor
        else piece
        for piece in seen.told
    )
    return dataclasses.replace(seen, state=dataclasses.replace(seen.state, flavor=newest), told=told)


def _with_properties(bare: Evidence[ServerState], claims: Iterable[Evidence[ServerState]]) -> Evidence[ServerState]:
    """The claim, with what its flavor is known to have had then, else first."""
    flavor = bare.value.flavor
    if flavor.vcpus:
        alike = [one for one in claims if one.value.flavor.size == flavor.size and not one.value.flavor.is_bare]
    else:
        # It was told by name only.
        sized = [one for one in claims if one.value.flavor.name == flavor.name and one.value.flavor.vcpus]
        alike = [one for one in sized if not one.value.flavor.is_bare] or sized
    if not alike:
        return bare

    def order(one: Evidence[ServerState]) -> tuple[object, ...]:
        return one.since, one.told_at, repr(one.value)

    before = [one for one in alike if one.since <= bare.since]
    nearest = max(before, key=order) if before else min(alike, key=order)
    return dataclasses.replace(bare, value=dataclasses.replace(bare.value, flavor=nearest.value.flavor))


def same_size(one: Flavor, other: Flavor) -> bool:
    """Whether the two are the same flavor, be it with properties that were edited meanwhile."""
    return one.size == other.size


def _from(seen: ServerSeen) -> Server:
    return Server(
        uuid=seen.uuid,
        created=seen.created,
        launched=seen.launched,
        ended=seen.ended,
        end_reason=None,
        first_seen=seen.seen_at,
        known_at=seen.seen_at,
        evidence=(life.claim(seen), *seen.told),
        name=seen.name,
        user_id=seen.user_id,
        user_name=seen.user_name,
        image_id=seen.image_id,
        image_name=seen.image_name,
        public_ip_count=seen.public_ip_count,
        gone=seen.ended if seen.source in TOLD_BY_EVENTS else None,
        notes=seen.notes,
    )


def as_written(
    uuid: str, state: ServerState, created: datetime, written_at: datetime, written: Iterable[Written], *, name: str | None = None
) -> Server:
    """A server that nobody told of yet but who writes of it: it runs since ``created``, until somebody tells otherwise."""
    server = Server(
        uuid=uuid,
        created=created,
        launched=True,
        ended=None,
        end_reason=None,
        first_seen=written_at,
        known_at=written_at,
        evidence=(Evidence(state, created, created, written_at, Source.WRITTEN),),
        name=name,
    )
    return server.with_written(written)


def is_listed(server: Server) -> bool:
    """False for a server that a plain listing hides though it exists: soft-deleted, it can still be restored."""
    return server.intervals()[-1].value.status != "SOFT_DELETED"


def facts(server: Server) -> tuple[object, ...]:
    """What Nova's own row tells of it, and marks as a change; properties of its flavor are none of these."""
    state = server.newest_claim.value
    return server.ended, server.launched, state.status, state.project_id, state.flavor.size


def first_difference(before: Server | None, after: Server) -> datetime | None:
    """The earliest time from which the two tell different lives; a server that turns out to have launched is another one.

    What is not billed has no time. Of a server that goes on it is told with the next record; of one that has
    ended, its last one is told again.
    """
    if before is not None and before.launched != after.launched:
        return after.created
    told_otherwise = before is not None and _names(before) != _names(after)
    return life.first_difference(before, after) or (after.ended if told_otherwise else None)


def _names(server: Server) -> tuple[str | None, ...]:
    return server.user_name, server.image_name
