"""Notifications as oslo.messaging's driver ``messagingv2`` writes them."""

from __future__ import annotations

import dataclasses
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


@dataclasses.dataclass(frozen=True)
class Notification:
    """What a service notifies of; ``timestamp`` has a zone."""

    event_type: str
    payload: Mapping[str, Any]
    timestamp: datetime = datetime(2026, 11, 21, 7, 51, 57, 843994, tzinfo=UTC)
    publisher_id: str = "compute.host-1"
    priority: str = "INFO"
    message_id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))

    def message(self) -> dict[str, Any]:
        """The inner message: the time is UTC, with a space and without a zone."""
        return {
            "message_id": self.message_id,
            "publisher_id": self.publisher_id,
            "event_type": self.event_type,
            "priority": self.priority,
            "payload": dict(self.payload),
            "timestamp": self.timestamp.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds"),
            "_unique_id": uuid.uuid4().hex,
            "_context_request_id": f"req-{uuid.uuid4()}",
        }


def envelope(message: Mapping[str, Any] | Notification) -> dict[str, str]:
    """The body on the wire: the message is JSON within JSON."""
    inner = message.message() if isinstance(message, Notification) else dict(message)
    return {"oslo.version": "2.0", "oslo.message": json.dumps(inner)}
