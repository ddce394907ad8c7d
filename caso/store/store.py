"""The store: what caso remembers, in one place, changed in transactions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Any, NamedTuple, Self

from caso.lifecycle.measured import CUMULATIVE, Measured, Metered
from caso.lifecycle.notice import Notice, VolumeType
from caso.store.book import Kinds
from caso.store.checkpoints import CheckpointReader, Checkpoints
from caso.store.deliveries import Deliveries
from caso.store.engine import Database
from caso.store.entities import SERVER, Entities
from caso.store.events import EventLedger, Events
from caso.store.histories import Histories, HistoryReader
from caso.store.kinds import KINDS
from caso.store.ledger import Ledger
from caso.store.lives import Lives
from caso.store.locks import Locks
from caso.store.lookup import Lookup
from caso.store.measures import Measures
from caso.store.names import Place, Scope
from caso.store.quarantine import OddLike, Quarantine, Quarantined
from caso.store.volume_types import VolumeTypeReader, VolumeTypes


class Step(NamedTuple):
    """One write transaction: all that is done through it is kept together, or not at all."""

    entities: Entities
    ledger: Ledger
    checkpoints: Checkpoints
    histories: Histories
    measures: Measures


class Taken(NamedTuple):
    """What became of messages: the ids of what is not as it was known, and those that were no repetition."""

    otherwise: set[str]
    news: Sequence[Notice]


class Store:
    """Opened by :func:`caso.store.open_store`. Threads may share it; those that write take turns.

    Each method, and each of ``ledger`` and ``locks``, is a short transaction of its own.
    """

    def __init__(self, database: Database, kinds: Kinds, on_close: Callable[[], None] = lambda: None) -> None:
        self.database = database
        self.ledger = Deliveries(database, kinds)
        self.checkpoints = CheckpointReader(database)
        self.histories = HistoryReader(database)
        self.locks = Locks(database)
        self.lookup = Lookup(database)
        self.lives = Lives(database)
        self.events = EventLedger(database)
        self.volume_types = VolumeTypeReader(database)
        self._kinds = kinds
        self._on_close = on_close

    @contextmanager
    def transaction(self) -> Iterator[Step]:
        """What the block does is kept together when it ends, and not at all when it raises."""
        with self.database.write() as connection:
            yield Step(
                Entities(connection),
                Ledger(connection, self._kinds),
                Checkpoints(connection),
                Histories(connection),
                Measures(connection),
            )

    def observe(self, place: Place, seen: Sequence[Any], *, by: str) -> set[str]:
        """Fold what the extractor ``by`` saw into what is known; the ids of what is not as it was known.

        What was seen is well: it leaves the quarantine.
        """
        with self.database.write() as connection:
            vouched = Checkpoints(connection).vouched(place, by)
            return Entities(connection).observe(place, seen, by=by, vouched=vouched)

    def take(
        self, place: Place, seen: Sequence[Any], notices: Sequence[Notice], types: Sequence[VolumeType], *, by: str, at: datetime
    ) -> Taken:
        """Keep what messages told together with the messages' own names, or nothing."""
        with self.database.write() as connection:
            VolumeTypes(connection).put(place, types)
            events = Events(connection)
            new = events.new(place, (one.id for one in notices))
            news = [one for one in notices if one.id in new]
            events.note(place, news, at)
            return Taken(Entities(connection).observe(place, seen, by=by), news)

    def forget_events(self, before: datetime) -> int:
        """Drop from the ledger of events what was folded before a time; how many."""
        with self.database.write() as connection:
            return Events(connection).forget(before)

    def measure(self, place: Place, told: Sequence[Measured]) -> None:
        """Keep what meters told; of who was accounted for beyond the month of it, that its life is known otherwise."""
        with self.database.write() as connection:
            changed = Measures(connection).take(place, [one for one in told if one.meter in CUMULATIVE])
            Measures(connection).take(place, [one for one in told if one.meter not in CUMULATIVE])
            Entities(connection).known_otherwise(place, changed)
            # From now on its records go on as meters tell.
            Entities(connection).note_steady(place, {one.uuid for one in changed}, steady=False)

    def metered(self, place: Place, ids: Collection[str]) -> dict[str, Metered]:
        """All that meters told of these servers for records that add up over a life, of those of which some did."""
        with self.database.read() as connection:
            return Measures(connection).metered(place, ids)

    def end(self, place: Place, kind: str, ids: Collection[str], *, at: datetime, reason: str) -> list[str]:
        """End those of these that are known and live where they were last seen; the ids."""
        with self.database.write() as connection:
            return Entities(connection).end(place, kind, ids, at=at, reason=reason)

    def vanish(
        self,
        scope: Scope,
        *,
        seen_since: datetime,
        at: datetime,
        reason: str,
        kind: str = SERVER,
        unlisted: bool = False,
        vouched: bool = True,
        tellers: Collection[str] = (),
    ) -> list[str]:
        """After a complete listing of a scope that began at ``seen_since``: end what its extractor told of, lives and was not
        in it; the ids.

        So does what none of the ``tellers`` told of, who are all that are asked about the kind now: nobody else would end it.

        What is in quarantine and was in the listing is there, only unreadable, and lives on; what was not leaves the quarantine.
        It ends where it was seen last, or known to be there by other means, unless what was ``vouched`` for is refuted.
        Of kinds that are no entities (``measure``) nothing can vanish.
        """
        if kind not in KINDS:
            return []
        with self.database.write() as connection:
            checkpoint = Checkpoints(connection).get(scope)
            there_until = checkpoint.vouched if checkpoint and vouched else None
            return Entities(connection).vanish(
                scope,
                seen_since=seen_since,
                at=at,
                reason=reason,
                kind=kind,
                unlisted=unlisted,
                there_until=there_until,
                tellers=tellers,
            )

    def living(self, place: Place, project_id: str, kind: str) -> Iterator[Any]:
        """The entities of a kind that the project owns and that have no end yet, by id; read a part at a time."""
        with self.database.read() as connection:
            yield from Entities(connection).living(place, project_id, kind=kind)

    def lived(self, place: Place, project_id: str, kind: str, since: datetime) -> Iterator[Any]:
        """The entities of a kind that the project owns and that had not ended before ``since``, by id; read a part at a time."""
        with self.database.read() as connection:
            for one in Entities(connection).lived(place, project_id, since=since, kind=kind):
                yield one.entity

    def known(self, place: Place, kind: str, ids: Collection[str]) -> dict[str, Any]:
        """Those entities of a kind that are known there, by id."""
        with self.database.read() as connection:
            return Entities(connection).known(place, kind, ids)

    def first_life(self, scope: Scope, kinds: Collection[str]) -> datetime | None:
        """When the first began of all that is known of a scope's project there, of these kinds; None where nothing is."""
        with self.database.read() as connection:
            lives = (life for kind in kinds for life in Entities(connection).lived(scope.place, scope.project_id, kind=kind))
            return min((life.entity.created for life in lives), default=None)

    def quarantine(self, place: Place, odd: Sequence[OddLike], *, window_start: datetime, at: datetime) -> None:
        """Keep objects that could not be read, each with its newest reason and the start of the first window it was missed in."""
        with self.database.write() as connection:
            Quarantine(connection).put(place, odd, window_start=window_start, at=at)

    def quarantined(self, place: Place) -> list[Quarantined]:
        with self.database.read() as connection:
            return Quarantine(connection).all(place)

    def forget_quarantined(self, place: Place, project_id: str | None, *, met_before: datetime, kind: str = SERVER) -> int:
        """Drop odd objects that a complete listing did not have; with None, those whose project is unreadable. How many."""
        with self.database.write() as connection:
            return Quarantine(connection).forget(place, project_id, met_before=met_before, kind=kind)

    def close(self) -> None:
        self.database.close()
        self._on_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
