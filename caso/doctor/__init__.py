"""Is this site well? Every part is looked at in the order of a run, and one that is not well does not keep the others from it.

Nothing is changed, and little is asked.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import NamedTuple, TypeVar

from caso.doctor import (
    catalog,
    clocks,
    configuration,
    credentials,
    flavors,
    lag,
    meters,
    projects,
    recipients,
    roles,
    services,
    spool,
    store,
)
from caso.doctor.configuration import Settings
from caso.doctor.credentials import Door
from caso.doctor.flavors import Keys
from caso.doctor.patient import Patient
from caso.errors import CasoError, ConfigError, SourceError
from caso.extractors.base import Extractor
from caso.findings import Finding, of_error
from caso.projects import Project
from caso.sources import Scope, Sources
from caso.store import file_of

__all__ = ["Door", "Keys", "Observed", "Patient", "Settings", "examine"]

T = TypeVar("T")


class Observed(NamedTuple):
    """A finding, and the room of the house that it is about."""

    room: str
    finding: Finding


class Cloud(NamedTuple):
    """What was found out about the cloud, as far as it let itself be asked: (region, service) pairs, projects, extractors."""

    name: str = ""
    projects: Sequence[Project] = ()
    offers: frozenset[tuple[str, str]] = frozenset()
    extractors: tuple[tuple[str, Extractor], ...] = ()


Findings = Generator[Observed, None, T]


def examine(patient: Patient) -> Iterator[Observed]:
    """All findings, as they are made; of what is well too."""
    yield from _in("configuration", configuration.examine(patient.settings))
    cloud = yield from _cloud(patient)
    connection = yield from _found("spool", _spool(patient))
    held = (yield from _found("store", store.examine(connection))) if connection else False
    for name, built in patient.messengers.items():
        yield from _in(name, recipients.examine(name, built))
    if held:
        yield from _in("lag", _lag(patient, cloud))


def _in(room: str, findings: Iterator[Finding]) -> Findings[None]:
    """The findings with their room."""
    for finding in findings:
        yield Observed(room, finding)


def _found(room: str, findings: Generator[Finding, None, T]) -> Findings[T]:
    """The findings with their room; returns what was found out."""
    while True:
        try:
            finding = next(findings)
        except StopIteration as end:
            result: T = end.value
            return result
        yield Observed(room, finding)


def _cloud(patient: Patient) -> Findings[Cloud]:
    door = yield from _found("credentials", credentials.examine(patient.door))
    if door is None:
        return Cloud()
    extractors = yield from _found("extractors", _extractors(patient, door.sources))
    for name, extractor in extractors:
        yield from _in(name, recipients.examine_source(name, extractor))
    cloud = Cloud(door.cloud, extractors=extractors)
    if not (yield from _found("token", credentials.examine_token(door.sources))):
        return cloud
    yield from _in("roles", roles.examine_identity(door.sources))
    reached = yield from _found("projects", projects.examine(door.sources, patient.projects))
    yield from _in("VOs", projects.examine_vos(reached, patient.mapping, door.sources))
    if reached:
        yield from _in("roles", roles.examine_listing(door.sources, reached))
    wanted = catalog.Wanted(_services(patient, extractors), door.regions, door.interface)
    found = yield from _found("catalog", catalog.examine(door.sources, wanted, reached[0].id if reached else None))
    for region, offered in found.items():
        yield from _region(patient, door.sources, region, offered, reached)
    yield from _in("clocks", clocks.examine(patient.clocks()))
    return cloud._replace(
        projects=reached, offers=frozenset((region, one) for region, offered in found.items() for one in offered)
    )


def _extractors(patient: Patient, sources: Sources) -> Generator[Finding, None, tuple[tuple[str, Extractor], ...]]:
    try:
        return tuple(patient.extractors(sources).items())
    except ConfigError as exc:
        yield of_error(exc, store.NO_RUN, "correct the group of the extractor's name")
        return ()


def _services(patient: Patient, extractors: Sequence[tuple[str, Extractor]]) -> dict[str, str]:
    """Each service type that is asked, with the extractor that does; Nova where none asks any."""
    own = {extractor.service: name for name, extractor in extractors if extractor.service} or {"compute": "nova"}
    return {**patient.asked_besides, **own}


def _region(
    patient: Patient, sources: Sources, region: str, offered: Sequence[str], reached: Sequence[Project]
) -> Findings[None]:
    scope = sources.shared_scope(project.id for project in reached) if reached else Scope.AS_CONFIGURED
    try:
        all_projects = bool(reached) and "admin" in sources.roles(scope)
    except SourceError:
        all_projects = False
    yield from _in("services", services.examine(sources, region, offered, scope, all_projects=all_projects))
    if patient.keys and "compute" in offered:
        yield from _in("flavors", flavors.examine(sources, region, scope, patient.keys))
    if "metric" in offered:
        yield from _in("meters", meters.examine(sources, region, scope, patient.now))


def _spool(patient: Patient) -> Generator[Finding, None, str | None]:
    """Yields what is wrong with the directories; returns the connection of the store, None where there can be none."""
    try:
        connection = patient.connection()
        file = file_of(connection)
    except CasoError as exc:
        yield of_error(exc, store.NO_RUN, "correct spooldir or [store] connection")
        return None
    yield from spool.examine(patient.spool, file)
    return connection


def _lag(patient: Patient, cloud: Cloud) -> Iterator[Finding]:
    kept = {name: extractor.deleted_kept for name, extractor in cloud.extractors if extractor.deleted_kept is not None}
    scopes = [
        (region, project.id, name)
        for project in cloud.projects
        if project.vo
        for name, extractor in cloud.extractors
        for region in sorted({region for region, service in cloud.offers if extractor.service in (service, None)})
    ]
    names = {project.id: project.name for project in cloud.projects}
    extractors = [name for name, _ in cloud.extractors]
    expected = lag.Expected(cloud.name, names, extractors, scopes, kept, list(patient.messengers))
    try:
        with patient.opened() as opened:
            yield from lag.examine(opened, expected, patient.now)
    except CasoError as exc:
        yield of_error(exc, "how far behind caso is cannot be told", "see the store")
