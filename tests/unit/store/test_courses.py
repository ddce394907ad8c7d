"""Records that go on by time alone: what is held, due and noted of them is as if each had been written down every time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select

from caso.records import Record
from caso.records.pace import MICROSECONDS, Growth, Pace
from caso.store import Selection, State, Store, Subscription, Tally, open_store, schema
from tests.unit.store.building import HERE, HOUR, MARCH, NOW, a_record, a_server, a_statement, put
from tests.unit.store.conftest import Fresh

SSM = {"ssm": Subscription()}


GoingOn = tuple[Record, Pace]
"""A record and its pace."""


def going_on(uuid: str, at: datetime, wall: int = 0, rate: int = 1) -> GoingOn:
    return a_record(uuid, wall=wall, cpu_seconds=0, measured_at=at), {"wall_seconds": Growth(wall * MICROSECONDS, rate)}


def told(store: Store, until: datetime, *those: GoingOn, at_rest: Iterable[Record] = ()) -> None:
    """A pass over all that the project has, in which these are told anew, and the others go on."""
    with store.transaction() as step:
        course = step.ledger.course(HERE, "server", "p1")
        for record, pace in those:
            uuid = record.key.split("/")[1]
            statement = a_statement(record, about=uuid, since=MARCH, until=MARCH, known_at=record.known_at)
            step.ledger.put(dataclasses.replace(statement, course=course.number, paces={record.key: pace}))
        for record in at_rest:
            statement = a_statement(record, about=record.key.split("/")[1], since=MARCH, until=MARCH, known_at=record.known_at)
            step.ledger.put(dataclasses.replace(statement, course=course.number))
        step.entities.all_accounted(HERE, "p1", until, terms="terms")


def walls(held) -> dict[str, tuple[int, datetime]]:
    return {one.key.split("/")[1]: (one.record.wall_seconds, one.record.measured_at) for one in held}


def accept(store: Store, messenger: str = "ssm", limit: int = 100) -> dict[str, tuple[int, datetime]]:
    """What was waiting for a messenger, which has it now."""
    held = store.ledger.offer(store.ledger.waiting(messenger, limit))
    store.ledger.accept(messenger, held, NOW)
    return walls(held)


def written(store: Store) -> int:
    with store.database.read() as connection:
        return len(connection.execute(select(schema.deliveries)).all())


@pytest.fixture
def site(store: Store) -> Store:
    store.ledger.configure(SSM, NOW)
    told(store, NOW, going_on("a", NOW), going_on("b", NOW, wall=10, rate=0))
    return store


def test_what_goes_on_is_due_as_it_is_where_its_course_has_come(site):
    assert accept(site) == {"a": (0, NOW), "b": (10, NOW)}

    told(site, NOW + HOUR)

    assert walls(site.ledger.due("ssm", 10)) == {"a": (3600, NOW + HOUR), "b": (10, NOW + HOUR)}
    assert site.ledger.counts("ssm") == Tally(accepted=0, due=2, set_aside=0)
    assert accept(site) == {"a": (3600, NOW + HOUR), "b": (10, NOW + HOUR)}
    assert site.ledger.counts("ssm") == Tally(accepted=2, due=0, set_aside=0)
    assert written(site) == 0


def test_half_of_a_course_that_was_handed_over_is_not_handed_over_again(site):
    told(site, NOW, going_on("c", NOW))
    assert accept(site, limit=2).keys() == {"a", "b"}

    assert site.ledger.counts("ssm") == Tally(accepted=2, due=1, set_aside=0)
    assert accept(site).keys() == {"c"}


def test_a_course_that_moves_while_it_is_handed_over_is_due_again_as_a_whole(site):
    held = site.ledger.offer(site.ledger.waiting("ssm", 1))
    told(site, NOW + HOUR)
    site.ledger.accept("ssm", held, NOW)

    assert accept(site) == {"a": (3600, NOW + HOUR), "b": (10, NOW + HOUR)}


def test_what_was_found_before_its_course_moved_is_not_offered(site):
    found = site.ledger.waiting("ssm", 10)
    told(site, NOW + HOUR)

    assert site.ledger.offer(found) == []


def test_what_is_told_anew_is_compared_with_what_time_had_made_of_it(site):
    accept(site)
    told(site, NOW + HOUR)
    accept(site)

    told(site, NOW + 2 * HOUR, going_on("a", NOW + 2 * HOUR, wall=5000, rate=2))

    compared = {one.line.key.split("/")[1]: one for one in site.ledger.compared("ssm")}
    assert '"wall_seconds":3600' in compared["a"].before
    assert '"wall_seconds":5000' in compared["a"].line.content
    assert '"measured_at":"2024-03-10T13:00:00+00:00"' in compared["b"].before
    assert None not in {one.accepted for one in compared.values()}


def test_what_comes_to_rest_is_due_once_and_stays_as_it_is(site):
    accept(site)
    told(site, NOW + HOUR, at_rest=[a_record("a", wall=1800, measured_at=NOW + HOUR / 2)])
    assert accept(site)["a"] == (1800, NOW + HOUR / 2)

    told(site, NOW + 2 * HOUR)

    assert accept(site) == {"b": (10, NOW + 2 * HOUR)}


def test_what_time_alone_explains_is_not_written_again(site):
    def numbers() -> list[int]:
        with site.database.read() as connection:
            return list(connection.scalars(select(schema.records.c.revision).order_by(schema.records.c.key)))

    before = numbers()
    told(site, NOW + HOUR, going_on("a", NOW + HOUR, wall=3600))
    assert numbers() == before

    told(site, NOW + 2 * HOUR, going_on("a", NOW + 2 * HOUR, wall=7201))
    assert numbers()[0] > before[0]


def test_what_is_refused_is_set_aside_until_its_course_moves_and_keeps_no_other_back(site):
    held = site.ledger.offer(site.ledger.waiting("ssm", 10))
    site.ledger.set_aside("ssm", [(held[0], "too long")], NOW)

    assert site.ledger.counts("ssm") == Tally(accepted=0, due=1, set_aside=1)
    assert accept(site).keys() == {"b"}
    assert site.ledger.counts("ssm") == Tally(accepted=1, due=0, set_aside=1)
    assert site.ledger.waiting("ssm", 10) == []

    told(site, NOW + HOUR)
    assert accept(site).keys() == {"a", "b"}


def test_what_stands_for_itself_and_is_older_goes_first(site):
    put(site, a_statement(a_record("old", wall=1, measured_at=NOW - HOUR), about="old", since=MARCH))
    put(site, a_statement(a_record("new", wall=1, measured_at=NOW + HOUR), about="new", since=MARCH))

    assert [sorted(accept(site)) for _ in range(4)] == [["old"], ["a", "b"], ["new"], []]


def test_a_messenger_without_replay_is_spared_what_goes_on_until_it_moves(site):
    site.ledger.configure({**SSM, "late": Subscription(replay=False)}, NOW)
    assert site.ledger.waiting("late", 10) == []
    (total,) = site.ledger.inspection.totals(["late"])
    assert (total.skipped, total.due) == (2, 0)

    told(site, NOW + HOUR)

    assert accept(site, "late").keys() == {"a", "b"}


def test_one_record_of_a_course_is_sent_again_for_the_asking(site):
    accept(site)
    key = a_record("a").key

    site.ledger.make_due("ssm", [State.ACCEPTED], Selection(keys=frozenset({key})), NOW)

    assert walls(site.ledger.due("ssm", 10)).keys() == {"a"}
    assert accept(site) == {"a": (0, NOW)}
    told(site, NOW + HOUR)
    # It stands for itself until it is accounted for again.
    assert accept(site) == {"b": (10, NOW + HOUR)}


def test_what_an_administrator_forgets_of_a_course_is_not_sent_and_the_rest_is(site):
    site.ledger.skip("ssm", Selection(keys=frozenset({a_record("b").key})), NOW)

    assert accept(site).keys() == {"a"}
    assert site.ledger.waiting("ssm", 10) == []


def test_what_nobody_was_offered_vanishes_without_a_word_and_what_was_is_taken_back(site):
    with site.transaction() as step:
        gone = step.ledger.put(a_statement(about="a", since=MARCH, known_at=NOW + HOUR))
    assert (gone.dropped, gone.retracted) == (1, 0)
    accept(site)

    with site.transaction() as step:
        gone = step.ledger.put(a_statement(about="b", since=MARCH, known_at=NOW + HOUR))

    assert (gone.dropped, gone.retracted) == (0, 1)
    assert walls(site.ledger.due("ssm", 10)) == {"b": (0, NOW)}


def test_two_of_a_course_that_should_not_be_and_say_nothing_already_come_to_rest(site):
    accept(site)
    with site.transaction() as step:
        for uuid in "ab":
            told_before = a_record(uuid, MARCH, wall=0, cpu_seconds=0, measured_at=NOW)
            step.ledger.put(a_statement(told_before, about=uuid, since=MARCH))
    told(site, NOW, going_on("a", NOW, rate=0), going_on("b", NOW, rate=0))
    accept(site)

    with site.transaction() as step:
        gone = step.ledger.put_many(a_statement(about=uuid, since=MARCH, known_at=NOW + HOUR) for uuid in "ab")

    assert gone.retracted + gone.same == len("ab")
    with site.transaction() as step:
        assert step.ledger.going_on(step.ledger.course(HERE, "server", "p1").number) == {}


def test_a_record_that_leaves_its_course_has_its_server_accounted_for_again_whoever_told_it(site):
    site.observe(HERE, [a_server("a"), a_server("b")], by="nova")
    told(site, NOW + HOUR)

    def due() -> set[str]:
        with site.transaction() as step:
            return {one.entity.uuid for one in step.entities.due(HERE, "p1", quiet=False)}

    assert due() == set()

    put(site, a_statement(a_record("a", wall=7, measured_at=NOW + HOUR), about="a", since=MARCH, known_at=NOW + HOUR))

    assert due() == {"a"}


def test_what_ended_just_where_its_course_has_come_goes_on_no_more(site):
    over = dataclasses.replace(a_statement(going_on("a", NOW)[0], about="a", since=MARCH, known_at=NOW + HOUR), over=True)
    put(site, over)
    told(site, NOW + HOUR)

    assert walls(site.ledger.due("ssm", 10)) == {"a": (0, NOW), "b": (10, NOW + HOUR)}


class Passes(RuleBasedStateMachine):
    """``now`` is what each record says: the pass that told it last, when, its value then and its rate (None: at rest).

    ``has`` is what each messenger accepted, by key: pass, value, time; ``refused`` what it did not take.
    """

    def __init__(self, fresh: Fresh) -> None:
        super().__init__()
        self.open = ExitStack()
        self.store = self.open.enter_context(open_store(self.open.enter_context(fresh())))
        self.store.ledger.configure({"ssm": Subscription(), "other": Subscription()}, NOW)
        self.until = NOW
        self.passes = 0
        self.now: dict[str, tuple[int, datetime, int, int | None]] = {}
        self.has: dict[str, dict[str, tuple[int, int, datetime]]] = {"ssm": {}, "other": {}}
        self.refused: dict[str, dict[str, tuple[int, int, datetime]]] = {"ssm": {}, "other": {}}

    def teardown(self) -> None:
        self.open.close()

    def is_now(self, uuid: str) -> tuple[int, int, datetime]:
        number, at, value, rate = self.now[uuid]
        if rate is None:
            return number, value, at
        return number, value + rate * int((self.until - at).total_seconds()), self.until

    @rule(
        tell=st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(0, 9), st.sampled_from([0, 1, 2]))),
        rest=st.sets(st.sampled_from("abcd")),
    )
    def a_pass(self, tell: dict[str, tuple[int, int]], rest: set[str]) -> None:
        self.until += HOUR
        self.passes += 1
        known_at = NOW + self.passes * HOUR
        tell = {uuid: one for uuid, one in tell.items() if uuid not in rest}
        for uuid, (value, rate) in tell.items():
            self.now[uuid] = (self.passes, self.until, 1000 * self.passes + value, rate)
        for uuid in rest:
            self.now[uuid] = (self.passes, self.until, 1000 * self.passes, None)
        running = [going_on(uuid, self.until, 1000 * self.passes + value, rate) for uuid, (value, rate) in tell.items()]
        told(
            self.store,
            self.until,
            *((dataclasses.replace(record, known_at=known_at), pace) for record, pace in running),
            at_rest=[a_record(uuid, wall=1000 * self.passes, measured_at=self.until, known_at=known_at) for uuid in rest],
        )

    @precondition(lambda self: self.now)
    @rule(name=st.sampled_from(["ssm", "other"]), count=st.integers(1, 4))
    def hand_over(self, name: str, count: int) -> None:
        held = self.store.ledger.offer(self.store.ledger.waiting(name, count))
        self.store.ledger.accept(name, held, NOW)
        for one in held:
            self.has[name][one.key.split("/")[1]] = self.is_now(one.key.split("/")[1])

    @precondition(lambda self: self.now)
    @rule(name=st.sampled_from(["ssm", "other"]), chosen=st.integers(0, 3))
    def refuse(self, name: str, chosen: int) -> None:
        held = self.store.ledger.offer(self.store.ledger.waiting(name, 4))[chosen : chosen + 1]
        self.store.ledger.set_aside(name, [(one, "refused") for one in held], NOW)
        for one in held:
            self.refused[name][one.key.split("/")[1]] = self.is_now(one.key.split("/")[1])

    @precondition(lambda self: self.now)
    @rule(name=st.sampled_from(["ssm", "other"]), uuid=st.sampled_from("abcd"))
    def send_again(self, name: str, uuid: str) -> None:
        """Administrators take records out of their course; what they do not choose stays as it is."""
        states = [State.ACCEPTED, State.SET_ASIDE]
        chosen = Selection(keys=frozenset({a_record(uuid).key}))
        found = sum(self.store.ledger.make_due(name, states, chosen, NOW).values())
        if found:
            self.has[name].pop(uuid, None)
            self.refused[name].pop(uuid, None)
            number, value, at = self.is_now(uuid)
            self.now[uuid] = (number, at, value, None)

    @invariant()
    def due_is_what_the_model_says(self) -> None:
        for name in ("ssm", "other"):
            due = {
                uuid: self.is_now(uuid)[1:]
                for uuid in self.now
                if self.is_now(uuid) not in (self.has[name].get(uuid), self.refused[name].get(uuid))
            }
            assert walls(self.store.ledger.due(name, 100)) == due
            refused = sum(self.is_now(uuid) == self.refused[name].get(uuid) for uuid in self.now)
            assert self.store.ledger.counts(name) == Tally(len(self.now) - len(due) - refused, len(due), refused)

    @invariant()
    def the_ledger_says_what_the_model_says(self) -> None:
        entries = self.store.ledger.inspection.entries(Selection(), ["ssm"])
        found = {one.line.key.split("/")[1]: one.line for one in entries}
        assert {uuid: line.measured_at for uuid, line in found.items()} == {uuid: self.is_now(uuid)[2] for uuid in self.now}
        assert all(f'"wall_seconds":{self.is_now(uuid)[1]}' in line.content for uuid, line in found.items())

    @invariant()
    def what_a_messenger_has_is_known(self) -> None:
        for name in ("ssm", "other"):
            for one in self.store.ledger.compared(name):
                had = self.has[name].get(one.line.key.split("/")[1])
                assert (one.accepted is None) == (had is None)
                assert one.before is None or (had and f'"wall_seconds":{had[1]}' in one.before)


def test_courses_agree_with_the_model(fresh, backend):
    some = settings(max_examples=25 if backend == "sqlite" else 5, stateful_step_count=20, deadline=None)
    run_state_machine_as_test(lambda: Passes(fresh), settings=some)
