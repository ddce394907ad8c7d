"""How much caso knows, for anybody."""

from __future__ import annotations

from flask import Response

from caso.api.answers import document
from caso.api.desk import Desk


def show(desk: Desk) -> Response:
    """Servers and volumes, each once: to count their rows, all that is known would have to be read."""
    every, active = desk.store.lives.counts()
    return document({"info": {"version": desk.settings.version}, "database": {"all_entities": every, "active_entities": active}})
