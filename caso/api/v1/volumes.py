"""Volumes."""

from __future__ import annotations

from typing import Any

from flask import Response

from caso.api import bodies, dates, volumes
from caso.api.answers import empty
from caso.api.desk import Desk
from caso.api.errors import NotFoundError
from caso.api.rows import VOLUME
from caso.api.v1 import asked
from caso.api.v1.listing import listing
from caso.api.volumes import NewVolume


def show(desk: Desk, project_id: str) -> Response:
    return listing(desk, project_id, VOLUME)


def create(desk: Desk, project_id: str) -> Response:
    body = asked.body()
    uuid, start, type_id, size, name, attached_to = bodies.fields(
        body, "volume_id", "start", "volume_type", "size", "volume_name", "attached_to"
    )
    bodies.gib(size)
    new = NewVolume(
        uuid=bodies.identity(uuid),
        project_id=bodies.identity(project_id),
        created=dates.of_body(start),
        name=bodies.text(name),
        size_sent=size,
        type=_name_of_type(desk, type_id),
        attached_to=bodies.ids(attached_to),
    )
    pen, known = desk.pen(), desk.find(uuid, VOLUME)
    place = known[0].place if known else desk.place_for_new()
    desk.store.lives.write(place, VOLUME, uuid, lambda volume: volumes.create(desk, volume, new, pen))
    return empty(201)


def _name_of_type(desk: Desk, type_id: Any) -> str | None:
    if type_id is None:
        return None
    # One that is deleted has volumes all the same.
    for _, known in desk.store.volume_types.everywhere():
        if known.id == type_id:
            return known.name
    raise NotFoundError(f'Unable to find volume_type_id "{type_id}"')


def resize(desk: Desk, volume_id: str) -> Response:
    size, date = bodies.fields(asked.body(), "size", "date")
    at, pen = dates.of_body(date), desk.pen()
    bodies.gib(size)
    desk.change(VOLUME, volume_id, lambda volume: volumes.resize(desk, volume, volume_id, at, size, pen))
    return empty(200)


def attach(desk: Desk, volume_id: str) -> Response:
    """Attached, or detached: either way all servers that have it now are named."""
    date, attachments = bodies.fields(asked.body(), "date", "attachments")
    at, attached_to, pen = dates.of_body(date), bodies.ids(attachments), desk.pen()
    desk.change(VOLUME, volume_id, lambda volume: volumes.attach(desk, volume, volume_id, at, attached_to, pen))
    return empty(200)


def delete(desk: Desk, volume_id: str) -> Response:
    at, pen = dates.of_body(bodies.field(asked.body(), "date")), desk.pen()
    desk.change(VOLUME, volume_id, lambda volume: volumes.delete(desk, volume, volume_id, at, pen))
    return empty(202)
