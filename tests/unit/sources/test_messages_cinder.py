"""Cinder's notifications, typed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from caso.sources.messages import Ignored, Unreadable, VolumeMessage, VolumeTypeEvent, VolumeTypeMessage, read
from tests.unit.sources.notified import AT, CREATED, a_message, attachment, volume

A_TYPE = {"volume_types": {"id": "type-1", "name": "fast", "extra_specs": {}, "is_public": True}}


def test_a_message_tells_what_the_volume_is():
    told = read(a_message("volume.create.end", volume()))

    assert told == VolumeMessage(
        id="message-1",
        event="create.end",
        at=AT,
        uuid="volume-1",
        project_id="project-1",
        user_id="user-1",
        name="My Volume",
        created=CREATED,
        ended=None,
        size_gib=10,
        type_id="type-1",
        status="available",
        attached_to=(),
    )


@pytest.mark.parametrize(
    "event",
    ["create.end", "resize.end", "attach.end", "detach.end", "update.end", "retype", "transfer.accept.end", "exists"],
)
def test_every_event_with_a_whole_volume_is_read(event: str):
    told = read(a_message(f"volume.{event}", volume()))

    assert isinstance(told, VolumeMessage)
    assert (told.event, told.ended) == (event, None)


@pytest.mark.parametrize(
    "event_type", ["volume.create.start", "volume.attach.start", "snapshot.create.end", "backup.exists", "volume.usage"]
)
def test_what_only_begins_or_is_of_something_else_is_ignored(event_type: str):
    assert read(a_message(event_type, {})) == Ignored("message-1", event_type, AT)


@pytest.mark.parametrize(
    ("changes", "servers"),
    [
        ({"volume_attachment": [attachment("server-1")]}, ("server-1",)),
        ({"volume_attachment": [attachment("server-1"), attachment("server-2")]}, ("server-1", "server-2")),
        ({"volume_attachment": [attachment("server-1", "detached"), attachment("server-2")]}, ("server-2",)),
        ({"volume_attachment": [attachment("server-1", "reserved")]}, ()),
        ({"volume_attachment": [attachment(None)]}, ()),
        ({"volume_attachment": [{"instance_uuid": "server-1"}]}, ("server-1",)),
        ({"volume_attachment": None}, ()),
        ({"instance_uuid": "server-1"}, ("server-1",)),
        ({"instance_uuid": ""}, ()),
        ({"instance_uuid": None}, ()),
    ],
)
def test_the_servers_that_have_it_are_told_in_both_generations(changes: dict[str, Any], servers: tuple[str, ...]):
    payload = volume(**changes)
    if "instance_uuid" in changes:
        del payload["volume_attachment"]

    told = read(a_message("volume.attach.end", payload))

    assert isinstance(told, VolumeMessage)
    assert told.attached_to == servers


@pytest.mark.parametrize(
    ("changes", "ended"),
    [
        ({}, AT),
        ({"deleted_at": "2026-11-21T07:59:00"}, datetime(2026, 11, 21, 7, 59, tzinfo=UTC)),
        (
            {"audit_period_beginning": "2026-11-21 07:58:00+00:00", "audit_period_ending": "2026-11-21 07:58:00+00:00"},
            datetime(2026, 11, 21, 7, 58, tzinfo=UTC),
        ),
        ({"audit_period_beginning": "2026-11-21 07:00:00", "audit_period_ending": "2026-11-21 08:00:00"}, AT),
    ],
)
@pytest.mark.parametrize("event", ["delete.end", "unmanage.end"])
def test_a_deleted_volume_ended_when_that_is_told_and_else_with_its_message(event: str, changes: dict[str, Any], ended: datetime):
    told = read(a_message(f"volume.{event}", volume(status="deleting", **changes)))

    assert isinstance(told, VolumeMessage)
    assert told.ended == ended


def test_the_audit_of_a_deleted_volume_leaves_its_end_to_the_delete_end():
    message = a_message("volume.exists", volume(status="deleted"))

    assert read(message) == Ignored("message-1", "volume.exists", AT)


@pytest.mark.parametrize("volume_type", [None, ""])
def test_a_volume_may_have_no_type(volume_type: str | None):
    told = read(a_message("volume.create.end", volume(volume_type=volume_type)))

    assert isinstance(told, VolumeMessage)
    assert told.type_id is None


@pytest.mark.parametrize("event", list(VolumeTypeEvent))
def test_a_volume_type_is_told_by_name(event: VolumeTypeEvent):
    told = read(a_message(f"volume_type.{event}", A_TYPE))

    assert told == VolumeTypeMessage("message-1", event, AT, "type-1", "fast")


@pytest.mark.parametrize("event", ["create", "update", "delete"])
def test_what_failed_with_a_volume_type_is_ignored_though_its_event_is_the_same(event: str):
    failed = A_TYPE | {"error_message": "Target volume type is still in use.", "name": None, "id": None}

    told = read(a_message(f"volume_type.{event}", failed, priority="ERROR"))

    assert told == Ignored("message-1", f"volume_type.{event}", AT)


def test_extra_specs_of_a_volume_type_are_of_no_use():
    assert isinstance(read(a_message("volume_type_extra_specs.create", {})), Ignored)


@pytest.mark.parametrize(
    ("event_type", "payload", "reason"),
    [
        ("volume.create.end", {}, "volume_id: Field required"),
        ("volume.create.end", volume(size=None), "size: Input should be a valid integer"),
        ("volume.create.end", volume(size=-1), "size: Input should be greater than or equal to 0"),
        ("volume.create.end", volume(created_at=None), "created_at: Value error, it is no time"),
        ("volume.create.end", volume(volume_attachment=[7]), "volume_attachment.0: Input should be a valid dictionary"),
        ("volume.create.end", volume(volume_attachment="server-1"), "volume_attachment: Input should be a valid tuple"),
        ("volume_type.create", {}, "volume_types: Field required"),
        ("volume_type.create", {"volume_types": {"id": "a", "name": None}}, "volume_types.name: Input should be a valid string"),
    ],
)
def test_a_broken_payload_is_kept_with_the_field_that_is_wrong(event_type: str, payload: dict[str, Any], reason: str):
    told = read(a_message(event_type, payload))

    assert isinstance(told, Unreadable)
    assert reason in told.reason
