"""Nova's own usage of a project: what os-simple-tenant-usage makes of each of its servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import Field, ValidationError

from caso.errors import SourceError
from caso.sources.api import Api
from caso.sources.compute import PAGE_LIMIT
from caso.sources.paging import everything
from caso.sources.rows import Id, Row, UtcTime, why
from caso.sources.versions import Microversion
from caso.window import Window

SERVERS = "server_usages"


class UsageRow(Row):
    """A server in Nova's usage: ``hours`` of the stretch asked for, at the size that it has now.

    The hours count from ``started_at``, which is launched_at, up to ``ended_at``, or for ever where that is None.
    """

    id: Id = Field(alias="instance_id")
    name: str | None = None
    state: str
    hours: float = Field(ge=0)
    vcpus: float = Field(ge=0)
    memory_mib: int = Field(alias="memory_mb", ge=0)
    disk_gib: int = Field(alias="local_gb", ge=0)
    started_at: UtcTime
    ended_at: UtcTime | None = None


class Usage:
    """Nova in one region with the token of one scope. ``version`` is asked for before the first request.

    The answer comes in pages since 2.40; before, Nova cut it off without a word. Every Nova that caso can speak with has it.
    """

    def __init__(self, api: Api, version: Callable[[], Microversion]) -> None:
        self._api = api
        self._version = version

    def of(self, project_id: str, window: Window, *, of: str) -> list[UsageRow]:
        """The servers of a project that ran in the window, by Nova's reckoning; ``of`` names the project in messages.

        With the project's own token, or an administrator's. Nova counts up to its own clock at most.
        """
        to = f"list the usage of {of}"
        rows = everything(
            _Listing(self._api),
            f"/os-simple-tenant-usage/{project_id}",
            SERVERS,
            {"start": _time(window.start), "end": _time(window.end), "detailed": "1", "limit": PAGE_LIMIT},
            to=to,
            microversion=str(self._version()),
        )
        return [_row(raw, f"{self._api.name}: cannot {to}") for raw in rows]


class _Listing:
    """The answers as those of any listing: each page has its servers, and sums of its own, within one object."""

    def __init__(self, api: Api) -> None:
        self.name = api.name
        self._api = api

    def get(
        self, path: str, params: Mapping[str, str] | None = None, *, to: str, microversion: str | None = None
    ) -> Mapping[str, Any]:
        body = self._api.get(path, params, to=to, microversion=microversion)
        usage = body.get("tenant_usage")
        if not isinstance(usage, dict):
            return body
        # A project of which nothing ran has no list at all.
        rows = [{**row, "id": row.get("instance_id")} if isinstance(row, dict) else row for row in usage.get(SERVERS, ())]
        return {SERVERS: rows, f"{SERVERS}_links": body.get("tenant_usage_links")}

    def change(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, to: str) -> None:
        self._api.change(method, path, body, to=to)

    def versions(self) -> Mapping[str, Any]:
        return self._api.versions()


def _row(raw: Mapping[str, Any], what: str) -> UsageRow:
    try:
        return UsageRow.model_validate(raw)
    except ValidationError as exc:
        raise SourceError(f"{what}: server {raw.get('id')}: {why(exc)}; is this endpoint really nova?") from exc


def _time(at: datetime) -> str:
    # Nova reads times without a zone only, and takes them for UTC.
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"
