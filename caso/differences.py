"""What a messenger would be told that it does not know yet: each record that is due, beside what it accepted last."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from caso.store import Compared, Store

CUMULATIVE = (
    "wall_seconds",
    "cpu_seconds",
    "suspend_seconds",
    "network_inbound_gib",
    "network_outbound_gib",
    "available_seconds",
)
"""Fields that go up as long as something lives."""

FIRST = (
    *("vo", "project_id", "site_name", "service_name", "status", "start", "end"),
    *("cpu_count", "memory_mib", "disk_gib", "benchmark_name", "benchmark_value", "type", "model", "count"),
    *("size_bytes", "volume_type", "ip_count", "public_ip_count"),
)
"""The order in which fields are told: who pays, what state, how big; then fields not named here, by name; then LAST."""

LAST = (*CUMULATIVE, "measured_at")

_PLACES = {name: place for place, name in enumerate(FIRST)} | {name: len(FIRST) + 1 + place for place, name in enumerate(LAST)}


class What(StrEnum):
    """How a record that is due differs from what was accepted last."""

    VANISHED = "vanished"
    """Better knowledge has no such record: it is taken back."""
    CHANGED = "changed"
    ENDED = "ended"
    """The server or volume was open and is over now."""
    NEW = "new"
    """Nothing was accepted under this key."""
    LONGER = "longer"
    """Nothing but time went on."""


class Field(NamedTuple):
    """One value of a record, as JSON has it; None also where there was none."""

    name: str
    before: Any
    after: Any


@dataclasses.dataclass(frozen=True)
class Difference:
    """One record that is due to a messenger. ``fields`` are those that differ, all where it is new; those that matter most first.

    ``known``: False where an older revision was accepted whose content is not kept: then ``fields`` are all, without a before.
    """

    messenger: str
    what: What
    compared: Compared
    fields: tuple[Field, ...]
    known: bool
    content: Mapping[str, Any]

    @property
    def vo(self) -> str:
        return str(self.content.get("vo", ""))

    @property
    def project_id(self) -> str:
        return str(self.content.get("project_id", self.compared.line.project_id))


def differences(store: Store, messenger: str) -> Iterator[Difference]:
    """All that is due to the messenger and differs from what it has, oldest first; read a part at a time."""
    for compared in store.ledger.compared(messenger):
        difference = compare(messenger, compared)
        # What came to be again as it was accepted would be sent, and tells nothing.
        if difference.fields:
            yield difference


def compare(messenger: str, compared: Compared) -> Difference:
    after = json.loads(compared.line.content)
    before = json.loads(compared.before) if compared.before is not None else None
    fields = tuple(_fields(before or {}, after))
    known = before is not None or compared.accepted is None
    return Difference(messenger, _what(compared, before, after, fields), compared, fields, known, after)


def _what(compared: Compared, before: Mapping[str, Any] | None, after: Mapping[str, Any], fields: tuple[Field, ...]) -> What:
    if compared.accepted is None:
        return What.NEW
    if compared.line.retracted:
        return What.VANISHED
    if before is None:
        return What.CHANGED
    if _ended(compared, before, after):
        return What.ENDED
    # Use that grew while the clock stood still is known better: that matters.
    longer = any(field.name == "measured_at" for field in fields) and all(map(_goes_on, fields))
    return What.LONGER if longer else What.CHANGED


def _ended(compared: Compared, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    if "end" in after:
        return before.get("end") is None and after["end"] is not None
    # A record without an end of its own, as a volume's, is measured at the end of what it tells of.
    return compared.over == compared.line.measured_at and before.get("measured_at") != after.get("measured_at")


def _goes_on(field: Field) -> bool:
    if field.name not in LAST or field.before is None or field.after is None:
        return False
    # Times as the ledger has them, ISO 8601 in UTC, sort as text.
    return bool(field.before <= field.after)


def _fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Field]:
    different = [name for name in after.keys() | before.keys() if before.get(name) != after.get(name)]
    return [Field(name, before.get(name), after.get(name)) for name in sorted(different, key=_place)]


def _place(name: str) -> tuple[int, str]:
    return _PLACES.get(name, len(FIRST)), name
