"""A small Nova that also tells usage; in place of :class:`caso.testing.servers.FakeCompute`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from caso.errors import DeniedError
from caso.sources import ScopeOrProject
from caso.testing.paging import page_of
from caso.testing.servers import FakeCompute
from caso.window import as_utc

LAUNCHED, TERMINATED = "OS-SRV-USG:launched_at", "OS-SRV-USG:terminated_at"


class FakeComputeWithUsage(FakeCompute):
    """Counts as Nova does: from launched_at up to terminated_at, or for ever, with the flavor of now.

    ``archived`` are ids that are in no listing and in no usage any more; ``usage_denied`` are projects whose usage nobody may
    see. ``usages`` are the projects asked for so far, once for each page.
    """

    archived: frozenset[str] = frozenset()
    usage_denied: frozenset[str] = frozenset()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.usages: list[str] = []

    def answer(self, scope: ScopeOrProject, path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        self.servers = [row for row in self.servers if row["id"] not in self.archived]
        if match := re.fullmatch("/os-simple-tenant-usage/([^/]+)", path):
            return self._usage(match[1], scope, params)
        return super().answer(scope, path, params)

    def _usage(self, project_id: str, scope: ScopeOrProject, params: Mapping[str, str]) -> Mapping[str, Any]:
        self.usages.append(project_id)
        if project_id in self.usage_denied or (scope != project_id and not self.admin):
            raise DeniedError("nova: cannot list the usage: Policy doesn't allow os-simple-tenant-usage:show (HTTP 403)")
        start, end = _time(params["start"]), _time(params["end"])
        rows = sorted((row for row in self.servers if row["tenant_id"] == project_id), key=lambda row: str(row["id"]))
        usages = [usage for row in rows if (usage := _usage_of(row, start, end))]
        page = page_of(usages, "server_usages", params, self.page_size)
        links = page.pop("server_usages_links", None)
        # Each page has totals of its own; a project of which nothing ran has an empty object.
        hours = sum(usage["hours"] for usage in page["server_usages"])
        body = {"tenant_usage": {**page, "tenant_id": project_id, "total_hours": hours} if usages else {}}
        return body | ({"tenant_usage_links": links} if links else {})


def _usage_of(row: Mapping[str, Any], start: datetime, end: datetime) -> dict[str, Any] | None:
    if row[LAUNCHED] is None:
        return None
    launched, terminated = _time(row[LAUNCHED]), _time(row[TERMINATED]) if row[TERMINATED] else None
    if launched >= end or (terminated is not None and terminated <= start):
        return None
    flavor = row["flavor"]
    return {
        "id": row["id"],
        "instance_id": row["id"],
        "name": row["name"],
        "tenant_id": row["tenant_id"],
        "hours": (min(terminated or end, end) - max(launched, start)).total_seconds() / 3600,
        "vcpus": flavor["vcpus"],
        "memory_mb": flavor["ram"],
        "local_gb": flavor["disk"] + flavor["ephemeral"],
        "flavor": flavor["original_name"],
        "started_at": row[LAUNCHED],
        "ended_at": row[TERMINATED],
        "state": "terminated" if terminated else row["status"].lower(),
        "uptime": 0,
    }


def _time(text: str) -> datetime:
    return as_utc(datetime.fromisoformat(text))
