"""The catalog: where the services are that extractors ask."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import NamedTuple

from caso.errors import SourceError
from caso.findings import Finding, error, note, of_error, ok, warning
from caso.sources import Scope, Sources

IMAGE = "image"


class Wanted(NamedTuple):
    """Service types with who asks them; the regions to account for, none: all; the interface of the endpoints."""

    services: Mapping[str, str]
    regions: Sequence[str]
    interface: str


def examine(sources: Sources, wanted: Wanted, project_id: str | None) -> Generator[Finding, None, dict[str, list[str]]]:
    """Yields what is wrong; returns the services of each region that is accounted for."""
    try:
        offers = {service: _regions(sources, service, project_id) for service in wanted.services}
    except SourceError as exc:
        yield of_error(exc, "where the services are cannot be told")
        return {}
    known = list(dict.fromkeys(region for regions in offers.values() for region in regions))
    if not known:
        yield error(
            f"the catalog shows no {wanted.interface} endpoint of {', '.join(wanted.services)}",
            "there is nothing to ask",
            "check interface: the catalog may have others (openstack catalog list); and that the user has a role on a project",
        )
        return {}
    for service in (service for service, regions in offers.items() if not regions):
        yield _absent(service, wanted)
    if unknown := [region for region in wanted.regions if region not in known]:
        yield error(
            f"region_name: the catalog has none of these services in {', '.join(unknown)}",
            "no run asks for any project then",
            f"choose from {', '.join(known)}",
        )
    chosen = [region for region in wanted.regions or known if region in known]
    found = {region: [service for service, regions in offers.items() if region in regions] for region in chosen}
    yield from _told(found, offers)
    return found


def _regions(sources: Sources, service: str, project_id: str | None) -> tuple[str, ...]:
    # Without a project in the token the catalog may be empty, or lack the endpoints that have a project in their URL.
    at_once = sources.regions(Scope.AS_CONFIGURED, service_type=service)
    return at_once or (sources.regions(project_id, service_type=service) if project_id else ())


def _absent(service: str, wanted: Wanted) -> Finding:
    who = wanted.services[service]
    what = f"the catalog shows no {wanted.interface} endpoint of {service}"
    if service == IMAGE:
        return warning(
            what, "records carry Nova's ids of images", "check interface, or set image_id_property in [nova] to nothing"
        )
    return warning(
        what,
        f"the extractor {who} has nobody to ask: what it counts is not accounted for",
        f"check interface and the catalog; where the cloud has no such service, take {who} out of extractor",
    )


def _told(found: Mapping[str, Sequence[str]], offers: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    anywhere = [service for service, regions in offers.items() if regions]
    for region, services in found.items():
        yield ok(f"{region}: {', '.join(services)}")
        if absent := [service for service in anywhere if service not in services]:
            yield note(f"{region} has no {', '.join(absent)}", "what would be asked there is not accounted for in this region")
