"""The rows of one resource as sightings, which the store folds into what it knows of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from caso.almanach.documents import Row
from caso.almanach.rows import Straight
from caso.lifecycle.notes import Note, What
from caso.lifecycle.server import Flavor, Server, ServerSeen, ServerState
from caso.lifecycle.timeline import Source
from caso.lifecycle.volume import Volume, VolumeSeen, VolumeState
from caso.window import RESOLUTION

Known = Server | Volume | None
FindFlavor = Callable[[Row], Flavor]

STATUS = "ACTIVE"
"""Almanach kept no status: its consumers billed for all time that a server was there."""


def known_starts(known: Known) -> frozenset[datetime]:
    """When the rows of a resource start that were moved in before; its end is not such a one."""
    return frozenset(piece.since for piece in _moved_in(known)) - {known and known.ended}


def sightings(straight: Straight, known: Known, flavor_of: FindFlavor) -> list[Any]:
    """What the rows tell: one sighting for the start of each, and one for what they tell last."""
    tell = _Teller(straight, known, flavor_of)
    notes = list(_notes(straight.rows))
    told = [tell.seen(row, row.start, notes=noted) for row, noted in zip(straight.rows, notes, strict=True)]
    told += tell.last()
    if known is not None and _is_moved_in(known) and straight.created < known.created and told[-1].seen_at <= known.known_at:
        # Its later rows were moved in before, and have the last word but for when it began.
        told.append(tell.as_known(known))
    return told


class _Teller:
    """Makes the sightings of one resource."""

    def __init__(self, straight: Straight, known: Known, flavor_of: FindFlavor) -> None:
        self._straight = straight
        self._known = known
        self._flavor_of = flavor_of
        # What the rows do not tell stays as it is known, whichever telling is newer.
        self._kept = {name: getattr(known, name) for name in _KEPT[straight.last.kind]} if known else {}
        self._created = min(straight.created, known.created) if known else straight.created

    def seen(self, row: Row, at: datetime, *, ended: datetime | None = None, notes: tuple[Note, ...] = ()) -> Any:
        """The row as it was at a time."""
        common = {
            "uuid": row.id,
            "seen_at": at,
            "created": self._created,
            "unchanged_since": at,
            "ended": ended,
            "name": row.name,
            "source": Source.ALMANACH,
            "notes": notes,
            **self._kept,
        }
        if row.kind == VolumeSeen.kind:
            volume = VolumeState(row.size_gib or 0, row.type, row.project_id)
            return VolumeSeen(state=volume, server_ids=tuple(json.loads(row.attached_to)), **common)
        return ServerSeen(launched=True, state=ServerState(STATUS, row.project_id, self._flavor_of(row)), **common)

    def last(self) -> Iterator[Any]:
        """The end, or the last change in place."""
        row, ended, known = self._straight.last, self._straight.ended, self._known
        if ended is not None:
            # A moment after: what starts at the same time counts more, should the rest of its rows come yet.
            yield self.seen(row, ended + RESOLUTION, ended=ended)
            return
        at = row.last_event if row.end is None else row.start
        if known is not None and _has_ended_by_a_row(known) and (known.ended or at) <= row.start:
            # That end was a change: the rest of its rows come now.
            at = max(at, known.known_at + RESOLUTION)
        if at > row.start:
            yield self.seen(row, at)

    def as_known(self, known: Server | Volume) -> Any:
        """What is known of it last, with the time when it began."""
        told = {"uuid": known.uuid, "name": known.name, "source": Source.ALMANACH, "created": self._created, **self._kept}
        at = known.known_at + RESOLUTION
        told |= {"seen_at": at, "unchanged_since": at, "ended": known.ended, "state": known.newest_claim.value}
        if isinstance(known, Volume):
            return VolumeSeen(server_ids=known.server_ids, **told)
        return ServerSeen(launched=True, **told)


_KEPT = {
    ServerSeen.kind: ("user_id", "user_name", "image_id", "image_name", "public_ip_count"),
    VolumeSeen.kind: ("user_id", "user_name", "status"),
}


def _moved_in(known: Known) -> Sequence[Any]:
    return [piece for piece in known.evidence if piece.source is Source.ALMANACH] if known else []


def _is_moved_in(known: Server | Volume) -> bool:
    """Whether nobody else told of it."""
    return len(_moved_in(known)) == len(known.evidence)


def _has_ended_by_a_row(known: Server | Volume) -> bool:
    return _is_moved_in(known) and known.ended is not None and known.end_reason is None


def _notes(rows: Sequence[Row]) -> Iterator[tuple[Note, ...]]:
    """For each row, what is otherwise than in the one before it; what changed in place stands as if since its start.

    When a volume was last attached or detached in place is in the last row only: as if it was then what it was before.
    """
    before: dict[What, str] = {What.IMAGE_META: "{}", What.METADATA: "{}", What.ATTACHED_TO: "[]"}
    for row in rows:
        told = {
            What.NAME: json.dumps(row.name),
            What.IMAGE_META: row.image_meta,
            What.METADATA: row.metadata,
            What.ATTACHED_TO: row.attached_to,
        }
        found = [Note(row.start, what, text) for what, text in told.items() if before.get(what) != text]
        if row.kind == VolumeSeen.kind and row.end is None and row.last_event > row.start:
            found.append(Note(row.last_event, What.ATTACHED_TO, row.attached_to))
        yield tuple(found)
        before |= told
