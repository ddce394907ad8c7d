"""A Prometheus without a network: series that a selector finds, and the samples that a window has of them.

>>> from caso.window import Window
>>> fake = FakePrometheus([a_series("a", [(0.0, 100.0), (60.0, 100.0)]), a_series("b", [(0.0, 50.0)])])
>>> [series.labels["uuid"] for series in fake.samples('power{uuid=~"b|c"}', Window.parse("1970-01-01", "1970-01-02"))]
['b']
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from caso.errors import SourceError
from caso.sources.prometheus import Answer
from caso.sources.series import Sample, Series
from caso.window import Window

SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)?(?:\{(.*)\})?")
MATCHER = re.compile(r'\s*(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*,?')


def a_series(uuid: str, samples: Sequence[Sample], name: str = "power", **labels: str) -> Series:
    """A series of one server's power, as an exporter labels it."""
    return Series({"__name__": name, "uuid": uuid, **labels}, tuple(samples))


class FakePrometheus:
    """Has these series, in place of :class:`caso.sources.prometheus.Prometheus`.

    ``queries`` are the selectors and windows that were asked for. ``warnings`` come with each answer. ``error`` is raised
    after so many series as ``fails_after``. ``kept`` is what it says of its retention.
    """

    name = "prometheus"

    def __init__(
        self,
        series: Sequence[Series] = (),
        *,
        warnings: Sequence[str] = (),
        error: SourceError | None = None,
        fails_after: int = 0,
        kept: timedelta | None = None,
    ) -> None:
        self.series = list(series)
        self.warnings = tuple(warnings)
        self.error = error
        self.fails_after = fails_after
        self.kept = kept
        self.queries: list[tuple[str, Window]] = []

    def samples(self, selector: str, window: Window, *, margin_seconds: float = 0, step_seconds: int | None = None) -> Answer:
        """As the real one; ``step_seconds`` is not heeded, and of selectors only those that name labels are understood."""
        start, end = window.start.timestamp() - margin_seconds, window.end.timestamp() + margin_seconds
        return Answer(lambda answer: self._found(answer, selector, window, start, end))

    def retention(self) -> timedelta | None:
        """As the real one; nothing is left out because of it."""
        return self.kept

    def _found(self, answer: Answer, selector: str, window: Window, start: float, end: float) -> Iterator[Series]:
        self.queries.append((selector, window))
        found = [series.between(start, end) for series in self.series if _fits(series, selector)]
        told = [series for series in found if series.samples]
        yield from told if self.error is None else told[: self.fails_after]
        if self.error is not None:
            raise self.error
        answer.warnings = self.warnings


def _fits(series: Series, selector: str) -> bool:
    understood = SELECTOR.fullmatch(selector.strip())
    if understood is None:
        raise SourceError(f"prometheus: cannot get {selector}: the fake does not understand it")
    name, matchers = understood.groups()
    if name and series.labels.get("__name__") != name:
        return False
    return all(
        _matches(series.labels.get(label, ""), sign, re.sub(r"\\(.)", r"\1", value))
        for label, sign, value in MATCHER.findall(matchers or "")
    )


def _matches(text: str, sign: str, value: str) -> bool:
    same = re.fullmatch(value, text) is not None if sign.endswith("~") else text == value
    return same is not sign.startswith("!")
