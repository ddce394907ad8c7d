"""APEL's server as a model: which messages it loads, which rows they replace, what it makes of a month.

Written from the rules of APEL's loader and its SQL, and not from caso.wire, so
that the one can be held against the other. A message is all or nothing; rows
replace by primary key, whatever comes later; the sender is told nothing. Each
type of message has a module of its own, and a line in ``DIALECTS``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from caso.testing.recipient import accelerator, cloud, ip, storage
from caso.testing.recipient.columns import Key, RefusedError, Row
from caso.window import Month

__all__ = ["Key", "Recipient", "RefusedError", "Row", "parse"]

CUMULATIVE = ("SuspendDuration", "WallDuration", "CpuDuration", "NetworkInbound", "NetworkOutbound")


class Dialect(NamedTuple):
    """One type of message: how it is known, the rows in it, and their primary key."""

    recognises: Callable[[str], bool]
    read: Callable[[str], list[Row]]
    key: Callable[[Row], Key]


DIALECTS = {
    "cloud": Dialect(cloud.recognises, cloud.read, cloud.key),
    "accelerator": Dialect(accelerator.recognises, accelerator.read, accelerator.key),
    "ip": Dialect(ip.recognises, ip.read, ip.key),
    "storage": Dialect(storage.recognises, storage.read, storage.key),
}


def parse(message: bytes) -> tuple[str, dict[Key, Row]]:
    """The kind of records and the rows by primary key; RefusedError where the server, or SSM before it, takes none of them."""
    kind, rows = _read(message)
    return kind, {DIALECTS[kind].key(row): row for row in rows}


class Recipient:
    """What the server holds: ``rows`` by kind and primary key, and why it ``refused`` messages.

    >>> Recipient().receive(b"APEL-cloud-message: v0.4\\nVMUUID: a\\nSiteName: S\\nStartTime: 0\\n")
    ('cloud', [('a', 1, 1970)])
    """

    def __init__(self) -> None:
        self.rows: dict[str, dict[Key, Row]] = {kind: {} for kind in DIALECTS}
        self.refused: list[str] = []

    def receive(self, message: bytes) -> tuple[str, list[Key]]:
        """The kind and keys of what is loaded; RefusedError, and nothing is loaded, where one record is bad."""
        kind, rows = parse(message)
        self.rows[kind] |= rows
        return kind, list(rows)

    def drain(self, queue: Path) -> int:
        """Takes every message of a dirq QueueSimple, in its order, and says how many; what is refused is only noted."""
        messages = sorted(path for path in queue.glob("*/*") if _is_element(path))
        for path in messages:
            try:
                self.receive(path.read_bytes())
            except RefusedError as exc:
                self.refused.append(str(exc))
            path.unlink()
        return len(messages)

    def cloud_usage(self, month: Month) -> dict[str, Counter[str]]:
        """Per server, the month's summary: this month's cumulative values less those of the server's row before it."""
        usage: dict[str, Counter[str]] = {}
        earlier = self._months_before(month)
        for server, number, year in self.rows["cloud"]:
            if Month(year, number) == month:
                usage[server] = self._cumulative(server, month)
                usage[server].subtract(self._cumulative(server, earlier.get(server)))
        return usage

    def accelerator_seconds(self, month: Month) -> Counter[str]:
        """Per model, the sum over the month's rows: their durations are the month's own."""
        seconds: Counter[str] = Counter()
        for row in self.rows["accelerator"].values():
            if Month(row["MeasurementYear"], row["MeasurementMonth"]) == month:
                seconds[row["Model"]] += row["AvailableDuration"]
        return seconds

    def device_seconds(self, month: Month) -> dict[str, Counter[str]]:
        """Per server and model, accelerators times seconds of the month: its Count counts for all of AvailableDuration."""
        seconds: dict[str, Counter[str]] = {}
        for row in self.rows["accelerator"].values():
            if Month(row["MeasurementYear"], row["MeasurementMonth"]) == month:
                of_server = seconds.setdefault(row["AssociatedRecord"], Counter())
                of_server[row["Model"]] += round(row["Count"] * row["AvailableDuration"])
        return seconds

    def ip_level(self, month: Month) -> Counter[tuple[str, int]]:
        """Per owner and IP version, the month's addresses over all sites and services: a level, no sum over time."""
        level: Counter[tuple[str, int]] = Counter()
        for (_, _, owner, version, number, year), row in self.rows["ip"].items():
            if Month(year, number) == month:
                level[owner, version] += row["IPCount"]
        return level

    def storage(self) -> dict[str, Row]:
        """Every row of storage by its record id."""
        return {record_id: row for (record_id,), row in self.rows["storage"].items()}

    def storage_byte_seconds(self, month: Month) -> Counter[str]:
        """Per record id, bytes times seconds from StartTime to EndTime, of the rows that end in the month."""
        used: Counter[str] = Counter()
        for record_id, row in self.storage().items():
            if Month.of(row["EndTime"]) == month:
                seconds = int((row["EndTime"] - row["StartTime"]).total_seconds())
                used[record_id] += row["ResourceCapacityUsed"] * seconds
        return used

    def _months_before(self, month: Month) -> dict[str, Month]:
        """For each server that has one, the month of its newest row before a month."""
        found: dict[str, Month] = {}
        for server, number, year in self.rows["cloud"]:
            if (earlier := Month(year, number)) < month:
                found[server] = max(earlier, found.get(server, earlier))
        return found

    def _cumulative(self, server: str, month: Month | None) -> Counter[str]:
        row = self.rows["cloud"][server, month.month, month.year] if month else {}
        return Counter({name: row.get(name) or 0 for name in CUMULATIVE})


def _read(message: bytes) -> tuple[str, list[Row]]:
    try:
        content = message.decode("ascii").strip()
        if re.search("application/(x-)?pkcs7-mime", content):
            raise RefusedError("SSM takes it for an encrypted message")
        for kind, dialect in DIALECTS.items():
            if dialect.recognises(content):
                return kind, dialect.read(content)
    except ValueError as exc:
        raise RefusedError(f"not ASCII (ssmsend stops), or no JSON or XML: {exc}") from exc
    raise RefusedError(f"no known type of message: {content[:80]!r}")


def _is_element(path: Path) -> bool:
    named_so = re.fullmatch("[0-9a-f]{8}/[0-9a-f]{14}", f"{path.parent.name}/{path.name}") is not None
    return named_so and path.is_file()
