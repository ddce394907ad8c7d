"""From a row of Nova to what was seen of a server: pure."""

from __future__ import annotations

from datetime import datetime

from caso.extractors.times import CLOCK_SKEW, UnreadableError, require_created
from caso.lifecycle.server import Flavor, ServerSeen, ServerState
from caso.sources.rows import ServerRow

DELETED = "DELETED"


def see(
    row: ServerRow,
    arrived_at: datetime,
    flavor: Flavor,
    *,
    image_name: str | None,
    user_name: str | None,
    properties_known: bool = True,
) -> ServerSeen:
    """What the row, which came at ``arrived_at``, tells of a server.

    A server ended when it was terminated; one that was never on a host has no such time, and ended when its row last
    changed. A server stuck in deleting, or soft-deleted, is alive: it can come back, and holds its resources.
    """
    ended = _ended(row)
    if ended is not None and ended < row.created:
        raise UnreadableError(f"it ended ({ended:%FT%TZ}) before it was created ({row.created:%FT%TZ})")
    require_created(row.created, arrived_at)
    if ended is not None and ended > arrived_at + CLOCK_SKEW:
        raise UnreadableError(f"it ended in the future ({ended:%FT%TZ}); check the clocks")
    seen_at = max(arrived_at, row.created)
    return ServerSeen(
        uuid=row.id,
        seen_at=seen_at,
        created=row.created,
        launched=row.launched_at is not None,
        unchanged_since=min(row.updated or row.created, seen_at),
        ended=ended,
        state=ServerState(row.status, row.tenant_id, flavor),
        name=row.name,
        user_id=row.user_id,
        user_name=user_name,
        image_id=row.image.id if row.image else None,
        image_name=image_name,
        public_ip_count=_public_ips(row, ended),
        properties_known=properties_known,
    )


def _ended(row: ServerRow) -> datetime | None:
    if row.status != DELETED:
        return None
    ended = row.terminated_at or row.updated
    if ended is None:
        raise UnreadableError("it is deleted, and no field says when")
    return ended


def _public_ips(row: ServerRow, ended: datetime | None) -> int | None:
    # Nova takes the addresses from a server with its end: what it had until then is not known from that row.
    if ended is not None and not row.addresses:
        return None
    return sum(address.is_floating for addresses in row.addresses.values() for address in addresses)
