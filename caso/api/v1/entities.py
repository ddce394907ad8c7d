"""Servers and volumes alike, and edits of single rows."""

from __future__ import annotations

from flask import Response, request

from caso.api import servers, validation
from caso.api.answers import document, empty
from caso.api.desk import Desk
from caso.api.errors import NotFoundError
from caso.api.guard import caller
from caso.api.rows import KINDS, SERVER
from caso.api.servers import Period
from caso.api.v1 import asked
from caso.api.v1.listing import listing

BILLED = frozenset({"flavor", "start", "end"})


def show(desk: Desk, project_id: str) -> Response:
    return listing(desk, project_id, *KINDS)


def get(desk: Desk, entity_id: str) -> Response:
    """All rows of it that the caller may read; what nobody may know of is not there."""
    rows = [row for row in desk.rows_of(entity_id) if caller().may_read(row.project_id)]
    if request.method == "HEAD":
        return empty(200 if rows else 404)
    if not rows:
        raise NotFoundError("Entity not found")
    return document([row.document() for row in rows])


def update(desk: Desk, instance_id: str) -> Response:
    """The row that goes on, or with a start in the query the one that ended, with what the body says; the row as it is then."""
    body = asked.body()
    within = Period(*asked.period(desk)) if "start" in request.args else None
    changes = validation.of_active(body) if within is None else validation.of_closed(body)
    found = desk.find(instance_id, SERVER)
    known = found[0].entity if found else None
    row = servers.row_to_edit(desk, known, instance_id, within)
    if changes:
        flavor = desk.flavor(changes.get("flavor", row.facts["flavor"]), known) if BILLED & changes.keys() else None
        pen = desk.pen()
        known = desk.change(
            SERVER, instance_id, lambda server: servers.edit(desk, server, instance_id, within, changes, flavor, pen)
        )
    return document(next(one for one in desk.rows(SERVER, known) if one.key == row.key).document())
