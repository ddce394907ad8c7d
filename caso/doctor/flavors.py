"""Flavors whose benchmark or accelerators are set by half."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from caso.errors import SourceError
from caso.extractors.flavors import AcceleratorKeys, BenchmarkKeys, problems
from caso.findings import Finding, Level, of_error, ok, warning
from caso.sources import ScopeOrProject, Sources

NOT_READ = "benchmarks and accelerators are those that each server was made with"


class Keys(NamedTuple):
    """The flavor properties that tell of benchmarks and of accelerators."""

    benchmark: BenchmarkKeys
    accelerator: AcceleratorKeys


def examine(sources: Sources, region: str, scope: ScopeOrProject, keys: Keys) -> Iterator[Finding]:
    try:
        flavors = sources.compute(region, scope).flavors()
    except SourceError as exc:
        yield of_error(exc, NOT_READ, level=Level.WARNING)
        return
    half_set = 0
    for name, row in sorted(flavors.items()):
        for problem in problems(name, row.extra_specs or {}, *keys):
            half_set += 1
            yield warning(
                f"{region}: flavor {name} {problem}",
                "its servers are accounted without, or with less",
                f"openstack flavor set --property KEY=VALUE {name}, or unset what is there",
            )
    if not half_set:
        yield ok(f"{region}: no benchmark and no accelerator of {len(flavors)} flavors is set by half")
