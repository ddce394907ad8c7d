import dataclasses
import json
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caso.records import BUILT_IN, EnergyRecord, Status
from caso.store.book import Book, record_of
from caso.testing.records import an_energy_record
from caso.window import Month
from tests.unit.store.building import NOW, a_statement

DAY = timedelta(days=1)
KINDS = {made.kind: made for made in BUILT_IN}
LEAP_DAY = date(2024, 2, 29)


def midnight(slot):
    return datetime.combine(slot, time(), UTC)


@st.composite
def energy_records(draw):
    """Any part of any day, with any numbers that there may be."""
    slot = draw(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
    start, end = sorted(draw(st.integers(0, 86400)) for _ in range(2))
    numbers = st.floats(0, allow_infinity=False)
    return an_energy_record(
        slot=slot,
        start=midnight(slot) + timedelta(seconds=start),
        end=midnight(slot) + timedelta(seconds=end),
        status=draw(st.sampled_from(Status)),
        user_name=draw(st.none() | st.text()),
        energy_wh=draw(numbers),
        coverage=draw(st.floats(0, 1)),
        cpu_seconds=draw(numbers),
        finished=draw(st.booleans()),
    )


@given(energy_records())
def test_what_was_written_as_json_is_read_again_as_it_was(record):
    content = json.loads(json.dumps(record.content()))

    assert EnergyRecord.from_content(content, record.known_at) == record
    assert content["slot"] == record.slot.isoformat()


@given(energy_records())
def test_a_record_is_booked_in_the_month_of_its_slot_and_keyed_by_it(record):
    assert record.month == Month(record.slot.year, record.slot.month)
    assert record.key == f"energy/{record.vm_uuid}/{record.slot:%Y-%m-%d}"


def test_a_slot_that_ends_with_its_month_is_not_booked_in_the_next():
    record = an_energy_record(slot=LEAP_DAY)

    assert record.end == datetime(2024, 3, 1, tzinfo=UTC)
    assert record.measured_at == Month(2024, 2).last_second


def test_a_record_that_would_be_booked_outside_its_slot_is_none():
    with pytest.raises(ValueError, match="of the slot 2024-02-29 is not measured at 2024-03-01"):
        an_energy_record(slot=LEAP_DAY, measured_at=datetime(2024, 3, 1, tzinfo=UTC))


def test_work_is_cpu_time_per_energy_and_efficiency_cpu_time_per_time_of_a_vcpu():
    record = an_energy_record(wall_seconds=1000, cpu_count=4, cpu_seconds=1000, energy_wh=50.0)

    assert (record.work, record.efficiency) == (20, 0.25)


def test_without_energy_there_is_no_work_and_without_time_no_efficiency():
    assert an_energy_record(energy_wh=0.0).work is None
    assert an_energy_record(wall_seconds=0).efficiency is None
    assert an_energy_record(cpu_count=0).efficiency is None


def put(book, at, *records):
    known = [dataclasses.replace(record, known_at=at) for record in records]
    book.state(dataclasses.replace(a_statement(*known, known_at=at), kinds=frozenset({"energy"})))


def held(book):
    return {line.key: record_of(KINDS, line.kind, line.content, line.known_at) for line in book.lines.values()}


def test_the_ledger_replaces_a_slot_that_is_known_better_and_takes_back_one_that_vanished():
    partial = an_energy_record(slot=LEAP_DAY, energy_wh=1.0, coverage=0.2)
    whole = an_energy_record(slot=LEAP_DAY, energy_wh=9.0)
    before = an_energy_record(slot=LEAP_DAY - DAY)
    book = Book([], 0, KINDS, lambda subject, kind, month: None)
    put(book, NOW, before, partial)
    book.lines = {key: line._replace(offered=True) for key, line in book.lines.items()}

    put(book, NOW + DAY, whole)

    nothing = {"energy_wh": 0.0, "coverage": 0.0, "wall_seconds": 0, "suspend_seconds": 0, "cpu_seconds": 0}
    assert held(book)[partial.key] == whole
    assert held(book)[before.key].content() == before.content() | nothing
    assert [line.retracted for line in book.lines.values()] == [True, False]
