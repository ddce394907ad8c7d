"""What Gnocchi is told of one resource."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple, Self

LOW, RATE = "ceilometer-low", "ceilometer-low-rate"
"""Archive policies: of what has a level, and of what counts."""

Measures = list[dict[str, Any]]
Revisions = list[tuple[datetime, dict[str, Any]]]


class Resource(NamedTuple):
    """A resource of Gnocchi's: what it was told of it and when, and its meters."""

    id: str
    type: str
    revisions: Revisions
    meters: dict[str, tuple[str, str, Measures]]
    """By metric: archive policy, unit, measures."""

    @property
    def counting(self) -> Self:
        """The same without the meters that have a level."""
        return self._replace(meters={name: meter for name, meter in self.meters.items() if meter[0] == RATE})
