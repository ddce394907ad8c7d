"""Public IP records, JSON, v0.2: a schema, then the record class, then the table, as APEL's pull request 226 has them."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from typing import Any

from caso.testing.recipient.columns import Key, Read, RefusedError, Row, instant, integer, is_null, row_of, text

MEMBERS: Mapping[str, type] = {
    **dict.fromkeys(("MeasurementTime", "IPVersion", "IPCount"), int),
    **dict.fromkeys(("SiteName", "CloudType", "CloudComputeService", "LocalUser", "LocalGroup", "GlobalUserName", "FQAN"), str),
}
NULLABLE = {"CloudComputeService"}
MANDATORY = MEMBERS.keys() - NULLABLE
COLUMNS: Mapping[str, Read] = {
    **{name: text() for name, kind in MEMBERS.items() if kind is str},
    "MeasurementTime": instant,
    "IPVersion": integer(32),
    "IPCount": integer(32),
}
CHOICES: Mapping[str, Container[Any]] = {"IPVersion": (4, 6), "IPCount": range(2**63)}
VERSIONS = ("0.2", "v0.2")
"""The router takes the first, and the schema of the pull request has the second."""


def recognises(message: str) -> bool:
    return message.startswith("{") and json.loads(message).get("Type") == "APEL Public IP message"


def read(message: str) -> list[Row]:
    document = json.loads(message)
    records = document.get("UsageRecords")
    if document.get("Version") not in VERSIONS or not isinstance(records, list) or not 1 <= len(records) <= 1000:
        raise RefusedError("the message needs Version 0.2 and 1 to 1000 UsageRecords")
    return [_row(record) for record in records]


def key(row: Row) -> Key:
    """Site, service, user, version, month, year. Project and FQAN are not in it: two of them under one user are one row."""
    measured = row["MeasurementTime"]
    named = (row["SiteName"], row["CloudComputeService"], row["GlobalUserName"], row["IPVersion"])
    return (*named, measured.month, measured.year)


def _row(record: Any) -> Row:
    if not isinstance(record, dict):
        raise RefusedError(f"no record: {record!r}")
    for name, value in record.items():
        _check(name, value)
    return row_of(record, COLUMNS, MANDATORY)


def _check(name: str, value: Any) -> None:
    if name not in MEMBERS:
        raise RefusedError(f"Unknown field {name!r}")
    if is_null(value) and name not in NULLABLE:
        raise RefusedError(f"{name} is null")
    if value is not None and (isinstance(value, bool) or not isinstance(value, MEMBERS[name])):
        raise RefusedError(f"{name} is of another type: {value!r}")
    if value not in CHOICES.get(name, (value,)):
        raise RefusedError(f"{name} may not be {value!r}")
