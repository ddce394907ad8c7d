"""What OpenStack's notifications say, typed: from a message as it came to the server, the volume or the type it tells of."""

from __future__ import annotations

from caso.sources.messages_cinder import VOLUME, VolumeMessage, VolumeTypeEvent, VolumeTypeMessage, read_volume, read_volume_type
from caso.sources.messages_envelope import Ignored, Message, Unreadable, open_envelope
from caso.sources.messages_nova import LEGACY, VERSIONED, ServerMessage, read_server

__all__ = [
    "Ignored",
    "Message",
    "ServerMessage",
    "Unreadable",
    "VolumeMessage",
    "VolumeTypeEvent",
    "VolumeTypeMessage",
    "open_envelope",
    "read",
]


def read(message: Message) -> ServerMessage | VolumeMessage | VolumeTypeMessage | Ignored | Unreadable:
    """What a message tells, by its event; what is not about a server, a volume or a volume type is Ignored. Never raises."""
    if message.event_type.startswith((LEGACY, VERSIONED)):
        return read_server(message)
    if message.event_type.startswith(VOLUME):
        return read_volume(message)
    return read_volume_type(message)
