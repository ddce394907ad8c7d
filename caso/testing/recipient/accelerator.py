"""Accelerator records, JSON, v0.1: a schema, then the record class, then the table."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from datetime import UTC, datetime
from typing import Any

from caso.testing.recipient.columns import Key, Read, RefusedError, Row, decimal, integer, is_null, row_of, text

MEMBERS: Mapping[str, type] = {
    **dict.fromkeys(("MeasurementMonth", "MeasurementYear", "Cores", "AvailableDuration", "ActiveDuration"), int),
    **dict.fromkeys(("AssociatedRecordType", "AssociatedRecord", "FQAN", "SiteName", "GlobalUserName"), str),
    **dict.fromkeys(("BenchmarkType", "Type", "Model"), str),
    **dict.fromkeys(("Count", "Benchmark"), float),
}
DROPPED = {"CloudType", "CloudComputeService"}
NULLABLE = {"GlobalUserName", "Cores", "ActiveDuration", "BenchmarkType", "Benchmark"}
MANDATORY = MEMBERS.keys() - NULLABLE - {"Model"}

IN_JSON: Mapping[type, tuple[type, ...]] = {int: (int,), float: (int, float), str: (str,)}
READ: Mapping[type, Read] = {int: integer(32), float: decimal(), str: text()}
COLUMNS = {name: READ[kind] for name, kind in MEMBERS.items()}

KEY = ("MeasurementMonth", "MeasurementYear", "AssociatedRecordType", "AssociatedRecord", "SiteName", "Model")


def recognises(message: str) -> bool:
    return message.startswith("{") and json.loads(message).get("Type") == "APEL-accelerator-message"


def read(message: str) -> list[Row]:
    document = json.loads(message)
    records = document.get("UsageRecords")
    if document.get("Version") != "0.1" or not isinstance(records, list) or not 1 <= len(records) <= 1000:
        raise RefusedError("the message needs Version 0.1 and 1 to 1000 UsageRecords")
    return [_row(record) for record in records]


def key(row: Row) -> Key:
    return tuple(row[name] for name in KEY)


def _row(record: Any) -> Row:
    if not isinstance(record, dict):
        raise RefusedError(f"no record: {record!r}")
    kept = {name: value for name, value in record.items() if name not in DROPPED}
    for name, value in kept.items():
        _check(name, value)
    return row_of(kept, COLUMNS, MANDATORY)


def _check(name: str, value: Any) -> None:
    if name not in MEMBERS:
        raise RefusedError(f"unknown field {name!r}")
    if is_null(value) and name not in NULLABLE:
        raise RefusedError(f"{name} is null")
    if value is not None and (isinstance(value, bool) or not isinstance(value, IN_JSON[MEMBERS[name]])):
        raise RefusedError(f"{name} is of another type: {value!r}")
    if value not in _choices().get(name, (value,)):
        raise RefusedError(f"{name} may not be {value!r}")


def _choices() -> Mapping[str, Container[Any]]:
    return {
        "MeasurementMonth": range(1, 13),
        "MeasurementYear": range(2000, datetime.now(UTC).year + 1),
        "AssociatedRecordType": ("cloud", "job"),
        "Type": ("GPU", "FPGA", "Other"),
    }
