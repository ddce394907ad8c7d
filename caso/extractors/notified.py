"""From a message of the queue to what was seen of a server or a volume: pure."""

from __future__ import annotations

from collections.abc import Iterator

from caso.extractors.times import UnreadableError
from caso.lifecycle.notes import Note, What
from caso.lifecycle.server import Flavor, ServerSeen, ServerState
from caso.lifecycle.timeline import Source
from caso.lifecycle.volume import VolumeSeen, VolumeState
from caso.sources.messages import ServerMessage, VolumeMessage

BEGINNINGS = frozenset({"create.end"})
NAMED = frozenset({"update", "update.end"})
REBUILT = frozenset({"rebuild.end"})
ATTACHING = frozenset({"attach.end", "detach.end"})
"""After these events a note says what they changed; all others only repeat it."""


def see_server(message: ServerMessage, flavor: Flavor, user_name: str | None) -> ServerSeen:
    """What the message tells of a server at its time, a claim over a point; ``flavor`` is the message's, with its properties."""
    _require_an_order(message)
    at = max(message.at, message.created)
    return ServerSeen(
        uuid=message.uuid,
        seen_at=at,
        created=message.created,
        launched=message.launched,
        unchanged_since=at,
        ended=message.ended,
        state=ServerState(message.status, message.project_id, flavor),
        name=message.name,
        user_id=message.user_id,
        user_name=user_name,
        image_id=message.image_id,
        properties_known=message.extra_specs is not None,
        source=_source(message),
        notes=tuple(_notes_of_server(message)),
    )


def see_volume(message: VolumeMessage, type_name: str | None, user_name: str | None) -> VolumeSeen:
    """What the message tells of a volume at its time."""
    _require_an_order(message)
    at = max(message.at, message.created)
    return VolumeSeen(
        uuid=message.uuid,
        seen_at=at,
        created=message.created,
        unchanged_since=at,
        ended=message.ended,
        state=VolumeState(message.size_gib, type_name, message.project_id),
        name=message.name,
        status=message.status,
        user_id=message.user_id,
        user_name=user_name,
        server_ids=message.attached_to,
        source=_source(message),
        notes=tuple(_notes_of_volume(message)),
    )


def _source(message: ServerMessage | VolumeMessage) -> Source:
    return Source.AUDIT if message.event == "exists" else Source.NOTIFICATION


def _require_an_order(message: ServerMessage | VolumeMessage) -> None:
    if message.ended is not None and message.ended < message.created:
        raise UnreadableError(f"it ended ({message.ended:%FT%TZ}) before it was created ({message.created:%FT%TZ})")


def _notes_of_server(message: ServerMessage) -> Iterator[Note]:
    if message.event in BEGINNINGS:
        yield Note.of(message.created, What.NAME, message.name)
        yield Note.of(message.created, What.METADATA, dict(message.metadata))
        if message.image_meta is not None:
            yield Note.of(message.created, What.IMAGE_META, dict(message.image_meta))
    elif message.event in NAMED and message.renamed:
        yield Note.of(message.at, What.NAME, message.name)
    elif message.event in REBUILT and message.image_meta is not None:
        yield Note.of(message.at, What.IMAGE_META, dict(message.image_meta))


def _notes_of_volume(message: VolumeMessage) -> Iterator[Note]:
    if message.event in BEGINNINGS:
        yield Note.of(message.created, What.NAME, message.name)
        yield Note.of(message.created, What.ATTACHED_TO, [])
    elif message.event in NAMED:
        yield Note.of(message.at, What.NAME, message.name)
    elif message.event in ATTACHING:
        yield Note.of(message.at, What.ATTACHED_TO, list(message.attached_to))
