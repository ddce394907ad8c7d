"""What may be asked, and how it is written: each parameter declares itself, and reads what was sent."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from caso.api.errors import RefusedError
from caso.store import Mark
from caso.window import BEGINNING, RESOLUTION, Month, as_utc

DEFAULT_LIMIT, LARGEST_LIMIT = 500, 5000

_ID = r"[^\x00-\x1f\x7f/]{1,255}"
_MONTH = "(19[7-9]|20[0-9])[0-9]-(0[1-9]|1[0-2])"
_MARKER = f"[0-9a-f]{{14}}-{_ID}"


@dataclasses.dataclass(frozen=True, slots=True)
class Parameter:
    """``schema`` is JSON Schema's word for what ``read`` takes, which raises RefusedError with what to write instead."""

    name: str
    description: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any]
    default: Any = None


def _instant(name: str) -> Callable[[str], datetime]:
    def read(text: str) -> datetime:
        # In a query a plus sign is a space, unless who asks knows to write %2B.
        mended = re.sub(r"(T\d\d:?\d\d.*) (\d\d:?\d\d)$", r"\1+\2", text)
        try:
            instant = as_utc(datetime.fromisoformat(mended))
        except (ValueError, OverflowError) as exc:
            raise RefusedError(f"{name}: {quoted(text)} is no time; write it like 2026-01-01T00:00:00Z") from exc
        # Nothing was in a cloud before.
        return max(instant, BEGINNING)

    return read


def _limit(text: str) -> int:
    if not re.fullmatch("[0-9]{1,6}", text) or not 1 <= int(text) <= LARGEST_LIMIT:
        raise RefusedError(f"limit: {quoted(text)} is none; write a number from 1 to {LARGEST_LIMIT}")
    return int(text)


def _clip(text: str) -> bool:
    if text not in ("true", "false"):
        raise RefusedError(f"clip: {quoted(text)} is neither; write true or false")
    return text == "true"


def _month(name: str) -> Callable[[str], Month]:
    def read(text: str) -> Month:
        if not re.fullmatch(_MONTH, text):
            raise RefusedError(f"{name}: {quoted(text)} is no month; write it like 2026-01")
        return Month.parse(text)

    return read


def _id(name: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not re.fullmatch(_ID, text):
            raise RefusedError(f"{name}: {quoted(text)} is no id; write one of 1 to 255 characters, without control characters")
        return text

    return read


def marker_of(mark: Mark) -> str:
    """A mark as callers have it; they need not know that it is microseconds since 1970 and an id.

    >>> from datetime import UTC
    >>> mark = Mark(datetime(2026, 1, 1, tzinfo=UTC), "a")
    >>> marker_of(mark), read_marker(marker_of(mark)) == mark
    ('06474846204000-a', True)
    """
    return f"{(mark.created - BEGINNING) // RESOLUTION:014x}-{mark.id}"


def read_marker(text: str) -> Mark:
    if not re.fullmatch(_MARKER, text):
        raise RefusedError(f"marker: {quoted(text)} is none; take it from the next link of a page, or leave it out")
    return Mark(BEGINNING + int(text[:14], 16) * RESOLUTION, text[15:])


def quoted(text: str) -> str:
    """What was sent, in a message: not all of it where it is long."""
    return repr(text if len(text) <= 60 else f"{text[:60]}...")


def _text(pattern: str) -> Mapping[str, Any]:
    return {"type": "string", "pattern": f"^{pattern}$"}


_TIME = {"type": "string", "format": "date-time"}

PROJECT_ID = Parameter("project_id", "Id of a project of Keystone.", _text(_ID), _id("project_id"))
RESOURCE_ID = Parameter("resource_id", "Id of a server or volume.", _text(_ID), _id("resource_id"))
START = Parameter("start", "Only what was there after this time. Without a zone it is UTC.", _TIME, _instant("start"), BEGINNING)
END = Parameter("end", "Only what was there before this time.", _TIME, _instant("end"))
CLIP = Parameter(
    "clip",
    "Whether an interval that began before `start`, or ended after `end`, is shown as if it did so then.",
    {"type": "string", "enum": ["true", "false"], "default": "true"},
    _clip,
    default=True,
)
LIMIT = Parameter(
    "limit",
    "The intervals of how many resources are on a page at most.",
    {"type": "integer", "minimum": 1, "maximum": LARGEST_LIMIT, "default": DEFAULT_LIMIT},
    _limit,
    DEFAULT_LIMIT,
)
MARKER = Parameter("marker", "Where the page before ended, as its `next` has it.", _text(_MARKER), read_marker)
FROM = Parameter("from", "The first month. Without it: the last one.", _text(_MONTH), _month("from"))
TO = Parameter("to", "The last month. Without it: the current one.", _text(_MONTH), _month("to"))
