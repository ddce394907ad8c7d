"""Volume types: a volume is posted with the id of its type, and shown with the name."""

from __future__ import annotations

from typing import Any

from flask import Response

from caso.api import bodies
from caso.api.answers import document, empty
from caso.api.desk import Desk
from caso.api.errors import NotFoundError
from caso.api.guard import require_reading
from caso.api.v1 import asked
from caso.lifecycle.notice import VolumeType
from caso.store import Place


def show(desk: Desk) -> Response:
    require_reading(None)
    return document([_shown(one) for _, one in desk.volume_types()])


def get(desk: Desk, type_id: str) -> Response:
    require_reading(None)
    return document(_shown(_known(desk, type_id)[1]))


def create(desk: Desk) -> Response:
    """One that is known stays as it is."""
    type_id, name = map(bodies.identity, bodies.fields(asked.body(), "type_id", "type_name"))
    if all(one.id != type_id for _, one in desk.volume_types()):
        desk.store.volume_types.put(desk.place_for_new(), [VolumeType(type_id, name, desk.clock())])
    return empty(201)


def delete(desk: Desk, type_id: str) -> Response:
    place, known = _known(desk, type_id)
    desk.store.volume_types.forget(place, known.id)
    return empty(202)


def _known(desk: Desk, type_id: str) -> tuple[Place, VolumeType]:
    for place, one in desk.volume_types():
        if one.id == type_id:
            return place, one
    raise NotFoundError(f'Unable to find volume_type_id "{type_id}"')


def _shown(one: VolumeType) -> dict[str, Any]:
    return {"volume_type_id": one.id, "volume_type_name": one.name}
