"""What a request of version 1 says."""

from __future__ import annotations

from datetime import datetime

from flask import request

from caso.api import bodies, dates
from caso.api.bodies import Body
from caso.api.desk import Desk
from caso.api.errors import MissingError


def body() -> Body:
    """The JSON that was sent, whatever the request calls it: curl calls it a form."""
    return bodies.read(request.get_data())


def period(desk: Desk) -> tuple[datetime, datetime]:
    """The period that a query names: without an end, up to now."""
    if "start" not in request.args:
        raise MissingError("start")
    start = dates.of_query(request.args["start"])
    return start, dates.of_query(request.args["end"]) if "end" in request.args else desk.clock()
