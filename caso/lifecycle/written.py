"""What a person wrote about a resource: it wins over polls and notifications, until these tell of a change after it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Self, TypeVar

from caso.lifecycle.timeline import Interval, Source

S = TypeVar("S")


class Field(StrEnum):
    """What was written: of the life, of its billed state (by the name it has there), or of one row of Almanach's view."""

    CREATED = "created"
    ENDED = "ended"
    FLAVOR = "flavor"
    SIZE = "size_gib"
    TYPE = "type"
    NAME = "name"
    ATTACHED_TO = "attached_to"
    IMAGE_META = "image_meta"
    METADATA = "metadata"
    ROW = "row"


BILLED = frozenset({Field.FLAVOR, Field.SIZE, Field.TYPE})
"""Fields of the state of a server or volume."""


@dataclasses.dataclass(frozen=True, slots=True)
class Written:
    """From ``at`` on, and before ``until`` where that is set, ``field`` is what was written at ``written_at``.

    ``id`` tells one request from another; ``text`` is the value as JSON, ``sent`` what the person sent for it where that reads
    otherwise (a size as text), as JSON too.
    """

    id: str
    written_at: datetime
    at: datetime
    field: Field
    text: str
    until: datetime | None = None
    sent: str | None = None

    @classmethod
    def of(
        cls,
        request: str,
        written_at: datetime,
        at: datetime,
        field: Field,
        value: Any,
        *,
        until: datetime | None = None,
        sent: Any = None,
    ) -> Self:
        """``value`` and ``sent`` are of JSON; ``sent`` None: as ``value``."""
        as_sent = None if sent is None else json.dumps(sent, sort_keys=True)
        return cls(request, written_at, at, field, json.dumps(value, sort_keys=True), until, as_sent)

    @property
    def value(self) -> Any:
        return json.loads(self.text)

    @property
    def value_sent(self) -> Any:
        return self.value if self.sent is None else json.loads(self.sent)

    @property
    def order(self) -> tuple[datetime, str, str]:
        """Later in this order is written later."""
        return self.written_at, self.id, self.field


def united(one: Iterable[Written], other: Iterable[Written]) -> tuple[Written, ...]:
    """What is written in either, each once, in the order in which it was written."""
    return tuple(sorted({*one, *other}, key=lambda entry: (entry.order, entry.at, entry.text)))


def newest(written: Iterable[Written], field: Field) -> Written | None:
    """What was written last of a field."""
    return max((entry for entry in written if entry.field is field), key=lambda entry: entry.order, default=None)


def patched(
    intervals: Sequence[Interval[S]], written: Sequence[Written], read: Mapping[Field, Callable[[Any], Any]]
) -> tuple[Interval[S], ...]:
    """The intervals with what was written of the billed state; ``read`` turns the value of each such field into the state's.

    What is written holds from its time on for as long as the services tell the same of the field as they did then: a change
    that they tell of later is a new fact.
    """
    patches = [entry for entry in written if entry.field in BILLED]
    if not patches or not intervals:
        return tuple(intervals)
    start, end = intervals[0].start, intervals[-1].end
    edges = {i.start for i in intervals} | {edge for p in patches for edge in (p.at, p.until) if edge is not None}
    cuts = sorted(edge for edge in edges if edge >= start and (end is None or edge < end))
    found: list[Interval[S]] = []
    for cut, following in zip(cuts, [*cuts[1:], end], strict=True):
        told = _covering(intervals, cut)
        changes = {}
        for field in {p.field for p in patches}:
            patch = _deciding([p for p in patches if p.field is field], intervals, cut)
            if patch is not None:
                changes[str(field)] = read[field](patch.value)
        value = dataclasses.replace(told.value, **changes)  # type: ignore[type-var]  # states are dataclasses
        source = Source.WRITTEN if changes else told.source
        if found and found[-1].value == value:
            found[-1] = dataclasses.replace(found[-1], end=following)
        else:
            found.append(Interval(cut, following, value, source))
    return tuple(found)


def _covering(intervals: Sequence[Interval[S]], instant: datetime) -> Interval[S]:
    return next((i for i in reversed(intervals) if i.start <= instant), intervals[0])


def _deciding(patches: Sequence[Written], intervals: Sequence[Interval[S]], instant: datetime) -> Written | None:
    """The entry that holds at an instant: of those that do, the one from the latest time, of these the one written last."""
    holding = [
        p for p in patches if p.at <= instant and (p.until is None or instant < p.until) and _still_so(p, intervals, instant)
    ]
    return max(holding, key=lambda p: (p.at, p.order), default=None)


def _still_so(patch: Written, intervals: Sequence[Interval[S]], instant: datetime) -> bool:
    """Whether the services tell the same of the field all the time from when it was written for."""
    field = str(patch.field)
    then = getattr(_covering(intervals, patch.at).value, field)
    between = [i for i in intervals if i.start <= instant and (i.end is None or i.end > patch.at)]
    return all(_same(getattr(i.value, field), then) for i in between)


def _same(one: Any, other: Any) -> bool:
    """A flavor whose properties were edited is the same flavor."""
    return bool(one == other or (hasattr(one, "size") and hasattr(other, "size") and one.size == other.size))
