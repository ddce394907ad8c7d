"""An extractor of machines that are no servers of Nova: lent hardware, another hypervisor. It reads them from a CSV file."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from oslo_config import cfg

from caso.errors import ConfigError, SourceError
from caso.extractors.base import Ask, Extractor, OddObject, Page
from caso.lifecycle.server import Flavor, ServerSeen, ServerState
from caso.sources import Sources
from caso.window import as_utc

COLUMNS = ("id", "region", "project_id", "name", "type", "cores", "memory_mib", "disk_gib", "since", "until")
"""The first line of the file. ``until`` is empty for a machine that is in use; times without a zone are UTC."""


class MachinesExtractor(Extractor):
    """Tells what a file says of the machines of the projects asked for, as of the time when the file was written."""

    options = (
        cfg.StrOpt("path", help="CSV file with one machine a line. Its first line: " + ",".join(COLUMNS)),
        cfg.IntOpt(
            "max_age_hours",
            default=24,
            min=1,
            help="How old the file may be, and how late the end of a machine may get into it.",
        ),
    )

    def __init__(self, path: Path, max_age: timedelta = timedelta(hours=24)) -> None:
        self._path = path
        self._max_age = max_age

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts.GroupAttr, sources: Sources, **shared: cfg.ConfigOpts.GroupAttr) -> Self:
        if not conf.path:
            raise ConfigError("[machines] path is not set; name the CSV file with the machines")
        return cls(Path(conf.path), timedelta(hours=conf.max_age_hours))

    def extract(self, ask: Ask) -> Iterator[Page]:
        """One page: the file is read whole, and serves all projects."""
        if not ask.windows:
            return
        written, rows = self._read()
        if written + self._max_age < max(window.end for window in ask.windows.values()):
            raise SourceError(f"{self._path} is of {written:%FT%TZ}, which is too old; see to its export")
        yield self._page(ask, written, rows)

    def _page(self, ask: Ask, written: datetime, rows: list[dict[str, str]]) -> Page:
        seen: list[ServerSeen] = []
        odd: list[OddObject] = []
        for row in rows:
            window = ask.windows.get(row["project_id"])
            if window is None or row["region"] != ask.region:
                continue
            try:
                machine = see(row, written)
            except (ValueError, OverflowError) as exc:
                odd.append(OddObject("server", row["id"], row["project_id"], str(exc)))
                continue
            # An end that got into the file late is told late; one that is older was told before.
            if machine.ended is None or machine.ended >= window.start - self._max_age:
                seen.append(machine)
        return Page(tuple(seen), tuple(odd))

    def _read(self) -> tuple[datetime, list[dict[str, str]]]:
        """When the file was written, and its lines."""
        try:
            with self._path.open(encoding="utf-8", newline="") as file:
                written = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
                reader = csv.DictReader(file, restval="")
                rows = list(reader)
        except (OSError, UnicodeDecodeError, csv.Error) as exc:
            raise SourceError(f"cannot read {self._path}: {exc}") from exc
        missing = sorted(set(COLUMNS) - set(reader.fieldnames or ()))
        if missing:
            raise SourceError(f"the first line of {self._path} does not name {', '.join(missing)}")
        return written, rows


def see(row: Mapping[str, str], written: datetime) -> ServerSeen:
    """What a line tells of a machine; ValueError where it makes no sense."""
    since = _time(row["since"])
    until = _time(row["until"]) if row["until"] else None
    if not row["id"]:
        raise ValueError("it has no id")
    if not since <= (until or written) <= written:
        raise ValueError(f"its times cannot be: since {row['since']!r}, until {row['until']!r}")
    kind = Flavor(row["type"], vcpus=int(row["cores"]), memory_mib=int(row["memory_mib"]), disk_gib=int(row["disk_gib"]))
    return ServerSeen(
        uuid=row["id"],
        seen_at=written,
        created=since,
        launched=True,
        # The file says what is, not since when: so much is known of this moment only.
        unchanged_since=written,
        ended=until,
        state=ServerState("ACTIVE", row["project_id"], kind),
        name=row["name"],
    )


def _time(text: str) -> datetime:
    return as_utc(datetime.fromisoformat(text))
