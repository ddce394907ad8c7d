"""Cinder: volumes of one region, in one scope."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import Field, ValidationError

from caso.errors import SourceError
from caso.sources.api import Api
from caso.sources.compute import utc_now
from caso.sources.paging import follow
from caso.sources.rows import Id, OddRow, Row, Text, UtcTime, id_of, text_or_none, why
from caso.sources.versions import Microversion

PAGE_LIMIT = "1000"
COMPARING_TIMES = Microversion(3, 60)
"""Volumes can be asked for by when they were made or last changed (Stein)."""
OWNER = "os-vol-tenant-attr:tenant_id"


class Attachment(Row):
    """A server, or a host, that a volume is attached to; ``server_id`` is None for a host."""

    server_id: Text | None = None


class VolumeRow(Row):
    """A volume of ``GET /volumes/detail``; ``status`` is Cinder's word, ``size`` in GiB, ``volume_type`` the type's name."""

    id: Id
    name: Text | None = None
    status: Text | None = None
    size: int = Field(ge=0)
    tenant_id: Id = Field(alias=OWNER)
    user_id: Text | None = None
    volume_type: Text | None = None
    created_at: UtcTime
    updated_at: UtcTime | None = None
    attachments: tuple[Attachment, ...] | None = None


@dataclasses.dataclass(frozen=True)
class VolumePage:
    """One page of volumes; ``arrived_at`` is when it came, ``more`` whether Cinder says that another follows."""

    rows: tuple[VolumeRow | OddRow, ...]
    arrived_at: datetime
    more: bool


@dataclasses.dataclass(frozen=True)
class Total:
    """How many volumes there are, and how large they are together."""

    count: int = 0
    size_gib: int = 0

    def __add__(self, other: Total) -> Total:
        return Total(self.count + other.count, self.size_gib + other.size_gib)


class Volumes:
    """Cinder in one region with the token of one scope. ``version`` is asked for only where it matters.

    ``owner`` is the token's project: whose those volumes are that do not say it.
    """

    def __init__(
        self,
        api: Api,
        version: Callable[[], Microversion | None],
        clock: Callable[[], datetime] = utc_now,
        owner: str | None = None,
    ) -> None:
        self._api = api
        self._version = version
        self._clock = clock
        self._owner = owner

    @property
    def compares_times(self) -> bool:
        """Whether ``changed_since`` and ``made_since`` can be asked for; an older Cinder does not heed them."""
        version = self._version()
        return version is not None and version >= COMPARING_TIMES

    def volumes(
        self,
        of: str,
        *,
        all_projects: bool = False,
        project_id: str | None = None,
        changed_since: datetime | None = None,
        made_since: datetime | None = None,
    ) -> Iterator[VolumePage]:
        """The volumes that there are; Cinder shows no deleted ones.

        They are those of the token's project, or with ``all_projects`` of all, or of ``project_id`` out of all; ``of``
        names them in messages. A volume just made has no time of a change: ``changed_since`` does not find it.
        """
        query = {"limit": PAGE_LIMIT}
        if all_projects:
            query["all_tenants"] = "1"
        if project_id:
            query["project_id"] = project_id
        if changed_since:
            query["updated_at"] = _since(changed_since)
        if made_since:
            query["created_at"] = _since(made_since)
        compared = bool(changed_since or made_since)
        for page in follow(
            self._api,
            "/volumes/detail",
            "volumes",
            query,
            to=f"list the {'changed ' if compared else ''}volumes of {of}",
            microversion=str(COMPARING_TIMES) if compared else None,
        ):
            owner = None if all_projects else self._owner
            rows = tuple(read_volume(raw, owner) for raw in page.rows if not _is_a_copy_in_the_making(raw))
            yield VolumePage(rows, self._clock(), page.more)

    def first_page(self, *, all_projects: bool) -> tuple[int, bool]:
        """How many volumes Cinder puts on a page of :data:`PAGE_LIMIT` or less, and whether there are more than these."""
        query = {"limit": PAGE_LIMIT, **({"all_tenants": "1"} if all_projects else {})}
        page = next(follow(self._api, "/volumes", "volumes", query, to="list volumes"))
        return len(page.rows), page.more

    def types(self) -> dict[str, str]:
        """The names of the volume types by their ids: all of them for an administrator, else those that the project may use."""
        found: dict[str, str] = {}
        for page in follow(
            self._api, "/types", "volume_types", {"is_public": "None", "limit": PAGE_LIMIT}, to="list volume types"
        ):
            for raw in page.rows:
                name = text_or_none(raw.get("name"))
                if name is not None:
                    found[id_of(raw)] = name
        return found

    def total(self, of: str, *, all_projects: bool = False) -> Total:
        """The number and the size of the volumes of the token's project, or of the whole cloud; there since 3.12."""
        to = f"sum up the volumes of {of}"
        query = {"all_tenants": "1"} if all_projects else {}
        body = self._api.get("/volumes/summary", query, to=to, microversion=str(COMPARING_TIMES))
        summary = body.get("volume-summary")
        count, size = (summary.get(key) for key in ("total_count", "total_size")) if isinstance(summary, dict) else (None, None)
        if not isinstance(count, int) or not isinstance(size, int):
            raise SourceError(f"{self._api.name}: cannot {to}: the answer has no total_count and total_size")
        return Total(count, size)


def read_volume(raw: Mapping[str, Any], owner: str | None = None) -> VolumeRow | OddRow:
    """The typed row of a volume; of a row that does not say whose it is, it is ``owner``'s."""
    project_id = text_or_none(raw.get(OWNER)) or owner
    try:
        return VolumeRow.model_validate({**raw, OWNER: project_id})
    except ValidationError as exc:
        return OddRow(id_of(raw), project_id, why(exc))


def _is_a_copy_in_the_making(raw: Mapping[str, Any]) -> bool:
    # While Cinder migrates a volume, administrators see the copy as a second volume of the project; the project does not
    # (no_migration_targets in cinder/volume/api.py).
    return str(raw.get("migration_status") or "").startswith("target:")


def _since(instant: datetime) -> str:
    return f"gte:{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
