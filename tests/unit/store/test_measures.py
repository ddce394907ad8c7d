"""Measures: slots told again and again, of which the best telling is kept."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta

from caso.lifecycle.measured import CPU, ENERGY, NETWORK_INBOUND, Measured, Metered
from caso.store import Store
from caso.window import Month
from tests.unit.store.building import FEBRUARY, HERE, MARCH, NOW, a_server

MIDNIGHT = datetime(2024, 3, 9, tzinfo=UTC)
DAY = timedelta(days=1)
TODAY = NOW.date()


def a_measure(uuid: str = "vm-1", day: datetime = MIDNIGHT, **facts: object) -> Measured:
    whole = {
        "meter": ENERGY,
        "uuid": uuid,
        "project_id": "p1",
        "start": day,
        "end": day + DAY,
        "amount": 3600.0,
        "covered_seconds": 86400.0,
        "seen_at": NOW,
    }
    return Measured(**(whole | facts))  # type: ignore[arg-type]


def unstated(store: Store, meter: str = ENERGY, before: date | None = TODAY) -> list[Measured]:
    with store.transaction() as step:
        return list(step.measures.unstated(HERE, "p1", meter, before=before))


def metered(store: Store, uuid: str = "vm-1") -> Metered:
    with store.transaction() as step:
        return step.measures.metered(HERE, [uuid]).get(uuid, Metered())


def test_what_was_told_comes_back_as_it_was(store):
    told = [a_measure(), a_measure("vm-2", amount=0.1), a_measure(meter=CPU, amount=12.5)]

    store.measure(HERE, told)

    assert unstated(store) == told[:2]
    assert unstated(store, meter=CPU) == told[2:]


def test_a_day_that_is_not_over_waits_but_for_a_server_that_has_ended(store):
    today = NOW.replace(hour=0)
    store.observe(HERE, [a_server("ended", ended=NOW - timedelta(hours=1)), a_server("lives")], by="nova")
    store.measure(HERE, [a_measure("ended", today, end=NOW), a_measure("lives", today, end=NOW)])

    assert [one.uuid for one in unstated(store)] == ["ended"]
    assert [one.uuid for one in unstated(store, before=None)] == ["ended", "lives"]


def test_many_slots_stream_while_their_reader_states_them(store):
    days = [MIDNIGHT - number * DAY for number in range(3)]
    store.measure(HERE, [a_measure(f"vm-{number:03}", day) for number in range(400) for day in days])

    met = []
    with store.transaction() as step:
        for one in step.measures.unstated(HERE, "p1", ENERGY, before=TODAY):
            met.append((one.day, one.uuid))
            if len(met) % 7 == 0:
                step.measures.note_stated(HERE, [one])

    assert met == [(day.date(), f"vm-{number:03}") for day in reversed(days) for number in range(400)]


def test_what_was_told_before_it_was_forgotten_goes_on_and_is_known_to_be_all(store):
    store.measure(HERE, [a_measure(end=MIDNIGHT + DAY / 2, covered_seconds=43200.0)])

    store.measure(HERE, [a_measure(amount=0.0, covered_seconds=0.0, seen_at=NOW + 30 * DAY)])

    assert [(one.end, one.amount, one.covered_seconds) for one in unstated(store)] == [(MIDNIGHT + DAY, 3600.0, 43200.0)]


def test_what_is_stated_is_told_again_only_where_it_is_known_otherwise(store):
    store.measure(HERE, [a_measure("vm-1"), a_measure("vm-2")])
    with store.transaction() as step:
        step.measures.note_stated(HERE, step.measures.unstated(HERE, "p1", ENERGY, before=TODAY))

    store.measure(HERE, [a_measure("vm-1", seen_at=NOW + DAY), a_measure("vm-2", amount=4000.0)])

    assert [(one.uuid, one.amount) for one in unstated(store)] == [("vm-2", 4000.0)]


def test_records_of_energy_are_owed_again_where_cpu_time_or_the_life_of_their_day_is_known_otherwise(store):
    names = ["cpu", "ended", "same"]
    noon = MIDNIGHT + DAY / 2
    store.observe(HERE, [a_server(name, at=NOW - timedelta(hours=1)) for name in names], by="nova")
    store.measure(
        HERE,
        [a_measure(name, day, meter=meter) for name in names for meter in (ENERGY, CPU) for day in (MIDNIGHT - DAY, MIDNIGHT)],
    )
    with store.transaction() as step:
        step.measures.note_stated(HERE, step.measures.unstated(HERE, "p1", ENERGY, before=TODAY))

    store.measure(HERE, [a_measure("cpu", MIDNIGHT, meter=CPU, amount=4000.0), a_measure("same", MIDNIGHT, meter=CPU)])
    store.observe(HERE, [a_server("ended", ended=noon), a_server("same")], by="nova")

    assert [(one.uuid, one.start) for one in unstated(store)] == [("cpu", MIDNIGHT), ("ended", MIDNIGHT)]


def test_what_covers_less_of_a_slot_replaces_nothing(store):
    store.measure(HERE, [a_measure()])

    store.measure(HERE, [a_measure(amount=5.0, covered_seconds=60.0, seen_at=NOW + DAY)])

    assert [one.amount for one in unstated(store)] == [3600.0]


def test_amounts_add_up_by_month_since_the_first_word(store):
    first = datetime(2024, 2, 28, 14, tzinfo=UTC)
    store.measure(
        HERE,
        [
            a_measure(meter=CPU, start=first, end=datetime(2024, 2, 29, tzinfo=UTC), amount=10.0),
            a_measure(meter=CPU, day=datetime(2024, 2, 29, tzinfo=UTC), amount=20.0),
            a_measure(meter=CPU, day=MIDNIGHT, amount=40.0),
            a_measure(meter=NETWORK_INBOUND, amount=7.0),
            a_measure(amount=9.0),
        ],
    )

    found = metered(store)

    assert found.through(CPU, Month(2024, 1)) is None
    assert found.through(CPU, FEBRUARY) == (FEBRUARY, first, 30.0)
    assert found.through(CPU, MARCH) == (MARCH, first, 70.0)
    assert found.through(NETWORK_INBOUND, MARCH) == (MARCH, MIDNIGHT, 7.0)
    assert metered(store, "vm-2") == Metered()


def test_what_is_told_late_of_an_earlier_month_has_it_accounted_for_again(store):
    store.observe(HERE, [a_server("vm-1"), a_server("vm-2")], by="nova")
    with store.transaction() as step:
        step.entities.all_accounted(HERE, "p1", NOW)

    late = datetime(2024, 2, 29, tzinfo=UTC)
    store.measure(HERE, [a_measure("vm-1", late, meter=CPU), a_measure("vm-2", meter=CPU), a_measure("vm-2", late)])

    with store.transaction() as step:
        due = {one.entity.uuid: one.dirty_from for one in step.entities.due(HERE, "p1")}
    assert due == {"vm-1": late, "vm-2": None}


def test_what_is_told_late_of_a_server_that_has_ended_has_it_accounted_for_again(store):
    ended = NOW - timedelta(hours=1)
    store.observe(HERE, [a_server("ended", ended=ended), a_server("lives")], by="nova")
    with store.transaction() as step:
        step.entities.accounted(HERE, [("ended", NOW), ("lives", NOW)])
        assert [one.entity.uuid for one in step.entities.due(HERE, "p1")] == ["lives"]

    store.measure(HERE, [a_measure(uuid, NOW.replace(hour=0), end=NOW, meter=CPU) for uuid in ("ended", "lives")])

    with store.transaction() as step:
        due = {one.entity.uuid: one.dirty_from for one in step.entities.due(HERE, "p1")}
    assert due == {"ended": NOW.replace(hour=0), "lives": None}


def test_the_same_day_of_another_meter_is_found(store):
    cpu = a_measure(meter=CPU, amount=100.0)
    store.measure(HERE, [a_measure(), cpu, a_measure("vm-2")])

    with store.transaction() as step:
        found = step.measures.of_days(HERE, CPU, [a_measure(), a_measure("vm-2")])

    assert found == {("vm-1", date(2024, 3, 9)): cpu}


def test_old_days_are_let_go_of_and_their_sums_are_kept(store):
    days = [datetime(2024, 1, 30, tzinfo=UTC) + number * DAY for number in range(4)]
    store.measure(HERE, [a_measure(day=day, meter=meter, amount=1.0) for day in days for meter in (CPU, ENERGY)])
    before = metered(store)

    store.ledger.purge(FEBRUARY)

    assert [one.day.isoformat() for one in unstated(store)] == ["2024-02-01", "2024-02-02"]
    assert metered(store) == before
    kept = unstated(store, meter=CPU)
    assert (kept[0].start, kept[0].end, kept[0].amount) == (days[0], days[2], 2.0)
    assert len(kept) == 3


def test_a_day_that_is_in_a_sum_is_not_added_once_more(store):
    days = [datetime(2024, 1, 30, tzinfo=UTC) + number * DAY for number in range(4)]
    told = [a_measure(day=day, meter=CPU, amount=1.0) for day in days]
    store.measure(HERE, told)
    store.ledger.purge(FEBRUARY)

    store.measure(HERE, [dataclasses.replace(one, amount=2.0, seen_at=NOW + DAY) for one in told])

    assert metered(store).through(CPU, FEBRUARY).amount == 2.0 + 4.0


def test_a_measure_knows_its_day_in_utc():
    assert dataclasses.replace(a_measure(), end=NOW).day == date(2024, 3, 9)
