"""Which messenger takes which kinds, and up to which revision nothing is due to it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, delete, false, func, insert, or_, select, update

from caso.store import handing
from caso.store.courses import BEFORE_IT_CAME
from caso.store.damage import damaged
from caso.store.engine import chunks
from caso.store.revisions import revision_of
from caso.store.schema import deliveries, floors, messengers, reached, records


class Subscription(NamedTuple):
    """The kinds that a messenger takes, None: all; ``replay``: it wants what was held before it came."""

    kinds: frozenset[str] | None = None
    replay: bool = True

    def takes(self, kind: str) -> bool:
        return self.kinds is None or kind in self.kinds


class Messaging(NamedTuple):
    """A messenger as the store knows it: ``since`` when; ``succeeded`` is when it last had all that it could be sent."""

    since: datetime
    succeeded: datetime | None


NOTHING = Subscription(frozenset())
FORGOTTEN = "forgotten by an administrator"
NOT_SENT = (BEFORE_IT_CAME, FORGOTTEN)
"""In place of a recipient's reason: nobody refused the record, but this revision of it is not to be sent."""


def configure(
    connection: Connection, wanted: Mapping[str, Subscription], at: datetime, known_kinds: frozenset[str], *, whole: bool
) -> None:
    """Note the messengers ``wanted``; where they are the ``whole`` of them, forget the others."""
    known = _subscriptions(connection)
    if whole:
        connection.execute(delete(messengers).where(messengers.c.name.in_(known.keys() - wanted.keys())))
    kinds = known_kinds | set(connection.scalars(select(records.c.kind).distinct()))
    for name, subscription in wanted.items():
        before = known.get(name, NOTHING)
        if name not in known:
            connection.execute(insert(messengers).values(name=name, kinds=_dump(subscription), since=at))
        elif before.kinds != subscription.kinds:
            connection.execute(update(messengers).where(messengers.c.name == name).values(kinds=_dump(subscription)))
        for kind in sorted(kinds | (before.kinds or frozenset()) | (subscription.kinds or frozenset())):
            if before.takes(kind) != subscription.takes(kind):
                _start_over(connection, name, kind, subscription, at)


def due_to(connection: Connection, messenger: str, known_kinds: Collection[str]) -> Select[Any]:
    """The question for the records that are due to the messenger, of the kinds that can be read, and stand for themselves."""
    subscription = subscription_of(connection, messenger)
    floor_of = floors_of(connection, messenger)
    kinds = sorted(filter(subscription.takes, known_kinds))
    above = [and_(records.c.kind == kind, records.c.revision > floor_of.get(kind, 0)) for kind in kinds]
    return _unsettled(messenger).where(or_(false(), *above))


def raise_floors(connection: Connection, messenger: str, kinds: Collection[str]) -> None:
    """Put each floor just below the oldest revision of its kind that is due."""
    for kind in sorted(kinds):
        floor = floors_of(connection, messenger).get(kind, 0)
        due = _unsettled(messenger).where(records.c.kind == kind, records.c.revision > floor)
        oldest = connection.scalar(due.with_only_columns(records.c.revision).order_by(records.c.revision).limit(1))
        _set_floor(connection, messenger, kind, revision_of(connection) if oldest is None else oldest - 1)


def lower_floor(connection: Connection, messenger: str, kind: str, floor: int, chosen: Collection[str], at: datetime) -> None:
    """Put a kind's floor down to ``floor``, where it is higher; of what it kept from being due, only ``chosen`` become so."""
    before = floors_of(connection, messenger).get(kind, 0)
    if floor >= before:
        return
    below = and_(records.c.kind == kind, records.c.revision > floor, records.c.revision <= before)
    kept = connection.execute(_unsettled(messenger).where(below).with_only_columns(records.c.key, records.c.revision)).all()
    pass_over(connection, messenger, [(row.key, row.revision) for row in kept if row.key not in chosen], BEFORE_IT_CAME, at)
    _set_floor(connection, messenger, kind, floor)


def pass_over(connection: Connection, messenger: str, revisions: Sequence[tuple[str, int]], why: str, at: datetime) -> None:
    """Note of each key that this revision is not to be sent; ``why`` is one of NOT_SENT."""
    for chunk in chunks(revisions):
        mine = and_(deliveries.c.messenger == messenger, deliveries.c.key.in_([key for key, _ in chunk]))
        has = {row.key: row.accepted for row in connection.execute(select(deliveries.c.key, deliveries.c.accepted).where(mine))}
        connection.execute(delete(deliveries).where(mine))
        same = {"messenger": messenger, "at": at, "refused": why}
        connection.execute(
            insert(deliveries), [{**same, "key": key, "revision": rev, "accepted": has.get(key)} for key, rev in chunk]
        )


def floors_of(connection: Connection, messenger: str) -> dict[str, int]:
    return {row.kind: row.floor for row in connection.execute(select(floors).where(floors.c.messenger == messenger))}


def names(connection: Connection) -> list[str]:
    return list(connection.scalars(select(messengers.c.name).order_by(messengers.c.name)))


def messagings(connection: Connection) -> dict[str, Messaging]:
    """Every messenger of the last run, by its name."""
    rows = connection.execute(select(messengers).order_by(messengers.c.name))
    return {row.name: Messaging(row.since, row.succeeded) for row in rows}


def note_success(connection: Connection, messenger: str, at: datetime) -> None:
    """All that was due to it was accepted or set aside."""
    connection.execute(update(messengers).where(messengers.c.name == messenger).values(succeeded=at))


def subscription_of(connection: Connection, messenger: str) -> Subscription:
    return _subscriptions(connection).get(messenger, NOTHING)


def _subscriptions(connection: Connection) -> dict[str, Subscription]:
    rows = connection.execute(select(messengers.c.name, messengers.c.kinds))
    return {name: Subscription(None if kinds is None else frozenset(_load(kinds))) for name, kinds in rows}


def _load(kinds: str) -> list[str]:
    try:
        return list(json.loads(kinds))
    except (TypeError, ValueError) as exc:
        raise damaged("a subscription", exc) from exc


def _dump(subscription: Subscription) -> str | None:
    return None if subscription.kinds is None else json.dumps(sorted(subscription.kinds))


def _start_over(connection: Connection, messenger: str, kind: str, subscription: Subscription, at: datetime) -> None:
    """Nothing of this kind is accepted or refused any more; its floor is at the bottom, or at the top without replay."""
    connection.execute(delete(reached).where(reached.c.messenger == messenger, reached.c.kind == kind))
    if not subscription.replay and subscription.takes(kind):
        handing.spare(connection, messenger, kind, at)
    of_kind = select(records.c.key).where(records.c.kind == kind)
    connection.execute(delete(deliveries).where(deliveries.c.messenger == messenger, deliveries.c.key.in_(of_kind)))
    _set_floor(connection, messenger, kind, 0 if subscription.replay else revision_of(connection))


def _set_floor(connection: Connection, messenger: str, kind: str, floor: int) -> None:
    mine = and_(floors.c.messenger == messenger, floors.c.kind == kind)
    if connection.scalar(select(func.count()).select_from(floors).where(mine)):
        connection.execute(update(floors).where(mine).values(floor=floor))
    else:
        connection.execute(insert(floors).values(messenger=messenger, kind=kind, floor=floor))


def _unsettled(messenger: str) -> Select[Any]:
    """Records that go on with no course, whose newest revision this messenger has neither accepted nor refused."""
    mine = and_(deliveries.c.key == records.c.key, deliveries.c.messenger == messenger)
    return (
        select(records)
        .select_from(records.outerjoin(deliveries, mine))
        .where(records.c.course == 0, or_(deliveries.c.revision.is_(None), deliveries.c.revision < records.c.revision))
    )
