"""An extractor and a messenger that were written for cASO, brought over."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from oslo_config import cfg

from caso.errors import DeliveryError, SourceError
from caso.extractors.base import Ask, Extractor, OddObject, Page
from caso.lifecycle.server import Flavor, ServerSeen, ServerState
from caso.messengers.base import Messenger
from caso.records import Record
from caso.sources import Sources
from caso.window import as_utc


class LentExtractor(Extractor):
    """Machines that are lent to projects, as the inventory lists them."""

    options = (cfg.StrOpt("inventory", default="/srv/inventory.json", help="What the inventory writes every hour."),)

    def __init__(self, inventory: Path) -> None:
        self.inventory = inventory

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts.GroupAttr, sources: Sources, **shared: cfg.ConfigOpts.GroupAttr) -> Self:
        return cls(Path(conf.inventory))

    def extract(self, ask: Ask) -> Iterator[Page]:
        seen, odd = [], []
        written, machines = self._read()
        for machine in machines:
            project, name = machine.get("project"), machine.get("id")
            if project in ask.windows:
                try:
                    one = see(machine, written)
                except (KeyError, TypeError, ValueError) as exc:
                    odd.append(OddObject("server", str(name), project, f"it cannot be read: {exc!r}"))
                    continue
                if one.ended is None or one.ended >= ask.windows[project].start:
                    seen.append(one)
        yield Page(tuple(seen), tuple(odd))

    def _read(self) -> tuple[datetime, list[dict[str, Any]]]:
        """When the inventory was written, and what it lists."""
        try:
            with self.inventory.open(encoding="utf-8") as file:
                return datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC), list(json.load(file))
        except (OSError, ValueError) as exc:
            raise SourceError(f"cannot read {self.inventory}: {exc}; see that the inventory writes it") from exc


def see(machine: Mapping[str, Any], written: datetime) -> ServerSeen:
    """What is known of a machine as of the inventory; what it has used since is computed by caso."""
    end = machine.get("until")
    return ServerSeen(
        uuid=machine["id"],
        seen_at=written,
        created=as_utc(datetime.fromisoformat(machine["since"])),
        launched=True,
        unchanged_since=written,
        ended=as_utc(datetime.fromisoformat(end)) if end else None,
        state=ServerState("ACTIVE", machine["project"], Flavor("lent", vcpus=machine["cores"], memory_mib=0, disk_gib=0)),
    )


class PostboxMessenger(Messenger):
    """Writes each batch of records into a file of its own."""

    options = (cfg.StrOpt("folder", default="/var/spool/postbox", help="Folder that the files are put into."),)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts.GroupAttr) -> Self:
        return cls(Path(conf.folder))

    def send(self, records: Sequence[Record]) -> None:
        """Return once the file is on disk, under a name that no other file had."""
        lines = [{"kind": record.kind, "key": record.key, **record.content()} for record in records]
        if not lines:
            return
        name = f"{time.time_ns():020}.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / f".{name}").open("w", encoding="ascii") as file:
                json.dump(lines, file)
                file.flush()
                os.fsync(file.fileno())
            # Whoever empties the folder never meets half a file.
            (self.folder / f".{name}").rename(self.folder / name)
            _sync(self.folder)
        except OSError as exc:
            raise DeliveryError(f"cannot write {len(records)} records into {self.folder}: {exc}") from exc


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
