"""Messages of the queue as pages: what each told, and what became of it."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from caso.errors import SourceError
from caso.extractors.base import Page, Seen
from caso.extractors.flavors import FlavorReader
from caso.extractors.notified import see_server, see_volume
from caso.extractors.times import UnreadableError
from caso.lifecycle.notice import Fate, Notice, VolumeType
from caso.lifecycle.server import Flavor
from caso.sources.messages import Message, ServerMessage, Unreadable, VolumeMessage, VolumeTypeEvent, VolumeTypeMessage, read
from caso.sources.rows import EmbeddedFlavor

LOG = logging.getLogger(__name__)


@dataclasses.dataclass
class _Told:
    """What the messages of one page told so far."""

    seen: list[Seen] = dataclasses.field(default_factory=list)
    notices: list[Notice] = dataclasses.field(default_factory=list)
    types: list[VolumeType] = dataclasses.field(default_factory=list)

    def page(self) -> Page:
        return Page(seen=tuple(self.seen), notices=tuple(self.notices), volume_types=tuple(self.types))


class MessageReader:
    """Reads messages in any order. What needs a volume type that nobody has told of waits for it.

    ``ask_for_types`` gives the volume types as the service has them, by id, and is asked at most once; ``user_name`` the name
    of a user by id, None where nobody tells.
    """

    def __init__(
        self,
        flavors: FlavorReader,
        *,
        specs: Callable[[str], Mapping[str, str] | None] = lambda name: None,
        ask_for_types: Callable[[], Mapping[str, str]] = dict,
        user_name: Callable[[str | None], str | None] = lambda user_id: None,
    ) -> None:
        self._flavors = flavors
        self._specs = specs
        self._ask_for_types = ask_for_types
        self._user_name = user_name
        self._types: dict[str, str] = {}
        self._asked = False

    def knows(self, types: Mapping[str, str]) -> None:
        """What volume types are called, by id, as far as that is known already."""
        self._types |= types

    def page(self, messages: Iterable[Message | Unreadable], now: datetime) -> Page:
        """What these tell; none is lost: each has its notice."""
        told = _Told()
        messages = list(messages)
        # A type may be told of after a volume of it.
        for message in messages:
            if isinstance(message, Message) and message.event_type.startswith("volume_type."):
                self._take(told, message, now)
        for message in messages:
            if not isinstance(message, Message) or not message.event_type.startswith("volume_type."):
                self._take(told, message, now)
        return told.page()

    def _take(self, told: _Told, message: Message | Unreadable, now: datetime) -> None:
        read_as = message if isinstance(message, Unreadable) else read(message)
        fate, reason = Fate.FOLDED, None
        try:
            if isinstance(read_as, Unreadable):
                fate, reason = Fate.DEAD, read_as.reason
            elif isinstance(read_as, ServerMessage):
                told.seen.append(see_server(read_as, self._flavor(read_as), self._user_name(read_as.user_id)))
            elif isinstance(read_as, VolumeMessage):
                if read_as.type_id is not None and self._type_name(told, read_as.type_id, now) is None:
                    fate, reason = Fate.WAITING, f"nobody has told what volume type {read_as.type_id} is called"
                else:
                    name = None if read_as.type_id is None else self._types[read_as.type_id]
                    told.seen.append(see_volume(read_as, name, self._user_name(read_as.user_id)))
            elif isinstance(read_as, VolumeTypeMessage):
                self._types[read_as.type_id] = read_as.name
                deleted = read_as.event is VolumeTypeEvent.DELETE
                told.types.append(VolumeType(read_as.type_id, read_as.name, read_as.at, deleted))
        except UnreadableError as exc:
            fate, reason = Fate.DEAD, str(exc)
        told.notices.append(_notice(message, fate, reason))

    def _flavor(self, message: ServerMessage) -> Flavor:
        specs = message.extra_specs
        embedded = EmbeddedFlavor(
            original_name=message.flavor,
            vcpus=message.vcpus,
            ram=message.memory_mib,
            disk=message.disk_gib,
            ephemeral=0,
            extra_specs=dict(specs or {}),
        )
        return self._flavors.read(embedded, self._specs(message.flavor) if specs is None else None)

    def _type_name(self, told: _Told, type_id: str, now: datetime) -> str | None:
        if type_id not in self._types and not self._asked:
            self._asked = True
            try:
                found = self._ask_for_types()
            except SourceError as exc:
                LOG.warning("volumes of types that no message told of wait: %s", exc)
                found = {}
            told.types += [VolumeType(key, name, now) for key, name in sorted(found.items()) if key not in self._types]
            self._types = {**found, **self._types}
        return self._types.get(type_id)


def _notice(message: Message | Unreadable, fate: Fate, reason: str | None) -> Notice:
    if fate is Fate.FOLDED:
        return Notice(message.id, message.event_type or "?", message.at)
    kept = message.body if isinstance(message, Unreadable) else written(message)
    return Notice(message.id, message.event_type or "?", message.at, fate, reason, kept)


def written(message: Message) -> str:
    """The message as JSON, to be read again with :func:`again`."""
    told = dataclasses.asdict(message) | {"at": message.at.isoformat(), "payload": dict(message.payload)}
    return json.dumps(told, sort_keys=True)


def again(notices: Sequence[Notice]) -> list[Message | Unreadable]:
    """The messages of these notices, as they were when they came; what never was one stays unreadable."""
    return [_again(notice) for notice in notices]


def _again(notice: Notice) -> Message | Unreadable:
    try:
        told = json.loads(notice.message or "")
        return Message(**told | {"at": datetime.fromisoformat(told["at"])})
    except (TypeError, ValueError, KeyError, AttributeError):
        return Unreadable(notice.id, notice.reason or "", notice.event_type, notice.at, notice.message or "")
