"""What a meter of power is asked for, and what its samples add up to: joules of servers in a stretch of time."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from caso.accounting.meters import Integral, Kind, Sample, Span, integrate_with_spans
from caso.window import Window

UUIDS = "{uuids}"
"""In a query, what the expression for the servers that are asked about stands in place of."""
SELECTOR = re.compile(r'\s*[a-zA-Z_:][\w:]*\s*(\{([^"{}]|"([^"\\]|\\.)*")*\})?\s*')
"""A metric and its labels, and nothing around them."""
SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")

SHORTEST_GAP_SECONDS = 300
GAP_STEPS = 10
COUNTER_MARGIN_SECONDS = 6 * 3600
"""Exporters may tell of a counter rarely: what it was before midnight and after it says what it was at midnight."""


class Unit(NamedTuple):
    """What a value means: joules, or joules a second, in ``joules`` of them."""

    kind: Kind
    joules: float


UNITS: Mapping[str, Unit] = {
    "microwatts": Unit(Kind.GAUGE, 1e-6),
    "milliwatts": Unit(Kind.GAUGE, 1e-3),
    "watts": Unit(Kind.GAUGE, 1.0),
    "microjoules": Unit(Kind.COUNTER, 1e-6),
    "millijoules": Unit(Kind.COUNTER, 1e-3),
    "joules": Unit(Kind.COUNTER, 1.0),
    "kilojoules": Unit(Kind.COUNTER, 1e3),
    "watthours": Unit(Kind.COUNTER, 3600.0),
    "kilowatthours": Unit(Kind.COUNTER, 3.6e6),
}


@dataclasses.dataclass(frozen=True)
class PowerMeter:
    """How servers are told apart in a metric, and what its values mean; ``query`` has UUIDS in it."""

    query: str
    label: str
    unit: Unit
    step_seconds: int

    @property
    def longest_gap_seconds(self) -> int:
        """Between two samples that are farther apart nothing is known of a gauge."""
        return max(GAP_STEPS * self.step_seconds, SHORTEST_GAP_SECONDS)

    @property
    def margin_seconds(self) -> int:
        """How far before and after a stretch samples are asked for, to know how it began and ended."""
        counts = self.unit.kind is Kind.COUNTER
        return max(self.longest_gap_seconds, COUNTER_MARGIN_SECONDS) if counts else self.longest_gap_seconds

    @property
    def evaluated_every(self) -> int | None:
        """Seconds, for an expression; None for a selector, which has samples of its own."""
        return None if SELECTOR.fullmatch(self.query) else self.step_seconds

    def about(self, uuids: Iterable[str]) -> str:
        """The query for some servers.

        >>> PowerMeter('power{uuid=~"{uuids}"}', "uuid", UNITS["watts"], 30).about(["a-1", "b.2"])
        'power{uuid=~"a-1|b\\\\\\\\.2"}'
        """
        return self.matching("|".join(SPECIAL.sub(r"\\\\\g<0>", uuid).replace('"', '\\"') for uuid in uuids))

    def matching(self, expression: str) -> str:
        return self.query.replace(UUIDS, expression)


def selector(metric: str, label: str, labels: Mapping[str, str]) -> str:
    """A query for a metric with these labels.

    >>> selector("prometheus_value", "uuid", {"type_instance": "power"})
    'prometheus_value{type_instance="power",uuid=~"{uuids}"}'
    """
    quoted = {name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in labels.items()}
    matchers = [*(f'{name}="{value}"' for name, value in quoted.items()), f'{label}=~"{UUIDS}"']
    return f"{metric}{{{','.join(matchers)}}}"


class Drawn:
    """What one server drew in a stretch, of one series after the other: they are of its processes, or of its hosts."""

    def __init__(self, meter: PowerMeter, stretch: Window) -> None:
        self._meter = meter
        self._start, self._end = stretch.start.timestamp(), stretch.end.timestamp()
        self._amounts: list[float] = []
        self._spans: list[Span] = []

    def take(self, samples: Collection[Sample]) -> None:
        gap, kind = self._meter.longest_gap_seconds, self._meter.unit.kind
        told, spans = integrate_with_spans(samples, self._start, self._end, gap, kind)
        self._amounts.append(told.amount)
        self._spans += spans

    def total(self) -> Integral:
        """Joules, and the seconds that at least one series tells of."""
        covered, reached = 0.0, -math.inf
        for start, end in sorted(self._spans):
            covered += max(0.0, end - max(start, reached))
            reached = max(reached, end)
        return Integral(math.fsum(self._amounts) * self._meter.unit.joules, covered)
