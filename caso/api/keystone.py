"""Whose token it is, as Keystone says: asked by keystonemiddleware, as all services of OpenStack ask."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from caso.api.access import ALL, TOKEN, Caller
from caso.errors import SourceError
from caso.sources.failure import translated

GROUP = "keystone_authtoken"
"""The group that keystonemiddleware's options are in, in every service."""

WHAT = "keystone: cannot find out whose token this is"


def options() -> list[Any]:
    """keystonemiddleware's options, but for those of the login that it asks Keystone with."""
    # Imported here: it makes its options known to the whole process.
    from keystonemiddleware.auth_token import list_opts

    return [option for group, found in list_opts() if group == GROUP for option in found]


@dataclasses.dataclass(frozen=True, slots=True)
class Roles:
    """``powerful`` ones read and write all, ``reading`` ones read the project of their token; in lower case."""

    powerful: frozenset[str]
    reading: frozenset[str]

    @classmethod
    def of(cls, admin: Iterable[str], service: Iterable[str], reader: Iterable[str]) -> Roles:
        return cls(frozenset(map(str.lower, [*admin, *service])), frozenset(map(str.lower, reader)))


class Keystone:
    """Callers with a token of Keystone; ``middleware`` is what keystonemiddleware is configured with.

    It is asked aside, about a copy of the request: its words about who asks are headers, which anybody could send.
    """

    def __init__(self, middleware: Mapping[str, Any], roles: Roles) -> None:
        from keystonemiddleware.auth_token import AuthProtocol

        self._middleware = AuthProtocol(_accepted, dict(middleware))
        self._roles = roles

    def caller(self, environ: Mapping[str, Any]) -> Caller | None:
        if not environ.get(TOKEN):
            return None
        from webob import Request

        # Whatever came with the request, no token has been looked at yet.
        asked = {name: value for name, value in environ.items() if not name.startswith("keystone.")}
        with translated(WHAT):
            answer = Request(asked).get_response(self._middleware)
        if answer.status_int == 401:
            return None
        if answer.status_int != 204:
            raise SourceError(f"{WHAT}: it does not answer; see that it runs, and the options in [{GROUP}]")
        return self._caller(asked["keystone.token_info"]["token"])

    def _caller(self, token: Mapping[str, Any]) -> Caller:
        roles = {str(role["name"]).lower() for role in token.get("roles") or ()}
        project_id = (token.get("project") or {}).get("id")
        if roles & self._roles.powerful and (project_id or (token.get("system") or {}).get("all")):
            # Not of a token for a domain: whoever administrates that is nobody to the others.
            return ALL
        return Caller(project_id=project_id if roles & self._roles.reading else None)


def _accepted(environ: Mapping[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """What stands behind the middleware: nothing but the news that it let the request pass."""
    start_response("204 No Content", [])
    return ()
