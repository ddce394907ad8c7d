"""Servers and volumes of three years, made quickly: as a store that has taken notifications for so long knows them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from caso.lifecycle.server import Flavor, Server, ServerState
from caso.lifecycle.timeline import Evidence, Source
from caso.lifecycle.volume import Volume, VolumeState
from caso.store import Place, Store
from caso.store.batches import execute_many
from caso.store.engine import chunks
from caso.store.entities import UNKNOWN, row_of
from caso.store.kinds import KINDS
from caso.store.schema import entities
from caso.store.spans import note_former_owners

HERE = Place("", "RegionOne")
BEGIN, NOW = datetime(2023, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
SHORTEST, LONGEST = timedelta(minutes=1), NOW - BEGIN
PROJECTS = 100
VOLUMES = 0.4
"""The share of volumes."""
GIVEN_AWAY = 0.02
"""The share of volumes that had another owner once."""
FLAVORS = [Flavor(f"m{size}", vcpus=float(size), memory_mib=2048 * size, disk_gib=20 * size) for size in (1, 2, 4, 8)]
WRITTEN_AT_ONCE = 5_000


def project(number: int) -> str:
    """The one of most resources is the first, half as many are the second's, a third the third's."""
    return f"project-{number:02}"


def fill(store: Store, count: int, seed: int = 1) -> int:
    """Put so many servers and volumes into the store, as it writes them itself; how many intervals these have."""
    intervals = 0
    for some in chunks(lives(count, seed), WRITTEN_AT_ONCE):
        intervals += sum(len(one.intervals()) for _, one in some)
        rows = [_row(kind, one) for kind, one in some]
        with store.database.write() as connection:
            execute_many(connection, insert(entities), rows)
            note_former_owners(connection, HERE, "volume", [one for kind, one in some if kind == "volume"])
    return intervals


def lives(count: int, seed: int = 1) -> Iterator[tuple[str, Server | Volume]]:
    """As many last minutes as hours, days, weeks or years; what would end after NOW goes on."""
    rng = random.Random(seed)
    shares = [1 / (number + 1) for number in range(PROJECTS)]
    owners = rng.choices(range(PROJECTS), shares, k=count)
    for number, owner in enumerate(owners):
        created = _whole(BEGIN + (NOW - BEGIN) * rng.random())
        length = SHORTEST * math.exp(rng.random() * math.log(LONGEST / SHORTEST))
        ended = _whole(created + length) if created + length < NOW else None
        uuid = f"{rng.getrandbits(128):032x}"
        if number < count * VOLUMES:
            yield "volume", _volume(uuid, project(owner), created, ended, rng)
        else:
            yield "server", _server(uuid, project(owner), created, ended, rng)


def touching(one: Any, project_id: str, start: datetime, end: datetime) -> int:
    """How many of its intervals are of a period, both ends included, and the project's."""
    mine = (interval for interval in one.intervals() if interval.value.project_id == project_id)
    return sum(interval.start <= end and (interval.end is None or interval.end >= start) for interval in mine)


def _row(kind: str, one: Server | Volume) -> dict[str, Any]:
    rules = KINDS[kind]
    known = UNKNOWN.become(rules, one, "notifications")
    return row_of(rules, known) | HERE._asdict() | {"kind": kind, "id": one.uuid}


def _server(uuid: str, owner: str, created: datetime, ended: datetime | None, rng: random.Random) -> Server:
    evidence, place = [], rng.randrange(len(FLAVORS))
    for at in _times(created, ended, rng):
        place = (place + 1) % len(FLAVORS)
        evidence.append(Evidence(ServerState("ACTIVE", owner, FLAVORS[place]), at, at, at, Source.NOTIFICATION))
    known_at = ended or evidence[-1].until
    return Server(
        uuid=uuid,
        created=created,
        launched=True,
        ended=ended,
        end_reason=None,
        first_seen=created,
        known_at=known_at,
        evidence=tuple(evidence),
        name=f"vm {uuid[:6]}",
        user_id="user-1",
        image_id="image-1",
        gone=ended,
    )


def _volume(uuid: str, owner: str, created: datetime, ended: datetime | None, rng: random.Random) -> Volume:
    evidence, size, times = [], 0, _times(created, ended, rng)
    former = project(rng.randrange(PROJECTS)) if rng.random() < GIVEN_AWAY and len(times) > 1 else owner
    for number, at in enumerate(times):
        size += 10
        state = VolumeState(size, "standard", owner if number else former)
        evidence.append(Evidence(state, at, at, at, Source.NOTIFICATION))
    known_at = ended or evidence[-1].until
    return Volume(
        uuid=uuid,
        created=created,
        ended=ended,
        end_reason=None,
        first_seen=created,
        known_at=known_at,
        evidence=tuple(evidence),
        name=f"volume {uuid[:6]}",
        user_id="user-1",
        gone=ended,
    )


def _times(created: datetime, ended: datetime | None, rng: random.Random) -> list[datetime]:
    """When something about it was told: at its creation, and up to four times again."""
    length = (ended or NOW) - created
    return [created, *sorted(created + length * rng.random() for _ in range(rng.randrange(5)))]


def _whole(time: datetime) -> datetime:
    """The services write whole seconds."""
    return time.replace(microsecond=0)
