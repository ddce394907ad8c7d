"""Gnocchi's resources, measures and archive policies as typed rows."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import ValidationError

from caso.sources.rows import Id, OddRow, Row, Text, UtcTime, id_of, text_or_none, why

TIMESPAN = re.compile(r"(?:(\d+) days?, )?(\d+):(\d\d):(\d\d(?:\.\d+)?)")


class ResourceRow(Row):
    """One revision of a resource: what it was from ``revision_start`` until ``revision_end``, which the present one lacks.

    ``ended_at`` is told by the last revision only: those before it were written when nobody knew. ``started_at`` is since
    when Gnocchi has it, ``created_at``, which Ceilometer tells since 2024, when it was made. Of the attributes, those
    that its type does not have are None. ``metrics`` are the ids of its metrics, by name.
    """

    id: Id
    original_resource_id: Text | None = None
    type: Id
    project_id: Text | None = None
    user_id: Text | None = None
    started_at: UtcTime
    created_at: UtcTime | None = None
    ended_at: UtcTime | None = None
    revision_start: UtcTime
    revision_end: UtcTime | None = None
    display_name: Text | None = None
    host: Text | None = None
    flavor_name: Text | None = None
    flavor_id: Text | None = None
    image_ref: Text | None = None
    volume_type: Text | None = None
    instance_id: Text | None = None
    metrics: Mapping[Text, Text] = {}


@dataclasses.dataclass(frozen=True)
class ResourcePage:
    """Whole resources: all revisions of one are on one page, oldest first. ``arrived_at`` is when the page came."""

    rows: tuple[ResourceRow | OddRow, ...]
    arrived_at: datetime


class Point(NamedTuple):
    """An aggregate of the ``granularity_seconds`` that begin at ``time`` (seconds since the epoch)."""

    time: float
    granularity_seconds: float
    value: float


class Measures(NamedTuple):
    """Points of one resource, oldest first."""

    resource_id: str
    points: tuple[Point, ...]


class Level(NamedTuple):
    """One aggregate each ``granularity_seconds``, kept for ``kept_seconds``."""

    granularity_seconds: float
    kept_seconds: float


@dataclasses.dataclass(frozen=True)
class ArchivePolicy:
    """What Gnocchi makes of the samples of a metric, and how long it keeps it; ``levels`` has the finest first."""

    name: str
    aggregations: frozenset[str]
    levels: tuple[Level, ...]

    @property
    def finest(self) -> Level:
        return self.levels[0]

    def finest_kept(self, age_seconds: float) -> Level:
        """The finest of which there still is what is so old; where there is none, the one that goes back furthest."""
        return next(
            (level for level in self.levels if level.kept_seconds >= age_seconds),
            max(self.levels, key=lambda one: one.kept_seconds),
        )

    def serves(self, aggregation: str, granularity_seconds: float) -> bool:
        """Whether there are such aggregates at all."""
        return aggregation in self.aggregations and any(level.granularity_seconds == granularity_seconds for level in self.levels)

    def __str__(self) -> str:
        levels = ", ".join(f"{level.granularity_seconds:g} s for {level.kept_seconds / 86400:g} days" for level in self.levels)
        return f"archive policy {self.name}: {', '.join(sorted(self.aggregations))} each {levels}"


def read_resource(raw: Mapping[str, Any]) -> ResourceRow | OddRow:
    """The typed row of a resource."""
    try:
        return ResourceRow.model_validate(raw)
    except ValidationError as exc:
        return OddRow(id_of(raw), text_or_none(raw.get("project_id")), why(exc))


def read_policy(raw: Mapping[str, Any]) -> ArchivePolicy:
    """The typed archive policy; ValueError, KeyError or TypeError for what is none.

    >>> level = {"granularity": "0:05:00", "timespan": "30 days, 0:00:00", "points": 8640}
    >>> print(read_policy({"name": "low", "aggregation_methods": ["mean"], "definition": [level]}))
    archive policy low: mean each 300 s for 30 days
    """
    levels = sorted(Level(_seconds(level["granularity"]), _seconds(level["timespan"])) for level in raw["definition"])
    if not levels:
        raise ValueError("it has no definition")
    return ArchivePolicy(str(raw["name"]), frozenset(map(str, raw["aggregation_methods"])), tuple(levels))


def _seconds(timespan: Any) -> float:
    """Gnocchi writes what Python writes for a timedelta."""
    found = TIMESPAN.fullmatch(str(timespan))
    if found is None:
        raise ValueError(f"{timespan!r} is no stretch of time")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
