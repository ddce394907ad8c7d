"""The lists of a project's rows in a period."""

from __future__ import annotations

import json

from flask import Response

from caso.api.answers import written
from caso.api.bodies import LONGEST
from caso.api.desk import Desk
from caso.api.guard import require_reading
from caso.api.v1.asked import period


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
