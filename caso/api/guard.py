"""Who asks, of every request before anything is done for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, g, request

from caso.api.access import Access, Caller
from caso.api.answers import error
from caso.api.errors import ForbiddenError

LOG = logging.getLogger(__name__)

READING = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN = "open_to_all"
"""The attribute of a view that anybody may ask, without a token."""
V2 = "/v2"


def guard(app: Flask, access: Access) -> None:
    """Let nobody ask but whom ``access`` knows, and nobody write but who may write all."""

    @app.before_request
    def identify() -> Response | None:
        view: Callable[..., Any] | None = app.view_functions.get(request.endpoint or "")
        if view is None or getattr(view, OPEN, False):
            return None
        who = access.caller(request.environ)
        if who is None:
            LOG.warning("%s %s from %s: no token, or one that is not known", request.method, request.path, request.remote_addr)
            return error("Unauthorized", 401) if is_v2() else Response("Unauthorized", 401)
        g.caller = who
        if request.method not in READING and not who.may_write():
            raise ForbiddenError("The token of this request does not allow to write")
        if not who.may_read(None):
            raise ForbiddenError("The token of this request has none of the roles that may read here")
        return None


def is_v2() -> bool:
    return request.path == V2 or request.path.startswith(f"{V2}/")


def caller() -> Caller:
    """Who asks."""
    who: Caller = g.caller
    return who


def require_reading(project_id: str | None) -> None:
    """ForbiddenError where the caller may not read what this project owns; None: what nobody owns."""
    if not caller().may_read(project_id):
        raise ForbiddenError("The token of this request does not allow to read this")
