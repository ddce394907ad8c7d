"""Gnocchi's measures of many resources by one question; whom it refuses does not cost the others theirs."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from caso.errors import SourceError
from caso.sources.api import Sender
from caso.sources.failure import reason
from caso.sources.gnocchi_asking import Sending, client
from caso.sources.gnocchi_rows import ArchivePolicy, Measures, Point
from caso.sources.rows import OddRow
from caso.window import Window

POINTS_AT_ONCE = 250_000
"""One answer has some 50 bytes for each in JSON, and some 200 in memory."""
MORE_CALLS = 20
"""Spent at most on one batch of resources of which Gnocchi refuses some: 18 find one among 500."""
REFUSALS = ("unknown aggregation", "granularities are missing")
# What gnocchiclient and we meet in answers that are no measures.
UNREADABLE = (AttributeError, KeyError, RuntimeError, TypeError, ValueError)
METRIC_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class RefusedError(SourceError):
    """The archive policies of all that was asked for do not have what was asked."""


class Question:
    """One question about many resources, asked in smaller parts where Gnocchi refuses it for some of them."""

    def __init__(
        self,
        api: Sender,
        metric: str,
        aggregation: str,
        resource_type: str,
        granularity_seconds: float,
        policy: Callable[[str], ArchivePolicy],
    ) -> None:
        self._api = api
        self._metric = metric
        self._aggregation = aggregation
        self._resource_type = resource_type
        self._granularity_seconds = granularity_seconds
        self._policy = policy
        self._any_answer = False

    def answered(self, resource_ids: Sequence[str], window: Window) -> Iterator[Measures | OddRow]:
        """What there is; SourceError where all of it is refused, and everything so far was."""
        refused: list[tuple[str, SourceError]] = []
        waiting, more_calls = [list(resource_ids)], MORE_CALLS
        while waiting:
            ids = waiting.pop()
            try:
                found = self._ask(ids, window)
            except SourceError as exc:
                if not _is_refusal(exc):
                    raise
                if len(ids) > 1 and more_calls >= 2:
                    more_calls -= 2
                    waiting += [ids[len(ids) // 2 :], ids[: len(ids) // 2]]
                else:
                    refused += [(resource_id, exc) for resource_id in ids]
                continue
            self._any_answer = True
            yield from found
        if refused and not self._any_answer:
            raise self._told(refused[0][1]) from refused[0][1]
        for resource_id, refusal in refused:
            yield OddRow(resource_id, None, _words(refusal))

    def _ask(self, resource_ids: Sequence[str], window: Window) -> list[Measures]:
        to = f"get {self._aggregation} of {self._metric} for {len(resource_ids)} resources ({self._resource_type}) in {window}"
        try:
            body = client(Sending(self._api, to, expected=dict)).aggregates.fetch(
                ["metric", self._metric, self._aggregation],
                search={"in": {"id": list(resource_ids)}},
                resource_type=self._resource_type,
                start=window.start,
                stop=window.end,
                granularity=self._granularity_seconds,
            )
            return list(self._read(body["measures"], window))
        except SourceError as exc:
            if f"Metric ['{self._metric}'] does not exist" in str(exc):
                return []  # none of them was ever measured
            raise
        except UNREADABLE as exc:
            raise self._garbled(to, exc) from exc

    def _read(self, body: Mapping[str, Any], window: Window) -> Iterator[Measures]:
        start, end = window.start.timestamp(), window.end.timestamp()
        for resource_id, by_metric in body.items():
            raw = by_metric.get(self._metric, {}).get(self._aggregation, ())
            points = (Point(time.timestamp(), float(seconds), float(value)) for time, seconds, value in raw)
            # Gnocchi gives the point that the start falls into as well, which is the window's before.
            kept = tuple(sorted(point for point in points if start <= point.time < end and math.isfinite(point.value)))
            if kept:
                yield Measures(str(resource_id), kept)

    def _garbled(self, to: str, exc: Exception) -> SourceError:
        return SourceError(
            f"{self._api.name}: cannot {to}: no measures can be read from the answer ({exc}); is this endpoint really gnocchi?"
        )

    def _told(self, exc: SourceError) -> RefusedError:
        """The refusal with the archive policy that it comes from, as far as that can be found out."""
        policy = ""
        if metric_id := METRIC_ID.search(str(exc)):
            with contextlib.suppress(SourceError):
                policy = f" ({self._policy(metric_id[0])})"
        return RefusedError(
            f"{self._api.name}: there is no {self._aggregation} of {self._metric} each {self._granularity_seconds:g} s"
            f"{policy}: {_words(exc)}; give the metric an archive policy that has it (such as ceilometer-low-rate),"
            " or correct the granularity and the aggregation methods"
        )


def parts(window: Window, granularity_seconds: float, resources: int) -> Iterator[Window]:
    """The window in stretches of whole seconds that have at most POINTS_AT_ONCE points."""
    length = timedelta(seconds=max(1, int(POINTS_AT_ONCE / max(1, resources) * granularity_seconds)))
    start = window.start
    while start < window.end:
        end = min(window.end, start + length)
        yield Window(start, end)
        start = end


def _is_refusal(exc: SourceError) -> bool:
    return any(words in str(exc).lower() for words in REFUSALS)


def _words(exc: SourceError) -> str:
    return reason(exc.__cause__ if isinstance(exc.__cause__, Exception) else exc)
