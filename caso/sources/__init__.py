"""Clients of the APIs: typed rows, UTC, pages followed to the real end, errors translated."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from caso.errors import DeniedError, SourceError
from caso.sources.api import Api, LoginError, LostMarkerError, MissingError, Opener, Scope, ScopeOrProject
from caso.sources.compute import Compute, ServerPage, negotiate, utc_now
from caso.sources.identity import Found, Identity, ProjectRow
from caso.sources.image import Images
from caso.sources.lookup import Lookup, Once
from caso.sources.network import FloatingIpRow, Network, NetworkPage, PortRow, RouterRow
from caso.sources.rows import FlavorRow, OddRow, PartialRow, ServerRow
from caso.sources.users import Users
from caso.sources.versions import Microversion, newest
from caso.sources.volume import Total, VolumePage, VolumeRow, Volumes

if TYPE_CHECKING:
    from caso.sources.gnocchi import Gnocchi
    from caso.sources.prometheus import Metering
    from caso.sources.usage import Usage

__all__ = [
    "Api",
    "Compute",
    "FlavorRow",
    "FloatingIpRow",
    "Found",
    "Identity",
    "LoginError",
    "LostMarkerError",
    "MissingError",
    "Network",
    "NetworkPage",
    "OddRow",
    "Opener",
    "PartialRow",
    "PortRow",
    "ProjectRow",
    "RouterRow",
    "Scope",
    "ScopeOrProject",
    "ServerPage",
    "ServerRow",
    "Sources",
    "Total",
    "VolumePage",
    "VolumeRow",
    "Volumes",
]

LOG = logging.getLogger(__name__)


def _quietly(question: Callable[[], object]) -> None:
    with contextlib.suppress(SourceError):
        question()


class Sources:
    """All sources of one run, built once and given to every extractor. Safe to use from several threads.

    What it finds out (versions, flavors, images, names of users) is found out once. ``opener`` is a
    :class:`caso.sources.session.Access`, or ``caso.testing.FakeAccess``.
    """

    def __init__(self, opener: Opener, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.identity = Identity(opener)
        self.users = Users(self.identity)
        self._opener = opener
        self._clock = clock
        self._lock = threading.Lock()
        self._versions: Once[str, Microversion] = Once()
        self._volume_versions: Once[str, Microversion | None] = Once()
        self._flavors: dict[str, Lookup[FlavorRow]] = {}
        self._images: dict[tuple[str, str], Lookup[str]] = {}

    def regions(self, scope: ScopeOrProject = Scope.AS_CONFIGURED, *, service_type: str = "compute") -> tuple[str, ...]:
        """The regions with an endpoint of a service; a token without a project or the system may have no catalog."""
        return self._opener.regions(service_type, scope)

    def shared_scope(self, project_ids: Iterable[str]) -> ScopeOrProject:
        """The scope to list all projects in: Nova's policies want a project's token, so the configured one or the first.

        A token for the system gets 403 from Nova, and an empty list from Cinder and Neutron, be it an administrator's.
        """
        scope = self._opener.configured_scope()
        return scope if isinstance(scope, str) else next(iter(project_ids))

    def own_project(self) -> str | None:
        """The project that the credentials are for; None where they are for the system, a domain, or any project."""
        scope = self._opener.configured_scope()
        return scope if isinstance(scope, str) and not isinstance(scope, Scope) else None

    def roles(self, scope: ScopeOrProject) -> frozenset[str]:
        """The roles of the token for this scope; see :class:`caso.sources.api.Opener`."""
        return self._opener.roles(scope)

    def compute(self, region: str, scope: ScopeOrProject) -> Compute:
        """Nova in a region, asked for one project or, as :meth:`shared_scope`, for all."""
        api = self._opener.api("compute", scope, region)
        return Compute(api, lambda: self._version(region, api), self._clock)

    def usage(self, region: str, scope: ScopeOrProject) -> Usage:
        """Nova's own usage in a region, asked with a project's token for it, or as :meth:`shared_scope` for any."""
        from caso.sources.usage import Usage  # a part of caso that no run has a use for

        api = self._opener.api("compute", scope, region)
        return Usage(api, lambda: self._version(region, api))

    def volumes(self, region: str, scope: ScopeOrProject) -> Volumes:
        """Cinder in a region, asked for one project or, as :meth:`shared_scope`, for all."""
        api = self._opener.api("block-storage", scope, region)
        return Volumes(api, lambda: self._volume_version(region, api), self._clock, scope if isinstance(scope, str) else None)

    def network(self, region: str, scope: ScopeOrProject) -> Network:
        """Neutron in a region, asked for one project or, as :meth:`shared_scope`, for all."""
        return Network(self._opener.api("network", scope, region), self._clock)

    def gnocchi(self, region: str, scope: ScopeOrProject) -> Gnocchi:
        """Gnocchi in a region, asked for one project or, as :meth:`shared_scope`, for all."""
        from caso.sources.gnocchi import Gnocchi  # a part of caso that few runs have a use for

        return Gnocchi(self._opener.api("metric", scope, region), self._clock, region)

    def prometheus(self, url: str, **connection: Any) -> Metering:
        """A server that speaks Prometheus' API; see :meth:`caso.sources.session.Access.prometheus`. Nothing is sent yet."""
        return self._opener.prometheus(url, **connection)

    def now(self) -> datetime:
        """The time by the clock that dates what is seen."""
        return self._clock()

    def unknown_hosts(self, region: str, scope: ScopeOrProject) -> int | None:
        """How many compute hosts Nova cannot reach since their cell is down; None where this role is not told."""
        try:
            return self.compute(region, scope).unknown_hosts()
        except DeniedError as exc:
            LOG.debug("whether a cell is down cannot be found out: %s", exc)
            return None

    def flavors(self, region: str) -> Lookup[FlavorRow]:
        """The flavors as they are now, with their extra specs, by name."""
        with self._lock:
            if region not in self._flavors:
                self._flavors[region] = Lookup(lambda scope: self.compute(region, scope).flavors())
            return self._flavors[region]

    def images(self, region: str, property_name: str) -> Lookup[str]:
        """One property of images, by image id; an empty text where an image has it not."""

        def listing(scope: ScopeOrProject) -> Mapping[str, str]:
            return Images(self._opener.api("image", scope, region)).with_property(property_name)

        with self._lock:
            if (region, property_name) not in self._images:
                self._images[region, property_name] = Lookup(listing)
            return self._images[region, property_name]

    def ask_ahead(self, *questions: Callable[[], object]) -> None:
        """Ask these while other things are asked: who needs an answer waits for it, or asks again where it failed."""
        for question in questions:
            threading.Thread(target=_quietly, args=(question,), name="caso-ahead", daemon=True).start()

    def version_document(self, service_type: str, region: str, scope: ScopeOrProject) -> Mapping[str, Any]:
        """What the endpoint of a service says of its versions: the cheapest question that only the right service answers."""
        return self._opener.api(service_type, scope, region).versions()

    def _version(self, region: str, api: Api) -> Microversion:
        return self._versions.get(region, lambda: negotiate(api.versions()))

    def _volume_version(self, region: str, api: Api) -> Microversion | None:
        return self._volume_versions.get(region, lambda: newest(api.versions()))
