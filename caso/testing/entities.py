"""Builders of observations: what a poll sees of one thing, with whatever a test cares for changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from caso.lifecycle.address import AddressSeen, AddressState, Origin
from caso.lifecycle.server import Flavor, Server, ServerSeen, ServerState, observe
from caso.lifecycle.volume import VolumeSeen, VolumeState

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
SMALL = Flavor("small", vcpus=2, memory_mib=4096, disk_gib=20)
BIG = Flavor("big", vcpus=16, memory_mib=65536, disk_gib=160)


def hours(count: float) -> datetime:
    """So many hours after :data:`CREATED`."""
    return CREATED + timedelta(hours=count)


def seen_server(
    *,
    at: datetime,
    uuid: str = "11111111-2222-4333-8444-555555555555",
    created: datetime = CREATED,
    launched: bool = True,
    unchanged_since: datetime | None = None,
    ended: datetime | None = None,
    status: str = "ACTIVE",
    project_id: str = "project-1",
    flavor: Flavor = SMALL,
    name: str | None = "vm-1",
    user_name: str | None = "alice",
    image_name: str | None = None,
    public_ip_count: int | None = 0,
) -> ServerSeen:
    """A server as a poll sees it at ``at``: by default it has run unchanged since it was created."""
    return ServerSeen(
        uuid=uuid,
        seen_at=at,
        created=created,
        launched=launched,
        unchanged_since=unchanged_since or created,
        ended=ended,
        state=ServerState(status, project_id, flavor),
        name=name,
        user_id="user-1",
        user_name=user_name,
        image_id="image-1",
        image_name=image_name,
        public_ip_count=public_ip_count,
    )


def life(*sightings: ServerSeen) -> Server:
    """The server that these sightings tell."""
    server: Server | None = None
    for seen in sightings:
        server = observe(server, seen)
    if server is None:
        raise ValueError("a life needs a sighting")
    return server


def seen_volume(
    *,
    at: datetime,
    uuid: str = "22222222-3333-4444-8555-666666666666",
    created: datetime = CREATED,
    unchanged_since: datetime | None = None,
    ended: datetime | None = None,
    size_gib: int = 10,
    type: str | None = "standard",  # noqa: A002  # Cinder's word
    project_id: str = "project-1",
    name: str | None = "volume-1",
    user_name: str | None = "alice",
    server_ids: tuple[str, ...] = (),
) -> VolumeSeen:
    """A volume as a poll sees it at ``at``: by default it is unchanged since it was created."""
    return VolumeSeen(
        uuid=uuid,
        seen_at=at,
        created=created,
        unchanged_since=unchanged_since or created,
        ended=ended,
        state=VolumeState(size_gib, type, project_id),
        name=name,
        status="available",
        user_id="user-1",
        user_name=user_name,
        server_ids=server_ids,
    )


def seen_address(
    *,
    at: datetime,
    id: str = "33333333-4444-4555-8666-777777777777",  # noqa: A002  # Neutron's word
    created: datetime = CREATED,
    unchanged_since: datetime | None = None,
    project_id: str = "project-1",
    server_id: str | None = None,
    ip: str = "192.0.2.1",
    origin: Origin = Origin.FLOATING,
) -> AddressSeen:
    """A public address as a poll sees it at ``at``: by default it leads nowhere, unchanged since it was taken."""
    return AddressSeen(
        id=id,
        seen_at=at,
        created=created,
        unchanged_since=unchanged_since or created,
        state=AddressState(project_id, server_id),
        ip=ip,
        version=6 if ":" in ip else 4,
        origin=origin,
    )
