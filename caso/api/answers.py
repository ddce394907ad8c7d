"""What is answered, in Almanach's form."""

from __future__ import annotations

import json
from typing import Any

from flask import Response

JSON = "application/json"
RETRY_AFTER_SECONDS = 10


def document(data: Any, status: int = 200) -> Response:
    """JSON with its keys sorted."""
    return written(json.dumps(data, sort_keys=True), status)


def written(text: str, status: int = 200) -> Response:
    """JSON that is written already."""
    return Response(text, status, {"Content-Type": JSON})


def error(told: Any, status: int) -> Response:
    return document({"error": told}, status)


def later(told: str) -> Response:
    """Not now, but soon."""
    answer = error(told, 503)
    answer.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


def empty(status: int) -> Response:
    return Response(status=status)
