"""Space that a volume held, unchanged, for a stretch of a month."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import ClassVar

from caso.records.base import Record
from caso.window import Month


@dataclasses.dataclass(frozen=True, kw_only=True)
class StorageRecord(Record):
    """A stretch of a volume's life with one size, project and type, cut at the ends of months.

    It lasts from ``start`` to ``measured_at``. ``sequence`` numbers the stretches of a volume in a month, from 1, in the
    order in which they were first published: a start that is known better later changes no id.
    """

    kind: ClassVar[str] = "storage"

    volume_id: str
    sequence: int
    site_name: str
    service_name: str
    """The storage system: the same service as that of the servers."""
    user_id: str | None = None
    user_name: str | None = None
    project_id: str
    vo: str
    volume_type: str | None = None
    start: datetime
    size_bytes: int

    @property
    def key(self) -> str:
        return f"{self.kind}/{self.record_id}"

    @property
    def record_id(self) -> str:
        """Volume, month and sequence: what the recipient replaces by, globally unique per stretch."""
        return self.record_id_of(self.volume_id, self.month, self.sequence)

    @classmethod
    def record_id_of(cls, volume_id: str, month: Month, sequence: int) -> str:
        """
        >>> StorageRecord.record_id_of("3f2e1d0c", Month(2024, 2), 1)
        '3f2e1d0c/2024-02/1'
        """
        return f"{volume_id}/{month}/{sequence}"

    def neutral(self, before: StorageRecord | None) -> StorageRecord:
        return dataclasses.replace(self, size_bytes=0)
