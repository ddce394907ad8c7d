"""A notification as it came from the broker, out of its envelope; and what stands for one that cannot be understood."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from caso.sources.messages_secrets import text_without_secrets, without_secrets
from caso.sources.rows import LONGEST_ID
from caso.window import as_utc

LONGEST_BODY = 64 * 1024
"""Bytes of an unreadable message that are kept, for people."""


@dataclasses.dataclass(frozen=True)
class Message:
    """One notification. ``at`` is the message's own time, aware UTC: neither that of its arrival nor of the request.

    ``payload`` has no secrets in it; a payload that is no object is there under the name ``payload``.
    """

    id: str
    event_type: str
    at: datetime
    priority: str
    publisher: str
    payload: Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Ignored:
    """A message that tells nothing which counts."""

    id: str
    event_type: str
    at: datetime


@dataclasses.dataclass(frozen=True)
class Unreadable:
    """A message that cannot be understood, and why. ``id`` is that of the message, or ``sha256:`` and the digest of its body.

    ``body`` is for people: without secrets, at most LONGEST_BODY bytes.
    """

    id: str
    reason: str
    event_type: str | None
    at: datetime | None
    body: str


def unreadable(message: Message, reason: str) -> Unreadable:
    """What stands for a message whose payload is broken."""
    body = json.dumps(message.payload, ensure_ascii=False)
    return Unreadable(message.id, reason, message.event_type, message.at, _for_people(body))


def damaged(body: bytes, reason: str) -> Unreadable:
    """What stands for a body that never was a message, or is none any more."""
    return _unreadable(body, {}, reason)


def open_envelope(body: bytes) -> Message | Unreadable:
    """The message in a body as oslo.messaging writes it: bare (driver ``messaging``) or in its envelope (``messagingv2``).

    >>> open_envelope(b"hello").reason
    'it is no JSON (Expecting value: line 1 column 1 (char 0))'
    """
    told: Mapping[str, Any] = {}
    try:
        told = _inner(_parsed(body, "it"))
        return Message(
            id=_id(told) or _digest(body),
            event_type=_text(told, "event_type"),
            at=_at(told),
            priority=str(told.get("priority") or "").upper(),
            publisher=str(told.get("publisher_id") or ""),
            payload=_payload(told),
        )
    except ValueError as exc:
        return _unreadable(body, told, str(exc))
    except RecursionError:
        return _unreadable(body, {}, "it is nested too deeply")


def instant(value: Any) -> datetime:
    """The time that a message names, in any of the services' spellings; without a zone it is UTC. ValueError for none.

    >>> instant("2026-11-21 07:51:57.843994").isoformat()
    '2026-11-21T07:51:57.843994+00:00'
    """
    if not isinstance(value, str):
        raise ValueError("it is no time")  # noqa: TRY004
    try:
        return as_utc(datetime.fromisoformat(value))
    except (ValueError, OverflowError):
        raise ValueError(f"{value[:50]!r} is no time") from None


def _parsed(text: bytes | str, what: str) -> Any:
    try:
        return json.loads(text if isinstance(text, str) else text.decode())
    except UnicodeDecodeError:
        raise ValueError(f"{what} is no text in UTF-8") from None
    except ValueError as exc:
        raise ValueError(f"{what} is no JSON ({exc})") from None


def _inner(outer: Any) -> Mapping[str, Any]:
    if isinstance(outer, dict) and "oslo.message" in outer:
        quoted = outer["oslo.message"]
        if not isinstance(quoted, str):
            raise ValueError("oslo.message: it is no text")
        outer = _parsed(quoted, "oslo.message")
    if not isinstance(outer, dict):
        raise ValueError("it is no message: not an object")  # noqa: TRY004
    return outer


def _id(told: Mapping[str, Any]) -> str | None:
    """The message's own id, where it has one that every database keeps."""
    value = told.get("message_id")
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ID or "\0" in value or value != _whole(value):
        return None
    return value


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name}: there is none, so this is no notification")
    return _whole(value)[:LONGEST_ID]


def _at(told: Mapping[str, Any]) -> datetime:
    try:
        return instant(told.get("timestamp"))
    except ValueError as exc:
        raise ValueError(f"timestamp: {exc}") from None


def _payload(told: Mapping[str, Any]) -> Mapping[str, Any]:
    payload = without_secrets(told.get("payload"))
    if payload is None:
        return {}
    return payload if isinstance(payload, dict) else {"payload": payload}


def _unreadable(body: bytes, told: Mapping[str, Any], reason: str) -> Unreadable:
    at = None
    with contextlib.suppress(ValueError):
        at = instant(told.get("timestamp"))
    event_type = told.get("event_type")
    return Unreadable(
        id=_id(told) or _digest(body),
        reason=_whole(reason),
        event_type=_whole(event_type)[:LONGEST_ID] if isinstance(event_type, str) else None,
        at=at,
        body=_shown(body, told),
    )


def _shown(body: bytes, told: Mapping[str, Any]) -> str:
    if told:
        with contextlib.suppress(RecursionError):
            return _for_people(json.dumps(without_secrets(told), ensure_ascii=False))
    # Of what is no JSON, only so much is looked through.
    return _for_people(text_without_secrets(body[:LONGEST_BODY].decode(errors="replace")))


def _digest(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


def _whole(text: str) -> str:
    """Without half characters and NUL, which no database keeps."""
    return text.encode(errors="replace").decode().replace("\0", "?")


def _for_people(text: str) -> str:
    return _whole(text).encode()[:LONGEST_BODY].decode(errors="ignore")
