"""A small Cinder without a network; :mod:`caso.testing.sources` puts it behind the real sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from caso.errors import SourceError
from caso.sources import LostMarkerError, MissingError, ScopeOrProject
from caso.sources.volume import OWNER
from caso.testing.paging import page_of
from caso.window import as_utc


def a_volume(volume_id: str = "volume-1", project_id: str = "project-1", **changes: Any) -> dict[str, Any]:
    """A volume as Cinder lists it: 10 GiB, free since February 2024; ``changes`` replace keys of the row.

    >>> a_volume(size=20)["size"]
    20
    """
    row = {
        "id": volume_id,
        "name": f"name of {volume_id}",
        "status": "available",
        "size": 10,
        "created_at": "2024-02-01T00:00:00.000000",
        "updated_at": "2024-02-01T00:00:05.000000",
        "volume_type": "standard",
        "user_id": "user-1",
        "attachments": [],
        "metadata": {},
        OWNER: project_id,
    }
    return row | changes


class FakeVolume:
    """Cinder with these volumes, shown in the order given.

    ``page_size`` is its osapi_max_limit; ``fail_on_page`` the number of the page, counted over all listings, that answers
    with 503. ``admin``: it heeds ``all_tenants``; to others it shows their own project instead, as the real one does.
    """

    def __init__(
        self,
        volumes: Sequence[Mapping[str, Any]] = (),
        *,
        page_size: int = 1000,
        fail_on_page: int | None = None,
        admin: bool = False,
        microversion: str = "3.71",
    ) -> None:
        self.volumes = [dict(volume) for volume in volumes]
        self.page_size = page_size
        self.fail_on_page = fail_on_page
        self.admin = admin
        self.microversion = microversion
        self.pages_served = 0

    def answer(self, scope: ScopeOrProject, path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        """What Cinder says to a GET."""
        if path == "/volumes/detail":
            return self._list(scope, params)
        if path == "/volumes/summary":
            everybody = self.admin and params.get("all_tenants")
            sizes = [volume["size"] for volume in self.volumes if everybody or volume.get(OWNER) == scope]
            return {"volume-summary": {"total_count": len(sizes), "total_size": sum(sizes), "metadata": {}}}
        raise MissingError(f"cinder: cannot show {path}: it is not there (HTTP 404)")

    def versions(self) -> Mapping[str, Any]:
        """The version document."""
        return {"versions": [{"id": "v3.0", "version": self.microversion, "min_version": "3.0"}]}

    def _list(self, scope: ScopeOrProject, params: Mapping[str, str]) -> Mapping[str, Any]:
        self.pages_served += 1
        if self.pages_served == self.fail_on_page:
            raise SourceError("cinder: cannot list volumes: Service Unavailable (HTTP 503)")
        project_id = params.get("project_id") if self.admin and params.get("all_tenants") else scope
        # A row without an owner is shown to everybody, so that it is met.
        rows = [row for row in self.volumes if project_id is None or row.get(OWNER) in (None, project_id)]
        rows = [row for row in rows if _is_later(row, "updated_at", params) and _is_later(row, "created_at", params)]
        try:
            return page_of(rows, "volumes", params, self.page_size)
        except LostMarkerError as exc:
            raise MissingError(f"cinder: {exc}; Volume could not be found (HTTP 404)") from exc


def _is_later(row: Mapping[str, Any], field: str, params: Mapping[str, str]) -> bool:
    since, at = params.get(field), row.get(field)
    if since is None:
        return True
    return at is not None and as_utc(datetime.fromisoformat(at)) >= as_utc(datetime.fromisoformat(since.removeprefix("gte:")))
