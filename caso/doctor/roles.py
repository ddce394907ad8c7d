"""What the roles of the user allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caso.errors import SourceError
from caso.extractors.sharing import PLAIN_ROLES
from caso.findings import Finding, Level, note, of_error, ok, warning
from caso.projects import Project
from caso.sources import Sources

GIVE = "give the user the role reader on the system: openstack role add --user USER --system all reader"


def examine_identity(sources: Sources) -> Iterator[Finding]:
    """Who may be listed in Keystone."""
    try:
        projects, users = (sources.identity.may_list(kind) for kind in ("projects", "users"))
    except SourceError as exc:
        yield of_error(exc, "projects and the names of users cannot be told", GIVE)
        return
    if projects:
        yield ok("projects may be listed")
    else:
        yield note(
            "this user may not list projects",
            "a tag is looked for among the projects that it has a role on: one that is tagged later needs a role as well",
            GIVE,
        )
    if users:
        yield ok("users may be listed: records carry their names")
    else:
        yield warning("this user may not list users", "records carry no names of users, only ids", GIVE)


def examine_listing(sources: Sources, projects: Sequence[Project]) -> Iterator[Finding]:
    """Whether one listing serves all projects."""
    scope = sources.shared_scope(project.id for project in projects)
    try:
        roles = sources.roles(scope)
    except SourceError as exc:
        yield of_error(exc, "this project's token is the first that is asked for", level=Level.WARNING)
        return
    names = ", ".join(sorted(roles))
    if "admin" in roles:
        yield ok(f"role {names}: one listing may serve all projects")
    elif roles <= PLAIN_ROLES:
        yield ok(f"role {names}: projects are asked for one by one")
    else:
        yield ok(f"role {names}: one listing for all projects is tried, and where it is refused they are asked for one by one")
