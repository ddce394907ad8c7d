"""A line of mongoexport to a row: both of its notations, and what Almanach 3.x and 4.x wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from caso.almanach.extended_json import plain
from caso.lifecycle.server import ServerSeen
from caso.lifecycle.volume import VolumeSeen
from caso.sources.rows import Id, Text, UtcTime, why
from caso.window import BEGINNING


class Oddity(StrEnum):
    """What is mended of single rows; the words are for the summary."""

    CARET = "keys with ^ for a dot, as 3.x wrote them: read as dots"
    OS = "os without image_meta, as 3.x wrote it: taken for image_meta"
    ATTACHED = "attached_to that is no list: read as one"
    UNPROCESSED = "without processed, as before 4.1"


class Row(NamedTuple):
    """A row of a resource as Almanach kept it; ``image_meta`` and ``metadata`` are JSON, ``attached_to`` too.

    ``flavor`` is None of volumes, ``size_gib`` and ``type`` are None of servers.
    """

    kind: str
    id: str
    project_id: str
    start: datetime
    end: datetime | None
    last_event: datetime
    name: str | None
    flavor: str | None = None
    size_gib: int | None = None
    type: str | None = None
    attached_to: str = "[]"
    image_meta: str = "{}"
    metadata: str = "{}"


class TypeRow(NamedTuple):
    """A volume type."""

    id: str
    name: str


class Document(NamedTuple):
    """What a line says: its row, what was odd about it, and the fields that nobody knows."""

    row: Row | TypeRow
    oddities: frozenset[Oddity] = frozenset()
    unknown: tuple[str, ...] = ()


class BrokenError(Exception):
    """A line that says nothing; its text says why."""


def read(line: bytes) -> Document:
    """What a line says; BrokenError where it is no row of Almanach's.

    >>> read(b'{"volume_type_id": "t1", "volume_type_name": "fast"}').row
    TypeRow(id='t1', name='fast')
    """
    try:
        raw = plain(json.loads(line, parse_constant=lambda _: None))
    except RecursionError as exc:
        raise BrokenError("it is nested too deeply") from exc
    except (TypeError, ValueError) as exc:
        raise BrokenError(f"it is no JSON of mongoexport, one document to a line: {exc}") from exc
    if not isinstance(raw, dict):
        raise BrokenError("it is no document; export without --jsonArray and --pretty")
    try:
        return _type(raw) if "volume_type_id" in raw else _entity(raw)
    except ValidationError as exc:
        raise BrokenError(why(exc)) from exc


class _Row(BaseModel):
    """Checked once; what is in it besides is kept apart."""

    model_config = ConfigDict(frozen=True, extra="allow")

    mongo_id: Any = Field(default=None, alias="_id")

    @property
    def unknown(self) -> tuple[str, ...]:
        return tuple(sorted(self.model_extra or ()))


class _TypeRow(_Row):
    volume_type_id: Id
    volume_type_name: Id


def _as_list(value: Any) -> Any:
    """Almanach's documents have one id, or an empty text, where its code has a list."""
    if isinstance(value, str):
        return [value] if value else []
    return [held for held in value if held] if isinstance(value, list) else value or []


def _as_dict(value: Any) -> Any:
    return {} if value is None else value


def _as_text(value: Any) -> Any:
    """Almanach's API took for a name whatever JSON it was sent."""
    return value if value is None or isinstance(value, str) else json.dumps(value, default=str)


def _sensible(instant: datetime) -> datetime:
    if not BEGINNING <= instant < END:
        raise ValueError("it is before 1970 or after 9000")
    return instant


END = datetime(9000, 1, 1, tzinfo=UTC)
Time = Annotated[UtcTime, AfterValidator(_sensible)]
Named = Annotated[Text | None, BeforeValidator(_as_text)]
Attached = Annotated[tuple[Id, ...], BeforeValidator(_as_list)]
Keyed = Annotated[dict[str, Any], BeforeValidator(_as_dict)]


class _EntityRow(_Row):
    entity_id: Id
    entity_type: str | None = None
    project_id: Id
    start: Time
    end: Time | None = None
    last_event: Time | None = None
    name: Named = None
    processed: UtcTime | None = None


class _ServerRow(_EntityRow):
    flavor: Id
    os: Keyed = {}
    image_meta: Keyed | None = None
    metadata: Keyed = {}


class _VolumeRow(_EntityRow):
    size: int = Field(ge=0)
    volume_type: Text | None = None
    attached_to: Attached = ()


def _type(raw: Mapping[str, Any]) -> Document:
    found = _TypeRow.model_validate(raw)
    return Document(TypeRow(found.volume_type_id, found.volume_type_name), unknown=found.unknown)


def _entity(raw: Mapping[str, Any]) -> Document:
    told = raw.get("entity_type") or ("instance" if "flavor" in raw else "volume" if "size" in raw else None)
    match told:
        case "instance":
            server = _ServerRow.model_validate(raw)
            return Document(_server(server), _oddities(raw, server), server.unknown)
        case "volume":
            volume = _VolumeRow.model_validate(raw)
            return Document(_volume(volume), _oddities(raw, volume), volume.unknown)
    raise BrokenError(f"it is neither an instance, nor a volume, nor a volume type (entity_type {told!r})")


def _server(one: _ServerRow) -> Row:
    image_meta = one.os if one.image_meta is None else one.image_meta
    return _row(one, ServerSeen.kind)._replace(flavor=one.flavor, image_meta=_text(image_meta), metadata=_text(one.metadata))


def _volume(one: _VolumeRow) -> Row:
    attached = json.dumps(list(dict.fromkeys(one.attached_to)))
    return _row(one, VolumeSeen.kind)._replace(size_gib=one.size, type=one.volume_type or None, attached_to=attached)


def _row(one: _EntityRow, kind: str) -> Row:
    """What rows of both kinds have."""
    last_event = max(one.start, one.last_event or one.start)
    return Row(kind, one.entity_id, one.project_id, one.start, one.end, last_event, one.name)


def _oddities(raw: Mapping[str, Any], one: _EntityRow) -> frozenset[Oddity]:
    found = set() if one.processed else {Oddity.UNPROCESSED}
    if isinstance(one, _ServerRow):
        if one.os and one.image_meta is None:
            found.add(Oddity.OS)
        if any(_has_caret(value) for value in (one.os, one.image_meta, one.metadata)):
            found.add(Oddity.CARET)
    elif not isinstance(raw.get("attached_to", []), list):
        found.add(Oddity.ATTACHED)
    return frozenset(found)


def _text(value: Any) -> str:
    """As JSON, with dots where Almanach wrote ^ since MongoDB takes no dots in keys."""
    return json.dumps(_dotted(value), sort_keys=True, default=str)


def _dotted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key.replace("^", "."): _dotted(held) for key, held in value.items()}
    return [_dotted(held) for held in value] if isinstance(value, list) else value


def _has_caret(value: Any) -> bool:
    if isinstance(value, dict):
        return any("^" in key or _has_caret(held) for key, held in value.items())
    return isinstance(value, list) and any(map(_has_caret, value))
