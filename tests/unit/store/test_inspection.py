"""Looking into the ledger, and what an administrator decides there."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlalchemy import insert

from caso.errors import StoreError
from caso.store import Selection, State, Store, Subscription, Tally, open_store, require_store
from caso.store.inspection import Standing
from caso.store.schema import deliveries, records
from caso.store.subscriptions import BEFORE_IT_CAME, FORGOTTEN
from caso.testing.records import an_ip_record
from tests.unit.store.building import FEBRUARY, HOUR, JANUARY, MARCH, NOW, a_record, a_statement, deliver, put
from tests.unit.store.test_delivery_bookkeeping import MESSENGERS, Bookkeeping, run

ALL = Subscription()
LATER = Subscription(replay=False)
ONLY_IP = Subscription(frozenset({"ip"}))
VM_1, VM_2 = "cloud/vm-1/2024-03", "cloud/vm-2/2024-03"


def configure(store: Store, **messengers: Subscription) -> None:
    store.ledger.configure(messengers, NOW)


def put_two(store: Store) -> None:
    put(store, a_statement(a_record("vm-1")), a_statement(a_record("vm-2"), about="vm-2"))


def due(store: Store, messenger: str) -> set[str]:
    return {one.key for one in store.ledger.due(messenger, 1000)}


def refuse(store: Store, messenger: str, *keys: str) -> None:
    refused = [(one, "no VO") for one in store.ledger.due(messenger, 1000) if one.key in keys]
    store.ledger.set_aside(messenger, refused, NOW)


def only(*keys: str) -> Selection:
    return Selection(keys=frozenset(keys))


def standing(store: Store, key: str, messenger: str = "ssm") -> Standing:
    (entry,) = store.ledger.inspection.entries(only(key), [messenger])
    return entry.standings[messenger]


def keys(store: Store, chosen: Selection, names: Collection[str] = (), **options: object) -> list[str]:
    return [entry.line.key for entry in store.ledger.inspection.entries(chosen, list(names), **options)]  # type: ignore[arg-type]


def test_a_record_stands_with_each_messenger_as_it_became_of_it(store):
    configure(store, ssm=ALL, logstash=ALL, picky=ALL, ips=ONLY_IP)
    put_two(store)
    deliver(store, "ssm")
    refuse(store, "picky", VM_1)

    (entry,) = store.ledger.inspection.entries(only(VM_1), ["ssm", "logstash", "picky", "ips"])

    assert entry.standings == {
        "ssm": Standing(State.ACCEPTED, NOW),
        "logstash": Standing(State.DUE),
        "picky": Standing(State.SET_ASIDE, NOW, "no VO"),
        "ips": Standing(State.NOT_TAKEN),
    }


def test_a_newer_revision_is_due_and_the_accepted_one_is_told(store):
    configure(store, ssm=ALL)
    put(store, a_statement(a_record(wall=1)))
    deliver(store, "ssm")

    put(store, a_statement(a_record(wall=2)))

    assert standing(store, VM_1) == Standing(State.DUE, accepted_revision=1)


def test_what_was_held_before_a_messenger_without_replay_came_is_skipped(store):
    put_two(store)

    configure(store, ssm=LATER)

    assert standing(store, VM_1) == Standing(State.SKIPPED, None, BEFORE_IT_CAME)


def test_the_totals_are_of_each_messenger_and_kind(store):
    configure(store, ssm=ALL, ips=ONLY_IP)
    put(store, a_statement(a_record(month=JANUARY), a_record(month=FEBRUARY), a_record(month=MARCH)))
    january, february, _ = store.ledger.due("ssm", 10)
    store.ledger.accept("ssm", [january], NOW + HOUR)
    store.ledger.set_aside("ssm", [(february, "no VO")], NOW)

    ssm, ips = store.ledger.inspection.totals(["ssm", "ips"])

    assert (ssm.held, ssm.accepted, ssm.due, ssm.set_aside, ssm.skipped) == (3, 1, 1, 1, 0)
    assert (ssm.oldest_due, ssm.newest_accepted, ssm.readable) == (MARCH.last_second, NOW + HOUR, True)
    assert (ips.kind, ips.held, ips.not_taken, ips.oldest_due, ips.newest_accepted) == ("cloud", 3, 3, None, None)


def test_records_are_chosen_by_kind_project_months_and_state(store):
    configure(store, ssm=ALL)
    put(store, a_statement(*(a_record(month=month) for month in (JANUARY, FEBRUARY, MARCH))))
    store.ledger.accept("ssm", store.ledger.due("ssm", 1), NOW)

    january, february, march = ("cloud/vm-1/2024-01", "cloud/vm-1/2024-02", "cloud/vm-1/2024-03")
    assert keys(store, Selection(month=FEBRUARY)) == [february]
    assert keys(store, Selection(since=FEBRUARY)) == [march, february]
    assert keys(store, Selection(project_id="p1", kind="cloud")) == [march, february, january]
    assert keys(store, Selection(project_id="p2")) == keys(store, Selection(kind="ip")) == []
    assert keys(store, Selection(), ["ssm"], states=[State.ACCEPTED]) == [january]
    assert keys(store, Selection(), ["ssm"], limit=2) == [march, february]
    assert store.ledger.inspection.count(Selection(), ["ssm"], [State.DUE]) == 2


def test_a_key_that_is_not_there_finds_those_that_hold_it_or_its_longest_part(store):
    put(store, a_statement(a_record("0c1d2e3f-a0b1"), about="0c1d2e3f-a0b1"), a_statement(a_record("other"), about="other"))
    held = ["cloud/0c1d2e3f-a0b1/2024-03"]
    near = store.ledger.inspection.keys_like

    assert near("0c1d2e3f-a0b1") == near("cloud/0c1d2e3f-a0b1/2024-04") == near("0c1d") == held
    assert near("cloud/100%_nothing") == near("c") == []


def test_a_record_whose_plugin_is_not_installed_is_shown_as_it_is_held(connection):
    with open_store(connection) as store:
        configure(store, ssm=ALL)
        put(store, a_statement(a_record()))

    with open_store(connection, kinds={}) as store:
        (entry,) = store.ledger.inspection.entries(Selection(), ["ssm"])
        (total,) = store.ledger.inspection.totals(["ssm"])

    assert json.loads(entry.line.content)["vm_uuid"] == "vm-1"
    assert (total.due, total.readable) == (1, False)


def test_a_store_that_is_not_made_yet_is_an_error_and_is_not_made(connection, path):
    with pytest.raises(StoreError, match="there is none yet"):
        require_store(connection)
    assert not path.parent.exists()

    open_store(connection).close()

    require_store(connection)


def test_what_was_set_aside_is_due_again_and_nothing_else(store):
    configure(store, ssm=ALL)
    put_two(store)
    refuse(store, "ssm", VM_1)
    deliver(store, "ssm")

    done = store.ledger.make_due("ssm", [State.SET_ASIDE], Selection(), NOW)

    assert (done, due(store, "ssm")) == ({"cloud": 1}, {VM_1})
    deliver(store, "ssm")
    assert store.ledger.counts("ssm") == Tally(2, 0, 0)


def test_only_the_keys_named_are_due_again(store):
    configure(store, ssm=ALL)
    put_two(store)
    refuse(store, "ssm", VM_1, VM_2)

    store.ledger.make_due("ssm", [State.SET_ASIDE], only(VM_2), NOW)

    assert (due(store, "ssm"), store.ledger.counts("ssm")) == ({VM_2}, Tally(0, 1, 1))


def test_a_replay_sends_what_was_accepted_and_not_what_the_messenger_never_wanted(store):
    put(store, a_statement(a_record("vm-1")))
    configure(store, ssm=LATER)
    put(store, a_statement(a_record("vm-2"), about="vm-2"))
    deliver(store, "ssm")
    put(store, a_statement(a_record("vm-2"), about="vm-2", known_at=NOW + HOUR))

    done = store.ledger.make_due("ssm", [State.ACCEPTED], Selection(), NOW)

    assert (done, due(store, "ssm")) == ({"cloud": 1}, {VM_2})


def test_what_was_passed_over_below_a_lowered_floor_stays_so(store):
    configure(store, ssm=ALL)
    put(store, a_statement(a_record("vm-1")))
    deliver(store, "ssm")
    configure(store)
    put(store, a_statement(a_record("vm-2"), about="vm-2"))
    configure(store, ssm=LATER)

    done = store.ledger.make_due("ssm", [State.SKIPPED], only(VM_1), NOW)

    assert (done, due(store, "ssm")) == ({"cloud": 1}, {VM_1})
    assert standing(store, VM_2) == Standing(State.SKIPPED, NOW, BEFORE_IT_CAME)
    assert store.ledger.counts("ssm") == Tally(0, 1, 0)


def test_a_replay_for_one_messenger_is_nothing_to_the_others(store):
    configure(store, ssm=ALL, logstash=ALL)
    put_two(store)
    deliver(store, "ssm")
    deliver(store, "logstash")

    store.ledger.make_due("ssm", [State.ACCEPTED], Selection(month=MARCH), NOW)

    assert (due(store, "ssm"), due(store, "logstash")) == ({VM_1, VM_2}, set())


def test_what_is_replayed_is_not_purged_before_it_is_sent(store):
    configure(store, ssm=ALL)
    put(store, a_statement(a_record(month=JANUARY)))
    deliver(store, "ssm")
    store.ledger.make_due("ssm", [State.ACCEPTED], Selection(), NOW)

    assert store.ledger.purge(MARCH) == 0

    deliver(store, "ssm")
    assert store.ledger.purge(MARCH) == 1


def test_what_is_forgotten_is_sent_again_only_when_it_changes(store):
    configure(store, ssm=ALL)
    put_two(store)
    refuse(store, "ssm", VM_1)

    assert store.ledger.skip("ssm", Selection(), NOW) == {"cloud": 2}

    assert (due(store, "ssm"), store.ledger.counts("ssm")) == (set(), Tally(0, 0, 0))
    assert standing(store, VM_1) == Standing(State.SKIPPED, NOW, FORGOTTEN)
    put(store, a_statement(a_record(wall=7)))
    assert due(store, "ssm") == {VM_1}


def test_what_was_accepted_is_not_forgotten(store):
    configure(store, ssm=ALL)
    put_two(store)
    deliver(store, "ssm")

    assert store.ledger.skip("ssm", Selection(), NOW) == {}

    assert store.ledger.counts("ssm") == Tally(2, 0, 0)


def test_of_a_messenger_that_is_not_there_nothing_is_changed(store):
    configure(store, ssm=ALL)
    put_two(store)
    deliver(store, "ssm")

    assert store.ledger.make_due("smm", [State.ACCEPTED, State.SKIPPED], Selection(), NOW) == {}
    assert store.ledger.skip("smm", Selection(), NOW) == {}


def test_more_records_than_one_question_takes_are_all_chosen_and_all_listed(store):
    configure(store, ssm=ALL)
    vms = [f"vm-{n:04}" for n in range(1203)]
    put(store, *(a_statement(a_record(vm), about=vm) for vm in vms))
    deliver(store, "ssm")

    with store.database.write() as connection:
        connection.execute(deliveries.delete())
        rows = connection.execute(records.select()).all()
        notes = [{"messenger": "ssm", "key": row.key, "revision": row.revision, "at": NOW, "refused": "no"} for row in rows]
        connection.execute(insert(deliveries), notes)

    assert len(keys(store, Selection(), ["ssm"], states=[State.SET_ASIDE])) == 1203
    assert store.ledger.make_due("ssm", [State.SET_ASIDE], Selection(), NOW) == {"cloud": 1203}
    assert store.ledger.counts("ssm") == Tally(0, 1203, 0)


def test_kinds_have_floors_of_their_own(store):
    configure(store, ssm=ALL)
    ip = an_ip_record(project_id="p1")
    put(store, dataclasses.replace(a_statement(ip, about="p1"), kinds=frozenset({"ip"})), a_statement(a_record()))
    deliver(store, "ssm")

    assert store.ledger.make_due("ssm", [State.ACCEPTED], Selection(kind="ip"), NOW) == {"ip": 1}

    assert due(store, "ssm") == {ip.key}


class Interventions(Bookkeeping):
    """The bookkeeping of delivery, with an administrator who intervenes at any time."""

    @precondition(lambda self: self.held)
    @rule(name=st.sampled_from(MESSENGERS), uuid=st.sampled_from(["a", "b", "c", None]))
    def retry(self, name: str, uuid: str | None) -> None:
        done = self.store.ledger.make_due(name, [State.SET_ASIDE], self._chosen(uuid), NOW)
        wanted = self._settled(name, uuid, refused=True)
        for key in wanted:
            del self.settled[name][key]
        assert done.total() == len(wanted)

    @precondition(lambda self: self.held)
    @rule(name=st.sampled_from(MESSENGERS), uuid=st.sampled_from(["a", "b", "c", None]))
    def replay(self, name: str, uuid: str | None) -> None:
        done = self.store.ledger.make_due(name, [State.ACCEPTED], self._chosen(uuid), NOW)
        wanted = self._settled(name, uuid, refused=False)
        for key in wanted:
            del self.settled[name][key]
        assert done.total() == len(wanted)

    @precondition(lambda self: self.held)
    @rule(name=st.sampled_from(MESSENGERS), uuid=st.sampled_from(["a", "b", "c", None]))
    def replay_what_was_skipped(self, name: str, uuid: str | None) -> None:
        self.store.ledger.make_due(name, [State.SKIPPED], self._chosen(uuid), NOW)
        for key, revision in self.ignored.get(name, {}).items():
            if key in self._keys(uuid) and revision == self.held[key][2] and name in self.subscribed:
                self.ignored[name][key] = 0

    @precondition(lambda self: self.held)
    @rule(name=st.sampled_from(MESSENGERS), uuid=st.sampled_from(["a", "b", "c", None]))
    def forget(self, name: str, uuid: str | None) -> None:
        wanted = {key for key in self._due(name) if key in self._keys(uuid)} | self._settled(name, uuid, refused=True)
        done = self.store.ledger.skip(name, self._chosen(uuid), NOW)
        for key in wanted:
            self.settled.get(name, {}).pop(key, None)
            self.ignored.setdefault(name, {})[key] = self.held[key][2]
        assert done.total() == len(wanted)

    def _keys(self, uuid: str | None) -> set[str]:
        return {key for key in self.held if uuid is None or key.split("/")[1] == uuid}

    def _chosen(self, uuid: str | None) -> Selection:
        return Selection() if uuid is None else Selection(keys=frozenset(self._keys(uuid)))

    def _settled(self, name: str, uuid: str | None, *, refused: bool) -> set[str]:
        """The keys whose newest revision the messenger has refused, or accepted."""
        settled = self.settled.get(name, {}) if name in self.subscribed else {}
        return {key for key in self._keys(uuid) if settled.get(key) == (self.held[key][2], refused)}


def test_whatever_an_administrator_does_exactly_what_was_chosen_is_due(fresh, backend):
    run(Interventions, fresh, backend)


def test_without_a_messenger_no_record_has_a_state(store):
    put(store, a_statement(a_record()))

    assert store.ledger.inspection.count(messengers=[], states=[State.DUE]) == 0
    assert list(store.ledger.inspection.entries(Selection(), [], [State.DUE])) == []
