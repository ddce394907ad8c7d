"""What bodies of requests may hold: all that is asked for, and nothing that a store could not keep."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from caso.api.errors import InvalidError, MissingError

LONGEST = 255
"""Characters of an id: what the store has room for."""
LARGEST = 2**31 - 1
"""GiB of a volume: Cinder's own limit."""

Body = Mapping[str, Any]


def read(data: bytes) -> Body:
    """The JSON object that a body is, whatever the request calls it; InvalidError for anything else."""
    try:
        value = json.loads(data, parse_constant=_not_json)
    except (ValueError, RecursionError) as exc:
        raise InvalidError from exc
    if not isinstance(value, dict):
        raise InvalidError
    return value


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON, though Python reads it")


def field(body: Body, name: str) -> Any:
    if name not in body:
        raise MissingError(name)
    return body[name]


def fields(body: Body, *names: str) -> list[Any]:
    """Their values; MissingError for the first that is not there."""
    return [field(body, name) for name in names]


def identity(value: Any) -> str:
    """An id, or a name that things are known by.

    >>> identity("i1")
    'i1'
    """
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or not _keepable(value):
        raise InvalidError
    return value


def text(value: Any) -> str | None:
    """A text that is shown, or None."""
    if value is not None and not (isinstance(value, str) and _keepable(value)):
        raise InvalidError
    return value


def ids(value: Any) -> list[str]:
    """Ids of servers: a list, or one of them alone; nothing at all is none.

    >>> ids(["i1", "i2"]), ids("i1"), ids(""), ids(None)
    (['i1', 'i2'], ['i1'], [], [])
    """
    if not value and (value is None or isinstance(value, (str, list))):
        return []
    return [identity(one) for one in (value if isinstance(value, list) else [value])]


def gib(value: Any) -> int:
    """The size of a volume, be it written as a number or as text.

    >>> gib(100), gib("150")
    (100, 150)
    """
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= len(str(LARGEST)):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
        raise InvalidError
    return value


def _keepable(value: str) -> bool:
    """False for what no database keeps: half a character of UTF-16, or the character nought."""
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
