"""Records for tests: complete and plausible; a test names only what it is about.

>>> a_cloud_record(cpu_count=4).cpu_seconds
3456000
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from caso.records import AcceleratorRecord, AcceleratorType, CloudRecord, EnergyRecord, IpRecord, Status, StorageRecord
from caso.window import Month, Window

SERVER = "6d6e5e0a-9a6f-4a0e-8a54-0f2f4f2a7c01"
VOLUME = "0b1f3c5e-2d4a-4f60-8b7c-9d8e7f6a5b4c"
CREATED = datetime(2024, 2, 1, tzinfo=UTC)
MEASURED = datetime(2024, 2, 11, tzinfo=UTC)


def a_cloud_record(**changes: Any) -> CloudRecord:
    """A server with two vCPUs, running since 1 February 2024, measured ten days later.

    What ``changes`` leaves out follows from what it holds: seconds from ``start``,
    ``measured_at`` and ``cpu_count``; the end of a completed server from ``measured_at``.
    """
    measured_at = changes.get("measured_at", MEASURED)
    fields: dict[str, Any] = {
        "measured_at": measured_at,
        "known_at": measured_at,
        "vm_uuid": SERVER,
        "site_name": "TEST-SITE",
        "service_name": "test-cloud",
        "machine_name": "worker-1",
        "user_id": "9b7c1f0e5d3a4c2b8e6f7a1d2c3b4a50",
        "project_id": "3f2e1d0c9b8a47566574839201abcdef",
        "user_name": "alice",
        "vo": "vo.example.org",
        "status": Status.STARTED,
        "start": CREATED,
        "end": measured_at if changes.get("status") is Status.COMPLETED else None,
        "suspend_seconds": 0,
        "cpu_count": 2,
        "memory_mib": 4096,
        "disk_gib": 40,
        "image_id": "0c1d2e3f-4a5b-6c7d-8e9f-a0b1c2d3e4f5",
        "cloud_type": "caso/6.0.0 (OpenStack)",
    } | changes
    if "wall_seconds" not in fields:
        fields["wall_seconds"] = Window(fields["start"], measured_at).seconds
    if "cpu_seconds" not in fields:
        fields["cpu_seconds"] = int(fields["wall_seconds"] * fields["cpu_count"])
    return CloudRecord(**fields)


def an_accelerator_record(**changes: Any) -> AcceleratorRecord:
    """Two GPUs on the server of :func:`a_cloud_record`, held since the month began."""
    measured_at = changes.get("measured_at", MEASURED)
    fields: dict[str, Any] = {
        "measured_at": measured_at,
        "known_at": measured_at,
        "vm_uuid": SERVER,
        "site_name": "TEST-SITE",
        "service_name": "test-cloud",
        "cloud_type": "caso/6.0.0 (OpenStack)",
        "user_name": "alice",
        "project_id": "3f2e1d0c9b8a47566574839201abcdef",
        "vo": "vo.example.org",
        "type": AcceleratorType.GPU,
        "model": "NVIDIA A100",
        "count": 2,
        "available_seconds": 864000,
    }
    return AcceleratorRecord(**fields | changes)


def an_ip_record(**changes: Any) -> IpRecord:
    """Three IPv4 addresses that the project of :func:`a_cloud_record` holds."""
    measured_at = changes.get("measured_at", MEASURED)
    fields: dict[str, Any] = {
        "measured_at": measured_at,
        "known_at": measured_at,
        "site_name": "TEST-SITE",
        "service_name": "test-cloud",
        "cloud_type": "caso/6.0.0 (OpenStack)",
        "project_id": "3f2e1d0c9b8a47566574839201abcdef",
        "vo": "vo.example.org",
        "ip_version": 4,
        "ip_count": 3,
    }
    return IpRecord(**fields | changes)


def a_storage_record(**changes: Any) -> StorageRecord:
    """A volume of 10 GiB of the project of :func:`a_cloud_record`, unchanged since the month began."""
    measured_at = changes.get("measured_at", MEASURED)
    fields: dict[str, Any] = {
        "measured_at": measured_at,
        "known_at": measured_at,
        "volume_id": VOLUME,
        "sequence": 1,
        "site_name": "TEST-SITE",
        "service_name": "test-cloud",
        "user_id": "9b7c1f0e5d3a4c2b8e6f7a1d2c3b4a50",
        "user_name": "alice",
        "project_id": "3f2e1d0c9b8a47566574839201abcdef",
        "vo": "vo.example.org",
        "volume_type": "standard",
        "start": Month.of(measured_at).start,
        "size_bytes": 10 * 2**30,
    }
    return StorageRecord(**fields | changes)


def an_energy_record(**changes: Any) -> EnergyRecord:
    """A whole day of the server of :func:`a_cloud_record`, every second of it covered.

    What ``changes`` leaves out follows from what it holds: ``start`` and ``end`` from ``slot``, seconds from both.
    """
    slot = changes.get("slot", date(2024, 2, 10))
    start = datetime(slot.year, slot.month, slot.day, tzinfo=UTC)
    fields: dict[str, Any] = {
        "vm_uuid": SERVER,
        "site_name": "TEST-SITE",
        "service_name": "test-cloud",
        "cloud_type": "caso/6.0.0 (OpenStack)",
        "user_name": "alice",
        "project_id": "3f2e1d0c9b8a47566574839201abcdef",
        "vo": "vo.example.org",
        "status": Status.STARTED,
        "slot": slot,
        "start": start,
        "end": start + timedelta(days=1),
        "energy_wh": 960.0,
        "coverage": 1.0,
        "suspend_seconds": 0,
        "cpu_count": 2,
    } | changes
    measured_at = EnergyRecord.measured_at_of(slot, fields["end"])
    wall_seconds = fields.get("wall_seconds", Window(fields["start"], fields["end"]).seconds)
    computed = {
        "measured_at": measured_at,
        "known_at": measured_at,
        "wall_seconds": wall_seconds,
        "cpu_seconds": wall_seconds * fields["cpu_count"],
    }
    return EnergyRecord(**computed | fields)
