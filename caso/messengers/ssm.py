"""Messages for APEL, queued where APEL SSM's ssmsend takes them."""

from __future__ import annotations

import errno
import getpass
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, Self

from oslo_config import cfg

from caso.errors import ConfigError, DeliveryError, RejectedError
from caso.findings import Finding
from caso.messengers.backlog import examine_outgoing
from caso.messengers.base import Messenger
from caso.messengers.outgoing import OutgoingQueue
from caso.records import AcceleratorRecord, CloudRecord, IpRecord, Record, StorageRecord
from caso.wire import apel, star

LOG = logging.getLogger(__name__)

WRITERS: Mapping[str, Callable[[Sequence[Any]], bytes]] = {
    CloudRecord.kind: apel.cloud_message,
    AcceleratorRecord.kind: apel.accelerator_message,
    IpRecord.kind: apel.ip_message,
    StorageRecord.kind: star.storage_message,
}
"""Kind of record -> its message. Energy records are not for APEL."""

OPTIONS = "[ssm] output_path or output_paths"
MOST = 1000
"""APEL's JSON schemas refuse messages of more records."""


class Message(NamedTuple):
    """What goes out as one file."""

    kind: str
    records: int
    content: bytes


class SsmMessenger(Messenger):
    """Queues each kind of record in messages of its own, in the directory of that kind.

    ``output_paths`` has the kinds that do not go to ``output_path``: ssmsend sends
    a directory to one destination, and EGI has one destination per kind.
    """

    record_types = writes = frozenset(WRITERS)
    options = (
        cfg.StrOpt(
            "output_path",
            default="/var/spool/apel/outgoing/openstack",
            help="Directory that messages are queued in (a dirq QueueSimple). In ssmsend's sender.cfg, 'path' must name it "
            "exactly. Made where it is missing, for owner and group only.",
        ),
        cfg.DictOpt(
            "output_paths",
            default={},
            help="Directories of record types that do not go to output_path, since ssmsend has one destination per directory, "
            "e.g. storage:/var/spool/apel/outgoing/storage,ip:/var/spool/apel/outgoing/ip. Types: "
            + ", ".join(sorted(WRITERS))
            + ".",
        ),
        cfg.IntOpt("max_size", default=100, min=1, help=f"Most records of one message. More than {MOST} count as {MOST}."),
    )

    def __init__(self, output_path: Path, output_paths: Mapping[str, Path] | None = None, max_size: int = 100) -> None:
        paths = dict.fromkeys(WRITERS, output_path) | dict(output_paths or {})
        unknown = sorted(paths.keys() - WRITERS.keys())
        if unknown:
            choices = ", ".join(sorted(WRITERS))
            raise ConfigError(f"[ssm] output_paths: there is no record type {', '.join(unknown)} here; choose from {choices}")
        if not 1 <= max_size <= MOST:
            raise ConfigError(f"[ssm] max_size: {max_size} is not between 1 and {MOST}")
        self.queues = {kind: OutgoingQueue(path) for kind, path in paths.items()}
        self.max_size = max_size

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts.GroupAttr) -> Self:
        named = {"output_path": conf.output_path, **{f"output_paths {kind}": path for kind, path in conf.output_paths.items()}}
        empty = [name for name, path in named.items() if not path]
        if empty:
            raise ConfigError(f"[ssm] {', '.join(empty)}: name the directory that ssmsend sends from")
        if conf.max_size > MOST:
            # cASO took any number; APEL takes that many.
            LOG.warning("[ssm] max_size: APEL takes messages of at most %d records; %d is more: lower it", MOST, conf.max_size)
        return cls(
            output_path=Path(conf.output_path),
            output_paths={kind: Path(path) for kind, path in conf.output_paths.items()},
            max_size=min(conf.max_size, MOST),
        )

    def send(self, records: Sequence[Record]) -> None:
        """Return once every message is on disk, in its queue; nothing is queued of records among which one is refused."""
        for kind, messages in groupby(self._messages(records), key=attrgetter("kind")):
            self._queue(kind, list(messages))

    def examine(self) -> Iterator[Finding]:
        """Whether messages can be queued, and whether ssmsend fetches them."""
        for root in sorted({queue.root for queue in self.queues.values()}):
            yield from examine_outgoing(root)

    def _messages(self, records: Sequence[Record]) -> list[Message]:
        """Every message; RejectedError names all records, of whatever message, that cannot be written."""
        messages: list[Message] = []
        reasons: dict[str, str] = {}
        for kind, batch in _batches(records, self.max_size):
            try:
                messages.append(Message(kind, len(batch), _write(kind, batch)))
            except RejectedError as exc:
                reasons |= exc.reasons
        if reasons:
            raise RejectedError(reasons)
        return messages

    def _queue(self, kind: str, messages: Sequence[Message]) -> None:
        queue = self.queues[kind]
        try:
            names = [queue.put(message.content) for message in messages]
            queue.settle(names)
        except OSError as exc:
            count = sum(message.records for message in messages)
            raise DeliveryError(f"cannot queue {count} {kind} records in {queue.root}: {exc}; {_advice(exc)}") from exc
        for message, name in zip(messages, names, strict=True):
            LOG.debug("ssm: %d %s records queued as %s/%s", message.records, kind, queue.root, name)


def _batches(records: Sequence[Record], size: int) -> Iterator[tuple[str, Sequence[Record]]]:
    """Records of one kind at a time, at most ``size``, in their order."""
    by_kind: dict[str, list[Record]] = {}
    for record in records:
        by_kind.setdefault(record.kind, []).append(record)
    for kind, those in by_kind.items():
        for first in range(0, len(those), size):
            yield kind, those[first : first + size]


def _write(kind: str, records: Sequence[Record]) -> bytes:
    if kind not in WRITERS:
        reason = f"ssm cannot write records of type {kind}, only {', '.join(sorted(WRITERS))}; take it out of record_types"
        raise RejectedError({record.key: reason for record in records})
    return WRITERS[kind](records)


def _advice(exc: OSError) -> str:
    if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"let user {getpass.getuser()} write there, or set another directory in {OPTIONS}"
    if exc.errno in (errno.ENOTDIR, errno.EEXIST):
        return f"something that is no directory is in the way: move it, or set another directory in {OPTIONS}"
    if exc.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return "make room there, and see that ssmsend runs: messages that it does not fetch pile up"
    return f"see that the directory can be made, or set another one in {OPTIONS}"
