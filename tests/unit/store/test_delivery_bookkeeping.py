"""The bookkeeping of delivery, in any order of events, against a model that is a few dicts."""

from __future__ import annotations

from contextlib import ExitStack

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from caso.records import AcceleratorRecord, CloudRecord
from caso.store import Statement, Subscription, Tally, open_store, subscriptions
from caso.store.ledger import revision_of
from tests.unit.store.building import HERE, MARCH, NOW, a_record
from tests.unit.store.conftest import Fresh

MESSENGERS = ("ssm", "logstash")
SUBSCRIPTIONS = st.builds(
    Subscription,
    kinds=st.sampled_from([None, frozenset({"cloud"}), frozenset({"accelerator"}), frozenset()]),
    replay=st.booleans(),
)


def an_accelerator(uuid: str, seconds: int) -> AcceleratorRecord:
    return AcceleratorRecord(
        measured_at=MARCH.last_second,
        known_at=NOW,
        vm_uuid=uuid,
        site_name="SITE",
        service_name="nova",
        cloud_type="caso",
        project_id="p1",
        vo="vo",
        type="GPU",
        model="A100",
        count=1.0,
        available_seconds=seconds,
    )


def of_kind(kind: str, uuid: str, value: int) -> CloudRecord | AcceleratorRecord:
    return a_record(uuid, wall=value) if kind == "cloud" else an_accelerator(uuid, value)


class Bookkeeping(RuleBasedStateMachine):
    """``held`` is kind, value and revision by key; ``settled`` what each messenger accepted or refused, ``ignored``
    what it did not want replayed, by messenger and key."""

    def __init__(self, fresh: Fresh) -> None:
        super().__init__()
        self.open = ExitStack()
        self.store = self.open.enter_context(open_store(self.open.enter_context(fresh())))
        self.held: dict[str, tuple[str, int, int]] = {}
        self.subscribed: dict[str, Subscription] = {}
        self.settled: dict[str, dict[str, tuple[int, bool]]] = {}
        self.ignored: dict[str, dict[str, int]] = {}
        self.revision = 0

    def teardown(self) -> None:
        self.open.close()

    @rule(kind=st.sampled_from(["cloud", "accelerator"]), uuid=st.sampled_from("abc"), value=st.integers(0, 3))
    def put(self, kind: str, uuid: str, value: int) -> None:
        record = of_kind(kind, uuid, value)
        statement = Statement(
            subject=f"server/{uuid}",
            kinds=frozenset({kind}),
            since=MARCH,
            until=MARCH,
            known_at=NOW,
            records=[record],
            place=HERE,
            project_id="p1",
        )
        with self.store.transaction() as step:
            step.ledger.put(statement)
        if record.key not in self.held or self.held[record.key][1] != value:
            self.revision += 1
            self.held[record.key] = (kind, value, self.revision)

    @rule(wanted=st.dictionaries(st.sampled_from(MESSENGERS), SUBSCRIPTIONS))
    def configure(self, wanted: dict[str, Subscription]) -> None:
        self.store.ledger.configure(wanted, NOW)
        for name in MESSENGERS:
            before, now = self.subscribed.get(name), wanted.get(name)
            for kind in ("cloud", "accelerator"):
                was, takes = (one is not None and one.takes(kind) for one in (before, now))
                if was != takes:
                    self._start_over(name, kind, ignore=bool(now and not now.replay))
        self.subscribed = dict(wanted)

    def _start_over(self, name: str, kind: str, *, ignore: bool) -> None:
        for key, (of, _, revision) in self.held.items():
            if of == kind:
                self.settled.setdefault(name, {}).pop(key, None)
                self.ignored.setdefault(name, {})[key] = revision if ignore else 0

    @precondition(lambda self: self.held)
    @rule(name=st.sampled_from(MESSENGERS), count=st.integers(1, 4))
    def accept(self, name: str, count: int) -> None:
        held = self.store.ledger.due(name, count)
        self.store.ledger.accept(name, held, NOW)
        self._settle(name, [(one.key, one.revision) for one in held], refused=False)

    @precondition(lambda self: self.held)
    @rule(name=st.sampled_from(MESSENGERS), chosen=st.integers(0, 5))
    def set_aside(self, name: str, chosen: int) -> None:
        held = self.store.ledger.due(name, 10)[chosen : chosen + 1]
        self.store.ledger.set_aside(name, [(one, "refused") for one in held], NOW)
        self._settle(name, [(one.key, one.revision) for one in held], refused=True)

    @rule(name=st.sampled_from(MESSENGERS), uuid=st.sampled_from("abc"), value=st.integers(0, 3))
    def accept_after_a_change(self, name: str, uuid: str, value: int) -> None:
        held = self.store.ledger.due(name, 10)
        self.put("cloud", uuid, value)
        self.store.ledger.accept(name, held, NOW)
        self._settle(name, [(one.key, one.revision) for one in held], refused=False)

    def _settle(self, name: str, revisions: list[tuple[str, int]], *, refused: bool) -> None:
        for key, revision in revisions:
            self.settled.setdefault(name, {})[key] = (revision, refused)

    def _due(self, name: str) -> dict[str, int]:
        subscription = self.subscribed.get(name, Subscription(frozenset()))
        settled, ignored = self.settled.get(name, {}), self.ignored.get(name, {})
        return {
            key: revision
            for key, (kind, _, revision) in self.held.items()
            if subscription.takes(kind) and revision > max(settled.get(key, (0, False))[0], ignored.get(key, 0))
        }

    @invariant()
    def due_is_what_the_model_says(self) -> None:
        for name in MESSENGERS:
            found = self.store.ledger.due(name, 1000)
            assert {one.key: one.revision for one in found} == self._due(name)
            assert [one.revision for one in found] == sorted(one.revision for one in found)
            for one in found:
                assert one.record == of_kind(one.kind, one.key.split("/")[1], self.held[one.key][1])

    @invariant()
    def the_counts_are_what_the_model_says(self) -> None:
        for name in MESSENGERS:
            newest = [
                refused
                for key, (revision, refused) in self.settled.get(name, {}).items()
                if name in self.subscribed and self.held[key][2] == revision
            ]
            assert self.store.ledger.counts(name) == Tally(newest.count(False), len(self._due(name)), newest.count(True))

    @invariant()
    def nothing_up_to_a_floor_is_due(self) -> None:
        for name in MESSENGERS:
            floors = self._floors(name)
            assert all(revision > floors.get(self.held[key][0], 0) for key, revision in self._due(name).items())

    @precondition(lambda self: self.held)
    @rule(name=st.sampled_from(MESSENGERS))
    def after_an_acceptance_the_floor_is_as_high_as_can_be(self, name: str) -> None:
        held = self.store.ledger.due(name, 1)
        if not held:
            return
        self.store.ledger.accept(name, held, NOW)
        self._settle(name, [(one.key, one.revision) for one in held], refused=False)

        kind = held[0].kind
        due = [revision for key, revision in self._due(name).items() if self.held[key][0] == kind]
        assert self._floors(name)[kind] == (min(due) - 1 if due else self._counter())

    def _floors(self, name: str) -> dict[str, int]:
        with self.store.database.read() as connection:
            return subscriptions.floors_of(connection, name)

    def _counter(self) -> int:
        with self.store.database.read() as connection:
            return revision_of(connection)


def run(machine: type[Bookkeeping], fresh: Fresh, backend: str) -> None:
    """Hold the machine against the model; a step on a server takes some times as long as one on a file."""
    some = settings(max_examples=25 if backend == "sqlite" else 4, stateful_step_count=25, deadline=None)
    run_state_machine_as_test(lambda: machine(fresh), settings=some)


def test_bookkeeping_agrees_with_the_model(fresh, backend):
    run(Bookkeeping, fresh, backend)
