"""What PUT /entity/instance accepts: checked field by field for a row that goes on, hardly at all for one that has ended.

The messages are those of voluptuous, which Almanach checks with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caso.api import bodies, dates
from caso.api.bodies import Body
from caso.api.errors import InvalidError, RefusedError

OF_THE_CALL = frozenset({"instance_id", "start", "end"})
"""What Almanach's own function is called with besides the body: its names make a body invalid."""
OS = ("distro", "version", "os_type")

Changes = dict[str, Any]
"""By the names of a row; times as text."""


def of_active(body: Body) -> Changes:
    """The changes of a row that goes on; RefusedError tells of all that is wrong, by field."""
    if "instance_id" in body:
        raise InvalidError
    wrong = {name: message for name, value in body.items() if (message := _wrong(name, value))}
    if wrong:
        raise RefusedError(wrong)
    changes = _plain(body)
    for name in ("start", "end"):
        instant = dates.of_entity(body.get(f"{name}_date"))
        if instant is not None:
            changes[name] = instant.isoformat()
    return changes


def of_closed(body: Body) -> Changes:
    """The changes of a row that has ended; what is unknown is not looked at."""
    if not OF_THE_CALL.isdisjoint(body):
        raise InvalidError
    changes = _plain(body)
    for name in ("start", "end"):
        if body.get(f"{name}_date"):
            changes[name] = dates.of_body(body[f"{name}_date"]).isoformat()
    return changes


def _plain(body: Body) -> Changes:
    """What is no time; what is empty changes nothing."""
    changes: Changes = {name: bodies.identity(body[name]) for name in ("name", "flavor") if body.get(name)}
    for name, own in (("os", "image_meta"), ("metadata", "metadata")):
        if body.get(name):
            if not isinstance(body[name], dict):
                raise InvalidError
            changes[own] = body[name]
    return changes


def _wrong(name: str, value: Any) -> str | None:
    if name in {"name", "flavor"}:
        return None if isinstance(value, str) else "expected str"
    if name == "os":
        return _wrong_os(value)
    if name == "metadata":
        return None if isinstance(value, dict) else "expected dict"
    if name in {"start_date", "end_date"}:
        return None if dates.of_entity(value) else f"value does not match expected format {dates.ENTITY}"
    return "extra keys not allowed"


def _wrong_os(value: Any) -> str | None:
    """Of several things that are wrong, voluptuous tells what is missing last, and the last is what counts."""
    if not isinstance(value, Mapping):
        return "expected a dictionary"
    if any(key not in value for key in OS):
        return "required key not provided"
    wrong = [None if key in OS and isinstance(one, str) else _of_key(key) for key, one in value.items()]
    return next((message for message in reversed(wrong) if message), None)


def _of_key(key: str) -> str:
    return "expected str" if key in OS else "extra keys not allowed"
