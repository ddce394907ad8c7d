"""Who has which record: what is due to each messenger, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, exists, func, insert, or_, select, update

from caso.records import Record
from caso.store import handing, redelivery, subscriptions
from caso.store.batches import execute_many
from caso.store.book import Kinds, record_from, text_of
from caso.store.comparing import Compared, compared
from caso.store.engine import Database, chunks
from caso.store.handing import Come, Handed
from caso.store.held import ALONG, COLUMNS, OFFERED, REVISION, WITH_COURSE, content_along, content_of
from caso.store.inspection import Inspection
from caso.store.measures import Measures
from caso.store.purging import purge
from caso.store.schema import deliveries, messengers, records
from caso.store.standing import ACCEPTED, Selection, State, standings, with_messenger
from caso.store.subscriptions import Subscription
from caso.window import Month

_HELD = select(*COLUMNS).select_from(WITH_COURSE)
_ALONG = select(*ALONG)


class Held(NamedTuple):
    """A record as it is held; ``retracted``: it is the neutral one, in place of one that proved wrong.

    ``course``: the number of what it goes on with, 0 where it stands for itself; ``number``: its own there.
    """

    kind: str
    key: str
    revision: int
    record: Record
    retracted: bool
    course: int = 0
    number: int = 0

    @property
    def handed(self) -> Handed:
        return Handed(self.course, self.kind, self.number, self.revision, self.record.measured_at)


class Waiting(NamedTuple):
    """A record that is due, by its key, at a revision; ``course`` and ``number`` as in :class:`Held`, and ``kind`` with them."""

    key: str
    revision: int
    course: int = 0
    kind: str = ""
    number: int = 0


class Tally(NamedTuple):
    """How many of the newest records a messenger has accepted, is yet to be sent, and has refused."""

    accepted: int
    due: int
    set_aside: int


class Deliveries:
    """The side of the ledger that delivery sees; each call is a transaction of its own."""

    def __init__(self, database: Database, kinds: Kinds) -> None:
        self._database = database
        self._kinds = kinds

    def configure(self, wanted: Mapping[str, Subscription], at: datetime, *, whole: bool = True) -> None:
        """Note which messengers there are in this run, and forget those that there are no more.

        One that is new, or comes back, or takes a kind more, is due everything held of it;
        without ``replay`` only what gets a newer revision from now on. Not ``whole``: these are
        some of them, and nobody is forgotten.
        """
        with self._database.write() as connection:
            subscriptions.configure(connection, wanted, at, frozenset(self._kinds), whole=whole)

    def due(self, messenger: str, limit: int) -> list[Held]:
        """The newest revisions that were neither accepted nor set aside, oldest first."""
        with self._database.read() as connection:
            rows = standings(connection, messenger)
            due = and_(rows.c.state == State.DUE.value, rows.c.kind.in_(sorted(self._kinds)))
            question = select(rows.c.key).where(due).order_by(rows.c.measured_at, rows.c.revision, rows.c.key).limit(limit)
            keys = connection.scalars(question).all()
            found = {row.key: row for row in connection.execute(_HELD.where(records.c.key.in_(keys)))}
            return [self._held(found[key]) for key in keys]

    def waiting(self, messenger: str, limit: int) -> list[Waiting]:
        """Which are due, oldest first: as :meth:`due`, for many of them at once; those of a course are as old as that."""
        with self._database.read() as connection:
            kinds = list(filter(subscriptions.subscription_of(connection, messenger).takes, self._kinds))
            courses = handing.ahead(connection, messenger, kinds)
            alone = subscriptions.due_to(connection, messenger, kinds).with_only_columns(records.c.key, records.c.revision)
            alone = alone.order_by(records.c.measured_at, records.c.revision).limit(limit)
            if not courses:
                return [Waiting(*row) for row in connection.execute(alone).all()]
            older = connection.execute(alone.where(records.c.measured_at <= courses[0].until)).all()
            along = [] if older else [Waiting(*one) for one in handing.waiting(connection, messenger, courses, limit)]
            return along or [Waiting(*row) for row in older or connection.execute(alone).all()]

    def compared(self, messenger: str) -> Iterator[Compared]:
        """All that is due, oldest first, beside what the messenger has of it; read a part at a time."""
        with self._database.read() as connection:
            yield from compared(connection, messenger, self._kinds.keys())

    def offer(self, waiting: Sequence[Waiting | Held]) -> list[Held]:
        """Note, before sending, that recipients may hold these from now on, whatever is heard of it; those to send.

        Else a record that was sent by a run that crashed, and then proves wrong, would be dropped without a word to
        the recipient. For the same reason what went since it was found is not to be sent; what changed is due as it is now.
        """
        with self._database.write() as connection:
            rows: dict[str, Any] = {}
            for chunk in chunks(one.key for one in waiting if not one.course):
                rows |= {row.key: row for row in connection.execute(_HELD.where(records.c.key.in_(chunk))).all()}
            come: dict[int, Come] = {}
            for (course, kind), numbers in _stretches(waiting).items():
                reached = handing.come(connection, course)
                if reached is not None:
                    come[course] = reached
                    stretch = _ALONG.where(handing.within(course, kind, min(numbers), max(numbers)))
                    rows |= {row.key: row for row in connection.execute(stretch).all()}
            still = [one for one in waiting if one.key in rows and one.revision == _revision(one, rows[one.key], come)]
            new = {one.course for one in still if one.course and come[one.course].offered < one.number}
            handing.offer(connection, new)
            _offer(connection, [one.key for one in still if not one.course and not rows[one.key].offered])
        # A row is let go of once it is read: together they are as large as what they become.
        read = ((one, rows.pop(one.key)) for one in still)
        return [self._along(one, row, come[one.course]) if one.course else self._held(row) for one, row in read]

    def accept(self, messenger: str, held: Sequence[Held], at: datetime) -> None:
        """The recipient has them, at these revisions."""
        with self._database.write() as connection:
            if _is_there(connection, messenger):
                _note(connection, messenger, [(one, None) for one in held if not one.course], at)
                # They come in the order of their numbers: the last of each course tells up to where.
                last = {(one.course, one.kind): one for one in held if one.course}
                handing.accept(connection, messenger, [one.handed for one in last.values()], at)

    def set_aside(self, messenger: str, refused: Sequence[tuple[Held, str]], at: datetime) -> None:
        """The recipient will not take them at these revisions, each with its reason; a newer one is due again."""
        with self._database.write() as connection:
            if _is_there(connection, messenger):
                _note(connection, messenger, refused, at)
                for one in {(held.course, held.kind): held for held, _ in refused if held.course}.values():
                    handing.finish(connection, messenger, one.handed, at)

    def note_success(self, messenger: str, at: datetime) -> None:
        """All that was due to it was accepted or set aside."""
        with self._database.write() as connection:
            subscriptions.note_success(connection, messenger, at)

    def counts(self, messenger: str) -> Tally:
        with self._database.read() as connection:
            rows = standings(connection, messenger)
            # What is due of a kind that no plug-in in use makes waits for one: this run cannot send it.
            sent = or_(rows.c.state != State.DUE.value, rows.c.kind.in_(sorted(self._kinds)))
            question = select(rows.c.state, func.count()).where(sent).group_by(rows.c.state)
            count = {State(state): number for state, number in connection.execute(question)}
        return Tally(*(count.get(state, 0) for state in (State.ACCEPTED, State.DUE, State.SET_ASIDE)))

    @property
    def inspection(self) -> Inspection:
        """What is held, and how it stands with each messenger, for an administrator to look into."""
        return Inspection(self._database, self._kinds.keys())

    def make_due(self, messenger: str, states: Collection[State], chosen: Selection, at: datetime) -> Counter[str]:
        """Make the records chosen that are in one of ``states`` due again, and no others; how many of each kind."""
        with self._database.write() as connection:
            return redelivery.make_due(connection, messenger, states, chosen, at)

    def skip(self, messenger: str, chosen: Selection, at: datetime) -> Counter[str]:
        """Send nothing that is chosen and due or set aside to this messenger, until it changes; how many of each kind."""
        with self._database.write() as connection:
            return redelivery.skip(connection, messenger, chosen, at)

    def purge(self, before: Month) -> int:
        """Drop records, and what meters told, of months before ``before``; how many records.

        What is due to a messenger stays, and the newest record of each kind of every living entity.
        """
        with self._database.write() as connection:
            Measures(connection).purge(before)
            return purge(connection, before)

    def _held(self, row: Any) -> Held:
        record = record_from(self._kinds, row.kind, content_of(row), row.known_at)
        return Held(row.kind, row.key, row.revision, record, row.retracted, row.course, row.number)

    def _along(self, one: Waiting | Held, row: Any, come: Come) -> Held:
        record = record_from(self._kinds, one.kind, content_along(row, one.kind, come.until), row.known_at)
        # What is retracted goes on no more.
        return Held(one.kind, one.key, come.revision, record, retracted=False, course=one.course, number=row.number)


def _revision(one: Waiting | Held, row: Any, come: Mapping[int, Come]) -> int | None:
    """At which revision something is now, by its row; None where its number in its course is another than it was."""
    if not one.course:
        return int(row.revision)
    return come[one.course].revision if row.number == one.number else None


def _stretches(waiting: Iterable[Waiting | Held]) -> dict[tuple[int, str], list[int]]:
    """The numbers of what goes on with a course, by that and kind: they lie side by side."""
    found: dict[tuple[int, str], list[int]] = {}
    for one in waiting:
        if one.course:
            found.setdefault((one.course, one.kind), []).append(one.number)
    return found


def _offer(connection: Connection, keys: Sequence[str]) -> None:
    for chunk in chunks(keys):
        connection.execute(update(records).where(records.c.key.in_(chunk)).values(offered=True))


def _is_there(connection: Connection, messenger: str) -> bool:
    """Another process may meanwhile have run without this messenger."""
    return connection.scalar(select(messengers.c.name).where(messengers.c.name == messenger)) is not None


def _note(connection: Connection, messenger: str, outcomes: Sequence[tuple[Held, str | None]], at: datetime) -> None:
    # Another process may meanwhile have dropped a record.
    newest = {held.key: (held, refused) for held, refused in sorted(outcomes, key=lambda outcome: outcome[0].revision)}
    for chunk in chunks(newest):
        known = _known(connection, messenger, chunk)
        told = [(newest[key], known[key]) for key in chunk if key in known]
        told = [(outcome, has) for outcome, has in told if has.noted is None or has.noted <= outcome[0].revision]
        _write(connection, messenger, told, at)
        accepted = [(held, has) for (held, why), has in told if why is None]
        _offer(connection, [held.key for held, has in accepted if not has.offered])
        _keep_replaced(connection, [held for held, has in accepted if has.revision > held.revision])
        kept = [held.key for held, has in accepted if has.revision == held.revision and has.previous_revision is not None]
        _let_go(connection, kept)
    subscriptions.raise_floors(connection, messenger, {held.kind for held, _ in newest.values() if not held.course})


def _known(connection: Connection, messenger: str, keys: Sequence[str]) -> dict[str, Any]:
    """Of records that are still held, by key, how they are held now, and what was noted of this messenger (``noted``)."""
    asked = [records.c.key, REVISION, OFFERED, records.c.previous_revision]
    noted = [deliveries.c.revision.label("noted"), ACCEPTED.label("accepted")]
    question = select(*asked, *noted).select_from(with_messenger(messenger))
    rows = connection.execute(question.where(records.c.key.in_(keys)))
    return {row.key: row for row in rows.all()}


def _write(connection: Connection, messenger: str, told: Sequence[tuple[tuple[Held, str | None], Any]], at: datetime) -> None:
    """Note outcomes, each beside what is known of its record: in place where there is a note already."""
    rows: dict[bool, list[dict[str, Any]]] = {False: [], True: []}
    for (held, why), has in told:
        accepted = held.revision if why is None else has.accepted
        row = {"b_key": held.key, "revision": held.revision, "at": at, "refused": why, "accepted": accepted}
        rows[has.noted is not None].append(row)
    same = {"messenger": messenger}
    execute_many(connection, insert(deliveries).values(key=bindparam("b_key")), [same | row for row in rows[False]])
    mine = update(deliveries).where(deliveries.c.messenger == messenger, deliveries.c.key == bindparam("b_key"))
    execute_many(connection, mine, rows[True])


def _let_go(connection: Connection, keys: Sequence[str]) -> None:
    """Keep older content no longer of what every messenger that accepted some of it has as it is now."""
    if not keys:
        return
    older = and_(deliveries.c.key == records.c.key, deliveries.c.accepted < records.c.revision)
    done = and_(records.c.key.in_(keys), ~exists().where(older))
    connection.execute(update(records).where(done).values(previous=None, previous_revision=None))


def _keep_replaced(connection: Connection, accepted: Sequence[Held]) -> None:
    """Keep what was accepted after it had been replaced: the ledger does not have its content any more."""
    for held in accepted:
        older = or_(records.c.previous_revision.is_(None), records.c.previous_revision < held.revision)
        kept = {"previous": text_of(held.record), "previous_revision": held.revision}
        connection.execute(update(records).where(records.c.key == held.key, older).values(kept))
