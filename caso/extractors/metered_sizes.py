"""How large the flavor of an instance is, which Gnocchi knows by its name only."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from caso.errors import DeniedError
from caso.extractors.flavors import FlavorReader
from caso.lifecycle.server import Flavor, Server
from caso.sources import FlavorRow, MissingError, ScopeOrProject, Sources
from caso.sources.gnocchi_rows import Point, ResourceRow
from caso.sources.rows import EmbeddedFlavor

LOG = logging.getLogger(__name__)

METRICS = ("vcpus", "memory", "disk.root.size", "disk.ephemeral.size")
"""The meters of a size. Ceilometer has them of each hourly audit, of servers that are switched off as well."""

Levels = Mapping[str, Sequence[Point]]
"""What meters of a size told of one instance, by metric."""


class Sized(NamedTuple):
    """A flavor; its properties are ``known`` where Nova lists it."""

    flavor: Flavor
    known: bool


class Sizes:
    """Looks flavors up: in Nova's list where the role may see it, in what caso remembers, by the meters of the instance."""

    def __init__(self, sources: Sources, reader: FlavorReader) -> None:
        self._sources = sources
        self._reader = reader
        self._deaf: set[str] = set()
        self._found: dict[tuple[str | None, str | None], Sized] = {}

    def listed(self, row: ResourceRow, region: str, scope: ScopeOrProject) -> Sized | None:
        """The flavor as Nova lists it now; None where it does not, or has another one by that name."""
        if row.flavor_name is None:
            return None
        try:
            found = self._sources.flavors(region).find(row.flavor_name, scope)
        except (DeniedError, MissingError) as exc:
            if region not in self._deaf:
                self._deaf.add(region)
                LOG.info("ceilometer: flavors are as large as their meters say: %s", exc)
            return None
        if found is None or (found.id and row.flavor_id and found.id != row.flavor_id):
            return None
        embedded = _embedded(found)
        return Sized(self._reader.read(embedded, found.extra_specs), known=True) if embedded else None

    def note(self, row: ResourceRow, sized: Sized) -> None:
        """Others have that flavor, too."""
        self._found.setdefault((row.flavor_id, row.flavor_name), sized)

    def noted(self, row: ResourceRow) -> Sized | None:
        """The flavor as it was found out of others that have it."""
        return self._found.get((row.flavor_id, row.flavor_name))

    def measured(self, row: ResourceRow, levels: Levels) -> Sized | None:
        """The flavor as the meters told it in the time of this revision."""
        told = {name: _level(points, row) for name, points in levels.items()}
        vcpus, memory = told.get("vcpus"), told.get("memory")
        if row.flavor_name is None or vcpus is None or memory is None:
            return None
        disk = (told.get("disk.root.size") or 0) + (told.get("disk.ephemeral.size") or 0)
        embedded = EmbeddedFlavor(
            original_name=row.flavor_name, vcpus=round(vcpus), ram=round(memory), disk=round(disk), ephemeral=0
        )
        return Sized(self._reader.read(embedded, {}), known=False)


def remembered(row: ResourceRow, servers: Mapping[str, Server]) -> Sized | None:
    """The flavor of that name that the instance, or any of the others, is known to have had."""
    own = servers.get(row.id)
    for server in [*([own] if own else []), *servers.values()]:
        alike = [piece for piece in server.evidence if piece.value.flavor.name == row.flavor_name]
        if alike:
            return Sized(max(alike, key=lambda piece: piece.until).value.flavor, known=False)
    return None


def _embedded(row: FlavorRow) -> EmbeddedFlavor | None:
    if row.vcpus is None or row.ram is None:
        return None
    return EmbeddedFlavor(original_name=row.name, vcpus=row.vcpus, ram=row.ram, disk=row.disk, ephemeral=row.ephemeral)


def _level(points: Sequence[Point], row: ResourceRow) -> float | None:
    """The last one of the revision's time: better one that lies in it whole than one that began or ended in another."""
    start = row.revision_start.timestamp()
    end = row.revision_end.timestamp() if row.revision_end else math.inf
    inside = [point for point in points if start <= point.time and point.time + point.granularity_seconds <= end]
    touching = [point for point in points if point.time < end and point.time + point.granularity_seconds > start]
    chosen = max(inside or touching, default=None)
    return chosen.value if chosen else None
