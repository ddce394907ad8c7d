"""Cloud, accelerator and public IP records as APEL's server loads them; storage is in caso.wire.star.

A message is all or nothing on the server, and a rejected one is not reported
back. So nothing is written here that could be refused there: texts are made
harmless (caso.wire.text), and a record that cannot be carried is refused
before, by its key, with RejectedError. The tables say which field is what.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from caso.records import AcceleratorRecord, AcceleratorType, CloudRecord, IpRecord, Record
from caso.window import Month
from caso.wire import values
from caso.wire.text import ENCRYPTED, ascii_key, ascii_line, needed, unicode_key, unicode_line, unless_plain
from caso.wire.values import UnfitError, rendered

CLOUD_HEADER = "APEL-cloud-message: v0.4"
BENCHMARK_TYPE = 50
"""The one text column that is shorter than the others."""

Fields = Mapping[str, tuple[str, Callable[[Any], Any]]]
"""The recipient's name of a field -> where the record has it, and how it is written; None is left out."""


class Form:
    """What is written of each record of a kind: a table of fields, made ready once for many records."""

    def __init__(self, fields: Fields, recipient: str = "APEL") -> None:
        self._recipient = recipient
        self._fields = [(name, write) for name, (_, write) in sorted(fields.items())]
        self._values: Callable[[Record], Sequence[Any]] = attrgetter(*(place for _, (place, _) in sorted(fields.items())))

    def written(self, record: Record) -> dict[str, Any]:
        """The fields that have a value, as the recipient has them, in their order by name."""
        found: dict[str, Any] = {}
        for (name, write), value in zip(self._fields, self._values(record), strict=True):
            if value is None:
                continue
            try:
                wrote = write(value)
            except UnfitError as exc:
                raise UnfitError(f"{self._recipient} cannot take {name} {value!r}: it {exc}") from exc
            if wrote is not None:
                found[name] = wrote
        return found


def _accelerator_type(word: str) -> str:
    if word not in set(AcceleratorType):
        raise UnfitError(f"is none of {', '.join(AcceleratorType)}")
    return str(word)


def _ip_version(version: int) -> int:
    if version not in (4, 6):
        raise UnfitError("is neither 4 nor 6")
    return version


CLOUD: Fields = {
    "RecordCreateTime": ("measured_at", values.epoch),
    "VMUUID": ("vm_uuid", unless_plain(ascii_key)),
    # Under another name than its own in GOCDB, a site's use would be booked to nobody or to somebody else.
    "SiteName": ("site_name", ascii_key),
    "CloudComputeService": ("service_name", ascii_line),
    "MachineName": ("machine_name", unless_plain(ascii_line)),
    "LocalUserId": ("user_id", ascii_line),
    "LocalGroupId": ("project_id", ascii_line),
    "GlobalUserName": ("user_name", ascii_line),
    "FQAN": ("vo", lambda vo: needed(ascii_line(vo))),
    "Status": ("status", str),
    "StartTime": ("start", values.epoch),
    "EndTime": ("end", values.epoch),
    "SuspendDuration": ("suspend_seconds", values.integer),
    "WallDuration": ("wall_seconds", values.integer),
    "CpuDuration": ("cpu_seconds", values.integer),
    "CpuCount": ("cpu_count", values.count),
    "NetworkInbound": ("network_inbound_gib", values.integer),
    "NetworkOutbound": ("network_outbound_gib", values.integer),
    "PublicIPCount": ("public_ip_count", values.small_integer),
    "Memory": ("memory_mib", values.integer),
    "Disk": ("disk_gib", values.integer),
    "BenchmarkType": ("benchmark_name", partial(ascii_line, limit=BENCHMARK_TYPE)),
    "Benchmark": ("benchmark_value", values.score),
    "ImageId": ("image_id", ascii_line),
    "CloudType": ("cloud_type", ascii_line),
}

ACCELERATOR: Fields = {
    "MeasurementMonth": ("month.month", int),
    "MeasurementYear": ("month.year", lambda year: int(values.within(year, 2000, 9999))),
    "AssociatedRecord": ("vm_uuid", unless_plain(unicode_key)),
    "SiteName": ("site_name", unicode_key),
    "FQAN": ("vo", lambda vo: needed(unicode_line(vo))),
    "GlobalUserName": ("user_name", unicode_line),
    "Type": ("type", _accelerator_type),
    "Model": ("model", unicode_key),
    "Count": ("count", values.count),
    "AvailableDuration": ("available_seconds", values.small_integer),
    "CloudType": ("cloud_type", unicode_line),
    "CloudComputeService": ("service_name", unicode_line),
}

IP: Fields = {
    "MeasurementTime": ("measured_at", values.epoch),
    "SiteName": ("site_name", unicode_key),
    # In the server's key, unlike in that of a cloud record.
    "CloudComputeService": ("service_name", unicode_key),
    "CloudType": ("cloud_type", lambda cloud_type: needed(unicode_line(cloud_type))),
    # The server's key has GlobalUserName and no project: under any other name two projects would overwrite each other.
    "GlobalUserName": ("project_id", unicode_key),
    "LocalUser": ("project_id", unicode_key),
    "LocalGroup": ("project_id", unicode_key),
    "FQAN": ("vo", lambda vo: needed(unicode_line(vo))),
    "IPVersion": ("ip_version", _ip_version),
    "IPCount": ("ip_count", values.small_integer),
}


_CLOUD, _ACCELERATOR, _IP = Form(CLOUD), Form(ACCELERATOR), Form(IP)


def cloud_message(records: Sequence[CloudRecord]) -> bytes:
    """One cloud message v0.4, pure ASCII, the records in their order.

    RejectedError names every record that cannot be carried; the others may be sent without them.
    """
    bodies = "\n%%\n".join(rendered(records, _cloud_lines))
    return f"{CLOUD_HEADER}\n{bodies}\n".encode("ascii")


def accelerator_message(records: Sequence[AcceleratorRecord]) -> bytes:
    """One accelerator message v0.1 (JSON), pure ASCII, of at most 1000 records in their order.

    RejectedError names every record that cannot be carried; the others may be sent without them.
    """
    return _json("APEL-accelerator-message", "0.1", rendered(records, _accelerator_members))


def ip_message(records: Sequence[IpRecord]) -> bytes:
    """One public IP message v0.2 (JSON), pure ASCII, of at most 1000 records in their order.

    RejectedError names every record that cannot be carried; the others may be sent without them.
    """
    return _json("APEL Public IP message", "0.2", rendered(records, _IP.written))


def _json(kind: str, version: str, records: Sequence[Mapping[str, Any]]) -> bytes:
    message = {"Type": kind, "Version": version, "UsageRecords": records}
    text = json.dumps(message, indent=1, ensure_ascii=True, allow_nan=False)
    # In JSON an escaped slash is the same slash, so even a key may hold it.
    return (ENCRYPTED.sub(r"application\\/", text) + "\n").encode("ascii")


def _cloud_lines(record: CloudRecord) -> str:
    if record.end is not None and Month.of(record.end) != record.month:
        # The server books a completed record by its EndTime, whatever RecordCreateTime says.
        raise UnfitError(f"EndTime {record.end:%FT%TZ} is not in {record.month}, the month of the record's key")
    return "\n".join(f"{name}: {value}" for name, value in _CLOUD.written(record).items())


def _accelerator_members(record: AcceleratorRecord) -> dict[str, Any]:
    return dict(sorted({"AssociatedRecordType": "cloud", **_ACCELERATOR.written(record)}.items()))
