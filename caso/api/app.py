"""The application: its routes, who may ask, and what becomes of everything that goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from html import escape

from flask import Flask, Response
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from caso.api import answers, v1, v2
from caso.api.access import Access
from caso.api.desk import Desk
from caso.api.errors import ApiError
from caso.api.guard import V2, guard, is_v2
from caso.api.settings import Settings
from caso.errors import SourceError, StoreError
from caso.store import Store

LOG = logging.getLogger(__name__)

PREFIXES = {"v1": "/v1", "bare": None}
"""Every path of version 1 is there twice."""


def create_app(store: Store, settings: Settings, access: Access, clock: Callable[[], datetime]) -> Flask:
    """What answers requests; ``clock`` tells aware UTC."""
    app = Flask("caso.api", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    desk = Desk(store, settings, clock)
    for name, prefix in PREFIXES.items():
        app.register_blueprint(v1.blueprint(name, desk), url_prefix=prefix)
    app.register_blueprint(v2.blueprint(desk), url_prefix=V2)
    guard(app, access)
    _answer_errors(app)
    return app


def _answer_errors(app: Flask) -> None:
    app.register_error_handler(ApiError, lambda exc: answers.error(exc.told, exc.status))
    app.register_error_handler(StoreError, _store)
    app.register_error_handler(SourceError, _source)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected)


def _store(exc: StoreError) -> Response:
    """What is wrong is for the operator: it names files, hosts and users."""
    LOG.error("%s", exc)
    return answers.later("the store does not answer now; try again later")


def _source(exc: SourceError) -> Response:
    LOG.error("%s", exc)
    return answers.later("who asks cannot be found out now; try again later")


def _too_large(exc: RequestEntityTooLarge) -> Response:
    return answers.error("the body of the request is too large", 413)


def _http(exc: HTTPException) -> Response:
    """A route that there is not, or not in this way: HTML as Almanach's Flask wrote it."""
    status, name, told = exc.code or 500, exc.name, exc.description or ""
    if is_v2():
        answer = answers.error(told, status)
    else:
        page = (
            '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">\n'
            f"<title>{status} {escape(name)}</title>\n<h1>{escape(name)}</h1>\n<p>{escape(told)}</p>\n"
        )
        answer = Response(page, status, {"Content-Type": "text/html"})
    answer.headers.extend([header for header in exc.get_headers() if header[0] == "Allow"])
    return answer


def _unexpected(exc: Exception) -> Response:
    LOG.error("a request failed", exc_info=exc)
    return answers.error("internal error", 500)
