"""The contract of messengers: they return when the recipient holds the records, and raise when it does not.

A class becomes a messenger by an entry point in the group ``caso.messenger``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar, Self

from oslo_config import cfg

from caso.findings import Finding
from caso.records import Record


class Messenger(ABC):
    """Carries records to one recipient.

    ``options`` are its oslo.config options, in the group of the messenger's name.
    ``record_types`` are the kinds it takes unless the operator says otherwise;
    None: all. ``writes`` are the kinds it can carry at all, None: any: what an operator asks for beyond
    them is left out with a warning, not sent and refused. ``batch_size`` is the most records of one call.
    """

    options: ClassVar[tuple[cfg.Opt, ...]] = ()
    record_types: ClassVar[frozenset[str] | None] = None
    writes: ClassVar[frozenset[str] | None] = None
    batch_size: int = 1000

    @classmethod
    @abstractmethod
    def from_conf(cls, conf: cfg.ConfigOpts.GroupAttr) -> Self:
        """The only method that sees oslo.config; ``conf`` is the group of ``options``."""

    @abstractmethod
    def send(self, records: Sequence[Record]) -> None:
        """Return once the recipient holds all ``records`` durably; they come oldest first, kinds mixed.

        DeliveryError: it does not, and the same records may be sent again later (some may
        arrive twice: recipients replace by key). RejectedError: it will never take the
        records it names; the others are sent again without them.
        """

    def examine(self) -> Iterator[Finding]:
        """What ``caso-doctor`` is to say of the recipient and of the way there: also what is well, in a line each.

        Nothing is sent, made or changed, and it takes seconds at most. By default there is nothing to say.
        """
        yield from ()
