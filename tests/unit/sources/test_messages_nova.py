"""Nova's notifications, typed: what both generations say, and what is left out."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from caso.sources.messages import Ignored, ServerMessage, Unreadable, read
from tests.unit.sources.notified import AT, CREATED, a_message, legacy_instance, versioned, versioned_instance


def test_an_unversioned_message_tells_all_but_the_extra_specs():
    told = read(a_message("compute.instance.create.end", legacy_instance()))

    assert told == ServerMessage(
        id="message-1",
        event="create.end",
        at=AT,
        uuid="server-1",
        project_id="project-1",
        user_id="user-1",
        name="My Server",
        hostname="my-server",
        created=CREATED,
        launched=True,
        ended=None,
        status="ACTIVE",
        flavor="m1.small",
        vcpus=2,
        memory_mib=2048,
        disk_gib=25,
        extra_specs=None,
        image_id="image-1",
        image_meta={"base_image_ref": "image-0", "min_disk": "1", "distro": "debian"},
        metadata={"department": "physics"},
        audit_end=None,
        renamed=False,
    )


def test_a_versioned_message_tells_the_same_with_extra_specs_and_without_the_meta_of_the_image():
    unversioned = read(a_message("compute.instance.create.end", legacy_instance()))

    told = read(a_message("instance.create.end", versioned_instance()))

    assert isinstance(unversioned, ServerMessage)
    assert told == dataclasses.replace(unversioned, extra_specs={"hw:watchdog_action": "disabled"}, image_meta=None)


@pytest.mark.parametrize(
    ("unversioned", "name", "event"),
    [
        ("compute.instance.create.end", "instance.create.end", "create.end"),
        ("compute.instance.create.error", "instance.create.error", "create.error"),
        ("compute.instance.delete.end", "instance.delete.end", "delete.end"),
        ("compute.instance.soft_delete.end", "instance.soft_delete.end", "soft_delete.end"),
        ("compute.instance.update", "instance.update", "update"),
        ("compute.instance.exists", "instance.exists", "exists"),
        ("compute.instance.finish_resize.end", "instance.resize_finish.end", "resize_finish.end"),
        ("compute.instance.resize.end", "instance.resize.end", "resize.end"),
        ("compute.instance.resize.prep.end", "instance.resize_prep.end", "resize_prep.end"),
        ("compute.instance.resize.confirm.end", "instance.resize_confirm.end", "resize_confirm.end"),
        ("compute.instance.resize.revert.end", "instance.resize_revert.end", "resize_revert.end"),
        ("compute.instance.shelve_offload.end", "instance.shelve_offload.end", "shelve_offload.end"),
        ("compute.instance.live_migration._post.end", "instance.live_migration_post.end", "live_migration_post.end"),
        (
            "compute.instance.live_migration.post.dest.end",
            "instance.live_migration_post_dest.end",
            "live_migration_post_dest.end",
        ),
        ("compute.instance.live.migration.abort.end", "instance.live_migration_abort.end", "live_migration_abort.end"),
    ],
)
def test_an_event_has_one_name_in_both_generations(unversioned: str, name: str, event: str):
    one = read(a_message(unversioned, legacy_instance()))
    other = read(a_message(name, versioned_instance()))

    assert isinstance(one, ServerMessage)
    assert isinstance(other, ServerMessage)
    assert one.event == other.event == event


@pytest.mark.parametrize(
    "event_type",
    [
        "compute.instance.create.start",
        "compute.instance.rebuild.scheduled",
        "compute.instance.evacuate",
        "compute.instance.volume.attach",
        "instance.rebuild_scheduled",
        "instance.lock",
        "compute.metrics.update",
        "compute_task.build_instances",
        "scheduler.select_destinations.end",
        "volume.usage",
        "floatingip.create.end",
        "image.update",
        "identity.authenticate",
    ],
)
def test_what_only_begins_or_is_of_something_else_is_ignored(event_type: str):
    assert read(a_message(event_type, {"anything": None})) == Ignored("message-1", event_type, AT)


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("active", "ACTIVE"),
        ("building", "BUILD"),
        ("stopped", "SHUTOFF"),
        ("paused", "PAUSED"),
        ("suspended", "SUSPENDED"),
        ("shelved", "SHELVED"),
        ("shelved_offloaded", "SHELVED_OFFLOADED"),
        ("resized", "VERIFY_RESIZE"),
        ("rescued", "RESCUE"),
        ("soft-delete", "SOFT_DELETED"),
        ("soft_deleted", "SOFT_DELETED"),
        ("error", "ERROR"),
    ],
)
def test_a_state_is_told_in_the_words_of_the_api(state: str, status: str):
    told = read(a_message("compute.instance.update", legacy_instance(state=state)))

    assert isinstance(told, ServerMessage)
    assert told.status == status


def test_a_server_without_a_launch_was_never_launched():
    told = read(a_message("compute.instance.update", legacy_instance(launched_at="", state="error")))

    assert isinstance(told, ServerMessage)
    assert not told.launched


@pytest.mark.parametrize(
    ("times", "ended"),
    [
        (
            {"terminated_at": "2026-11-21T08:00:00.000000", "deleted_at": "2026-11-21T08:00:01.000000"},
            AT.replace(second=0, microsecond=0),
        ),
        ({"deleted_at": "2026-11-21T08:00:01.000000"}, AT.replace(microsecond=0)),
        ({}, AT),
    ],
)
def test_a_deleted_server_ended_when_it_was_terminated(times: dict[str, str], ended: datetime):
    told = read(a_message("compute.instance.delete.end", legacy_instance(state="deleted", **times)))

    assert isinstance(told, ServerMessage)
    assert (told.status, told.ended) == ("DELETED", ended)


def test_an_errored_server_that_is_deleted_has_ended():
    told = read(a_message("instance.delete.end", versioned_instance(state="error", deleted_at="2026-11-21T08:00:00Z")))

    assert isinstance(told, ServerMessage)
    assert (told.status, told.ended) == ("DELETED", datetime(2026, 11, 21, 8, tzinfo=UTC))


def test_a_server_that_may_be_restored_has_not_ended_though_nova_dates_it():
    payload = versioned_instance(state="soft-delete", deleted_at="2026-11-21T08:00:00Z", terminated_at="2026-11-21T08:00:00Z")

    told = read(a_message("instance.soft_delete.end", payload))

    assert isinstance(told, ServerMessage)
    assert (told.status, told.ended) == ("SOFT_DELETED", None)


def test_a_deleted_server_without_its_end_is_left_to_its_delete_end():
    message = a_message("compute.instance.update", legacy_instance(state="deleted"))

    assert read(message) == Ignored("message-1", "compute.instance.update", AT)


def test_the_end_of_the_audited_period_is_told_by_exists_alone():
    period = {"audit_period_beginning": "2026-11-21 07:00:00", "audit_period_ending": "2026-11-21 08:00:00"}
    wrapped = versioned({"audit_period_ending": "2026-11-21T08:00:00Z"}, "AuditPeriodPayload")

    legacy = read(a_message("compute.instance.exists", legacy_instance(**period)))
    modern = read(a_message("instance.exists", versioned_instance(audit_period=wrapped)))
    update = read(a_message("compute.instance.update", legacy_instance(**period)))

    assert isinstance(legacy, ServerMessage)
    assert isinstance(modern, ServerMessage)
    assert isinstance(update, ServerMessage)
    assert legacy.audit_end == modern.audit_end == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert update.audit_end is None


@pytest.mark.parametrize(
    "created",
    [
        "2026-11-21 07:51:57+00:00",
        "2026-11-21T07:51:57.000000",
        "2026-11-21 07:51:57",
        "2026-11-21T07:51:57Z",
        "2026-11-21T08:51:57+01:00",
    ],
)
def test_times_in_any_spelling_are_utc(created: str):
    told = read(a_message("compute.instance.update", legacy_instance(created_at=created)))

    assert isinstance(told, ServerMessage)
    assert told.created == CREATED
    assert told.created.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("changes", "image_id"),
    [
        ({}, "image-1"),
        ({"image_ref_url": "image-1"}, "image-1"),
        ({"image_ref_url": "http://glance:9292/images/", "image_meta": {"base_image_ref": ""}}, None),
        ({"image_ref_url": None}, "image-0"),
        ({"image_ref_url": None, "image_meta": {}}, None),
    ],
)
def test_the_image_is_what_the_server_was_made_of(changes: dict[str, Any], image_id: str | None):
    told = read(a_message("compute.instance.create.end", legacy_instance(**changes)))

    assert isinstance(told, ServerMessage)
    assert told.image_id == image_id


def test_a_server_booted_from_a_volume_has_no_image():
    told = read(a_message("instance.create.end", versioned_instance(image_uuid="")))

    assert isinstance(told, ServerMessage)
    assert told.image_id is None


def test_disks_of_old_messages_are_told_as_a_sum():
    payload = legacy_instance()
    del payload["root_gb"], payload["ephemeral_gb"]

    told = read(a_message("compute.instance.create.end", payload))

    assert isinstance(told, ServerMessage)
    assert told.disk_gib == 25


@pytest.mark.parametrize("metadata", [[], None, {}, [{"key": "department", "value": "physics"}], {"rank": 3, "odd": {}}])
def test_metadata_of_all_times_is_a_mapping_of_texts(metadata: Any):
    told = read(a_message("compute.instance.create.end", legacy_instance(metadata=metadata)))

    assert isinstance(told, ServerMessage)
    assert told.metadata in ({}, {"department": "physics"}, {"rank": "3"})


@pytest.mark.parametrize(
    ("event_type", "payload", "reason"),
    [
        ("compute.instance.update", {}, "instance_id: Field required"),
        ("compute.instance.update", legacy_instance(instance_id=""), "instance_id: String should have at least 1 character"),
        ("compute.instance.update", legacy_instance(tenant_id=None), "tenant_id: Input should be a valid string"),
        ("compute.instance.update", legacy_instance(created_at="None"), "created_at: Value error, 'None' is no time"),
        ("compute.instance.update", legacy_instance(created_at=""), "created_at: Value error, '' is no time"),
        ("compute.instance.update", legacy_instance(created_at=7), "created_at: Value error, it is no time"),
        ("compute.instance.update", legacy_instance(vcpus=-1), "vcpus: Input should be greater than or equal to 0"),
        (
            "compute.instance.update",
            legacy_instance(state="dreaming"),
            "state: Value error, it is no state that a server can be in",
        ),
        ("compute.instance.update", legacy_instance(metadata=[3]), "metadata: Input should be"),
        ("instance.update", versioned_instance(flavor={"memory_mb": None}), "flavor.memory_mb: Input should be a valid integer"),
        ("instance.exists", versioned_instance(audit_period={"audit_period_ending": 7}), "audit_period.audit_period_ending: "),
        ("instance.update", legacy_instance(), "uuid: Field required"),
        ("instance.update", {"payload": [1]}, "uuid: Field required"),
    ],
)
def test_a_broken_payload_is_kept_with_the_field_that_is_wrong(event_type: str, payload: dict[str, Any], reason: str):
    told = read(a_message(event_type, payload))

    assert isinstance(told, Unreadable)
    assert reason in told.reason
    assert (told.id, told.event_type, told.at) == ("message-1", event_type, AT)
    assert told.body.startswith("{")
