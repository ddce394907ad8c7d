"""A messenger that appends every record to a file, one JSON object a line."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from oslo_config import cfg

from caso.errors import ConfigError, DeliveryError
from caso.messengers.base import Messenger
from caso.records import Record


class JsonLinesMessenger(Messenger):
    """Appends records to a file. Where a key comes twice, the later line counts."""

    options = (cfg.StrOpt("path", help="File that records are appended to. Made where it is missing, readable by its group."),)

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts.GroupAttr) -> Self:
        if not conf.path:
            raise ConfigError("[jsonlines] path is not set; name the file that records are appended to")
        return cls(Path(conf.path))

    def send(self, records: Sequence[Record]) -> None:
        """Return once the lines are on disk."""
        lines = "".join(f"{_line(record)}\n" for record in records)
        try:
            if lines:
                _append_durably(self.path, lines.encode("ascii"))
        except OSError as exc:
            raise DeliveryError(f"cannot append {len(records)} records to {self.path}: {exc}") from exc


def _line(record: Record) -> str:
    return json.dumps({"kind": record.kind, "key": record.key, **record.content()}, sort_keys=True)


def _append_durably(path: Path, content: bytes) -> None:
    is_new = not path.exists()
    with os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640), "r+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        # A crash may have left half a line. It was never accepted, and comes again; nothing may be joined to it.
        if size and os.pread(file.fileno(), 1, size - 1) != b"\n":
            content = b"\n" + content
        try:
            while content:
                content = content[file.write(content) :]
            os.fsync(file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                file.truncate(size)
            raise
    if is_new:
        _sync_directory(path.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
