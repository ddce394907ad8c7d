"""Each service of a region: that it answers, which versions it speaks, how long its pages are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from caso.errors import SourceError
from caso.findings import Finding, note, of_error, ok, warning
from caso.sources import ScopeOrProject, Sources
from caso.sources.compute import ACTIONS_SINCE, EXTRA_SPECS_IN_FLAVORS, NEWEST, negotiate
from caso.sources.http import NAMES
from caso.sources.versions import newest
from caso.sources.volume import COMPARING_TIMES

USUAL_PAGE = 1000
SHORT_PAGE = 500
"""With shorter pages a large cloud is asked so often that it is worth a word."""
VOLUMES = "block-storage"


def examine(
    sources: Sources, region: str, services: Sequence[str], scope: ScopeOrProject, *, all_projects: bool
) -> Iterator[Finding]:
    for service in services:
        try:
            document = sources.version_document(service, region, scope)
            yield from _VERSIONS.get(service, _answers)(region, service, document)
        except SourceError as exc:
            yield of_error(exc, f"what {service} knows of {region} is not accounted for", "see the log of the service")
            continue
        if service in ("compute", VOLUMES):
            yield from _pages(sources, region, service, scope, all_projects=all_projects)


def _answers(region: str, service: str, document: object) -> Iterator[Finding]:
    yield ok(f"{region}: {NAMES.get(service, service)} answers")


def _compute(region: str, service: str, document: object) -> Iterator[Finding]:
    spoken = negotiate(document if isinstance(document, dict) else {})
    yield ok(f"{region}: nova answers, microversion {spoken} is spoken")
    for needed, without in (
        (ACTIONS_SINCE, "all actions of a server that changed are read, not only the new ones"),
        (EXTRA_SPECS_IN_FLAVORS, "benchmarks and accelerators are those that a server was made with"),
        (
            NEWEST,
            "a cell that is down is not told of: its servers are missing from a listing, and are not taken for deleted ones",
        ),
    ):
        if spoken < needed:
            yield note(f"{region}: nova speaks {spoken}, which is before {needed}", without, "nothing; a newer Nova does better")


def _volume(region: str, service: str, document: object) -> Iterator[Finding]:
    spoken = newest(document) if isinstance(document, dict) else None
    yield ok(f"{region}: cinder answers, its newest microversion is {spoken or 'none'}")
    if spoken is None or spoken < COMPARING_TIMES:
        yield note(
            f"{region}: cinder speaks {spoken or 'no microversion'}, which is before {COMPARING_TIMES}",
            "every run lists all volumes, not only those that changed",
            "nothing; a newer Cinder does better",
        )


_VERSIONS: dict[str, Callable[[str, str, object], Iterator[Finding]]] = {"compute": _compute, VOLUMES: _volume}


def _pages(sources: Sources, region: str, service: str, scope: ScopeOrProject, *, all_projects: bool) -> Iterator[Finding]:
    """A page limit shows only where there is more than one page."""
    name = "nova" if service == "compute" else "cinder"
    try:
        asked = sources.compute(region, scope) if service == "compute" else sources.volumes(region, scope)
        length, more = asked.first_page(all_projects=all_projects)
    except SourceError as exc:
        yield of_error(exc, "usage cannot be listed in this scope")
        return
    if not more:
        yield ok(f"{region}: {name} gave all it has in one page of {length}: its max_limit does not show")
    elif length >= SHORT_PAGE:
        yield ok(f"{region}: {name} gives pages of {length}")
    else:
        yield warning(
            f"{region}: {name} gives pages of {length}, though {USUAL_PAGE} are asked for",
            "a listing takes many more requests, and may be slow; nothing is lost",
            f"raise max_limit of {name} ([api] max_limit in nova.conf, osapi_max_limit in cinder.conf) towards {USUAL_PAGE}",
        )
