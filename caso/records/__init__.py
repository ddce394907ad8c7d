"""Typed usage records; they know nothing of any wire format."""

from __future__ import annotations

from caso.records.accelerator import AcceleratorRecord, AcceleratorType
from caso.records.base import Record, Status
from caso.records.cloud import CloudRecord
from caso.records.energy import EnergyRecord
from caso.records.ip import IpRecord
from caso.records.storage import StorageRecord

BUILT_IN: tuple[type[Record], ...] = (CloudRecord, AcceleratorRecord, IpRecord, StorageRecord, EnergyRecord)
KINDS = tuple(made.kind for made in BUILT_IN)
"""The names of caso's kinds, as a configuration names them."""

__all__ = [
    "BUILT_IN",
    "KINDS",
    "AcceleratorRecord",
    "AcceleratorType",
    "CloudRecord",
    "EnergyRecord",
    "IpRecord",
    "Record",
    "Status",
    "StorageRecord",
]
