"""Cinder: volume types, volumes, attachments; deleted rows stay with their mark."""

from datetime import datetime, timedelta

from tests.cloud.rows.table import Rows
from tests.cloud.seed.catalog import stable_id
from tests.cloud.seed.storage import VOLUME_TYPES
from tests.cloud.seed.truth import Attachment, Truth, Volume


def add_cinder(rows: Rows, truth: Truth, at: datetime) -> None:
    """What Cinder has at a time."""
    long_ago = truth.reference - timedelta(days=700)
    for name in VOLUME_TYPES:
        rows.add(
            "cinder",
            "volume_types",
            id=stable_id("volume-type", name),
            name=name,
            created_at=long_ago,
            updated_at=long_ago,
            deleted=False,
            is_public=True,
        )
    for volume in truth.volumes:
        if volume.created <= at:
            _volume(rows, volume, at)
            for attachment in volume.attachments:
                if attachment.start <= at:
                    _attachment(rows, volume, attachment, at)


def _volume(rows: Rows, volume: Volume, at: datetime) -> None:
    deleted = not volume.exists(at)
    state = volume.state(at)
    edges = [volume.created, volume.deleted_at, state.at]
    for attachment in volume.attachments:
        edges += [attachment.start, attachment.end]
    status = volume.status_at(at)
    rows.add(
        "cinder",
        "volumes",
        id=volume.id,
        _name_id=None,
        user_id=volume.user_id,
        project_id=state.project_id,
        host=None if volume.status == "error" else "cloud@lvm#pool",
        size=state.size_gib,
        availability_zone="nova",
        status="deleted" if deleted else status,
        attach_status="attached" if status == "in-use" else "detached",
        created_at=volume.created,
        updated_at=max(edge for edge in edges if edge and edge <= at),
        scheduled_at=volume.created,
        launched_at=None if volume.status == "error" else volume.created,
        terminated_at=volume.deleted_at if deleted else None,
        deleted_at=volume.deleted_at if deleted else None,
        deleted=deleted,
        display_name=volume.name,
        display_description="",
        volume_type_id=stable_id("volume-type", state.type),
        bootable=volume.oddity == "root",
        multiattach=volume.oddity == "attached-twice",
        replication_status="disabled",
        shared_targets=False,
        use_quota=True,
    )


def _attachment(rows: Rows, volume: Volume, attachment: Attachment, at: datetime) -> None:
    over = not attachment.exists(at)
    rows.add(
        "cinder",
        "volume_attachment",
        id=attachment.id,
        volume_id=volume.id,
        instance_uuid=attachment.server_id,
        attached_host="compute",
        mountpoint="/dev/vdb",
        attach_time=attachment.start,
        attach_mode="rw",
        attach_status="detached" if over else "attached",
        detach_time=attachment.end if over else None,
        created_at=attachment.start,
        updated_at=attachment.end if over else attachment.start,
        deleted_at=attachment.end if over else None,
        deleted=over,
    )
