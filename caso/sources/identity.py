"""Keystone: projects by tag, id or name, with nothing to configure that can be found out."""

from __future__ import annotations

import dataclasses
import logging
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, ValidationError

from caso.errors import DeniedError
from caso.sources.api import Api, LoginError, MissingError, Opener, Scope, TruncatedError
from caso.sources.paging import everything
from caso.sources.rows import Id, text_or_none, why

LOG = logging.getLogger(__name__)

ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|default")

PAGED = {"limit": "1000"}
"""Since 2024.2 Keystone gives at most max_db_limit (1000) rows, and says so only to who asks for a limit; before, it had none."""

T = TypeVar("T")


class ProjectRow(BaseModel):
    """A project; what Keystone lets anyone add to it (a VO's name) is among its properties."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: Id
    name: Id
    domain_id: str | None = None
    enabled: bool = True
    is_domain: bool = False
    tags: tuple[str, ...] = ()

    def property(self, name: str) -> str | None:
        """The text of an extra property; None where it has none, an empty one or one that is no text.

        >>> ProjectRow.model_validate({"id": "a", "name": "b", "egi.VO": " ops "}).property("egi.VO")
        'ops'
        """
        return (text_or_none((self.model_extra or {}).get(name)) or "").strip() or None


@dataclasses.dataclass(frozen=True)
class Found:
    """The projects that were asked for, each once, and why others were not found.

    ``unreadable`` are those that are there, and cannot be read, by id or name, as far as that can be told: why.
    """

    projects: tuple[ProjectRow, ...]
    missing: Mapping[str, str] = dataclasses.field(default_factory=dict)
    unreadable: Mapping[str, str] = dataclasses.field(default_factory=dict)


class Identity:
    """Keystone, in whichever scope may see what is asked. Safe to use from several threads."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener
        self._lock = threading.Lock()
        self._scopes: list[Scope] = []

    def widest(self, ask: Callable[[Api], T]) -> tuple[T, Scope]:
        """What ``ask`` returns in the first scope that may, and the scope: the configured one, else the system's.

        The scope that was let in is tried first from then on. DeniedError where none may.
        """
        denied = DeniedError("keystone: there is no scope left to ask in")
        for scope in self._known_scopes():
            try:
                answer = ask(self._api(scope))
            except LoginError:
                # Wrong credentials are wrong in every scope, and Keystone may lock a user out after some attempts.
                if scope is not Scope.SYSTEM or len(self._known_scopes()) == 1:
                    raise
                self._forget(scope)
            except DeniedError as exc:
                denied = exc
            else:
                self._prefer(scope)
                return answer, scope
        raise denied

    def projects_with_tag(self, tag: str) -> Found:
        """The projects that carry a tag: of all where the role may list them, else of those the user has a role on."""
        try:
            raw, _ = self.widest(lambda api: _tagged(api, tag))
        except LoginError:
            raise
        except DeniedError:
            LOG.debug("this user may not list projects: those it has a role on are looked through for the tag %s", tag)
            raw = self._own()
        rows, odd = _read(raw)
        # Old Keystones ignore a filter that they do not know.
        maybe = [one for one in odd if not isinstance(one.told.get("tags"), list) or tag in one.told["tags"]]
        return Found(tuple(row for row in rows if tag in row.tags), unreadable={one.name: one.reason for one in maybe})

    def projects_named(self, wanted: Iterable[str]) -> Found:
        """The projects with these ids or names, each once, in the order they are named.

        Looked for among those the user has a role on (one request), the rest one by one.
        """
        own, odd = _read(self._own())
        found: dict[str, ProjectRow] = {}
        missing: dict[str, str] = {}
        unreadable: dict[str, str] = {}
        for text in dict.fromkeys(wanted):
            matches, doubtful = [row for row in own if row.id == text] or [row for row in own if row.name == text], odd
            if not matches and not any(one.is_called(text) for one in odd):
                matches, doubtful = self._search(text)
            broken = [one for one in doubtful if one.is_called(text)]
            if len(matches) == 1:
                found.setdefault(matches[0].id, matches[0])
            elif matches:
                ids = ", ".join(f"{row.id} (domain {row.domain_id})" for row in matches)
                missing[text] = f"project {text}: several domains have a project of that name; name it by its id: {ids}"
            elif broken:
                unreadable[text] = broken[0].reason
            else:
                missing[text] = f"project {text}: Keystone has none of that id or name, or does not show it to this user"
        return Found(tuple(found.values()), missing, unreadable)

    def may_list(self, kind: str) -> bool:
        """Whether this user may list all ``projects`` or ``users``: some of a name that there is not, so that nothing comes."""
        query = {"name": "caso: is it allowed?", **PAGED}
        try:
            self.widest(lambda api: api.get(f"/{kind}", query, to=f"list {kind}"))
        except LoginError:
            raise
        except DeniedError:
            return False
        return True

    def set_property(self, project: ProjectRow, name: str, value: str) -> None:
        """Give a project an extra property, in place of the one of that name that it has."""
        to = f"set {name} of project {project.name}"
        self.widest(lambda api: api.change("PATCH", f"/projects/{project.id}", {"project": {name: value}}, to=to))

    def add_tag(self, project: ProjectRow, tag: str) -> None:
        to = f"give project {project.name} the tag {tag}"
        self.widest(lambda api: api.change("PUT", f"/projects/{project.id}/tags/{quote(tag, safe='')}", to=to))

    def _own(self) -> list[Mapping[str, Any]]:
        api = self._api(Scope.AS_CONFIGURED)
        return everything(api, "/auth/projects", "projects", to="list the projects of this user")

    def _search(self, text: str) -> tuple[list[ProjectRow], list[_OddProject]]:
        """The projects of that id, else of that name, among all that may be seen, and those that cannot be read."""
        try:
            if ID.fullmatch(text):
                body, _ = self.widest(lambda api: api.get(f"/projects/{text}", to=f"show project {text}"))
                return _read([body.get("project")])
        except MissingError:
            LOG.debug("no project has the id %s", text)
        except DeniedError as exc:
            LOG.debug("%s", exc)
        try:
            raw, _ = self.widest(
                lambda api: everything(api, "/projects", "projects", {"name": text, **PAGED}, to=f"find project {text}")
            )
        except DeniedError as exc:
            LOG.debug("%s", exc)
            return [], []
        rows, odd = _read(raw)
        return [row for row in rows if row.name == text], odd

    def _api(self, scope: Scope) -> Api:
        return self._opener.api("identity", scope)

    def _known_scopes(self) -> tuple[Scope, ...]:
        with self._lock:
            if not self._scopes:
                is_system = self._opener.configured_scope() is Scope.SYSTEM
                self._scopes = [Scope.SYSTEM] if is_system else [Scope.AS_CONFIGURED, Scope.SYSTEM]
            return tuple(self._scopes)

    def _prefer(self, scope: Scope) -> None:
        with self._lock:
            self._scopes.sort(key=lambda known: known is not scope)

    def _forget(self, scope: Scope) -> None:
        with self._lock:
            self._scopes = [known for known in self._scopes if known is not scope]


def _tagged(api: Api, tag: str) -> list[Mapping[str, Any]]:
    to = f"list projects with the tag {tag}"
    try:
        return everything(api, "/projects", "projects", {"tags": tag, **PAGED}, to=to)
    except TruncatedError:
        # Keystone takes a page of all projects, then those with the tag out of it, and links no next page after one without any.
        return everything(api, "/projects", "projects", PAGED, to=to)


@dataclasses.dataclass(frozen=True)
class _OddProject:
    """A project that cannot be read, as far as it can, and why."""

    told: Mapping[str, Any]
    fault: str

    @property
    def name(self) -> str:
        return text_or_none(self.told.get("id")) or text_or_none(self.told.get("name")) or "?"

    @property
    def reason(self) -> str:
        return f"keystone: project {self.name} cannot be read: {self.fault}; correct it, or take the tag from it"

    def is_called(self, text: str) -> bool:
        return text in (self.told.get("id"), self.told.get("name"))


def _read(raw: Iterable[Any]) -> tuple[list[ProjectRow], list[_OddProject]]:
    """The projects among them, and those of which nobody can tell what they are."""
    rows: list[ProjectRow] = []
    odd: list[_OddProject] = []
    for project in raw:
        try:
            row = ProjectRow.model_validate(project)
        except ValidationError as exc:
            odd.append(_OddProject(project if isinstance(project, dict) else {}, why(exc)))
            continue
        if not row.is_domain:
            rows.append(row)
    return rows, odd
