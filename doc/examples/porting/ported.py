"""An extractor and a messenger that were written for cASO, brought over."""

from __future__ import annotations

import json
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
        for machine in self._machines():
            if machine["project"] in ask.windows:
                try:
                    seen.append(see(machine, datetime.now(UTC)))
                except (KeyError, ValueError) as exc:
                    odd.append(OddObject("server", machine["id"], machine["project"], f"it cannot be read: {exc}"))
        yield Page(tuple(seen), tuple(odd))

    def _machines(self) -> list[dict[str, Any]]:
        try:
            return list(json.loads(self.inventory.read_text(encoding="utf-8")))
        except (OSError, ValueError) as exc:
            raise SourceError(f"lent: cannot read {self.inventory}: {exc}; see that the inventory writes it") from exc


def see(machine: Mapping[str, Any], now: datetime) -> ServerSeen:
    """What is known of a machine now; what it has used since is computed by caso."""
    end = machine.get("until")
    return ServerSeen(
        uuid=machine["id"],
        seen_at=now,
        created=as_utc(datetime.fromisoformat(machine["since"])),
        launched=True,
        unchanged_since=now,
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
        """Return once the file is there."""
        lines = [{"kind": record.kind, "key": record.key, **record.content()} for record in records]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            number = len(list(self.folder.iterdir()))
            (self.folder / f"{number:06}.json").write_text(json.dumps(lines, default=str), encoding="utf-8")
        except OSError as exc:
            raise DeliveryError(f"postbox: cannot write {len(records)} records into {self.folder}: {exc}") from exc
