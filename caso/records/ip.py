"""Public IP addresses that a project holds."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from caso.records.base import Record
from caso.window import Month


@dataclasses.dataclass(frozen=True, kw_only=True)
class IpRecord(Record):
    """How many public addresses of one IP version a project held at ``measured_at``: a level, no sum over time.

    All regions of one service are in it: the recipient knows no regions. It keeps one level per month; 0 says that
    all were given back.
    """

    kind: ClassVar[str] = "ip"

    site_name: str
    service_name: str
    cloud_type: str
    project_id: str
    vo: str
    ip_version: int
    """4 or 6."""
    ip_count: int

    @property
    def key(self) -> str:
        return self.key_of(self.site_name, self.service_name, self.project_id, self.ip_version, self.month)

    @classmethod
    def key_of(cls, site_name: str, service_name: str, project_id: str, ip_version: int, month: Month) -> str:
        """Site, service, owner, version, month: the primary key of APEL, which has one figure for each."""
        return f"{cls.kind}/{site_name}/{service_name}/{project_id}/{ip_version}/{month}"

    def neutral(self, before: IpRecord | None) -> IpRecord:
        return dataclasses.replace(self, ip_count=0)
