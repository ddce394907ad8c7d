"""The lists of a project's rows in a period."""

from __future__ import annotations

import json
from datetime import datetime

from flask import Response, request

from caso.api import dates
from caso.api.answers import written
from caso.api.bodies import LONGEST
from caso.api.desk import Desk
from caso.api.errors import MissingError
from caso.api.guard import require_reading


def period(desk: Desk) -> tuple[datetime, datetime]:
    """The period that a query names: without an end, up to now."""
    if "start" not in request.args:
        raise MissingError("start")
    start = dates.of_query(request.args["start"])
    return start, dates.of_query(request.args["end"]) if "end" in request.args else desk.clock()


def listing(desk: Desk, project_id: str, *kinds: str) -> Response:
    """The project's rows that touch the period, in the order in which they were noted; not clipped to it."""
    require_reading(project_id)
    start, end = period(desk)
    if len(project_id) > LONGEST or "\0" in project_id:
        return written("[]")
    lives = desk.store.lives.between(project_id, start, end, kinds)
    rows = (row for lived in lives for row in desk.rows(lived.kind, lived.entity))
    asked = (row for row in rows if row.project_id == project_id and row.touches(start, end))
    # As text, which takes a fraction of the memory: such a list has no end.
    texts = sorted((row.order, json.dumps(row.document(), sort_keys=True)) for row in asked)
    return written("[" + ", ".join(text for _, text in texts) + "]")
