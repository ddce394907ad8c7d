"""The contract of extractors: asked for several projects at once, they yield what they saw.

A class becomes an extractor by an entry point in the group ``caso.extractors``.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, Self

from oslo_config import cfg

from caso.errors import SourceError
from caso.findings import Finding
from caso.lifecycle.address import AddressSeen
from caso.lifecycle.measured import Measured
from caso.lifecycle.notice import Notice, VolumeType
from caso.lifecycle.server import ServerSeen
from caso.lifecycle.volume import VolumeSeen
from caso.records import Record
from caso.window import Window

if TYPE_CHECKING:
    from caso.sources import Sources

Seen = ServerSeen | VolumeSeen | AddressSeen
"""What may be told of: an observation of a server, of a volume or of a public address."""


class Listing(NamedTuple):
    """When a project was last listed in full, and what the extractor noted then (``Page.listed``)."""

    at: datetime
    note: str


class Memory(Protocol):
    """What caso knows already, for an extractor that can ask for less because of it."""

    def listing(self, project_id: str) -> Listing | None:
        """When this extractor last listed all of a project, since when it was told each change.

        None where all is to be listed: it never was, the past is asked for again, or it is the project's last window.
        """

    def living(self, kind: str, project_id: str) -> Iterable[Any]:
        """The entities of a kind (``volume``) that the project owns here and that have no end yet, by id."""

    def lived(self, kind: str, project_id: str, since: datetime) -> Iterable[Any]:
        """The entities of a kind that the project owns here and that had not ended before ``since``, by id."""

    def known(self, kind: str, ids: Collection[str]) -> Mapping[str, Any]:
        """Those entities of a kind that are known here, by id: what each was when it was last told of."""

    def volume_types(self) -> Mapping[str, str]:
        """The names of the volume types that messages told of here, by id."""

    def waiting(self) -> Iterable[Notice]:
        """The messages that were taken from a queue here and could not be understood yet, in the order they were taken."""


class Nothing:
    """The memory of a first run."""

    def listing(self, project_id: str) -> Listing | None:
        return None

    def living(self, kind: str, project_id: str) -> Iterable[Any]:
        return ()

    def lived(self, kind: str, project_id: str, since: datetime) -> Iterable[Any]:
        return ()

    def known(self, kind: str, ids: Collection[str]) -> Mapping[str, Any]:
        return {}

    def volume_types(self) -> Mapping[str, str]:
        return {}

    def waiting(self) -> Iterable[Notice]:
        return ()


NOTHING = Nothing()


@dataclasses.dataclass(frozen=True)
class Ask:
    """What one call of :meth:`Extractor.extract` is asked for.

    ``windows`` maps a project's id to the stretch whose changes are wanted;
    ``names`` to the name used in messages. One listing may serve them all: it
    starts at the earliest window, and what was not asked for is dropped. ``memory`` is what is known of
    the region so far.
    """

    region: str
    windows: Mapping[str, Window]
    names: Mapping[str, str] = dataclasses.field(default_factory=dict)
    memory: Memory = NOTHING

    def alone(self) -> Iterator[Ask]:
        """The same question, one project at a time."""
        for project_id in self.windows:
            yield self.about([project_id])

    def about(self, project_ids: Iterable[str]) -> Ask:
        """The same question, about some of its projects."""
        windows = {project_id: self.windows[project_id] for project_id in project_ids}
        return Ask(self.region, windows, {project_id: self.name_of(project_id) for project_id in windows}, self.memory)

    def name_of(self, project_id: str) -> str:
        return self.names.get(project_id, project_id)


@dataclasses.dataclass(frozen=True)
class Page:
    """A part of the answer; pages are kept as they arrive, whatever becomes of the rest.

    ``odd`` are objects that could not be read: each is quarantined with its reason, and its
    project goes on. ``unfinished`` maps a project to why its window is not wholly seen (a
    cell is down): what was seen of it counts, its checkpoint stays. ``doubt`` says why no project
    of the region can be taken as wholly seen, whichever task asked for it: the same is true for all.
    ``inventory`` names the kinds of objects (``server``, ``volume``, ``address``) of which this and the pages before
    held every living one of the projects asked for: one that was missing has vanished.
    ``listed`` says the same of all that the extractor observes, whether or not one can vanish: with it the memory tells when
    that was, and this note. ``vouched`` names kinds of which all that is known of these projects, and was not told
    otherwise by this and the pages before, was still as it is known, by other means than a listing. ``unmarked`` are
    ids of what is not said to have changed since the windows began: where it is known otherwise, the memory was wrong.
    ``measured`` is what meters tell of servers, each slot whole.
    ``records`` is for a third party's own kind of record; records of caso's kinds are made
    by accounting, from what was seen.
    ``notices`` say what became of each message of a queue, ``volume_types`` what messages told of these. They are kept together
    with what was seen, and then ``on_commit`` is called, from another thread: what was told is safe, and may be acknowledged.
    """

    seen: tuple[Seen, ...] = ()
    odd: tuple[OddObject, ...] = ()
    unfinished: Mapping[str, str] = dataclasses.field(default_factory=dict)
    doubt: str | None = None
    inventory: frozenset[str] = frozenset()
    listed: str | None = None
    vouched: frozenset[str] = frozenset()
    unmarked: frozenset[str] = frozenset()
    measured: tuple[Measured, ...] = ()
    records: tuple[Record, ...] = ()
    notices: tuple[Notice, ...] = ()
    volume_types: tuple[VolumeType, ...] = ()
    on_commit: Callable[[], None] | None = None


@dataclasses.dataclass(frozen=True)
class OddObject:
    """An object of a listing that cannot be accounted for; ``project_id`` is None where even that is unreadable.

    ``deleted``: it is known at least that it is no more, so what was known of it before does not go on.
    """

    kind: str
    object_id: str
    project_id: str | None
    reason: str
    deleted: bool = False


class CannotShareError(SourceError):
    """One listing cannot serve several projects here (the role, or most of it is not asked for): ask one by one.

    Or in ``parts``, each of which one listing may serve.
    """

    def __init__(self, message: str, parts: Sequence[Ask] = ()) -> None:
        super().__init__(message)
        self.parts = tuple(parts)


class Extractor(ABC):
    """Asks its sources about projects, and yields what they saw.

    ``options`` are its oslo.config options, in the group of the extractor's name. ``shared_options`` are
    those of groups that several plug-ins read (``benchmark``), by the group's name.
    ``observes`` are the kinds of objects that it tells of: what they used is accounted for once it has told.
    ``service`` is the type of the service that it asks, as the catalog has it: in a region without an endpoint of
    it there is nothing to ask. None: it is asked about every region.
    Who yields ``measured`` observes ``measure``; of the meter ``energy`` it observes ``energy``: records are made of it then.
    ``mentions`` are kinds that it tells of for others to know what there is, without their use being accounted for.
    ``needs`` are kinds that others tell of which it asks about: it is asked once they have told.
    ``makes`` are the classes of records that it yields itself; caso's own extractors yield none.
    ``cloud_wide``: it is asked once about all projects of one region, and never again about each, as what it takes from a queue
    is there once. It lists nothing, so what it told of can be missed in the listings of others. ``region`` is that region, None
    for the only one; ``messages_known`` is how long it is to be known which messages it took.
    ``deleted_kept`` is how long its service tells of what was deleted: who comes later misses some, and is warned in
    time. None: for ever, or nobody knows.
    """

    options: ClassVar[tuple[cfg.Opt, ...]] = ()
    shared_options: ClassVar[Mapping[str, tuple[cfg.Opt, ...]]] = {}
    observes: frozenset[str] = frozenset({"server"})
    mentions: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    service: ClassVar[str | None] = None
    makes: ClassVar[tuple[type[Record], ...]] = ()
    cloud_wide: ClassVar[bool] = False
    region: str | None = None
    messages_known: timedelta | None = None
    deleted_kept: timedelta | None = None

    @classmethod
    @abstractmethod
    def from_conf(cls, conf: cfg.ConfigOpts.GroupAttr, sources: Sources, **shared: cfg.ConfigOpts.GroupAttr) -> Self:
        """The only method that sees oslo.config; ``conf`` is the group of ``options``, ``shared`` those of ``shared_options``."""

    def beside(self, kinds: frozenset[str]) -> None:  # noqa: B027 (most have no use for it)
        """Told once, before anything is asked: of which kinds the other extractors of this run tell.

        One that needs to know what there is need not tell of it then: to tell less it sets ``observes`` or ``mentions``,
        and ``needs`` to be asked after them.
        """

    def rehearse(self) -> None:  # noqa: B027 (most ask without changing anything)
        """Told before anything is asked in a run that is to change nothing: from a queue nothing may be taken then."""

    def examine(self) -> Iterator[Finding]:
        """What caso-doctor is to know besides what the catalog's services say: a part of the site that it alone asks."""
        return iter(())

    @abstractmethod
    def extract(self, ask: Ask) -> Iterator[Page]:
        """Pages, until every window of ``ask`` is wholly seen.

        Raises SourceError where that cannot be: with several projects asked for, each
        is then asked for alone; with one, its checkpoint stays. CannotShareError does
        the same without being counted as a failure. May run in a thread of its own.
        """
