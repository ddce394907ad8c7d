"""What meters told: kept by slots, so that the same may be told again and again, and what is known better replaces it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, delete, exists, false, func, insert, or_, select, true, update

from caso.lifecycle.measured import CPU, CUMULATIVE, ENERGY, Measured, Metered, Total
from caso.store.batches import execute_many
from caso.store.engine import CHUNK, chunks
from caso.store.names import Place
from caso.store.schema import entities, measures
from caso.window import Month

DAY = timedelta(days=1)
NEVER_FOLDED = timedelta(days=28)
"""What is younger is in no sum: at least the month before the present one is kept as it is."""
Slot = tuple[str, str, str]
"""Server, meter, day."""


class Changed(NamedTuple):
    """A server of which a meter told otherwise, since when."""

    uuid: str
    since: datetime


class Measures:
    """The measures of one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(self, place: Place, told: Sequence[Measured]) -> list[Changed]:
        """Keep what was told; what of it is not as it was known."""
        changed: list[Changed] = []
        for page in chunks(told):
            chunk = self._unfolded(place, page)
            held = self._held(place, chunk)
            known = {_slot(one): one.after(held.get(_slot(one))) for one in chunk}
            news = {slot: one for slot, one in known.items() if slot not in held or _told(one) != _told(held[slot])}
            self._write(place, news, held)
            self._owe_energy_for(place, [one for one in news.values() if one.meter == CPU])
            changed += [Changed(one.uuid, one.start) for one in news.values()]
        return changed

    def metered(self, place: Place, ids: Collection[str]) -> dict[str, Metered]:
        """All that meters told of these servers for records that add up over a life, of those of which some did."""
        found: dict[str, dict[str, list[Total]]] = {}
        month = func.substr(measures.c.day, 1, 7).label("month")
        sums = [func.min(measures.c.start).label("since"), func.sum(measures.c.amount).label("amount")]
        asked = select(measures.c.id, measures.c.meter, month, *sums).group_by(measures.c.id, measures.c.meter, month)
        for chunk in chunks(ids):
            those = and_(_at(place), measures.c.id.in_(chunk), measures.c.meter.in_(sorted(CUMULATIVE)))
            for row in self._connection.execute(asked.where(those).order_by(month)):
                total = Total(Month.parse(row.month), row.since, row.amount)
                found.setdefault(row.id, {}).setdefault(row.meter, []).append(total)
        return {uuid: Metered(totals) for uuid, totals in found.items()}

    def unstated(
        self,
        place: Place,
        project_id: str,
        meter: str,
        *,
        before: date | None,
        since: date = date.min,
        again_since: date | None = None,
    ) -> Iterator[Measured]:
        """What a project's servers are to have records of: of slots before a day, and of those told up to the server's end.

        None of slots before ``since``. With ``again_since``, of the slots since then also what has records as it is.
        Without ``before``, of slots that are not over, too.
        """
        mine = and_(_at(place), measures.c.project_id == project_id, measures.c.meter == meter)
        owed = measures.c.stated == false()
        if again_since is not None:
            owed = or_(owed, measures.c.day >= again_since.isoformat())
        which = mine, owed, measures.c.day >= since.isoformat(), true() if before is None else _over(before)
        page = select(measures).where(*which).order_by(measures.c.day, measures.c.id).limit(CHUNK)
        rows = self._connection.execute(page).all()
        while rows:
            yield from (_measured(row) for row in rows)
            # The caller notes what is stated between the pages: a page starts after a slot, so nothing is met twice or missed.
            day, uuid = rows[-1].day, rows[-1].id
            after = or_(measures.c.day > day, and_(measures.c.day == day, measures.c.id > uuid))
            rows = self._connection.execute(page.where(after)).all()

    def of_days(self, place: Place, meter: str, slots: Iterable[Measured]) -> dict[tuple[str, date], Measured]:
        """What another meter told of the same servers on the same days, of those of which it did."""
        found: dict[tuple[str, date], Measured] = {}
        for chunk in chunks(slots):
            rows = self._held(place, [_of_meter(one, meter) for one in chunk])
            found |= {(one.uuid, one.day): one for one in rows.values()}
        return found

    def note_stated(self, place: Place, slots: Iterable[Measured]) -> None:
        """These are in the ledger as they are."""
        mine = update(measures).where(
            _at(place),
            *(measures.c[name] == bindparam(f"b_{name}") for name in ("id", "meter", "day")),
        )
        for chunk in chunks(slots):
            keys = [dict(zip(("b_id", "b_meter", "b_day"), _slot(one), strict=True)) for one in chunk]
            execute_many(self._connection, mine.values(stated=bindparam("stated")), [key | {"stated": True} for key in keys])

    def purge(self, before: Month) -> int:
        """Let go of the days before a month that are in records of single days; of the others keep the sums. How many."""
        old = measures.c.day < f"{before}-01"
        gone = self._connection.execute(delete(measures).where(old, measures.c.meter == ENERGY)).rowcount
        return gone + sum(self._fold(row, before) for row in self._connection.execute(_sums(old)).all())

    def _fold(self, row: Any, before: Month) -> int:
        """Keep one slot in place of many: the first, with the sum of all."""
        key = and_(*(measures.c[name] == getattr(row, name) for name in ("cloud", "region", "id", "meter")))
        old = and_(key, measures.c.day < f"{before}-01", measures.c.day != row.day)
        self._connection.execute(delete(measures).where(old))
        first = update(measures).where(key, measures.c.day == row.day)
        self._connection.execute(first.values(amount=row.amount, covered_seconds=row.covered_seconds, until=row.until))
        return int(row.slots) - 1

    def _owe_energy_for(self, place: Place, changed: Sequence[Measured]) -> None:
        """Records of energy tell the CPU time of their day."""
        ids: dict[str, list[str]] = {}
        for one in changed:
            ids.setdefault(one.day.isoformat(), []).append(one.uuid)
        for day, uuids in ids.items():
            which = and_(
                measures.c.meter == ENERGY, measures.c.id.in_(sorted(uuids)), measures.c.day == day, measures.c.stated == true()
            )
            self._connection.execute(update(measures).where(_at(place), which).values(stated=False))

    def _unfolded(self, place: Place, told: Sequence[Measured]) -> Sequence[Measured]:
        """Without the days of which only their sum is kept: they are in it."""
        adding_up = [one for one in told if one.meter in CUMULATIVE and one.start < one.seen_at - NEVER_FOLDED]
        if not adding_up:
            return told
        those = and_(
            measures.c.id.in_(sorted({one.uuid for one in adding_up})),
            measures.c.meter.in_(sorted({one.meter for one in adding_up})),
            measures.c.day <= max(one.day for one in adding_up).isoformat(),
            measures.c.until > min(one.start for one in adding_up),
        )
        rows = map(_measured, self._connection.execute(select(measures).where(_at(place), those)))
        folded = {(row.uuid, row.meter): row for row in rows if row.end > datetime.combine(row.day, time(), UTC) + DAY}
        return [one for one in told if not _is_in(folded.get((one.uuid, one.meter)), one)]

    def _held(self, place: Place, told: Sequence[Measured]) -> dict[Slot, Measured]:
        if not told:
            return {}
        days = sorted(one.day.isoformat() for one in told)
        those = and_(
            _at(place),
            measures.c.id.in_(sorted({one.uuid for one in told})),
            measures.c.meter.in_(sorted({one.meter for one in told})),
            measures.c.day.between(days[0], days[-1]),
        )
        rows = (_measured(row) for row in self._connection.execute(select(measures).where(those)).all())
        return {_slot(one): one for one in rows}

    def _write(self, place: Place, news: Mapping[Slot, Measured], held: Mapping[Slot, Measured]) -> None:
        rows = {
            slot: {
                "project_id": one.project_id,
                "start": one.start,
                "until": one.end,
                "amount": one.amount,
                "covered_seconds": one.covered_seconds,
                "known_at": one.seen_at,
                "stated": False,
            }
            for slot, one in news.items()
        }
        names = ("id", "meter", "day")
        new = [place._asdict() | dict(zip(names, slot, strict=True)) | row for slot, row in rows.items() if slot not in held]
        execute_many(self._connection, insert(measures), new)
        mine = update(measures).where(_at(place), *(measures.c[name] == bindparam(f"b_{name}") for name in names))
        known = [dict(zip(("b_id", "b_meter", "b_day"), slot, strict=True)) | row for slot, row in rows.items() if slot in held]
        execute_many(self._connection, mine, known)


def owe_energy(connection: Connection, place: Place, since: Mapping[str, datetime]) -> None:
    """Of servers whose lives are known otherwise since then, the records of energy of those days are to be made again."""
    late = and_(
        measures.c.id == bindparam("b_id"),
        measures.c.meter == ENERGY,
        measures.c.day >= bindparam("b_day"),
        measures.c.stated == true(),
    )
    those = [
        {"b_id": uuid, "b_day": instant.astimezone(UTC).date().isoformat(), "stated": False} for uuid, instant in since.items()
    ]
    execute_many(connection, update(measures).where(_at(place), late).values(stated=bindparam("stated")), those)


def _over(before: date) -> Any:
    """It is of a day before that, or told up to the end of the server."""
    ended = exists().where(
        entities.c.cloud == measures.c.cloud,
        entities.c.region == measures.c.region,
        entities.c.kind == "server",
        entities.c.id == measures.c.id,
        entities.c.ended <= measures.c.until,
    )
    return or_(measures.c.day < before.isoformat(), ended)


def _at(place: Place) -> Any:
    return and_(measures.c.cloud == place.cloud, measures.c.region == place.region)


def _is_in(sum_of_days: Measured | None, one: Measured) -> bool:
    return sum_of_days is not None and sum_of_days.day <= one.day and one.start < sum_of_days.end


def _sums(old: Any) -> Any:
    """Of each server and cumulative meter that has several slots among ``old``: their sums, and the day of the first."""
    by = [measures.c[name] for name in ("cloud", "region", "id", "meter")]
    sums = {
        "day": func.min(measures.c.day),
        "amount": func.sum(measures.c.amount),
        "covered_seconds": func.sum(measures.c.covered_seconds),
        "until": func.max(measures.c.until),
        "slots": func.count(),
    }
    labels = [value.label(name) for name, value in sums.items()]
    cumulative = measures.c.meter.in_(sorted(CUMULATIVE))
    return select(*by, *labels).where(old, cumulative).group_by(*by).having(func.count() > 1)


def _slot(one: Measured) -> Slot:
    return one.uuid, one.meter, one.day.isoformat()


def _told(one: Measured) -> tuple[object, ...]:
    """What a repetition does not change."""
    return one.project_id, one.start, one.end, one.amount, one.covered_seconds


def _of_meter(one: Measured, meter: str) -> Measured:
    return Measured(
        meter=meter,
        uuid=one.uuid,
        project_id=one.project_id,
        start=one.start,
        end=one.end,
        amount=0.0,
        covered_seconds=0.0,
        seen_at=one.seen_at,
    )


def _measured(row: Any) -> Measured:
    return Measured(
        meter=row.meter,
        uuid=row.id,
        project_id=row.project_id,
        start=row.start,
        end=row.until,
        amount=row.amount,
        covered_seconds=row.covered_seconds,
        seen_at=row.known_at,
    )
