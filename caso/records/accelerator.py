"""Accelerators (GPU, FPGA, other) that a server held in a month."""

from __future__ import annotations

import dataclasses
from enum import StrEnum
from typing import ClassVar

from caso.records.base import Record
from caso.window import Month


class AcceleratorType(StrEnum):
    """The three words that APEL accepts, exactly."""

    GPU = "GPU"
    FPGA = "FPGA"
    OTHER = "Other"


@dataclasses.dataclass(frozen=True, kw_only=True)
class AcceleratorRecord(Record):
    """One model of accelerator on one server in one month.

    ``available_seconds`` is cumulative inside the month, from the month's start
    or the server's: sum(count x seconds) / ``count``, with ``count`` the latest.
    """

    kind: ClassVar[str] = "accelerator"

    vm_uuid: str
    site_name: str
    service_name: str
    cloud_type: str
    user_name: str | None = None
    project_id: str
    vo: str
    type: str
    """A word of AcceleratorType."""
    model: str
    count: float
    available_seconds: int

    @property
    def key(self) -> str:
        return self.key_of(self.vm_uuid, self.month, self.model)

    @classmethod
    def key_of(cls, vm_uuid: str, month: Month, model: str) -> str:
        """Month, year, associated record and model, as APEL's primary key has them."""
        return f"{cls.kind}/{vm_uuid}/{month}/{model}"

    def neutral(self, before: AcceleratorRecord | None) -> AcceleratorRecord:
        return dataclasses.replace(self, available_seconds=0)
