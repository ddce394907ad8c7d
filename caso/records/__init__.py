"""Typed usage records; they know nothing of any wire format."""

from __future__ import annotations

from caso.records.accelerator import AcceleratorRecord, AcceleratorType
from caso.records.base import Record, Status
from caso.records.cloud import CloudRecord

BUILT_IN: tuple[type[Record], ...] = (CloudRecord, AcceleratorRecord)

__all__ = ["BUILT_IN", "AcceleratorRecord", "AcceleratorType", "CloudRecord", "Record", "Status"]
