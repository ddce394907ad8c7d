"""Gnocchi: that it has the resource types and the archive policies that Ceilometer makes, and resources in them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from caso.errors import SourceError
from caso.findings import Finding, note, of_error, ok, warning
from caso.sources import ScopeOrProject, Sources
from caso.sources.gnocchi import Gnocchi
from caso.sources.gnocchi_rows import ResourceRow
from caso.window import Window

LATELY = timedelta(days=1)
A_MONTH = timedelta(days=31)
TWO_DAYS = timedelta(days=2)
COUNTERS = {
    "instance": ("cpu",),
    "instance_network_interface": ("network.incoming.bytes", "network.outgoing.bytes"),
    "volume": (),
}
"""What is asked for, and the counters of it."""
READINGS = frozenset({"last", "max", "mean"})


def examine(sources: Sources, region: str, scope: ScopeOrProject, now: datetime) -> Iterator[Finding]:
    gnocchi = sources.gnocchi(region, scope)
    for resource_type, counters in COUNTERS.items():
        try:
            page = next(gnocchi.resources(resource_type, None, Window(now - LATELY, now), history=False), None)
            rows = [row for row in page.rows if isinstance(row, ResourceRow)] if page else []
            if not rows:
                yield note(f"{region}: gnocchi has no {resource_type} of the last day", "ceilometer accounts for none")
                continue
            yield ok(f"{region}: gnocchi has resources of the type {resource_type}")
            for metric in counters:
                yield from _policy(gnocchi, region, metric, rows)
        except SourceError as exc:
            yield of_error(exc, f"no {resource_type} is accounted for by ceilometer", "run ceilometer-upgrade, or see its log")


def _policy(gnocchi: Gnocchi, region: str, metric: str, rows: list[ResourceRow]) -> Iterator[Finding]:
    found = next((row.metrics[metric] for row in rows if metric in row.metrics), None)
    if found is None:
        yield warning(
            f"{region}: no resource of the last day has the meter {metric}",
            "it is not measured; CPU time counts as allotted",
            "have Ceilometer's compute agent poll it (polling.yaml)",
        )
        return
    policy = gnocchi.policy(found)
    if not policy.aggregations & READINGS:
        yield warning(
            f"{region}: {metric} has the {policy}, and none of {', '.join(sorted(READINGS))}",
            "what was used around a reset of the counter is missing",
            "give it an archive policy that has one of them, such as ceilometer-low-rate",
        )
    elif max(level.kept_seconds for level in policy.levels) < TWO_DAYS.total_seconds():
        yield warning(
            f"{region}: {metric} has the {policy}",
            "the use of a day is forgotten before the day is over",
            "give it an archive policy that keeps two days and more, such as ceilometer-low-rate",
        )
    elif max(level.kept_seconds for level in policy.levels) < A_MONTH.total_seconds():
        yield note(
            f"{region}: {metric} has the {policy}",
            "a run that comes later than that finds nothing; so does --extract-from",
        )
    else:
        yield ok(f"{region}: {metric} has the {policy}")
