"""Cinder's notifications of volumes and of their types, as typed messages."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationError

from caso.sources.messages_envelope import Ignored, Message, Unreadable, unreadable
from caso.sources.messages_nova import Size, SomeTime, Time
from caso.sources.rows import Id, Row, Text, why

VOLUME = "volume."
PHASE = ".end"
NOT_PHASED = frozenset({"exists", "retype"})
GONE = frozenset({"delete.end", "unmanage.end"})
"""After these Cinder has no such volume any more."""

# Cinder's API shows an attachment once it is made; the message of a volume has those that are yet to be, or were.
NOT_ATTACHED = frozenset({"reserved", "attaching", "detached", "deleted", "error_attaching"})


@dataclasses.dataclass(frozen=True)
class VolumeMessage:
    """What a notification says that a volume was, ``at`` its time. Times are aware UTC; ``event`` is ``create.end``, say.

    ``type_id`` is an id, never a name. ``attached_to`` are the servers that have it, after what happened.
    """

    id: str
    event: str
    at: datetime
    uuid: str
    project_id: str
    user_id: str | None
    name: str | None
    created: datetime
    ended: datetime | None
    size_gib: int
    type_id: str | None
    status: str | None
    attached_to: tuple[str, ...]


class VolumeTypeEvent(StrEnum):
    """What happened to a volume type."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclasses.dataclass(frozen=True)
class VolumeTypeMessage:
    """What became of a volume type: from it comes the name of what a volume has only the id of."""

    id: str
    event: VolumeTypeEvent
    at: datetime
    type_id: str
    name: str


def read_volume(message: Message) -> VolumeMessage | Ignored | Unreadable:
    """The volume that a message of Cinder tells of; Unreadable, with the field that is wrong, where its payload is broken."""
    event = message.event_type.removeprefix(VOLUME)
    if not message.event_type.startswith(VOLUME) or not (event.endswith(PHASE) or event in NOT_PHASED):
        return Ignored(message.id, message.event_type, message.at)
    try:
        told = _Volume.model_validate(message.payload)
    except ValidationError as exc:
        return unreadable(message, why(exc))
    if told.status == "deleted" and event not in GONE:
        # As the audit lists it; its delete.end tells when.
        return Ignored(message.id, message.event_type, message.at)
    return VolumeMessage(
        id=message.id,
        event=event,
        at=message.at,
        uuid=told.volume_id,
        project_id=told.tenant_id,
        user_id=told.user_id,
        name=told.display_name,
        created=told.created_at,
        ended=(told.told_end or message.at) if event in GONE else None,
        size_gib=told.size,
        type_id=told.volume_type,
        status=told.status,
        attached_to=told.attached_to,
    )


def read_volume_type(message: Message) -> VolumeTypeMessage | Ignored | Unreadable:
    """The volume type that a message of Cinder tells of; what failed has the same event, and is ignored."""
    known = {f"volume_type.{event}": event for event in VolumeTypeEvent}
    event = known.get(message.event_type)
    if event is None or message.priority == "ERROR" or message.payload.get("error_message") is not None:
        return Ignored(message.id, message.event_type, message.at)
    try:
        told = _VolumeTypePayload.model_validate(message.payload).volume_types
    except ValidationError as exc:
        return unreadable(message, why(exc))
    return VolumeTypeMessage(message.id, event, message.at, told.id, told.name)


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


def _listed(value: Any) -> Any:
    return () if value is None or value == "" else value


MaybeId = Annotated[Id | None, BeforeValidator(_none_if_empty)]


class _Attachment(Row):
    instance_uuid: MaybeId = None
    """None for a volume that a host has."""
    attach_status: Text | None = None


class _Volume(Row):
    """cinder/volume/volume_utils.py, _usage_from_volume; until Icehouse ``instance_uuid`` in place of attachments."""

    volume_id: Id
    tenant_id: Id
    user_id: Text | None = None
    display_name: Text | None = None
    created_at: SomeTime
    deleted_at: Time = None
    size: Size
    volume_type: MaybeId = None
    status: Text | None = None
    volume_attachment: Annotated[tuple[_Attachment, ...], BeforeValidator(_listed)] = ()
    instance_uuid: MaybeId = None
    audit_period_beginning: Time = None
    audit_period_ending: Time = None

    @property
    def told_end(self) -> datetime | None:
        """When it was deleted, where that is told.

        ``cinder-volume-usage-audit --send_actions`` tells of a deletion long after it, with a period that begins and ends then.
        """
        if self.deleted_at is None and self.audit_period_beginning == self.audit_period_ending:
            return self.audit_period_ending
        return self.deleted_at

    @property
    def attached_to(self) -> tuple[str, ...]:
        servers = (one.instance_uuid for one in self.volume_attachment if one.attach_status not in NOT_ATTACHED)
        return tuple(dict.fromkeys(server for server in (*servers, self.instance_uuid) if server))


class _VolumeType(Row):
    id: Id
    name: Text


class _VolumeTypePayload(Row):
    volume_types: _VolumeType
