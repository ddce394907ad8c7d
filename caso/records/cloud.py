"""What a server has used since it was created."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import ClassVar

from caso.records.base import Record, Status
from caso.window import Month


@dataclasses.dataclass(frozen=True, kw_only=True)
class CloudRecord(Record):
    """The cumulative use of one server, from its creation to ``measured_at``.

    Durations never shrink from one month to the next: recipients take
    differences. ``cpu_seconds`` is wall seconds times vCPUs, summed over the
    intervals of the server; ``cpu_count``, ``memory_mib``, ``disk_gib`` and the
    benchmark are those of the newest interval.
    """

    kind: ClassVar[str] = "cloud"

    vm_uuid: str
    site_name: str
    service_name: str
    """CloudComputeService: one site may run several."""
    machine_name: str | None = None
    user_id: str | None = None
    project_id: str
    user_name: str | None = None
    """GlobalUserName; None where Keystone does not tell."""
    vo: str
    """FQAN of the virtual organisation that the project works for."""
    status: Status
    start: datetime
    end: datetime | None = None
    """Set if and only if the status is completed."""
    suspend_seconds: int
    wall_seconds: int
    cpu_seconds: int
    cpu_count: float
    network_inbound_gib: int | None = None
    network_outbound_gib: int | None = None
    public_ip_count: int | None = None
    memory_mib: int | None = None
    disk_gib: int | None = None
    """Root and ephemeral disk."""
    benchmark_name: str | None = None
    benchmark_value: float | None = None
    image_id: str | None = None
    cloud_type: str

    def __post_init__(self) -> None:
        if (self.end is not None) != (self.status is Status.COMPLETED):
            raise ValueError(f"{self.vm_uuid}: a record has an end if and only if it is completed")

    @property
    def key(self) -> str:
        return self.key_of(self.vm_uuid, self.month)

    @classmethod
    def key_of(cls, vm_uuid: str, month: Month) -> str:
        """APEL's primary key: VMUUID, MeasurementMonth, MeasurementYear."""
        return f"{cls.kind}/{vm_uuid}/{month}"

    def neutral(self, before: CloudRecord | None) -> CloudRecord:
        """The previous month's cumulative values, not completed, so that this month's difference is nothing."""
        return dataclasses.replace(
            self,
            status=Status.STARTED if before is None or before.end else before.status,
            end=None,
            suspend_seconds=before.suspend_seconds if before else 0,
            wall_seconds=before.wall_seconds if before else 0,
            cpu_seconds=before.cpu_seconds if before else 0,
            network_inbound_gib=before.network_inbound_gib if before else None,
            network_outbound_gib=before.network_outbound_gib if before else None,
        )
