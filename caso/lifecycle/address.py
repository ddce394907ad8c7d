"""The life of a public IP address in a project's hands: what was seen of it, folded into intervals."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from caso.lifecycle import life
from caso.lifecycle.life import Life
from caso.lifecycle.timeline import Evidence, Source
from caso.window import Month


class Origin(StrEnum):
    """How a project came by an address."""

    FLOATING = "floating"
    FIXED = "fixed"
    GATEWAY = "gateway"


@dataclasses.dataclass(frozen=True, slots=True)
class AddressState:
    """All of an address that is billed: who holds it, and the server that it leads to, None where to none."""

    project_id: str
    server_id: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AddressSeen:
    """What a poll saw of one public address at ``seen_at``.

    ``id`` is that of the floating IP, or of the port or router with the address behind it: the same as long as
    the project holds the address. ``version`` is 4 or 6. ``unchanged_since`` is the time since when the
    row has not changed, never after ``seen_at``.
    """

    kind: ClassVar[str] = "address"
    """What an extractor that tells of them says in ``observes``."""
    source: ClassVar[Source] = Source.POLL
    """Nobody but polls tells of them."""

    id: str
    seen_at: datetime
    created: datetime
    unchanged_since: datetime
    state: AddressState
    ip: str
    version: int
    origin: Origin
    ended: datetime | None = None

    @property
    def project_id(self) -> str:
        return self.state.project_id


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Address(Life[AddressState]):
    """All that is known of a public address in one project's hands."""

    id: str
    created: datetime
    ended: datetime | None
    end_reason: str | None
    first_seen: datetime
    known_at: datetime
    evidence: tuple[Evidence[AddressState], ...]
    ip: str
    version: int
    origin: Origin
    user_name: None = None
    """Nobody's in person: Neutron does not say who asked for it."""

    def state_at(self, instant: datetime) -> AddressState | None:
        """Who held it at an instant; None before it was taken and once it was given back."""
        for interval in self.intervals():
            if interval.start <= instant and (interval.end is None or instant < interval.end):
                return interval.value
        return None


def observe(known: Address | None, seen: AddressSeen) -> Address:
    """The address as it is known once ``seen`` is taken in; the same in any order, and for any repetition."""
    fresh = _from(seen)
    return fresh if known is None else known.told_by(fresh)


def row_of(address_id: str) -> str:
    """The id of the row that has the address: one of a port or router is called by its row's id, a slash, and the address.

    >>> row_of("port-1/192.0.2.1"), row_of("floating-1")
    ('port-1', 'floating-1')
    """
    return address_id.partition("/")[0]


def vanish(address: Address, found_out_at: datetime, reason: str) -> Address:
    """It was given back between its last sighting and ``found_out_at``.

    It counts as held until it was last seen, and over the ends of months that nobody looked at: at
    a month's end counts the level that was seen last.
    """
    gone = life.vanish(address, found_out_at, reason)
    return dataclasses.replace(gone, ended=max(address.known_at, Month.of(found_out_at).start))


def _from(seen: AddressSeen) -> Address:
    return Address(
        id=seen.id,
        created=seen.created,
        ended=seen.ended,
        end_reason=None,
        first_seen=seen.seen_at,
        known_at=seen.seen_at,
        evidence=(life.claim(seen),),
        ip=seen.ip,
        version=seen.version,
        origin=seen.origin,
    )
