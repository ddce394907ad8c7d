"""Asks Gnocchi for the readings of meters: by which aggregation, how fine, and since when there are any."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from caso.errors import SourceError
from caso.extractors.metered_days import RATE
from caso.sources import OddRow
from caso.sources.gnocchi import Gnocchi
from caso.sources.gnocchi_measures import RefusedError
from caso.sources.gnocchi_rows import ArchivePolicy, Measures, Point
from caso.window import Window

LOG = logging.getLogger(__name__)

ROUNDS = 6
"""Archive policies of one meter that are tried: each costs some requests, and sites have one or two."""


@dataclasses.dataclass(frozen=True)
class Method:
    """How readings are asked for: each ``granularity_seconds`` (0: the finest kept), by the first of ``aggregations``."""

    granularity_seconds: float = 0.0
    aggregations: Sequence[str] = ("last", "max", "mean", "rate:mean")
    at_once: int = 500


class Readings(NamedTuple):
    """What a meter told of one resource, and by which aggregation."""

    resource_id: str
    aggregation: str
    points: Sequence[Point]


class _Way(NamedTuple):
    aggregation: str
    granularity_seconds: float
    kept_seconds: float


class Meters:
    """The meters of the Gnocchi of a region; what cannot be had is said once."""

    def __init__(self, method: Method) -> None:
        self._method = method
        self._told: set[tuple[str, ...]] = set()
        self._policies: dict[str, ArchivePolicy] = {}
        self._usual: dict[tuple[str, str], ArchivePolicy] = {}
        self._mixed: set[tuple[str, str]] = set()

    def readings(
        self, gnocchi: Gnocchi, metric: str, resource_type: str, metrics: Mapping[str, str], window: Window, now: datetime
    ) -> Iterator[Readings]:
        """The readings in the window of these resources, given with the ids of their metrics: each resource once or not at all.

        All are asked for as the first one's archive policy allows; those whose policy is another one are asked for again.
        """
        waiting = sorted(metrics)
        usual = self._usual.get((gnocchi.region, metric))
        for _ in range(ROUNDS):
            if not waiting:
                return
            policy, usual = usual or self._policy(gnocchi, metrics[waiting[0]]), None
            way = self._way(policy, metric, (now - window.start).total_seconds())
            others: list[str] = []
            if way is None:
                # Others may have a better one.
                having = self._having(gnocchi, metric, policy) or {metrics[waiting[0]]}
                waiting = [one for one in waiting if metrics[one] not in having] + [
                    one for one in waiting if metrics[one] in having
                ]
                continue
            self._usual.setdefault((gnocchi.region, metric), policy)
            self._warn_of_what_is_gone(policy, way, metric, window, now)
            for at in range(0, len(waiting), self._method.at_once):
                batch = self._batch_of(waiting[at : at + self._method.at_once], metrics, gnocchi, metric, policy, way, others)
                yield from self._batch(gnocchi, metric, way, resource_type, batch, window, others)
            waiting = list(dict.fromkeys(others))
            if waiting:
                self._mixed.add((gnocchi.region, metric))
        if waiting:
            self._warn(
                "policies", metric, f"{metric} of {len(waiting)} resources is left out: their archive policies do not have it"
            )

    def _batch_of(
        self,
        ids: Sequence[str],
        metrics: Mapping[str, str],
        gnocchi: Gnocchi,
        metric: str,
        policy: ArchivePolicy,
        way: _Way,
        others: list[str],
    ) -> Sequence[str]:
        """Those that may be asked for together; the rest is added to ``others``.

        Which ones have the archive policy is looked up once Gnocchi has refused some; for rates always: it refuses
        nobody who has a finer granularity besides, and tells the mean of its increments for their sum.
        """
        if not (others or (gnocchi.region, metric) in self._mixed or way.aggregation.startswith(RATE)):
            return ids
        having = self._having(gnocchi, metric, policy)
        if not having:
            return ids
        others += [one for one in ids if metrics[one] not in having]
        return [one for one in ids if metrics[one] in having]

    def _having(self, gnocchi: Gnocchi, metric: str, policy: ArchivePolicy) -> frozenset[str]:
        """The ids of the metrics that have this archive policy; none where Gnocchi does not tell."""
        try:
            return gnocchi.metrics_of(metric, policy.name)
        except SourceError as exc:
            LOG.debug("which have %s is not told: %s", policy, exc)
            return frozenset()

    def _batch(
        self, gnocchi: Gnocchi, metric: str, way: _Way, resource_type: str, ids: Sequence[str], window: Window, refused: list[str]
    ) -> Iterator[Readings]:
        """One request; whom Gnocchi refuses it is added to ``refused``."""
        held: dict[str, Measures] = {}
        if not ids:
            return
        try:
            for answer in gnocchi.measures(metric, way.aggregation, resource_type, ids, window, way.granularity_seconds):
                if isinstance(answer, OddRow):
                    refused.append(answer.id)
                    held.pop(answer.id, None)
                    continue
                before = held.get(answer.resource_id)
                # A long window is asked for in parts.
                held[answer.resource_id] = Measures(answer.resource_id, (*before.points, *answer.points)) if before else answer
        except RefusedError as exc:
            LOG.debug("asked for again by another archive policy: %s", exc)
            refused += [one for one in ids if one not in held]
        for resource_id, measures in held.items():
            yield Readings(resource_id, way.aggregation, measures.points)

    def _policy(self, gnocchi: Gnocchi, metric_id: str) -> ArchivePolicy:
        if metric_id not in self._policies:
            self._policies[metric_id] = gnocchi.policy(metric_id)
        return self._policies[metric_id]

    def _way(self, policy: ArchivePolicy, metric: str, age_seconds: float) -> _Way | None:
        """How to ask for what has this archive policy and is so old; None where that cannot be."""
        wanted = [one for one in self._method.aggregations if one in policy.aggregations]
        if not wanted:
            names = ", ".join(self._method.aggregations)
            self._warn("method", policy.name, f"{metric} is not measured: {policy} has none of {names} (aggregation_methods)")
            return None
        level = policy.finest_kept(age_seconds)
        if self._method.granularity_seconds:
            same = [one for one in policy.levels if one.granularity_seconds == self._method.granularity_seconds]
            if not same:
                self._warn(
                    "granularity",
                    policy.name,
                    f"{policy} has no granularity of {self._method.granularity_seconds:g} s; the finest kept long enough is used",
                )
            level = same[0] if same else level
        if wanted[0].startswith(RATE) and level != policy.finest:
            level = policy.finest  # a coarser one has the mean of the increments, and not their sum
        return _Way(wanted[0], *level)

    def _warn_of_what_is_gone(self, policy: ArchivePolicy, way: _Way, metric: str, window: Window, now: datetime) -> None:
        since = (now - window.start).total_seconds()
        if since > way.kept_seconds:
            self._warn(
                "kept",
                policy.name,
                f"{metric} since {window.start:%F %T} is asked for, and Gnocchi has forgotten what is older than "
                f"{way.kept_seconds / 86400:g} days ({policy}): what there is is used",
            )

    def _warn(self, what: str, whose: str, text: str) -> None:
        if (what, whose) not in self._told:
            self._told.add((what, whose))
            LOG.warning("ceilometer: %s", text)
