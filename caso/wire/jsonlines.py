"""Records as JSON lines: one object a line, for search indexes and whoever else reads JSON.

The names are those of APEL's formats, and of GreenDIGIT's for energy, so that what is found in an index can be held
against what the recipient has; the values are caso's own: texts keep every letter, as JSON has escapes for all of them.
A kind that neither has comes under the names of its own ``content()``.

Times are ISO 8601 with a Z, not APEL's seconds since 1970: Logstash takes no number for
``@timestamp``, and Elasticsearch reads a number in a date field as milliseconds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from operator import attrgetter
from typing import Any, NamedTuple

from caso.records import AcceleratorRecord, CloudRecord, EnergyRecord, IpRecord, Record, StorageRecord
from caso.wire import apel, cim, star
from caso.wire.apel import Fields
from caso.wire.values import UnfitError, iso, rendered


class Dialect(NamedTuple):
    """The format that the names of one kind come from: its version, and its fields."""

    version: str
    fields: Fields


OF_ENERGY_BESIDES: Fields = {
    "Slot": ("slot", str),
    "Coverage": ("coverage", float),
    "CpuCount": ("cpu_count", float),
    "GlobalUserName": ("user_name", str),
    "LocalGroupId": ("project_id", str),
}
"""What GreenDIGIT's format has no name for; where APEL's has one, that."""

DIALECTS: Mapping[str, Dialect] = {
    CloudRecord.kind: Dialect("0.4", apel.CLOUD),
    AcceleratorRecord.kind: Dialect("0.1", apel.ACCELERATOR),
    IpRecord.kind: Dialect("0.2", apel.IP),
    StorageRecord.kind: Dialect("2011/02", {name: field for name, field in star.STORAGE.items() if field[0] != "vo"}),
    EnergyRecord.kind: Dialect(cim.VERSION, {**cim.ENERGY, **OF_ENERGY_BESIDES}),
}


def lines(records: Sequence[Record]) -> bytes:
    """One line for each record, in their order, each ended by a line feed; pure ASCII.

    RejectedError names every record that JSON cannot carry; the others may be sent without them.
    """
    return "".join(rendered(records, _line)).encode("ascii")


def _line(record: Record) -> str:
    members = {name: _member(name, value) for name, value in _members(record).items() if value is not None}
    if members["RecordKey"] != record.key:
        raise UnfitError(f"JSON cannot carry RecordKey {record.key!r}: it is a key, and holds half of a surrogate pair")
    return json.dumps(members, ensure_ascii=True, sort_keys=True) + "\n"


def _members(record: Record) -> dict[str, Any]:
    dialect = DIALECTS.get(record.kind)
    own = {name: attrgetter(place)(record) for name, (place, _) in dialect.fields.items()} if dialect else record.content()
    if isinstance(record, StorageRecord):
        own |= star.groups_of(record.vo)
    return own | {
        "@timestamp": record.measured_at,
        "RecordKey": record.key,
        "RecordType": record.kind,
        "RecordVersion": dialect.version if dialect else None,
    }


def _member(name: str, value: Any) -> Any:
    try:
        return _plain(value)
    except UnfitError as exc:
        raise UnfitError(f"JSON cannot carry {name} {value!r}: it {exc}") from exc


def _plain(value: Any) -> Any:
    match value:
        case str():
            # A pair of surrogates is one letter; half of one is none.
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case float() if not math.isfinite(value):
            raise UnfitError("is no number")
        case bool() | int() | float() | None:
            return value
        case datetime():
            return iso(value)
        case date():
            return value.isoformat()
        case Mapping():
            return {_plain(str(name)): _plain(member) for name, member in value.items()}
        case list() | tuple():
            return [_plain(member) for member in value]
        case _:
            raise UnfitError(f"is or holds a {type(value).__name__}")
