"""Nova's notifications as typed messages: both generations, the unversioned and the versioned one, read alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from caso.sources.messages_envelope import Ignored, Message, Unreadable, instant, unreadable
from caso.sources.rows import Id, Row, Text, why

LEGACY, VERSIONED = "compute.instance.", "instance."
OUTCOMES = ("end", "error")
NOT_PHASED = frozenset({"exists", "update"})

# nova/api/openstack/common.py, for a server that nothing is being done to; soft_deleted is how some wrote soft-delete.
STATUSES: Mapping[str, str] = {
    "active": "ACTIVE",
    "building": "BUILD",
    "stopped": "SHUTOFF",
    "paused": "PAUSED",
    "suspended": "SUSPENDED",
    "shelved": "SHELVED",
    "shelved_offloaded": "SHELVED_OFFLOADED",
    "resized": "VERIFY_RESIZE",
    "rescued": "RESCUE",
    "soft-delete": "SOFT_DELETED",
    "soft_deleted": "SOFT_DELETED",
    "error": "ERROR",
    "deleted": "DELETED",
}
DELETED = "DELETED"


@dataclasses.dataclass(frozen=True)
class ServerMessage:
    """What a notification says that a server was, ``at`` its time. Times are aware UTC, memory is in MiB, disk in GiB.

    ``event`` is the same word for both generations, ``resize_finish.end`` say. ``name`` is what people call the server,
    ``hostname`` what it calls itself. ``extra_specs`` and ``image_meta`` are None where this generation does not tell them.
    ``renamed``: it has got another ``name``.
    ``ended`` is set for a deleted server only: Nova dates a server that may yet be restored, too.
    """

    id: str
    event: str
    at: datetime
    uuid: str
    project_id: str
    user_id: str | None
    name: str | None
    hostname: str | None
    created: datetime
    launched: bool
    ended: datetime | None
    status: str
    flavor: str
    vcpus: int
    memory_mib: int
    disk_gib: int
    extra_specs: Mapping[str, str] | None
    image_id: str | None
    image_meta: Mapping[str, str] | None
    metadata: Mapping[str, str]
    audit_end: datetime | None
    renamed: bool


def event_of(event_type: str) -> str | None:
    """The one name of what happened to a server; None for what happened to something else, or is only about to.

    >>> event_of("compute.instance.finish_resize.end"), event_of("instance.resize_finish.end"), event_of("instance.lock")
    ('resize_finish.end', 'resize_finish.end', None)
    """
    for prefix in (LEGACY, VERSIONED):
        if event_type.startswith(prefix):
            what, _, phase = event_type.removeprefix(prefix).rpartition(".")
            if not what:
                return phase if phase in NOT_PHASED else None
            what = what.replace("._", "_").replace(".", "_")
            return f"{'resize_finish' if what == 'finish_resize' else what}.{phase}" if phase in OUTCOMES else None
    return None


def read_server(message: Message) -> ServerMessage | Ignored | Unreadable:
    """The server that a message of Nova tells of; Unreadable, with the field that is wrong, where its payload is broken."""
    event = event_of(message.event_type)
    if event is None:
        return Ignored(message.id, message.event_type, message.at)
    legacy = message.event_type.startswith(LEGACY)
    try:
        told = _Legacy.model_validate(message.payload) if legacy else _Versioned.model_validate(_opened(message.payload))
    except ValidationError as exc:
        return unreadable(message, why(exc))
    except RecursionError:
        return unreadable(message, "it is nested too deeply")
    status = DELETED if event == "delete.end" else STATUSES[told.state]
    ended = told.terminated_at or told.deleted_at if status == DELETED else None
    if status == DELETED and ended is None:
        if event != "delete.end":
            # Its delete.end tells when.
            return Ignored(message.id, message.event_type, message.at)
        ended = message.at
    return ServerMessage(
        id=message.id,
        event=event,
        at=message.at,
        created=told.created_at,
        launched=told.launched_at is not None,
        ended=ended,
        status=status,
        user_id=told.user_id,
        project_id=told.tenant_id,
        name=told.display_name,
        metadata=told.metadata,
        audit_end=told.audit_end if event == "exists" else None,
        renamed=told.old_display_name is not None,
        **told.of_its_generation(),
    )


def _time(value: Any) -> datetime | None:
    return None if value is None or value == "" else instant(value)


def _known_state(value: Any) -> str:
    if not isinstance(value, str) or value.lower() not in STATUSES:
        raise ValueError("it is no state that a server can be in")
    return value.lower()


def _texts(value: Any) -> Any:
    """A mapping whose values are texts; Nova of 2014 wrote pairs, and none at all as an empty list."""
    if value is None or value == []:
        return {}
    if isinstance(value, list) and all(isinstance(pair, dict) and isinstance(pair.get("key"), str) for pair in value):
        value = {pair["key"]: pair.get("value") for pair in value}
    if not isinstance(value, dict):
        return value
    return {key: one if isinstance(one, str) else str(one) for key, one in value.items() if isinstance(one, str | int | float)}


Time = Annotated[datetime | None, BeforeValidator(_time)]
SomeTime = Annotated[datetime, BeforeValidator(instant)]
State = Annotated[str, BeforeValidator(_known_state)]
Texts = Annotated[Mapping[Text, Text], BeforeValidator(_texts)]
Size = Annotated[int, Field(ge=0, lt=2**63)]


class _Period(Row):
    audit_period_ending: Time = None


class _Told(Row):
    """What both generations call the same."""

    tenant_id: Id
    user_id: Text | None = None
    display_name: Text | None = None
    old_display_name: Text | None = None
    state: State
    created_at: SomeTime
    launched_at: Time = None
    terminated_at: Time = None
    deleted_at: Time = None
    metadata: Texts = Field(default_factory=dict)


class _Legacy(_Told):
    """``compute.instance.*``; ``instance_type`` is the flavor's name. nova/notifications/base.py, info_from_instance."""

    instance_id: Id
    hostname: Text | None = None
    instance_type: Text
    vcpus: Size
    memory_mb: Size
    disk_gb: Size | None = None
    root_gb: Size | None = None
    ephemeral_gb: Size = 0
    image_ref_url: Text | None = None
    image_meta: Texts = Field(default_factory=dict)
    audit_period_ending: Time = None

    @property
    def audit_end(self) -> datetime | None:
        return self.audit_period_ending

    def of_its_generation(self) -> Mapping[str, Any]:
        # The URL is of the image that the server was made of, which for a snapshot's server the base image is not.
        image = (self.image_ref_url or "").rpartition("/")[2] or self.image_meta.get("base_image_ref")
        return {
            "uuid": self.instance_id,
            "hostname": self.hostname,
            "flavor": self.instance_type,
            "vcpus": self.vcpus,
            "memory_mib": self.memory_mb,
            "disk_gib": (self.disk_gb or 0) if self.root_gb is None else self.root_gb + self.ephemeral_gb,
            "extra_specs": None,
            "image_id": image or None,
            "image_meta": self.image_meta,
        }


class _Flavor(Row):
    name: Text
    vcpus: Size
    memory_mb: Size
    root_gb: Size
    ephemeral_gb: Size = 0
    extra_specs: Texts | None = None


class _Versioned(_Told):
    """``instance.*``, without the wrappings of its objects. nova/notifications/objects/instance.py."""

    uuid: Id
    host_name: Text | None = None
    flavor: _Flavor
    image_uuid: Text | None = None
    audit_period: _Period | None = None

    @property
    def audit_end(self) -> datetime | None:
        return self.audit_period.audit_period_ending if self.audit_period else None

    def of_its_generation(self) -> Mapping[str, Any]:
        return {
            "uuid": self.uuid,
            "hostname": self.host_name,
            "flavor": self.flavor.name,
            "vcpus": self.flavor.vcpus,
            "memory_mib": self.flavor.memory_mb,
            "disk_gib": self.flavor.root_gb + self.flavor.ephemeral_gb,
            "extra_specs": self.flavor.extra_specs,
            "image_id": self.image_uuid or None,
            "image_meta": None,
        }


def _opened(value: Any) -> Any:
    """What oslo.versionedobjects wrapped, at any depth of objects in objects."""
    if isinstance(value, dict) and "nova_object.data" in value:
        value = value["nova_object.data"]
        if isinstance(value, dict):
            return {key: _opened(inner) for key, inner in value.items()}
    return value
