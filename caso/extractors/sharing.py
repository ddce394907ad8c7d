"""One listing for all projects where the role allows, else one for each: how every extractor of an API asks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TypeVar

from caso.errors import DeniedError
from caso.extractors.base import Ask, CannotShareError
from caso.sources import LoginError, ScopeOrProject, Sources

T = TypeVar("T")

WORTH_SHARING = 0.5
PLAIN_ROLES = frozenset({"reader", "member"})
"""With none but these a token is for its own project; other roles are what a site's policies make of them."""


@dataclasses.dataclass(frozen=True)
class Reach:
    """Whose objects a listing is to show: those of the token's project (``scope``), or with ``all_projects`` all.

    With ``project_id`` only its objects out of all. ``of`` names them in messages.
    """

    scope: ScopeOrProject
    of: str
    all_projects: bool = False
    project_id: str | None = None

    @property
    def filter(self) -> str | None:
        """The one project whose objects are wanted; None for all."""
        return None if self.all_projects and self.project_id is None else self.project_id or str(self.scope)


def ask_within_reach(ask: Ask, sources: Sources, pages: Callable[[Reach], Iterator[T]], *, silent: bool = False) -> Iterator[T]:
    """The pages, or whatever is made of them, for all projects asked for at once, or for the one.

    CannotShareError where the role sees one project at a time. ``silent``: the service refuses nobody a
    listing of all projects, and shows those who may not see them their own; so only the role admin may ask for it.
    """
    if len(ask.windows) == 1:
        yield from _alone(ask, sources, pages, silent)
    elif ask.windows:
        yield from _shared(ask, sources, pages, silent)


def _shared(ask: Ask, sources: Sources, pages: Callable[[Reach], Iterator[T]], silent: bool) -> Iterator[T]:
    scope = sources.shared_scope(ask.windows)
    try:
        _require_roles(sources, scope, silent)
        yield from pages(Reach(scope, f"{len(ask.windows)} projects", all_projects=True))
    except DeniedError as exc:
        raise CannotShareError(f"{ask.region}: projects are asked for one by one: {exc}") from exc


def _alone(ask: Ask, sources: Sources, pages: Callable[[Reach], Iterator[T]], silent: bool) -> Iterator[T]:
    (project_id,) = ask.windows
    of = f"project {ask.name_of(project_id)} ({project_id})"
    try:
        yield from pages(Reach(project_id, of))
    except LoginError as exc:
        # An administrator need have no role on each project: out of all projects it may ask for this one.
        scope = sources.shared_scope([project_id])
        if scope == project_id:
            raise
        try:
            _require_roles(sources, scope, silent)
            yield from pages(Reach(scope, of, all_projects=True, project_id=project_id))
        except DeniedError:
            raise exc from None


def _require_roles(sources: Sources, scope: ScopeOrProject, silent: bool) -> None:
    """DeniedError where it need not be asked whether the token may list all projects."""
    roles = sources.roles(scope)
    if "admin" not in roles and (silent or roles <= PLAIN_ROLES):
        raise DeniedError(f"the token has no role admin ({', '.join(sorted(roles)) or 'none'}), and sees its own project only")


def require_worth_sharing(owners: Sequence[str | None], more: bool, ask: Ask, what: str) -> None:
    """CannotShareError where most of what a first page lists would be dropped, and there is more to list.

    ``owners`` are the projects of its rows, ``what`` calls them: servers.
    """
    wanted = sum(owner in ask.windows for owner in owners)
    if len(ask.windows) > 1 and more and wanted < WORTH_SHARING * len(owners):
        raise CannotShareError(
            f"{ask.region}: projects are asked for one by one: they have {wanted} of the first {len(owners)} {what}"
        )


def require_whole_view(
    owners: Collection[str | None], reach: Reach, service: str, everybody: Callable[[], Collection[str | None]]
) -> None:
    """DeniedError where a listing out of all projects shows what one would that is not.

    A site's policies may give administrators no more than their own project, and no service says so: then all that was
    listed is the token's own. Of all projects that may be by chance, and costs a listing for each. ``owners`` are
    those of all rows; ``everybody`` asks for those of a page of all projects, where one project has nothing to show.
    """
    if not reach.all_projects:
        return
    if reach.project_id is not None:
        if owners and reach.scope not in owners:
            return
        owners = owners or everybody()
    if not set(owners) - {reach.scope}:
        raise DeniedError(f"{service} shows the token's own project only, though its role is admin")
