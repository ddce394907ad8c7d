"""What an extractor tells is looked at before it is kept: what the store cannot read again would stop every run after this."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import NoneType
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from caso.extractors.base import Extractor, OddObject, Page, Seen
from caso.extractors.checking_glance import are_plain
from caso.extractors.checking_measures import of_measured
from caso.lifecycle.address import AddressSeen
from caso.lifecycle.server import ServerSeen
from caso.lifecycle.timeline import Evidence
from caso.records import Record

NAME, KEY = 255, 512
"""Characters that the store's columns hold, at least; SQLite takes more, PostgreSQL and MariaDB do not."""

_SHAPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("seen", "odd", "measured", "records", "notices", "volume_types"), (tuple, list)),
    **dict.fromkeys(("inventory", "vouched", "unmarked"), (frozenset, set)),
    "unfinished": (Mapping,),
    **dict.fromkeys(("doubt", "listed"), (str, NoneType)),
}
"""What the members of a page have to be, the documented type first."""


def faults(extractor: Extractor | type[Extractor], page: object) -> Iterator[str]:
    """Why this page cannot be taken; nothing where it can."""
    if not isinstance(page, Page):
        yield f"extract yields a {type(page).__name__}, and no Page"
        return
    if shapeless := list(_of_shape(page)):
        yield from shapeless
        return
    if not (are_plain(page.seen, Seen) and {seen.kind for seen in page.seen} <= extractor.observes):
        for seen in page.seen:
            yield from _of_seen(extractor, seen)
    for odd in page.odd:
        yield from _of_odd(odd)
    for name in ("inventory", "vouched"):
        for kind in sorted(set(getattr(page, name)) - extractor.observes - extractor.mentions):
            yield f"its {name} is of {kind!r}, which is not in its observes"
    for measured in page.measured:
        yield from of_measured(extractor, measured)
    for record in page.records:
        yield from _of_record(extractor, record)


def _of_shape(page: Page) -> Iterator[str]:
    """A generator would be empty after it was looked at; what is no set or mapping would fail where the page is kept."""
    for name, shapes in _SHAPES.items():
        value = getattr(page, name)
        if not isinstance(value, shapes):
            yield f"its {name} is a {type(value).__name__}, and no {shapes[0].__name__}"
        elif isinstance(value, Mapping):
            yield from (f"its {name} has {why!r} of {of!r}, and no text" for of, why in value.items() if not isinstance(why, str))


def _of_seen(extractor: Extractor | type[Extractor], seen: object) -> Iterator[str]:
    if not isinstance(seen, Seen):
        yield f"it tells of a {type(seen).__name__}, and of no ServerSeen, VolumeSeen or AddressSeen"
        return
    kind = seen.kind
    what = f"{kind} {seen.id if isinstance(seen, AddressSeen) else seen.uuid!s}"
    if kind not in extractor.observes | extractor.mentions:
        yield f"{what}: {kind!r} is not in its observes, so its use would not be accounted for"
    yield from (f"{what}: {name} carries no time zone" for name in _naive(seen))
    if isinstance(seen, ServerSeen):
        yield from (f"{what}: told {why}" for why in _of_told(seen.told))
    adapter = _adapter(kind)
    try:
        adapter.validate_json(adapter.dump_json(seen, warnings=False), strict=True)
    except ValidationError as exc:
        for error in exc.errors(include_url=False):
            yield f"{what}: {'.'.join(map(str, error['loc']))} is {error['input']!r}: {error['msg']}"
    except PydanticSerializationError as exc:
        yield f"{what}: {exc}"


def _of_told(told: object) -> Iterator[str]:
    """Why a server's past cannot be kept: times that do not compare would stop the run where its life is put together."""
    if not isinstance(told, tuple):
        yield f"is a {type(told).__name__}, and no tuple"
        return
    # What is no claim at all is named with the other fields.
    for claim in (claim for claim in told if isinstance(claim, Evidence)):
        naive = [f"has a {name} that carries no time zone" for name in _naive(claim)]
        yield from naive
        if not naive and claim.until < claim.since:
            yield f"has a claim from {claim.since:%FT%TZ} to {claim.until:%FT%TZ}, which ends before it begins"


def _of_odd(odd: object) -> Iterator[str]:
    if not isinstance(odd, OddObject):
        yield f"odd holds a {type(odd).__name__}, and no OddObject"
        return
    for name in ("kind", "object_id", "project_id", "reason"):
        value = getattr(odd, name)
        if name == "project_id" and value is None:
            continue
        if not isinstance(value, str):
            yield f"odd object {odd.object_id}: {name} is {value!r}, and no text"
        elif name != "reason":
            yield from (f"odd object: {name} is {value!r}, which {why}" for why in _unfit(value, NAME))


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
    yield from (f"record {record.key!r}: its key is a text which {why}" for why in _unfit(record.key, KEY))
    try:
        json.dumps(record.content(), allow_nan=False)
    except (TypeError, ValueError) as exc:
        yield f"record {record.key}: its content is no JSON: {exc}"


def _unfit(text: str, most: int) -> Iterator[str]:
    """Why a database does not keep a name: one of them would stop the run, and every run after it."""
    if "\0" in text or text != text.encode(errors="replace").decode():
        yield "no database keeps"
    elif len(text) > most:
        yield f"is longer than {most} characters"


def _naive(thing: Any) -> list[str]:
    values = ((name, getattr(thing, name)) for name in _names(thing.__class__))
    return [name for name, value in values if isinstance(value, datetime) and value.utcoffset() is None]


@functools.cache
def _names(cls: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(cls))


@functools.cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter({observed.kind: observed for observed in get_args(Seen)}[kind])
