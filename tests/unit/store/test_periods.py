"""What lived in a period: all of it and nothing else, in order, and by an index that reads little besides."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caso.lifecycle.timeline import Source
from caso.lifecycle.volume import VolumeSeen, VolumeState
from caso.store import Mark, Place, Store, open_store
from caso.store.engine import CHUNK
from caso.store.lives import EVENTFUL, Lived
from caso.store.spans import CLASSES, GOES_ON, SHORTEST, span
from caso.window import Month
from tests.databases.plans import asked
from tests.long_lives import BEGIN, NOW, fill, lives, project, touching
from tests.unit.store.building import HERE, HOUR, a_server
from tests.unit.store.building import NOW as SEEN

MOST = project(0)
"""The project that has most."""
JUNE = Month(2024, 6)
INDEX = "ix_entities_project_id_kind_span_created_id"
SECOND = timedelta(seconds=1)


def owned(project_id: str, one: Any) -> bool:
    return any(interval.value.project_id == project_id for interval in one.intervals())


def lived(known: Iterable[tuple[str, Any]], project_id: str, start: datetime, end: datetime, kinds: Sequence[str]) -> list[str]:
    """The rule of ``between`` in its own words."""
    found = [
        one
        for kind, one in known
        if kind in kinds and owned(project_id, one) and one.created <= end and (one.ended is None or one.ended >= start)
    ]
    return [one.uuid for one in sorted(found, key=lambda one: (one.created, one.uuid))]


def uuids(found: Iterable[Lived]) -> list[str]:
    return [one.entity.uuid for one in found]


def edges(known: Sequence[tuple[str, Any]], rng: random.Random) -> Iterator[datetime]:
    """Times at which something begins or ends, or just did, or is about to."""
    while True:
        one = rng.choice(known)[1]
        yield rng.choice([one.created, one.ended or NOW]) + rng.choice([-1, 0, 0, 1]) * SECOND


def test_a_period_has_all_that_lived_in_it_then_whoever_owns_it_now(store):
    known, rng = list(lives(1500)), random.Random(5)
    fill(store, 1500)
    whose = [MOST, project(1), project(50), "nobody"]
    times = edges(known, rng)
    # Former owners of volumes are among those that are asked about.
    whose += [i.value.project_id for kind, one in known if kind == "volume" for i in one.intervals() if i != one.intervals()[-1]][
        :5
    ]

    for _ in range(60):
        project_id, kinds = rng.choice(whose), rng.choice([EVENTFUL, ("server",), ("volume",)])
        start, end = sorted([next(times), next(times)])

        found = uuids(store.lives.between(project_id, start, end, kinds))

        assert found == lived(known, project_id, start, end, kinds)


def test_a_list_of_many_pages_has_each_once_and_in_order(store):
    known = list(lives(6000))
    fill(store, 6000)

    found = uuids(store.lives.between(MOST, BEGIN, NOW))

    assert len(found) > 2 * CHUNK
    assert found == lived(known, MOST, BEGIN, NOW, EVENTFUL)


def test_pages_by_marks_are_the_list_in_pieces(store):
    fill(store, 1500)
    whole, pieces, mark = uuids(store.lives.between(MOST, JUNE.start, NOW)), [], None

    while page := list(islice(store.lives.between(MOST, JUNE.start, NOW, after=mark), 17)):
        pieces += uuids(page)
        mark = Mark(page[-1].entity.created, page[-1].entity.uuid)

    assert len(whole) > 3 * 17
    assert pieces == whole


def test_two_of_the_same_name_and_time_in_two_places_are_two_on_each_page(store):
    seen = [a_server(f"vm-{number:03}") for number in range(400)]
    for place in (HERE, Place("cloud", "south")):
        store.observe(place, seen, by="nova")

    found = [(one.entity.uuid, one.place.region) for one in store.lives.between("p1", SEEN - HOUR, SEEN)]

    assert sorted(found) == sorted((one.uuid, region) for one in seen for region in ("north", "south"))


@pytest.mark.parametrize(("start", "end"), [(-2, -1), (-1, 0), (0, 0), (0, 3), (2, 2), (2, 5), (3, 4)])
def test_both_ends_of_a_period_are_in_it(store, start, end):
    begin = SEEN - 50 * HOUR
    store.observe(HERE, [a_server(created=begin, unchanged_since=begin, ended=begin + 2 * HOUR)], by="nova")

    found = uuids(store.lives.between("p1", begin + start * HOUR, begin + end * HOUR))

    assert found == (["vm-1"] if start <= 2 and end >= 0 else [])


def test_a_volume_that_was_given_away_is_in_the_lists_of_both_owners_and_in_no_others(store):
    def told(owner: str, hours: int) -> VolumeSeen:
        at = SEEN + hours * HOUR
        state = VolumeState(10, "fast", owner)
        return VolumeSeen(uuid="v", seen_at=at, created=SEEN, unchanged_since=at, state=state, source=Source.NOTIFICATION)

    for number, owner in enumerate(["p1", "p2", "p1", "p3"]):
        store.observe(HERE, [told(owner, number)], by="notifications")

    found = {owner: uuids(store.lives.between(owner, SEEN, SEEN + HOUR)) for owner in ("p1", "p2", "p3", "p4")}

    assert found == {"p1": ["v"], "p2": ["v"], "p3": ["v"], "p4": []}


@given(st.integers(0, 3 * 10**9))
def test_the_class_of_a_life_is_the_least_that_is_as_long(seconds):
    length = timedelta(seconds=seconds)

    number = span(BEGIN, BEGIN + length)

    assert number < GOES_ON
    assert length <= SHORTEST * 2**number or number == CLASSES - 1
    assert number == 0 or length > SHORTEST * 2 ** (number - 1)


@pytest.fixture
def many(connection: str, backend: str) -> Iterator[Store]:
    """A store of 20,000 servers and volumes, as one that has been looked through by its database's own housekeeping."""
    with open_store(connection) as opened:
        fill(opened, 20_000)
        tidy = {
            "sqlite": "ANALYZE",
            "postgresql": "VACUUM ANALYZE entities, former_owners",
            "mariadb": "ANALYZE TABLE entities, former_owners",
        }
        with opened.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as tidying:
            tidying.exec_driver_sql(tidy[backend])
        yield opened


@pytest.mark.debian("postgresql")
@pytest.mark.parametrize("backend", ["postgresql"])
@pytest.mark.parametrize("month", [Month.of(BEGIN), JUNE, Month(2025, 12)], ids=str)
def test_a_month_reads_at_most_twice_what_it_returns(many, month):
    with asked(many.database.engine) as statements:
        found = list(many.lives.between(MOST, month.start, month.end))

    plans, returned = statements.plans(), sum(touching(one.entity, MOST, month.start, month.end) for one in found)
    assert sum(plan.rows_read for plan in plans) <= 2 * returned
    assert returned > 200
    assert set[str]().union(*(plan.scans["entities"] for plan in plans)) == {"Index Scan"}


@pytest.mark.debian("postgresql")
@pytest.mark.parametrize("backend", ["postgresql"])
def test_a_page_in_the_midst_of_a_list_reads_little_more_than_itself(many):
    middle = uuids(many.lives.between(MOST, BEGIN, NOW))[1000]
    (one,) = many.lives.by_id(middle)

    with asked(many.database.engine) as statements:
        page = list(islice(many.lives.between(MOST, BEGIN, NOW, after=Mark(one.entity.created, middle)), CHUNK))

    (plan,) = statements.plans()
    assert len(page) == CHUNK
    # Of each kind and class the next one is read, to see which comes first.
    assert plan.rows_read <= CHUNK + 2 * (CLASSES + 1) + 200


@pytest.mark.parametrize("backend", ["sqlite"])
def test_sqlite_finds_a_period_by_the_index(many):
    with asked(many.database.engine) as statements:
        list(many.lives.between(MOST, JUNE.start, JUNE.end))

    steps = [step for statement, values in statements.statements for step in _steps(many, statement, values)]
    looked = [step for step in steps if " entities" in step or " former_owners" in step]
    by_index = f"SEARCH entities USING INDEX {INDEX} (project_id=? AND kind=? AND span=? AND created>? AND created<?)"
    assert looked.count(by_index) == len(EVENTFUL) * (CLASSES + 1) * len(statements.statements)
    assert not [step for step in looked if not step.startswith("SEARCH")]


def _steps(store: Store, statement: str, values: Any) -> list[str]:
    with store.database.read() as connection:
        return [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]


@pytest.mark.debian("mariadb-server")
@pytest.mark.parametrize("backend", ["mariadb"])
def test_mariadb_finds_a_period_by_the_index(many):
    with asked(many.database.engine) as statements:
        found = uuids(many.lives.between(MOST, JUNE.start, JUNE.end))

    (statement, values), *_ = statements.statements
    with many.database.read() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN {statement}", values).mappings().all()
    tables = [(row["table"], row["key"], row["type"]) for row in rows if row["table"] in ("entities", "former_owners")]
    assert tables.count(("entities", INDEX, "range")) == len(EVENTFUL) * (CLASSES + 1)
    assert set(tables) <= {
        ("entities", INDEX, "range"),
        ("entities", "PRIMARY", "eq_ref"),
        ("former_owners", "PRIMARY", "ref"),
    }
    assert len(found) > 100
