"""Nova: servers and flavors of one region, in one scope."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from caso.errors import SourceError
from caso.sources.api import Api
from caso.sources.paging import everything, follow
from caso.sources.rows import ActionRow, FlavorRow, OddRow, PartialRow, ServerRow, read_server
from caso.sources.versions import Microversion, newest

PAGE_LIMIT = "1000"


OLDEST = Microversion(2, 47)
"""The flavor travels with the server (Pike)."""
ACTIONS_SINCE = Microversion(2, 58)
"""A server's actions can be asked for from a time on, and tell when they ended (Queens)."""
EXTRA_SPECS_IN_FLAVORS = Microversion(2, 61)
NEWEST = Microversion(2, 69)
"""Servers of a cell that is down are shown, with their id only (Stein).

Nothing above it is of use here: 2.73 and up read one table more for each server, and the image
properties of 2.98 are Nova's own ones only; vmcatcher_event_ad_mpuri is left out (nova/api/openstack/compute/views/servers.py).
"""


def negotiate(document: Mapping[str, Any]) -> Microversion:
    """The microversion to speak with an endpoint; SourceError where its newest is older than 2.47."""
    spoken = newest(document)
    if spoken is None or spoken < OLDEST:
        said = f"speaks {spoken} at most" if spoken else "speaks no microversion"
        raise SourceError(
            f"nova: this cloud is too old: its compute endpoint {said}, and caso needs {OLDEST} (Pike, 2017);"
            " where Nova is newer, make the catalog point to /v2.1 in place of /v2"
        )
    return min(spoken, NEWEST)


@dataclasses.dataclass(frozen=True)
class ServerPage:
    """One page of servers; ``arrived_at`` is when it came, ``more`` whether Nova says that another follows."""

    rows: tuple[ServerRow | OddRow | PartialRow, ...]
    arrived_at: datetime
    more: bool


def utc_now() -> datetime:
    return datetime.now(UTC)


class Compute:
    """Nova in one region with the token of one scope. ``version`` is asked for before the first request."""

    def __init__(self, api: Api, version: Callable[[], Microversion], clock: Callable[[], datetime] = utc_now) -> None:
        self._api = api
        self._version = version
        self._clock = clock

    def servers(
        self,
        of: str,
        *,
        all_projects: bool = False,
        project_id: str | None = None,
        changes_since: datetime | None = None,
        ended: bool = False,
    ) -> Iterator[ServerPage]:
        """The servers that are alive, or those changed since a time with the deleted ones among them.

        They are those of the token's project, or with ``all_projects`` of all, or of ``project_id`` out of all; ``of``
        names them in messages. Nova leaves SOFT_DELETED servers out of the alive ones, and shows them as changed.
        ``ended``: of those that changed only the deleted ones, SOFT_DELETED ones among them; who has a role that may not
        filter so is shown the others, too (instance_get_all_by_filters_sort in Nova's db/main/api.py).
        """
        query: dict[str, str] = {}
        if all_projects:
            query["all_tenants"] = "true"
        if project_id:
            query["tenant_id"] = project_id
        if changes_since:
            query["changes-since"] = _as_nova_writes(changes_since)
        if ended:
            query["deleted"] = "true"
        pages = follow(
            self._api,
            "/servers/detail",
            "servers",
            {**query, "limit": PAGE_LIMIT},
            # Nova tells of servers in a cell that is down only when nothing is asked for but all_tenants: with a limit, a
            # marker or a filter it leaves them out without a word (_is_cell_down_supported in its compute/servers.py).
            first=None if changes_since or project_id else query,
            to=f"list the {'changed ' if changes_since else ''}servers of {of}",
            microversion=str(self._version()),
        )
        for page in pages:
            typed = ServerPage(tuple(read_server(raw) for raw in page.rows), self._clock(), page.more)
            # As paging does: two pages at a time are one too many.
            del page
            yield typed
            del typed

    def first_page(self, *, all_projects: bool) -> tuple[int, bool]:
        """How many servers Nova puts on a page of :data:`PAGE_LIMIT` or less, and whether there are more than these."""
        query = {"limit": PAGE_LIMIT, **({"all_tenants": "true"} if all_projects else {})}
        to = "list servers"
        page = next(follow(self._api, "/servers", "servers", query, to=to, microversion=str(self._version())))
        return len(page.rows), page.more

    def actions(self, server_id: str, since: datetime) -> list[ActionRow]:
        """What was done to a server since a time, deleted or not, in one request: Nova has a page of a thousand of them.

        MissingError where Nova has the server no more. What cannot be read is left out. Before 2.58 Nova tells of all.
        """
        version = self._version()
        filtered = {"changes-since": _as_nova_writes(since), "limit": PAGE_LIMIT} if version >= ACTIONS_SINCE else {}
        body = self._api.get(
            f"/servers/{quote(server_id, safe='')}/os-instance-actions",
            filtered,
            to=f"show what was done to server {server_id}",
            microversion=str(version),
        )
        rows = body.get("instanceActions")
        return [row for row in map(_action, rows if isinstance(rows, list) else ()) if row]

    @property
    def tells_of_cells(self) -> bool:
        """Whether Nova shows servers of a cell that is down; an older one leaves them out without a word."""
        return self._version() >= NEWEST

    def unknown_hosts(self) -> int:
        """How many compute hosts are in cells that are down; DeniedError but for an admin. 0 before 2.69, which does not tell."""
        if not self.tells_of_cells:
            return 0
        query = {"binary": "nova-compute"}
        body = self._api.get("/os-services", query, to="list compute hosts", microversion=str(self._version()))
        services = body.get("services") or ()
        return sum(isinstance(service, dict) and service.get("status") == "UNKNOWN" for service in services)

    def flavors(self) -> dict[str, FlavorRow]:
        """The flavors there are now, by name: public ones, the project's own, for an admin all.

        Empty where Nova does not list extra specs (before 2.61), a flavor left out where this role may not see them.
        """
        version = self._version()
        if version < EXTRA_SPECS_IN_FLAVORS:
            return {}
        raw = everything(
            self._api,
            "/flavors/detail",
            "flavors",
            {"is_public": "None", "limit": PAGE_LIMIT},
            to="list flavors",
            microversion=str(version),
        )
        rows = (_flavor(flavor) for flavor in raw)
        return {row.name: row for row in rows if row and row.extra_specs is not None}


def _as_nova_writes(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _action(raw: object) -> ActionRow | None:
    try:
        return ActionRow.model_validate(raw)
    except ValidationError:
        return None  # the time of the row itself is the fallback


def _flavor(raw: Mapping[str, Any]) -> FlavorRow | None:
    try:
        return FlavorRow.model_validate(raw)
    except ValidationError:
        return None  # a server's own flavor is the fallback
