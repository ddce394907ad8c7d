"""Energy records as GreenDIGIT's CIM service takes them: a JSON list of energy records 0.1.

The service takes any JSON, and answers before anybody reads it: nobody would tell that a value makes no sense. So what
cannot be meant is refused here, by its key, with RejectedError. The table says which field is what.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from caso.records import EnergyRecord
from caso.wire import values
from caso.wire.apel import Fields, Form
from caso.wire.text import needed, unicode_key, unicode_line
from caso.wire.values import UnfitError, rendered

VERSION = "0.1"


def _amount(value: float) -> float:
    # Written so that NaN, of which every comparison is false, is refused too.
    if not 0 <= value < math.inf:
        raise UnfitError("is negative or no number")
    return value


def _line(text: str) -> str:
    return needed(unicode_line(text))


ENERGY: Fields = {
    "ExecUnitID": ("vm_uuid", unicode_key),
    "StartExecTime": ("start", values.iso),
    "EndExecTime": ("end", values.iso),
    "EnergyWh": ("energy_wh", _amount),
    "Work": ("work", _amount),
    "Efficiency": ("efficiency", _amount),
    "WallClockTime_s": ("wall_seconds", values.integer),
    "CpuDuration_s": ("cpu_seconds", values.integer),
    "SuspendDuration_s": ("suspend_seconds", values.integer),
    "CPUNormalizationFactor": ("cpu_normalization_factor", _amount),
    "ExecUnitFinished": ("finished", int),
    "Status": ("status", str),
    "Owner": ("vo", _line),
    "SiteName": ("site_name", unicode_key),
    "CloudType": ("cloud_type", _line),
    "CloudComputeService": ("service_name", _line),
}
_ENERGY = Form(ENERGY, "CIM")


def energy_message(records: Sequence[EnergyRecord]) -> bytes:
    """One JSON list, pure ASCII, the records in their order.

    RejectedError names every record that cannot be carried; the others may be sent without them.
    """
    return (json.dumps(rendered(records, _members), indent=1, allow_nan=False) + "\n").encode("ascii")


def _members(record: EnergyRecord) -> dict[str, Any]:
    if record.end < record.start:
        raise UnfitError(f"CIM cannot take EndExecTime {record.end:%FT%TZ}: it is before StartExecTime {record.start:%FT%TZ}")
    return _ENERGY.written(record)
