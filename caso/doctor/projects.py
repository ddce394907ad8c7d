"""The projects to account for: that they are there and can be reached, and under which VO each is booked."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence

from caso.errors import ConfigError, SourceError
from caso.findings import Finding, error, of_error, ok, warning
from caso.projects import Project, Projects, VoMapping
from caso.sources import LoginError, Sources

MANY = 10
"""Names of projects in one sentence, at most."""


def examine(sources: Sources, find: Callable[[Sources], Projects]) -> Generator[Finding, None, list[Project]]:
    """Yields what is wrong; returns the projects whose usage can be asked for."""
    try:
        found = find(sources)
    except (ConfigError, SourceError) as exc:
        yield of_error(exc, "no project is accounted for", "see the log of Keystone")
        return []
    if found.empty:
        yield of_error(SourceError(found.empty), "there is nothing to account for")
    for sentence in found.missing.values():
        yield error(
            sentence,
            "its usage is not accounted for, and each run ends with status 1",
            "correct projects, or give the user a role on it",
        )
    reached = []
    for project in found.found:
        reached += [project] if (yield from _reach(sources, project)) else []
    if reached:
        yield ok(f"{len(reached)} of {len(found.found)} projects can be asked for: {listed(reached)}")
    return reached


def _reach(sources: Sources, project: Project) -> Generator[Finding, None, bool]:
    if not project.enabled:
        yield error(
            f"project {project.name} ({project.id}) is disabled",
            "Keystone gives no token for it, so its usage is not accounted for",
            "enable it, or take it out of projects and its tag away",
        )
        return False
    try:
        sources.roles(project.id)
    except LoginError as exc:
        if _out_of_all(sources, project):
            return True
        yield of_error(exc, f"the usage of project {project.name} is not accounted for")
        return False
    except SourceError as exc:
        yield of_error(exc, f"the usage of project {project.name} is not accounted for")
        return False
    return True


def _out_of_all(sources: Sources, project: Project) -> bool:
    """An administrator need have no role on each project."""
    scope = sources.shared_scope([project.id])
    try:
        return scope != project.id and "admin" in sources.roles(scope)
    except SourceError:
        return False


def examine_vos(projects: Sequence[Project], mapping: Callable[[], VoMapping], sources: Sources) -> Iterator[Finding]:
    """The VO of each, where it was found, and what the mapping file says in vain."""
    by_source: dict[str, list[Project]] = {}
    for project in projects:
        if project.vo:
            by_source.setdefault(str(project.vo_source), []).append(project)
        else:
            yield error(
                f"project {project.name} ({project.id}) has no VO",
                "nothing of it is accounted for, and each run ends with status 1",
                f"openstack project set --property accounting:VO=NAME {project.id}",
            )
    for source, those in by_source.items():
        yield ok(f"VO from {source}: " + _shortened([f"{project.name} = {project.vo}" for project in those]))
    try:
        yield from _mapping(projects, mapping(), sources)
    except ConfigError as exc:
        yield of_error(exc, "no run starts with a mapping file that cannot be read", "mend the file, or the option mapping_file")


def _mapping(projects: Sequence[Project], mapping: VoMapping, sources: Sources) -> Iterator[Finding]:
    for project in projects:
        mapped = mapping.vo_of.get(project.id) or mapping.vo_of.get(project.name)
        if mapped and mapped != project.vo:
            yield warning(
                f"{mapping.path} gives project {project.name} to {mapped}, and its {project.vo_source} to {project.vo}",
                "the property counts, and the file is not heeded",
                "correct the property, or take the project out of the file",
            )
    known = {name for project in projects for name in (project.id, project.name)}
    if unknown := sorted(mapping.vo_of.keys() - known):
        yield from _strangers(unknown, mapping, sources)


def _strangers(names: Sequence[str], mapping: VoMapping, sources: Sources) -> Iterator[Finding]:
    """Projects of the mapping file that are not accounted for."""
    try:
        found = sources.identity.projects_named(names)
    except SourceError as exc:
        yield of_error(exc, f"whether the projects of {mapping.path} exist cannot be told")
        return
    if found.missing:
        yield warning(
            f"{mapping.path} names projects that do not exist, or that this user is not shown: {_shortened(list(found.missing))}",
            "a name that is misspelled gives its VO to no project",
            "correct the names or ids, or take them out",
        )
    if found.projects:
        names = [project.name for project in found.projects]
        yield warning(
            f"{mapping.path} names projects that are not accounted for: {_shortened(names)}",
            "a VO alone does not make a project one of those",
            "give them the tag of caso_tag or name them in projects, or take them out of the file",
        )


def listed(projects: Sequence[Project]) -> str:
    return _shortened(sorted(project.name for project in projects))


def _shortened(names: Sequence[str]) -> str:
    """The first of them, and how many more there are.

    >>> _shortened(["a", "b"])
    'a, b'
    """
    more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
    return ", ".join(names[:MANY]) + more
