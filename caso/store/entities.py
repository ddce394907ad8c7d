"""Entities: folding what was seen into what is known, and finding what has to be accounted for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, bindparam, false, insert, not_, or_, select, update

from caso.lifecycle.life import vouched_for
from caso.store import accounted, courses
from caso.store.accounted import of_kind
from caso.store.batches import execute_many
from caso.store.engine import CHUNK, chunks
from caso.store.kinds import KINDS, Entity, EntityKind, kind_of
from caso.store.measures import owe_energy
from caso.store.names import Place, Scope
from caso.store.quarantine import Quarantine
from caso.store.schema import entities
from caso.store.spans import note_former_owners, span
from caso.window import BEGINNING, Month

SERVER = "server"
VOLUME = "volume"
ADDRESS = "address"
PERSON = "api"
"""Who told of what a person wrote; that it is in no listing is no news."""


class Due(NamedTuple):
    """An entity to account for: up to when that was done, and since when its life is known otherwise than it was then."""

    entity: Any
    accounted_until: datetime | None
    dirty_from: datetime | None
    steady: bool = True
    """As far as is noted of it, time alone changes its records (:mod:`caso.store.courses`)."""


class _Known(NamedTuple):
    """An entity with its bookkeeping, as it is about to be written."""

    entity: Any
    accounted_until: datetime | None
    dirty_from: datetime | None
    told_by: str = " "
    stored: Any = None
    """As it stands in the store; None where it is new."""
    otherwise_from: datetime | None = None
    left: bool = False
    """It was another project's until now."""
    news: bool = False
    """Its life is known otherwise than it was, or by somebody else."""

    def become(self, kind: EntityKind, after: Entity, by: str | None = None) -> _Known:
        """What is known once it is ``after``, as ``by`` told."""
        difference = kind.first_difference(self.entity, after)
        told_by = self.told_by if by is None or f" {by} " in self.told_by else f"{self.told_by}{by} "
        return _Known(
            after,
            self.accounted_until,
            _earlier(self.dirty_from, difference),
            told_by,
            self.stored,
            _earlier(self.otherwise_from, difference),
            self.left or (self.entity is not None and self.entity.project_id != after.project_id),
            self.news or difference is not None or told_by != self.told_by,
        )

    def only_again(self, kind: EntityKind) -> bool:
        """Whether all that was told is that it still is what it was."""
        if not kind.again_is_no_news or self.news or self.stored is None:
            return False
        return bool(vouched_for(self.stored, self.entity.known_at) == self.entity)


UNKNOWN = _Known(None, None, None)


class Entities:
    """The entities of one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def due(
        self, place: Place, project_id: str, *, touched_since: datetime | None = None, kind: str = SERVER, quiet: bool = True
    ) -> Iterator[Due]:
        """What the project owns and has to be accounted for, by id; not ``quiet``: but for what goes on by time alone.

        With ``touched_since``, only what was observed since. Without, also all that is alive, that
        is known otherwise than when it was accounted, or that ended and was not accounted beyond its end: a
        window ends before its last instant, so an end at it is for the next one.
        """
        owed = entities.c.settled == false() if touched_since is None else entities.c.known_at >= touched_since
        if not quiet:
            owed = and_(owed, not_(accounted.QUIET))
        return self._owned(place, project_id, kind, owed)

    def lived(
        self, place: Place, project_id: str, *, since: datetime = BEGINNING, kind: str = SERVER, or_since: datetime | None = None
    ) -> Iterator[Due]:
        """What the project owns and had not ended before ``since``, by id: for accounting the past again.

        With ``or_since``, also what ended since then and is known otherwise than when it was accounted for: there may
        be records of months in which, as is known now, it was over.
        """
        had = or_(entities.c.ended.is_(None), entities.c.ended >= since)
        if or_since is not None:
            had = or_(had, and_(entities.c.ended >= or_since, entities.c.dirty_from.is_not(None)))
        return self._owned(place, project_id, kind, had)

    def living(self, place: Place, project_id: str, *, kind: str) -> Iterator[Any]:
        """What the project owns and has no end, by id."""
        return (item.entity for item in self._owned(place, project_id, kind, entities.c.ended.is_(None)))

    def known(self, place: Place, kind: str, ids: Iterable[str]) -> dict[str, Any]:
        """Those that are known, by id."""
        found: dict[str, Any] = {}
        for chunk in chunks(ids):
            found |= {uuid: one.entity for uuid, one in self._load(place, KINDS[kind], set(chunk)).items()}
        return found

    def _owned(self, place: Place, project_id: str, kind: str, which: ColumnElement[bool]) -> Iterator[Due]:
        mine = and_(of_kind(place, kind), entities.c.project_id == project_id, which)
        told = [entities.c[name] for name in ("id", "body", "known_at", "dirty_from", "steady")]
        asked = select(*told, accounted.UNTIL).select_from(accounted.WITH_UNTIL)
        page = asked.where(mine).order_by(entities.c.id).limit(CHUNK)
        rows: Sequence[Any] = self._connection.execute(page).all()
        while rows:
            for row in rows:
                yield Due(KINDS[kind].load(row.body, row.known_at), row.accounted_until, row.dirty_from, row.steady)
            # The caller writes between the pages: a page starts after an id, so nothing is met twice or missed.
            rows = self._connection.execute(page.where(entities.c.id > rows[-1].id)).all()

    def accounted(self, place: Place, until: Iterable[tuple[str, datetime]], *, kind: str = SERVER) -> None:
        """Note up to when each entity is accounted for, with all that is known of it now."""
        accounted.note_each(self._connection, place, kind, until)

    def all_accounted(
        self, place: Place, project_id: str, until: datetime, *, kind: str = SERVER, terms: str | None = None
    ) -> None:
        """Note that all of :meth:`due` is accounted for up to ``until``, or beyond as it was, with what is known now.

        By ``terms`` those records were made that go on by time alone; without, none goes on.
        """
        accounted.note_all(self._connection, place, kind, project_id, until, terms)

    def note_steady(self, place: Place, ids: Iterable[str], steady: bool, *, kind: str = SERVER) -> None:
        """Note whether time alone changes the records of these."""
        accounted.note_steady(self._connection, place, kind, ids, steady)

    def known_otherwise(self, place: Place, changed: Iterable[tuple[str, datetime]], *, kind: str = SERVER) -> None:
        """Note since when something else than its own life is known otherwise of some.

        What is told of the month that they are accounted for is in their next record anyway, if there is one: this is for
        earlier ones, and for what has ended.
        """
        since: dict[str, datetime] = {}
        for uuid, instant in changed:
            since[uuid] = min(instant, since.get(uuid, instant))
        this = update(entities).where(of_kind(place, kind), entities.c.id == bindparam("b_id"))
        for chunk in chunks(since):
            known = self._load(place, KINDS[kind], set(chunk))
            late = [
                {"b_id": uuid, "dirty_from": min(since[uuid], one.dirty_from or since[uuid]), "settled": False}
                for uuid, one in known.items()
                if one.accounted_until and (_is_over(one.entity) or Month.of(one.accounted_until) > Month.of(since[uuid]))
            ]
            execute_many(self._connection, this, late)

    def observe(
        self, place: Place, seen: Sequence[Any], *, by: str, vouched: Mapping[str, datetime] = MappingProxyType({})
    ) -> set[str]:
        """Fold what the extractor ``by`` saw into what is known; the ids of what is not as it was known.

        ``vouched`` is, by project, until when what was known of its living is known to have been so by other means.
        """
        otherwise: set[str] = set()
        for kind, those in _by_kind(seen):
            for chunk in chunks(those):
                ids = [kind.id_of(one) for one in chunk]
                known = self._load(place, kind, set(ids))
                for uuid, one in zip(ids, chunk, strict=True):
                    before = known.get(uuid, UNKNOWN)
                    after = kind.observe(_vouched_for(before.entity, vouched), one)
                    known[uuid] = before.become(kind, after, by)
                    if before.entity is None or kind.facts(before.entity) != kind.facts(after):
                        otherwise.add(uuid)
                self._write(place, kind, known)
                Quarantine(self._connection).clear(place, kind.name, known)
        return otherwise

    def write(self, place: Place, kind: str, uuid: str, change: Callable[[Any | None], Any]) -> Any:
        """What is known of one, changed as a person says (``change`` gets None of what is not known); what it is then."""
        rules = KINDS[kind]
        before = self._load(place, rules, {uuid}).get(uuid, UNKNOWN)
        after = before.become(rules, change(before.entity), PERSON)
        self._write(place, rules, {uuid: after})
        return after.entity

    def vanish(
        self,
        scope: Scope,
        *,
        seen_since: datetime,
        at: datetime,
        reason: str,
        kind: str = SERVER,
        unlisted: bool = False,
        there_until: datetime | None = None,
        tellers: Collection[str] = (),
    ) -> list[str]:
        """End what lives in the scope's project, was told of by its extractor and not met since ``seen_since``; the ids.

        With ``tellers``, also what none of them ever told of.

        What is in quarantine and was met since is there, only unreadable: it lives on.
        So does what listings hide, unless ``unlisted``. It was seen last when it was told of last, or at ``there_until``.
        """
        odd = Quarantine(self._connection)
        odd.forget(scope.place, scope.project_id, met_before=seen_since, kind=kind)
        missing = select(entities.c.id).where(
            of_kind(scope.place, kind),
            entities.c.project_id == scope.project_id,
            entities.c.settled == false(),
            entities.c.ended.is_(None),
            entities.c.known_at < seen_since,
            or_(_told_by(scope.extractor), and_(*(not_(_told_by(name)) for name in {*tellers, PERSON})) if tellers else false()),
        )
        vanished: list[str] = []
        unreadable = odd.met_since(scope.place, kind, seen_since)
        rules = KINDS[kind]
        gone = sorted(uuid for uuid in self._connection.scalars(missing) if unreadable.isdisjoint((uuid, rules.row_of(uuid))))
        for chunk in chunks(gone):
            known = self._load(scope.place, rules, set(chunk))
            missed = {uuid: one for uuid, one in known.items() if unlisted or rules.is_listed(one.entity)}
            ended = {
                uuid: one.become(rules, rules.vanish(_there_until(one.entity, there_until), at, reason))
                for uuid, one in missed.items()
            }
            self._write(scope.place, rules, ended)
            vanished += ended
        return vanished

    def end(self, place: Place, kind: str, ids: Collection[str], *, at: datetime, reason: str) -> list[str]:
        """End those of these that are known and live where they were last seen; the ids."""
        rules, ended = KINDS[kind], []
        for chunk in chunks(ids):
            known = {uuid: one for uuid, one in self._load(place, rules, set(chunk)).items() if one.entity.ended is None}
            gone = {uuid: one.become(rules, rules.vanish(one.entity, at, reason)) for uuid, one in known.items()}
            self._write(place, rules, gone)
            ended += sorted(gone)
        return ended

    def _load(self, place: Place, kind: EntityKind, ids: set[str]) -> dict[str, _Known]:
        told = [entities.c[name] for name in ("id", "body", "known_at", "dirty_from", "told_by")]
        asked = select(*told, accounted.UNTIL).select_from(accounted.WITH_UNTIL)
        rows = self._connection.execute(asked.where(of_kind(place, kind.name), entities.c.id.in_(sorted(ids)))).all()
        found = ((row, kind.load(row.body, row.known_at)) for row in rows)
        return {row.id: _Known(one, row.accounted_until, row.dirty_from, row.told_by, stored=one) for row, one in found}

    def _write(self, place: Place, kind: EntityKind, told: Mapping[str, _Known]) -> None:
        known = {uuid: one for uuid, one in told.items() if not one.only_again(kind)}
        self._note_again(place, kind, {uuid: one for uuid, one in told.items() if uuid not in known})
        # In the order of the indexes, so that each page of theirs is looked for once: that is a quarter of the database's work.
        rows = {uuid: row_of(kind, known[uuid]) for uuid in sorted(known)}
        where = {**place._asdict(), "kind": kind.name}
        new = [row | where | {"id": uuid} for uuid, row in rows.items() if known[uuid].stored is None]
        held = [row | {"b_id": uuid} for uuid, row in rows.items() if known[uuid].stored is not None]
        execute_many(self._connection, insert(entities), new)
        mine = update(entities).where(of_kind(place, kind.name), entities.c.id == bindparam("b_id"))
        execute_many(self._connection, mine, held)
        if kind.name == VOLUME:
            note_former_owners(self._connection, place, kind.name, (one.entity for one in known.values()))
        if kind.name == SERVER:
            old = {uuid: one for uuid, one in known.items() if one.stored is not None}
            otherwise = {uuid: one.otherwise_from for uuid, one in old.items() if one.otherwise_from}
            owe_energy(self._connection, place, otherwise)
        # Its new owner's course takes its records over, or nobody's does.
        courses.put_to_rest_of(self._connection, place, kind.name, [uuid for uuid, one in known.items() if one.left])
        if kind.name == ADDRESS:
            self.note_steady(place, _led_to(known.values()), steady=False)

    def _note_again(self, place: Place, kind: EntityKind, known: Mapping[str, _Known]) -> None:
        """Note when these were last told to be as they are."""
        at: dict[datetime, list[str]] = {}
        for uuid, one in known.items():
            at.setdefault(one.entity.known_at, []).append(uuid)
        for known_at, ids in at.items():
            mine = and_(of_kind(place, kind.name), entities.c.id.in_(sorted(ids)))
            self._connection.execute(update(entities).where(mine).values(known_at=known_at))


def _led_to(known: Iterable[_Known]) -> set[str]:
    """The servers that addresses ever led to, of which something is known otherwise than before."""
    changed = [one.entity for one in known if one.otherwise_from]
    return {str(i.value.server_id) for address in changed for i in address.intervals() if i.value.server_id is not None}


def _told_by(name: str) -> ColumnElement[bool]:
    return entities.c.told_by.contains(f" {name} ", autoescape=True)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return min(one, other)


def _there_until(entity: Any, instant: datetime | None) -> Any:
    """The entity, known to have been there at an instant."""
    return entity if instant is None else vouched_for(entity, instant)


def _is_over(entity: Any) -> bool:
    return entity is not None and entity.ended is not None


def _vouched_for(entity: Any, vouched: Mapping[str, datetime]) -> Any:
    if entity is None or not vouched or entity.project_id not in vouched:
        return entity
    return vouched_for(entity, vouched[entity.project_id])


def _by_kind(seen: Iterable[Any]) -> Iterable[tuple[EntityKind, list[Any]]]:
    found: dict[str, list[Any]] = {}
    for one in seen:
        found.setdefault(kind_of(one).name, []).append(one)
    return [(KINDS[name], those) for name, those in found.items()]


def row_of(kind: EntityKind, known: _Known) -> dict[str, Any]:
    """The columns of an entity, but for those that name it."""
    entity: Entity = known.entity
    until = known.accounted_until
    done = entity.ended is not None and until is not None and entity.ended < until
    return {
        "project_id": entity.project_id,
        "ended": entity.ended,
        "known_at": entity.known_at,
        "accounted_until": until,
        "along": False,
        "steady": True,
        "dirty_from": known.dirty_from,
        "settled": done and known.dirty_from is None,
        "told_by": known.told_by,
        "created": entity.created,
        "span": span(entity.created, entity.ended),
        "body": kind.dump(entity),
    }
