"""Volumes: plain, attached once and twice, nameless, in error, deleted."""

import dataclasses
import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from tests.cloud.seed.catalog import stable_id
from tests.cloud.seed.truth import Attachment, Project, Server, User, Volume

VOLUME_TYPES = ("standard", "fast")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SIZES_GIB = (1, 10, 50, 100, 500)
KINDS = (
    "plain",
    "attached",
    "attached-twice",
    "gone",
    "nameless",
    "attached-in-the-hour",
    "detached-in-the-hour",
    "error",
    "deleted-in-the-hour",
    "created-in-the-hour",
)
ODDITIES = {"attached-twice", "nameless", "error"}


def make_volumes(
    servers: Sequence[Server],
    projects: Sequence[Project],
    users: Sequence[User],
    reference: datetime,
    seed: int,
) -> Iterator[Volume]:
    """A third as many as a project has living servers, at least ten; and those booted from."""
    for project in projects:
        rng = random.Random(f"{seed} volumes {project.name}")
        hosts = _hosts(servers, project, reference)
        for number in range(max(len(KINDS), len(hosts) // 3)):
            plain = Volume(
                id=stable_id("volume", seed, project.name, number),
                name=f"{project.name}-volume{number:04d}",
                project_id=project.id,
                user_id=rng.choice(users).id,
                size_gib=rng.choice(SIZES_GIB),
                type=rng.choice(VOLUME_TYPES),
                created=reference - timedelta(minutes=rng.randrange(90, 120 * 24 * 60)),
            )
            # Two servers which no other volume is at.
            near = hosts[2 * number : 2 * number + 2]
            yield _of_kind(KINDS[number % len(KINDS)], plain, near, reference)
    for server in servers:
        if server.oddity == "boot-from-volume":
            yield _root_volume(server)


def _hosts(servers: Sequence[Server], project: Project, reference: datetime) -> list[Server]:
    """Ordinary servers which live at the reference time and have for two hours."""
    return [
        server
        for server in servers
        if server.project_id == project.id
        and server.oddity is None
        and server.created < reference - 2 * HOUR
        and server.exists(reference)
    ]


def _of_kind(kind: str, plain: Volume, near: Sequence[Server], reference: datetime) -> Volume:
    changes: dict[str, object] = {}
    settled = [max(plain.created, server.created) + 10 * MINUTE for server in near]
    match kind:
        case "attached":
            changes["attachments"] = _attach(near[:1], settled)
        case "attached-twice":
            changes["attachments"] = _attach(near, settled)
        case "attached-in-the-hour":
            staying = [server for server in near[:1] if server.deleted_at is None]
            changes["attachments"] = _attach(staying, [reference + 15 * MINUTE])
        case "detached-in-the-hour":
            changes["attachments"] = _attach(near[:1], settled, reference + 25 * MINUTE)
        case "gone":
            changes["deleted_at"] = plain.created + HOUR
        case "deleted-in-the-hour":
            changes["deleted_at"] = reference + 35 * MINUTE
        case "created-in-the-hour":
            changes["created"] = reference + 5 * MINUTE
        case "nameless":
            changes["name"] = None
        case "error":
            changes["status"] = "error"
    oddity = kind if kind in ODDITIES else None
    return dataclasses.replace(plain, oddity=oddity, **changes)  # type: ignore[arg-type]


def _attach(servers: Sequence[Server], starts: Sequence[datetime], end: datetime | None = None) -> tuple[Attachment, ...]:
    """Until ``end`` or until the server is deleted, whichever comes first."""
    made = []
    for server, start in zip(servers, starts, strict=False):
        ends = [at for at in (end, server.deleted_at) if at]
        name = stable_id("attachment", server.id, start)
        made.append(Attachment(name, server.id, start, min(ends, default=None)))
    return tuple(made)


def _root_volume(server: Server) -> Volume:
    """The volume a server was booted from."""
    return Volume(
        id=stable_id("volume", server.id),
        name="",
        project_id=server.project_id,
        user_id=server.user_id,
        size_gib=20,
        type="standard",
        created=server.created,
        attachments=_attach([server], [server.created + MINUTE]),
        oddity="root",
    )
