"""Typed usage records; they know nothing of any wire format."""

from __future__ import annotations

from caso.records.accelerator import AcceleratorRecord, AcceleratorType
from caso.records.base import Record, Status
from caso.records.cloud import CloudRecord
from caso.records.ip import IpRecord
from caso.records.storage import StorageRecord

BUILT_IN: tuple[type[Record], ...] = (CloudRecord, AcceleratorRecord, IpRecord, StorageRecord)
KINDS = ("cloud", "accelerator", "ip", "storage", "energy")
"""The names of caso's kinds, also of those whose extractor is not there yet: a configuration may name them."""

__all__ = [
    "BUILT_IN",
    "KINDS",
    "AcceleratorRecord",
    "AcceleratorType",
    "CloudRecord",
    "IpRecord",
    "Record",
    "Status",
    "StorageRecord",
]
