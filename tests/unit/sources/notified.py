"""Payloads as Nova and Cinder write them, in their generations, for tests of who reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from caso.sources.messages import Message

AT = datetime(2026, 11, 21, 8, 0, 1, 500000, tzinfo=UTC)
CREATED = datetime(2026, 11, 21, 7, 51, 57, tzinfo=UTC)


def a_message(event_type: str, payload: Mapping[str, Any], priority: str = "INFO") -> Message:
    return Message("message-1", event_type, AT, priority, "compute.host-1", payload)


def legacy_instance(**changes: Any) -> dict[str, Any]:
    """``compute.instance.*`` of Nova, as it has been since Havana; times mix their spellings as they do there."""
    return {
        "instance_id": "server-1",
        "tenant_id": "project-1",
        "user_id": "user-1",
        "display_name": "My Server",
        "hostname": "my-server",
        "reservation_id": "r-1",
        "instance_type": "m1.small",
        "instance_type_id": 3,
        "instance_flavor_id": "2",
        "architecture": None,
        "memory_mb": 2048,
        "disk_gb": 25,
        "vcpus": 2,
        "root_gb": 20,
        "ephemeral_gb": 5,
        "host": "host-1",
        "node": "host-1",
        "availability_zone": "nova",
        "created_at": "2026-11-21 07:51:57+00:00",
        "terminated_at": "",
        "deleted_at": "",
        "launched_at": "2026-11-21T07:52:00.085002",
        "image_ref_url": "http://glance:9292/images/image-1",
        "state": "active",
        "state_description": "",
        "progress": "",
        "image_meta": {"base_image_ref": "image-0", "min_disk": "1", "distro": "debian"},
        "metadata": {"department": "physics"},
        **changes,
    }


def versioned(data: Mapping[str, Any], name: str = "InstanceActionPayload") -> dict[str, Any]:
    return {
        "nova_object.name": name,
        "nova_object.namespace": "nova",
        "nova_object.version": "1.8",
        "nova_object.data": dict(data),
    }


def versioned_instance(flavor: Mapping[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """``instance.*`` of Nova, with its flavor as an object in the object."""
    its_flavor = {
        "flavorid": "2",
        "name": "m1.small",
        "vcpus": 2,
        "memory_mb": 2048,
        "root_gb": 20,
        "ephemeral_gb": 5,
        "swap": 0,
        "extra_specs": {"hw:watchdog_action": "disabled"},
        **(flavor or {}),
    }
    return versioned(
        {
            "uuid": "server-1",
            "tenant_id": "project-1",
            "user_id": "user-1",
            "display_name": "My Server",
            "host_name": "my-server",
            "flavor": versioned(its_flavor, "FlavorPayload"),
            "image_uuid": "image-1",
            "metadata": {"department": "physics"},
            "state": "active",
            "task_state": None,
            "created_at": "2026-11-21T07:51:57Z",
            "launched_at": "2026-11-21T07:52:00Z",
            "terminated_at": None,
            "deleted_at": None,
            "block_devices": [versioned({"volume_id": "volume-1"}, "BlockDevicePayload")],
            **changes,
        }
    )


def volume(**changes: Any) -> dict[str, Any]:
    """``volume.*`` of Cinder."""
    return {
        "tenant_id": "project-1",
        "user_id": "user-1",
        "host": "host-1@fake#fake",
        "availability_zone": "nova",
        "volume_id": "volume-1",
        "volume_type": "type-1",
        "display_name": "My Volume",
        "launched_at": "2026-11-21T07:51:58.100000+00:00",
        "created_at": "2026-11-21T07:51:57+00:00",
        "status": "available",
        "snapshot_id": None,
        "size": 10,
        "metadata": [],
        "volume_attachment": [],
        **changes,
    }


def attachment(server: str | None, status: str = "attached") -> dict[str, Any]:
    return {"id": f"attachment-of-{server}", "volume_id": "volume-1", "instance_uuid": server, "attach_status": status}
