"""Notifications as Nova and Cinder send them, with whatever a test cares for changed; their shapes are those of captured ones."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.broker import Notification

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
SIZES = {"small": (2, 4096, 20), "big": (16, 65536, 160)}
STANDARD = "11111111-aaaa-4aaa-8aaa-111111111111"


def hours(count: float) -> datetime:
    return CREATED + timedelta(hours=count)


def server_event(
    event: str,
    uuid: str,
    at: datetime,
    *,
    flavor: str = "small",
    state: str = "active",
    ended: datetime | None = None,
    **changes: Any,
) -> Notification:
    """``compute.instance.EVENT`` of a server that was made at CREATED, unless ``changes`` say otherwise."""
    vcpus, memory, disk = SIZES[flavor]
    payload = {
        "instance_id": uuid,
        "tenant_id": "p1",
        "user_id": "user-1",
        "display_name": f"vm {uuid}",
        "hostname": f"vm-{uuid}",
        "state": "deleted" if ended else state,
        "created_at": _spaced(CREATED),
        "launched_at": CREATED.strftime("%Y-%m-%dT%H:%M:%S.%f"),
        "terminated_at": _spaced(ended) if ended else "",
        "deleted_at": _spaced(ended) if ended else "",
        "instance_type": flavor,
        "vcpus": vcpus,
        "memory_mb": memory,
        "root_gb": disk,
        "ephemeral_gb": 0,
        "disk_gb": disk,
        "image_ref_url": "http://glance/images/image-1",
        "image_meta": {"base_image_ref": "image-1", "os_type": "linux", "distro": "debian"},
        "metadata": {},
        **changes,
    }
    return Notification(f"compute.instance.{event}", payload, timestamp=at)


def volume_event(
    event: str, uuid: str, at: datetime, *, size: int = 10, type_id: str | None = STANDARD, **changes: Any
) -> Notification:
    """``volume.EVENT`` of a volume that was made at CREATED."""
    payload = {
        "volume_id": uuid,
        "tenant_id": "p1",
        "user_id": "user-1",
        "display_name": f"volume {uuid}",
        "created_at": CREATED.isoformat(),
        "size": size,
        "volume_type": type_id,
        "status": "available",
        "volume_attachment": [],
        **changes,
    }
    return Notification(f"volume.{event}", payload, timestamp=at, publisher_id="volume.host-1")


def type_event(event: str, type_id: str, name: str, at: datetime = CREATED) -> Notification:
    payload = {"volume_types": {"id": type_id, "name": name, "extra_specs": {}}}
    return Notification(f"volume_type.{event}", payload, timestamp=at, publisher_id="volume.host-1")


def history(uuid: str, rng: random.Random) -> Iterator[Notification]:
    """The messages of a server to which much was done, in the order in which it happened; about half have ended."""
    at, flavor, state = CREATED + timedelta(seconds=rng.randrange(60)), "small", "active"
    yield server_event("create.end", uuid, at)
    for _ in range(rng.randrange(4, 10)):
        at += timedelta(seconds=rng.randrange(1, 40_000))
        deed = rng.choice(("suspend", "resume", "power_off.end", "power_on.end", "finish_resize.end", "exists"))
        if deed == "finish_resize.end":
            flavor = "big" if flavor == "small" else "small"
        state = {"suspend": "suspended", "power_off.end": "stopped", "exists": state}.get(deed, "active")
        event = f"{deed}.end" if deed in {"suspend", "resume"} else deed
        yield server_event(event, uuid, at, flavor=flavor, state=state)
    if rng.random() < 0.5:
        at += timedelta(seconds=rng.randrange(1, 40_000))
        yield server_event("delete.end", uuid, at, flavor=flavor, ended=at.replace(microsecond=0))


def histories(count: int, seed: int = 1) -> list[Notification]:
    """The messages of so many servers, some of them twice, in no order."""
    rng = random.Random(seed)
    messages = [message for number in range(count) for message in history(f"server-{number:05}", rng)]
    messages += rng.sample(messages, len(messages) // 20)
    rng.shuffle(messages)
    return messages


def in_batches(messages: Sequence[Notification], size: int = 2000) -> Iterator[Sequence[Notification]]:
    return (messages[start : start + size] for start in range(0, len(messages), size))


def _spaced(time: datetime) -> str:
    return time.isoformat(" ")
