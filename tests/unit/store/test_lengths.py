"""What may be long or odd in a cloud is kept by every kind of database alike."""

from __future__ import annotations

from caso.extractors.base import OddObject
from caso.store import Place, Scope, Subscription
from tests.unit.store.building import HERE, NOVA, NOW, a_record, a_server, a_statement, put

ODD = "half a \ud83d and \0 nothing " * 20000
KEPT = "half a ? and ? nothing " * 20000


def test_a_vo_and_a_name_of_any_length_are_kept(store):
    with store.transaction() as step:
        step.checkpoints.advance(NOVA, NOW, vo="v" * 300, service="s" * 300, kinds=frozenset(f"kind-{n}" for n in range(100)))
        step.checkpoints.note_names({NOVA: "n" * 300})

    mark = store.checkpoints.get(NOVA)
    assert (mark.vo, mark.service, len(mark.kinds)) == ("v" * 300, "s" * 300, 100)
    assert mark.project_name.startswith("n" * 255)


def test_why_an_object_is_set_aside_is_kept_whatever_is_in_it(store):
    store.quarantine(HERE, [OddObject("server", "vm-1", "p1", ODD)], window_start=NOW, at=NOW)

    assert [one.reason for one in store.quarantined(HERE)] == [KEPT]


def test_why_a_record_was_refused_is_kept_whatever_is_in_it(store):
    put(store, a_statement(a_record()))
    store.ledger.configure({"ssm": Subscription()}, NOW)
    [held] = store.ledger.due("ssm", 10)

    store.ledger.set_aside("ssm", [(held, ODD)], NOW)

    with store.database.read() as connection:
        assert connection.exec_driver_sql("SELECT refused FROM deliveries").scalar() == KEPT


def test_the_longest_names_fit_into_every_key(store):
    place = Place("名" * 100, "域" * 100)
    scope = Scope(*place, "計" * 255, "e" * 64)
    uuid = "器" * 255

    with store.transaction() as step:
        step.checkpoints.advance(scope, NOW)
    with store.locks.acquire([f"history {'/'.join(scope)}"], NOW) as lease:
        assert len(lease.held) == 1
    store.observe(place, [a_server(uuid, project_id=scope.project_id)], by=scope.extractor)
    put(store, a_statement(a_record(uuid, user_name="名" * 255), about=uuid))

    assert [one.uuid for one in store.living(place, scope.project_id, "server")] == [uuid]
    assert store.checkpoints.all()[0].scope == scope


def test_what_many_extractors_told_of_is_missed_by_each(store):
    names = [f"{number:064}" for number in range(10)]

    for name in names:
        store.observe(HERE, [a_server()], by=name)

    assert store.vanish(NOVA._replace(extractor=names[-1]), seen_since=NOW.replace(hour=13), at=NOW, reason="gone") == ["vm-1"]
