"""What the sources need of an API: GET answers JSON. The real one is in ``http``, a fake one in ``caso.testing``."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from caso.errors import DeniedError, SourceError

if TYPE_CHECKING:
    from caso.sources.prometheus import Metering


class Scope(Enum):
    """What a token is for, when it is for no project."""

    AS_CONFIGURED = "the configured scope"
    SYSTEM = "the system"


ScopeOrProject = Scope | str
"""A Scope, or a project's id."""


class LoginError(DeniedError):
    """Keystone gives no token for this scope: the credentials are wrong, or have no role there."""


class MissingError(SourceError):
    """The API does not have what was named (404), or the catalog no such endpoint."""


class LostMarkerError(SourceError):
    """The object that a page starts after is gone (400): the page has to be asked for in another way."""


class TruncatedError(SourceError):
    """The API has more objects than it lists, and no next page for them."""


@dataclasses.dataclass(frozen=True)
class Reply:
    """An answer as client libraries want it; ``following`` is the URL that its Link header calls the next page."""

    body: Any
    following: str | None = None

    @property
    def links(self) -> Mapping[str, Mapping[str, str]]:
        """The links by their relation, as requests has them."""
        return {"next": {"url": self.following}} if self.following else {}

    def json(self) -> Any:
        """The body, read."""
        return self.body


class Api(Protocol):
    """One API in one region, asked in one scope."""

    @property
    def name(self) -> str:
        """The service as operators call it: nova, keystone, glance, cinder, neutron."""

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        to: str,
        microversion: str | None = None,
    ) -> Mapping[str, Any]:
        """The JSON object at ``path`` below the service's endpoint; ``path`` may carry a query of its own.

        ``to`` completes the sentence "nova: cannot ..." of the SourceError that every failure becomes:
        LoginError, DeniedError, MissingError and LostMarkerError where the cause is known.
        """

    def change(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, to: str) -> None:
        """PUT or PATCH ``body`` to ``path``; errors as for ``get``. Only what may be sent twice: it is tried again."""

    def versions(self) -> Mapping[str, Any]:
        """The version document of the endpoint."""


class Sender(Api, Protocol):
    """An API that takes questions of any form, as client libraries have them."""

    def send(self, method: str, path: str, *, to: str, **request: Any) -> Reply:
        """The answer; ``request`` has the headers and the data. Errors as for ``get``, and as there it may be sent again."""


class Opener(Protocol):
    """Gives APIs; :class:`caso.sources.session.Access` is the real one."""

    def api(self, service_type: str, scope: ScopeOrProject, region: str | None = None) -> Sender:
        """The API of a service; nothing is sent before it is asked something."""

    def prometheus(
        self,
        url: str,
        *,
        verify: bool | str = True,
        timeout: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Metering:
        """A server that speaks Prometheus' API, which is in no catalog; see :meth:`caso.sources.session.Access.prometheus`."""

    def regions(self, service_type: str, scope: ScopeOrProject = Scope.AS_CONFIGURED) -> tuple[str, ...]:
        """The regions that the catalog has an endpoint of the service for, in the catalog's order."""

    def configured_scope(self) -> ScopeOrProject:
        """What AS_CONFIGURED is: a project's id, SYSTEM, or AS_CONFIGURED itself for none or a domain. May log in."""

    def roles(self, scope: ScopeOrProject) -> frozenset[str]:
        """The names of the roles that a token for this scope carries, in lower case, as policies compare them; may log in."""
