"""What caso made of notifications, held against what was done: all differences, as sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from caso.lifecycle.notes import What
from caso.lifecycle.server import Server
from caso.lifecycle.timeline import Interval
from caso.lifecycle.volume import Volume
from tests.live.log import DELETED, Step, by_id

SLACK = timedelta(seconds=2)
"""The clocks are the same; a service tells of a thing a moment before or after an API shows it."""


def differences(steps: Sequence[Step], known: Mapping[str, Any]) -> list[str]:
    """Of all servers and volumes of a log; ``known`` are entities by their ids."""
    found: list[str] = []
    for kind, told in (("server", _of_server), ("volume", _of_volume)):
        for thing_id, done in by_id(steps, kind).items():
            entity = known.get(thing_id)
            found += [f"{kind} {thing_id}: nothing is known of it"] if entity is None else told(entity, done)
    return found


def _of_server(server: Server, done: Sequence[Step]) -> Iterator[str]:
    placed = done[0].status != "ERROR"
    if server.launched != placed:
        yield f"server {server.uuid}: launched is {server.launched}"
    yield from _of_ends(server, done)
    if server.name != done[-1].name:
        yield f"server {server.uuid}: its name is {server.name}, not {done[-1].name}"
    lived = [step for step in done if step.status != DELETED]
    told = [(interval, (interval.value.status, interval.value.flavor.name)) for interval in server.intervals()]
    if placed:
        yield from _of_states(server.uuid, done, [(step, (step.status, step.flavor)) for step in lived], told)


def _of_volume(volume: Volume, done: Sequence[Step]) -> Iterator[str]:
    yield from _of_ends(volume, done)
    lived = [step for step in done if step.status != DELETED]
    if volume.name != done[-1].name:
        yield f"volume {volume.uuid}: its name is {volume.name}, not {done[-1].name}"
    states = [(step, (step.size_gib, step.type, step.project_id)) for step in lived]
    told = [(i, (i.value.size_gib, i.value.type, i.value.project_id)) for i in volume.intervals()]
    yield from _of_states(volume.uuid, done, states, told)
    attached = [tuple(note.value) for note in volume.notes if note.what is What.ATTACHED_TO]
    for step in lived:
        if step.operation in {"attach", "detach"} and step.attached_to not in attached:
            yield f"volume {volume.uuid}: nothing tells that it was attached to {step.attached_to}"


def _of_ends(entity: Server | Volume, done: Sequence[Step]) -> Iterator[str]:
    if not _is_in(entity.created, done[0]):
        yield f"{entity.uuid} was created at {entity.created}, not from {done[0].started_at} to {done[0].finished_at}"
    deleted = next((step for step in done if step.status == DELETED), None)
    if (entity.ended is None) != (deleted is None):
        yield f"{entity.uuid} ended at {entity.ended}, and was {'not ' if deleted is None else ''}deleted"
    elif deleted is not None and not _is_in(entity.ended, deleted):
        yield f"{entity.uuid} ended at {entity.ended}, not from {deleted.started_at} to {deleted.finished_at}"


def _of_states(
    thing_id: str, done: Sequence[Step], states: Iterable[tuple[Step, Any]], told: Sequence[tuple[Interval[Any], Any]]
) -> Iterator[str]:
    """Each state is told from within its operation; nothing changes while nothing is done."""
    before = None
    for step, state in states:
        if state != before and not any(value == state and _is_in(interval.start, step) for interval, value in told):
            yield f"{thing_id}: nothing tells of {state} after {step.operation} ({step.started_at} to {step.finished_at}): {told}"
        before = state
    for interval, value in told:
        if not any(_is_in(interval.start, step) for step in done):
            yield f"{thing_id}: nothing was done at {interval.start}, when it became {value}"


def _is_in(instant: Any, step: Step) -> bool:
    return bool(step.started_at - SLACK <= instant <= step.finished_at + SLACK)
