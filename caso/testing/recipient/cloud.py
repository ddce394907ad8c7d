"""Cloud records, text, v0.2 and v0.4: one class of the server's reads both, and the version has no effect."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from caso.testing.recipient.columns import Key, Read, RefusedError, Row, decimal, instant, integer, row_of, text

COLUMNS: Mapping[str, Read] = {
    **dict.fromkeys(("RecordCreateTime", "StartTime", "EndTime"), instant),
    **dict.fromkeys(("VMUUID", "SiteName", "CloudComputeService", "MachineName", "LocalUserId", "LocalGroupId"), text()),
    **dict.fromkeys(("GlobalUserName", "FQAN", "Status", "NetworkType", "StorageRecordId", "ImageId", "CloudType"), text()),
    **dict.fromkeys(("SuspendDuration", "WallDuration", "CpuDuration"), integer()),
    **dict.fromkeys(("NetworkInbound", "NetworkOutbound", "Memory", "Disk"), integer()),
    "PublicIPCount": integer(32),
    "CpuCount": decimal(least=0),
    "BenchmarkType": text(50),
    "Benchmark": decimal(),
}
IGNORED = {"UpdateTime", "MeasurementTime", "MeasurementMonth", "MeasurementYear"}
MANDATORY = {"VMUUID", "SiteName"}

NOWHEN = (0, 0)
"""The month, of the year, that a completed record without EndTime is booked in."""


def recognises(message: str) -> bool:
    """By what is before the first ':' of the first line."""
    header, colon, _ = message.partition("\n")[0].partition(":")
    return bool(colon) and header.strip() == "APEL-cloud-message"


def read(message: str) -> list[Row]:
    """The message's rows; two per cent signs cut anywhere, not on a line of their own."""
    body = "\n".join(message.splitlines()[1:])
    return [_row(record) for record in body.split("%%") if record.strip()]


def key(row: Row) -> Key:
    """VMUUID, then month and year of what the server takes for the time of measurement. The site is not in it."""
    if row["Status"] == "completed":
        measured = row["EndTime"]
    elif row["RecordCreateTime"]:
        measured = row["RecordCreateTime"]
    else:
        measured = row["StartTime"] + timedelta(seconds=(row["SuspendDuration"] or 0) + (row["WallDuration"] or 0))
    return (row["VMUUID"], *((measured.month, measured.year) if measured else NOWHEN))


def _row(record: str) -> Row:
    members = {}
    for line in record.strip().splitlines():
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon:
            raise RefusedError(f"a line without a key: {line!r}")
        if name not in COLUMNS and name not in IGNORED:
            raise RefusedError(f"unknown field {name!r}")
        if name in COLUMNS:
            members[name] = value
    row = row_of(members, COLUMNS, MANDATORY)
    return row | {"CpuCount": row["CpuCount"] or 0.0, "Benchmark": row["Benchmark"] or 0.0}
