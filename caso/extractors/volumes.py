"""From a row of Cinder to what was seen of a volume: pure."""

from __future__ import annotations

from datetime import datetime

from caso.extractors.times import require_created
from caso.lifecycle.volume import VolumeSeen, VolumeState
from caso.sources import VolumeRow


def see(row: VolumeRow, arrived_at: datetime, user_name: str | None) -> VolumeSeen:
    """What the row, which came at ``arrived_at``, tells of a volume: whatever its status, it holds its space."""
    require_created(row.created_at, arrived_at)
    seen_at = max(arrived_at, row.created_at)
    servers = (attachment.server_id for attachment in row.attachments or ())
    return VolumeSeen(
        uuid=row.id,
        seen_at=seen_at,
        created=row.created_at,
        unchanged_since=min(row.updated_at or row.created_at, seen_at),
        state=VolumeState(size_gib=row.size, type=row.volume_type, project_id=row.tenant_id),
        name=row.name,
        status=row.status,
        user_id=row.user_id,
        user_name=user_name,
        server_ids=tuple(dict.fromkeys(server for server in servers if server)),
    )
