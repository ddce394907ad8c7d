"""Delivery: what is due to whom, and what became of it."""

from __future__ import annotations

from caso.lifecycle.server import ServerSeen
from caso.records import CloudRecord
from caso.store import Changes, State, Subscription, Tally, open_store
from caso.store.standing import EVERYTHING
from tests.unit.store.building import (
    FEBRUARY,
    HERE,
    HOUR,
    JANUARY,
    MARCH,
    NOW,
    a_record,
    a_server,
    a_statement,
    deliver,
    put,
)

ALL = Subscription()
LATER = Subscription(replay=False)


def configure(store, **messengers: Subscription) -> None:
    store.ledger.configure(messengers, NOW)


def due(store, messenger: str) -> list[str]:
    return [one.key for one in store.ledger.due(messenger, 1000)]


def aside(store, messenger: str) -> list[tuple[object, ...]]:
    found = store.ledger.inspection.entries(EVERYTHING, [messenger], [State.SET_ASIDE])
    return [(one.line.key, one.line.revision, one.standings[messenger].reason, one.standings[messenger].at) for one in found]


def test_what_is_held_is_due_oldest_first(store):
    put(store, a_statement(a_record(month=MARCH)))
    put(store, a_statement(a_record("vm-2", JANUARY), a_record("vm-2", FEBRUARY), about="vm-2"))

    configure(store, ssm=ALL)

    assert due(store, "ssm") == ["cloud/vm-2/2024-01", "cloud/vm-2/2024-02", "cloud/vm-1/2024-03"]
    assert [one.key for one in store.ledger.due("ssm", 1)] == ["cloud/vm-2/2024-01"]


def test_what_was_accepted_is_due_again_only_when_it_changes(store):
    configure(store, ssm=ALL)
    put(store, a_statement(a_record(wall=1)))
    deliver(store, "ssm")
    assert due(store, "ssm") == []

    put(store, a_statement(a_record(wall=2)))

    assert [one.record.wall_seconds for one in store.ledger.due("ssm", 10)] == [2]


def test_a_messenger_that_was_down_is_sent_the_newest_state_only(store):
    configure(store, ssm=ALL)
    for wall in range(5):
        put(store, a_statement(a_record(wall=wall)))

    assert [one.record.wall_seconds for one in store.ledger.due("ssm", 10)] == [4]


def test_what_changes_while_it_is_sent_is_due_again(store):
    configure(store, ssm=ALL)
    put(store, a_statement(a_record(wall=1)))
    sent = store.ledger.due("ssm", 10)
    put(store, a_statement(a_record(wall=2)))

    store.ledger.accept("ssm", sent, NOW)

    assert due(store, "ssm") == ["cloud/vm-1/2024-03"]


def test_an_old_acceptance_that_comes_late_takes_nothing_back(store):
    configure(store, ssm=ALL)
    put(store, a_statement(a_record(wall=1)))
    old = store.ledger.due("ssm", 10)
    put(store, a_statement(a_record(wall=2)))
    deliver(store, "ssm")

    store.ledger.accept("ssm", old, NOW)

    assert due(store, "ssm") == []


def test_messengers_do_not_hold_each_other_back(store):
    configure(store, ssm=ALL, logstash=ALL)
    put(store, a_statement(a_record()))

    deliver(store, "ssm")

    assert (due(store, "ssm"), due(store, "logstash")) == ([], ["cloud/vm-1/2024-03"])


def test_what_is_refused_is_set_aside_with_its_reason_until_it_changes(store):
    configure(store, ssm=ALL)
    put(store, a_statement(a_record(wall=1), a_record(month=FEBRUARY)))
    february, march = store.ledger.due("ssm", 10)

    store.ledger.set_aside("ssm", [(march, "no VO")], NOW)

    assert due(store, "ssm") == ["cloud/vm-1/2024-02"]
    assert aside(store, "ssm") == [(march.key, march.revision, "no VO", NOW)]
    put(store, a_statement(a_record(wall=2), a_record(month=FEBRUARY)))
    assert due(store, "ssm") == [february.key, march.key]
    assert aside(store, "ssm") == []


def test_the_counts_are_of_the_newest_revisions(store):
    configure(store, ssm=ALL)
    put(store, a_statement(*(a_record(month=month) for month in (JANUARY, FEBRUARY, MARCH))))
    january, february, march = store.ledger.due("ssm", 10)
    store.ledger.accept("ssm", [january, march], NOW)
    store.ledger.set_aside("ssm", [(february, "no")], NOW)
    assert store.ledger.counts("ssm") == Tally(accepted=2, due=0, set_aside=1)

    put(store, a_statement(a_record(month=MARCH, wall=7), since=MARCH))

    assert store.ledger.counts("ssm") == Tally(accepted=1, due=1, set_aside=1)


def test_a_new_messenger_is_due_everything_held(store):
    configure(store, ssm=ALL)
    put(store, a_statement(a_record()))
    deliver(store, "ssm")

    configure(store, ssm=ALL, logstash=ALL)

    assert (due(store, "ssm"), due(store, "logstash")) == ([], ["cloud/vm-1/2024-03"])


def test_a_messenger_without_replay_is_due_only_what_comes(store):
    put(store, a_statement(a_record(wall=1), a_record(month=FEBRUARY)))
    configure(store, ssm=LATER)
    assert store.ledger.counts("ssm") == Tally(0, 0, 0)

    put(store, a_statement(a_record(wall=2), a_record(month=FEBRUARY)))

    assert due(store, "ssm") == ["cloud/vm-1/2024-03"]


def test_a_messenger_that_comes_back_is_due_everything_again(store):
    put(store, a_statement(a_record()))
    configure(store, ssm=ALL)
    deliver(store, "ssm")

    configure(store)
    assert due(store, "ssm") == []
    configure(store, ssm=ALL)

    assert due(store, "ssm") == ["cloud/vm-1/2024-03"]


def test_a_kind_that_a_messenger_does_not_take_is_not_due(store):
    configure(store, ssm=Subscription(frozenset({"accelerator"})))
    put(store, a_statement(a_record()))

    assert due(store, "ssm") == []


def test_a_kind_that_a_messenger_takes_from_now_on_is_due_whole_and_the_others_not_again(store):
    configure(store, ssm=Subscription(frozenset({"cloud"})), none=Subscription(frozenset({"accelerator"})))
    put(store, a_statement(a_record()))
    deliver(store, "ssm")

    configure(store, ssm=ALL, none=ALL)

    assert (due(store, "ssm"), due(store, "none")) == ([], ["cloud/vm-1/2024-03"])


def test_a_kind_that_a_messenger_left_and_takes_again_is_due_whole(store):
    configure(store, ssm=ALL)
    put(store, a_statement(a_record()))
    deliver(store, "ssm")

    configure(store, ssm=Subscription(frozenset({"accelerator"})))
    configure(store, ssm=ALL)

    assert due(store, "ssm") == ["cloud/vm-1/2024-03"]


def test_to_be_configured_again_as_before_changes_nothing(store):
    configure(store, ssm=ALL, late=LATER)
    put(store, a_statement(a_record()))
    deliver(store, "ssm")

    configure(store, ssm=ALL, late=LATER)

    assert (due(store, "ssm"), due(store, "late")) == ([], ["cloud/vm-1/2024-03"])


def test_acceptance_by_a_messenger_that_another_run_has_forgotten_is_no_error(store):
    configure(store, ssm=ALL)
    put(store, a_statement(a_record()))
    sent = store.ledger.due("ssm", 10)
    configure(store)

    store.ledger.accept("ssm", sent, NOW)

    assert store.ledger.counts("ssm") == Tally(0, 0, 0)


def test_acceptance_of_a_record_that_has_gone_meanwhile_is_no_error(store):
    configure(store, ssm=ALL)
    put(store, a_statement(a_record()))
    sent = store.ledger.due("ssm", 10)
    put(store, a_statement())

    store.ledger.accept("ssm", sent, NOW)

    assert store.ledger.counts("ssm") == Tally(0, 0, 0)


def test_what_went_or_changed_since_it_was_read_is_not_offered(store):
    configure(store, ssm=ALL)
    put(store, *(a_statement(a_record(vm), about=vm) for vm in ("gone", "stays", "changes")))
    read = store.ledger.due("ssm", 10)
    put(store, a_statement(about="gone"), a_statement(a_record("changes", wall=200), about="changes"))

    assert [held.record.vm_uuid for held in store.ledger.offer(read)] == ["stays"]
    assert put(store, a_statement(about="changes"), a_statement(about="stays")) == Changes(dropped=1, retracted=1)


def test_a_run_with_messengers_of_its_own_forgets_none_of_the_others(store):
    configure(store, ssm=ALL, logstash=LATER)
    put(store, a_statement(a_record()))

    store.ledger.configure({"ssm": ALL}, NOW, whole=False)
    configure(store, ssm=ALL, logstash=LATER)

    assert store.ledger.counts("logstash") == Tally(accepted=0, due=1, set_aside=0)


def test_what_anyone_ever_accepted_is_retracted_even_after_that_messenger_left(store):
    configure(store, ssm=ALL)
    put(store, a_statement(a_record()))
    deliver(store, "ssm")
    configure(store)

    assert put(store, a_statement()) == Changes(retracted=1)


def test_what_was_offered_by_a_run_that_crashed_is_retracted(store):
    configure(store, ssm=ALL)
    put(store, a_statement(a_record()))

    store.ledger.offer(store.ledger.due("ssm", 10))

    assert put(store, a_statement()) == Changes(retracted=1)


def test_records_of_a_plugin_that_is_not_installed_wait_for_it(connection):
    with open_store(connection) as store:
        put(store, a_statement(a_record()))
        configure(store, ssm=ALL)

    with open_store(connection, kinds={}) as store:
        assert due(store, "ssm") == []
        assert store.ledger.counts("ssm").due == 0

    with open_store(connection) as store:
        assert due(store, "ssm") == ["cloud/vm-1/2024-03"]


def test_purging_drops_old_months(store):
    put(store, a_statement(a_record(month=JANUARY), a_record(month=FEBRUARY), a_record(month=MARCH)))

    assert store.ledger.purge(MARCH) == 2

    configure(store, ssm=ALL)
    assert due(store, "ssm") == ["cloud/vm-1/2024-03"]


def test_purging_keeps_the_newest_record_of_the_living(store):
    store.observe(HERE, [a_server("alive"), a_server("dead", ended=NOW - HOUR)], by="nova")
    for uuid in ("alive", "dead"):
        put(store, a_statement(a_record(uuid, JANUARY), a_record(uuid, FEBRUARY), about=uuid))

    assert store.ledger.purge(MARCH) == 3

    configure(store, ssm=ALL)
    assert due(store, "ssm") == ["cloud/alive/2024-02"]


def test_purging_keeps_what_is_still_due(store):
    configure(store, ssm=ALL)
    put(store, a_statement(a_record(month=JANUARY), a_record(month=FEBRUARY)))
    store.ledger.accept("ssm", store.ledger.due("ssm", 1), NOW)

    assert store.ledger.purge(MARCH) == 1

    assert due(store, "ssm") == ["cloud/vm-1/2024-02"]


def test_a_living_entity_of_another_id_keeps_nothing(store):
    seen: ServerSeen = a_server("vm-2")
    store.observe(HERE, [seen], by="nova")
    put(store, a_statement(a_record(month=JANUARY)))

    assert store.ledger.purge(MARCH) == 1


def test_purging_keeps_what_is_due_and_waits_for_the_plugin_that_makes_it(connection):
    with open_store(connection, kinds={"cloud": CloudRecord}) as store:
        configure(store, ssm=ALL)
        put(store, a_statement(a_record(month=JANUARY)))

    with open_store(connection, kinds={}) as store:
        assert store.ledger.purge(MARCH) == 0
