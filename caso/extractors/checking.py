"""What an extractor tells is looked at before it is kept: what the store cannot read again would stop every run after this."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from caso.extractors.base import Extractor, OddObject, Page
from caso.lifecycle.address import AddressSeen
from caso.lifecycle.server import ServerSeen
from caso.lifecycle.volume import VolumeSeen
from caso.records import Record

KINDS: dict[type[Any], str] = {ServerSeen: "server", VolumeSeen: "volume", AddressSeen: "address"}
"""What observations are of, as ``observes`` and ``inventory`` of an extractor have it."""


def faults(extractor: Extractor | type[Extractor], page: object) -> Iterator[str]:
    """Why this page cannot be taken; nothing where it can."""
    if not isinstance(page, Page):
        yield f"extract yields a {type(page).__name__}, and no Page"
        return
    for seen in page.seen:
        yield from _of_seen(extractor, seen)
    for odd in page.odd:
        yield from _of_odd(odd)
    for kind in sorted(set(page.inventory) - extractor.observes):
        yield f"its inventory is of {kind!r}, which is not in its observes"
    for record in page.records:
        yield from _of_record(extractor, record)


def _of_seen(extractor: Extractor | type[Extractor], seen: object) -> Iterator[str]:
    if not isinstance(seen, ServerSeen | VolumeSeen | AddressSeen):
        yield f"it tells of a {type(seen).__name__}, and of no ServerSeen, VolumeSeen or AddressSeen"
        return
    kind = KINDS[type(seen)]
    what = f"{kind} {seen.id if isinstance(seen, AddressSeen) else seen.uuid!s}"
    if kind not in extractor.observes:
        yield f"{what}: {kind!r} is not in its observes, so its use would not be accounted for"
    yield from (f"{what}: {name} carries no time zone" for name in _naive(seen))
    adapter = _adapter(kind)
    try:
        adapter.validate_json(adapter.dump_json(seen, warnings=False), strict=True)
    except ValidationError as exc:
        for error in exc.errors(include_url=False):
            yield f"{what}: {'.'.join(map(str, error['loc']))} is {error['input']!r}: {error['msg']}"
    except PydanticSerializationError as exc:
        yield f"{what}: {exc}"


def _of_odd(odd: object) -> Iterator[str]:
    if not isinstance(odd, OddObject):
        yield f"odd holds a {type(odd).__name__}, and no OddObject"
        return
    for name in ("kind", "object_id", "project_id", "reason"):
        value = getattr(odd, name)
        if not isinstance(value, str) and not (name == "project_id" and value is None):
            yield f"odd object {odd.object_id}: {name} is {value!r}, and no text"


def _of_record(extractor: Extractor | type[Extractor], record: Record) -> Iterator[str]:
    if not isinstance(record, tuple(extractor.makes)):
        yield f"it makes a {type(record).__name__}, which is not in its makes, so nobody would get it"
        return
    naive = list(_naive(record))
    yield from (f"{type(record).__name__}: {name} carries no time zone" for name in naive)
    if naive:
        return
    if not record.key.startswith(f"{record.kind}/"):
        yield f"record {record.key!r}: its key does not begin with its kind and a slash, {record.kind + '/'!r}"
    try:
        json.dumps(record.content(), allow_nan=False)
    except (TypeError, ValueError) as exc:
        yield f"record {record.key}: its content is no JSON: {exc}"


def _naive(thing: Any) -> list[str]:
    values = {field.name: getattr(thing, field.name) for field in dataclasses.fields(thing)}
    return [name for name, value in values.items() if isinstance(value, datetime) and value.utcoffset() is None]


@functools.cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter({name: seen for seen, name in KINDS.items()}[kind])
