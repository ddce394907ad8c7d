"""Energy that a server took on one day."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, ClassVar

from caso.records.base import Record, Status
from caso.window import SECOND

DAY = timedelta(days=1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class EnergyRecord(Record):
    """What one server took in one slot, a day in UTC: not cumulative, the days add up.

    It tells of ``start`` to ``end``, the part of the slot that the server lived and that is known; all seconds are of
    that part. A slot that is known better is sent again whole, under the same key.
    """

    kind: ClassVar[str] = "energy"

    vm_uuid: str
    site_name: str
    service_name: str
    cloud_type: str
    user_name: str | None = None
    project_id: str
    vo: str
    status: Status
    slot: date
    start: datetime
    end: datetime
    energy_wh: float
    coverage: float
    """0 to 1: the share of the seconds from start to end that samples cover; what they do not cover is in no other number."""
    wall_seconds: int
    suspend_seconds: int
    cpu_seconds: float
    """CPU time as measured where it was measured, else wall seconds times vCPUs."""
    cpu_count: float
    cpu_normalization_factor: float = 1.0
    finished: bool = False
    """The server ended in this slot."""

    def __post_init__(self) -> None:
        if self.measured_at.astimezone(UTC).date() != self.slot:
            raise ValueError(f"{self.vm_uuid}: a record of the slot {self.slot} is not measured at {self.measured_at}")

    @property
    def key(self) -> str:
        return self.key_of(self.vm_uuid, self.slot)

    @classmethod
    def key_of(cls, vm_uuid: str, slot: date) -> str:
        """
        >>> EnergyRecord.key_of("3f2e1d0c", date(2024, 2, 29))
        'energy/3f2e1d0c/2024-02-29'
        """
        return f"{cls.kind}/{vm_uuid}/{slot.isoformat()}"

    @staticmethod
    def measured_at_of(slot: date, end: datetime) -> datetime:
        """The time that a record which tells of a slot up to ``end`` is measured at: in the slot, so never in the next month.

        >>> EnergyRecord.measured_at_of(date(2024, 2, 29), datetime(2024, 3, 1, tzinfo=UTC)).isoformat()
        '2024-02-29T23:59:59+00:00'
        """
        return min(end, datetime.combine(slot, time(), UTC) + DAY - SECOND)

    @property
    def work(self) -> float | None:
        """CPU seconds per Wh; None where no energy was measured."""
        return self.cpu_seconds / self.energy_wh if self.energy_wh else None

    @property
    def efficiency(self) -> float | None:
        """CPU seconds per second of a vCPU; None where there was none. Slightly over 1 where meters are read late."""
        vcpu_seconds = self.wall_seconds * self.cpu_count
        return self.cpu_seconds / vcpu_seconds if vcpu_seconds else None

    def neutral(self, before: EnergyRecord | None) -> EnergyRecord:
        """Nothing was taken in this slot; there is no telling it from the days before."""
        return dataclasses.replace(self, energy_wh=0.0, coverage=0.0, wall_seconds=0, suspend_seconds=0, cpu_seconds=0)

    def content(self) -> dict[str, Any]:
        return super().content() | {"slot": self.slot.isoformat()}
