"""Almanach's rows of one server or volume: what it would have kept, made of all that is known whenever somebody asks."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from datetime import datetime
from itertools import accumulate
from typing import Any

from caso.api import edits
from caso.api.dates import shown
from caso.api.replay import PROJECT, Draft, Moment, Replay, changes_of_state, history, in_order
from caso.api.settings import RowRules
from caso.lifecycle.notes import What
from caso.lifecycle.server import Server, ServerState
from caso.lifecycle.timeline import Interval, Source
from caso.lifecycle.volume import Volume, VolumeState
from caso.lifecycle.written import Field, newest

SERVER = "server"
VOLUME = "volume"
KINDS = (SERVER, VOLUME)
TYPE = {SERVER: "instance", VOLUME: "volume"}
"""What Almanach calls each kind."""


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """A stretch of a life, or all of it, as Almanach shows it. ``facts`` are those of its kind, by Almanach's names.

    ``key`` is when it would start had nobody edited it: what an edit knows it by. ``noted_at`` is when caso learned that there
    is such a row, ``processed`` when it learned the last of what is in it.
    """

    kind: str
    entity_id: str
    project_id: str
    start: datetime
    end: datetime | None
    last_event: datetime
    name: str | None
    facts: Mapping[str, Any]
    noted_at: datetime
    processed: datetime
    key: datetime

    @property
    def order(self) -> tuple[object, ...]:
        """Rows are listed in the order in which they were noted."""
        return self.noted_at, self.start, self.entity_id

    def touches(self, start: datetime, end: datetime) -> bool:
        """Whether it has to do with a period, both ends included."""
        return self.start <= end and (self.end is None or self.end >= start)

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        # In 3.x the meta data of an image were called os, and clients read either.
        alias = {"os": self.facts[What.IMAGE_META]} if self.kind == SERVER else {}
        return {
            "entity_id": self.entity_id,
            "entity_type": TYPE[self.kind],
            "project_id": self.project_id,
            "start": shown(self.start),
            "end": shown(self.end),
            "last_event": shown(self.last_event),
            "name": self.name,
            "processed": str(shown(self.processed)).removesuffix("+00:00"),
            **self.facts,
            **alias,
        }


def rows(kind: str, entity: Any, rules: RowRules) -> list[Row]:
    """The rows of a server or volume, oldest first; none of what Almanach would never have heard of."""
    if kind == SERVER and not _heard_of(entity, rules):
        return []
    told = edits.unedited(entity)
    drafts = _server(told, rules) if kind == SERVER else _volume(told, rules)
    # A row that was learned of late stands before those that follow it all the same.
    noted = accumulate((draft.noted_at for draft in drafts), max)
    return edits.edited([_row(kind, entity.uuid, draft, at) for draft, at in zip(drafts, noted, strict=True)], entity)


def _heard_of(server: Server, rules: RowRules) -> bool:
    """Almanach hears of a server once it was launched; of one that was deleted before that it never knows."""
    if server.written:
        return True
    only_its_end = all(piece.since == piece.until == server.ended for piece in server.evidence)
    if server.ended is not None and only_its_end and server.ended - server.created < rules.server_existence:
        return False
    return server.launched


def _server(server: Server, rules: RowRules) -> list[Draft]:
    billed = changes_of_state(server, _state_of_server)
    told = [
        *history(server, What.NAME),
        *history(server, What.IMAGE_META, lambda value: _only(value, rules.image_meta)),
        *history(server, What.METADATA, lambda value: _only(value, rules.metadata)),
    ]
    unknown: dict[str, Any] = {What.NAME: server.name, What.IMAGE_META: {}, What.METADATA: {}}
    replay = _played(server, billed, told, unknown, rules)
    if server.ended is not None:
        replay.end(server.ended, _learned_of_end(server), drop_young=False)
    return _finished(replay, server, {What.NAME: server.name})


def _state_of_server(interval: Interval[ServerState]) -> dict[str, Any]:
    return {PROJECT: interval.value.project_id, "flavor": interval.value.flavor.name}


def _volume(volume: Volume, rules: RowRules) -> list[Draft]:
    billed = changes_of_state(volume, lambda interval: _state_of_volume(volume, interval))
    attached = history(volume, What.ATTACHED_TO, _listed)
    # Before it was first attached, as far as events tell, it was not.
    unknown: dict[str, Any] = {What.NAME: volume.name, What.ATTACHED_TO: [] if attached else list(volume.server_ids)}
    replay = _played(volume, billed, [*history(volume, What.NAME), *attached], unknown, rules)
    now: dict[str, Any] = {What.NAME: volume.name}
    if volume.ended is not None:
        # What Almanach itself told of has been through its rules.
        replay.end(volume.ended, _learned_of_end(volume), drop_young=volume.newest_claim.source is not Source.ALMANACH)
    else:
        now[What.ATTACHED_TO] = list(volume.server_ids)
    return _finished(replay, volume, now)


def _state_of_volume(volume: Volume, interval: Interval[VolumeState]) -> dict[str, Any]:
    state = interval.value
    return {PROJECT: state.project_id, "size": _size_as_sent(volume, interval), "volume_type": state.type}


def _size_as_sent(volume: Volume, interval: Interval[VolumeState]) -> Any:
    """Who wrote a size as text reads it as text."""
    size = interval.value.size_gib
    said = [entry for entry in volume.written if entry.field is Field.SIZE and entry.at <= interval.start and entry.value == size]
    return max(said, key=lambda entry: (entry.at, entry.order)).value_sent if said else size


def _listed(value: Any) -> list[str]:
    return list(value or [])


def _only(value: Any, keys: Collection[str]) -> dict[str, Any]:
    return {key: value[key] for key in value if key in keys} if isinstance(value, dict) else {}


def _played(
    life: Server | Volume, billed: list[Moment], told: list[Moment], unknown: Mapping[str, Any], rules: RowRules
) -> Replay:
    first, *later = billed
    facts = {**unknown, **first.value}
    for what in unknown:
        before = [moment for moment in told if moment.what == what and moment.at <= first.at]
        # What events told later, of attachments aside, is all that is known of the time before.
        known = before[-1:] or [moment for moment in told if moment.what == what and what != What.ATTACHED_TO][:1]
        if known:
            facts[what] = known[0].value
    learned = max([first.learned, *(moment.learned for moment in told if moment.said and moment.at <= first.at)])
    replay = Replay(first.at, first.learned, facts, rules.volume_existence)
    replay.rows[0].processed = learned
    end = life.ended
    replay.play(moment for moment in in_order([*later, *told]) if moment.at > first.at and (end is None or moment.at < end))
    return replay


def _finished(replay: Replay, life: Server | Volume, now: Mapping[str, Any]) -> list[Draft]:
    """The rows, the last of them with what is so ``now``, unless people wrote otherwise."""
    last = replay.rows[-1]
    last.facts |= {what: value for what, value in now.items() if newest(life.written, Field(what)) is None}
    if life.ended is None:
        last.processed = max(last.processed, life.known_at)
    return replay.rows


def _learned_of_end(life: Server | Volume) -> datetime:
    written = newest(life.written, Field.ENDED)
    return life.known_at if written is None else written.written_at


def _row(kind: str, entity_id: str, draft: Draft, noted_at: datetime) -> Row:
    own = {PROJECT, What.NAME}
    return Row(
        kind=kind,
        entity_id=entity_id,
        project_id=draft.facts[PROJECT],
        start=draft.start,
        end=draft.end,
        last_event=draft.last_event,
        name=draft.facts[What.NAME],
        facts={str(name): value for name, value in draft.facts.items() if name not in own},
        noted_at=noted_at,
        processed=draft.processed,
        key=draft.start,
    )
