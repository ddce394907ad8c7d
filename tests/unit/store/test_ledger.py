"""The ledger: the newest record of each usage, under its key, with a revision."""

from __future__ import annotations

import pytest

from caso.errors import StoreError
from caso.records import CloudRecord, Status
from caso.store import Changes, Subscription
from caso.store.book import record_of
from tests.unit.store.building import FEBRUARY, HOUR, JANUARY, MARCH, NOW, a_record, a_statement, put


def held(store):
    """Wall seconds by key, of what is held."""
    return {one.key: one.record.wall_seconds for one in everything(store)}


def everything(store):
    store.ledger.configure({"reader": Subscription()}, NOW)
    found = store.ledger.due("reader", 1000)
    store.ledger.configure({}, NOW)
    return found


def offer_all(store):
    store.ledger.offer(everything(store))


def test_a_record_comes_back_as_it_was_put(store):
    record = a_record(status=Status.COMPLETED, end=NOW, measured_at=NOW, public_ip_count=None, benchmark_value=1.5)

    changes = put(store, a_statement(record))

    assert changes == Changes(new=1)
    [one] = everything(store)
    assert (one.record, one.record.known_at, one.kind, one.key) == (record, record.known_at, "cloud", record.key)


def test_the_same_record_again_gets_no_new_revision(store):
    put(store, a_statement(a_record()))
    before = everything(store)[0].revision

    changes = put(store, a_statement(a_record(known_at=NOW + HOUR), known_at=NOW + HOUR))

    assert changes == Changes(same=1)
    [one] = everything(store)
    assert (one.revision, one.record.known_at) == (before, NOW + HOUR)


def test_numbers_that_mean_the_same_are_the_same(store):
    put(store, a_statement(a_record(cpu_count=4)))

    assert put(store, a_statement(a_record(cpu_count=4.0))) == Changes(same=1)


def test_a_member_that_records_got_since_is_no_news_where_it_has_its_default(store):
    put(store, a_statement(a_record()))
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE records SET content = replace(content, '\"image_id\":null,', '')")

    assert put(store, a_statement(a_record())) == Changes(same=1)
    assert put(store, a_statement(a_record(image_id="new"))) == Changes(changed=1)


def test_a_record_that_differs_gets_a_newer_revision(store):
    put(store, a_statement(a_record(wall=1), a_record(month=FEBRUARY, wall=1)))
    before = max(one.revision for one in everything(store))

    changes = put(store, a_statement(a_record(wall=2), a_record(month=FEBRUARY, wall=1)))

    assert changes == Changes(changed=1, same=1)
    assert {one.key: one.revision for one in everything(store)}["cloud/vm-1/2024-03"] > before


def test_equal_knowledge_that_is_computed_later_wins(store):
    put(store, a_statement(a_record(wall=1)))

    put(store, a_statement(a_record(wall=2)))

    assert held(store) == {"cloud/vm-1/2024-03": 2}


def test_older_knowledge_does_not_replace_newer(store):
    put(store, a_statement(a_record(wall=1, known_at=NOW)))

    changes = put(store, a_statement(a_record(wall=2, known_at=NOW - HOUR), known_at=NOW - HOUR))

    assert changes == Changes(kept=1)
    assert held(store) == {"cloud/vm-1/2024-03": 1}


def test_later_knowledge_may_say_that_the_end_was_earlier(store):
    put(store, a_statement(a_record(measured_at=NOW, known_at=NOW)))

    ended = a_record(status=Status.COMPLETED, end=NOW - HOUR, measured_at=NOW - HOUR, known_at=NOW + HOUR)
    put(store, a_statement(ended, known_at=NOW + HOUR))

    assert [one.record.measured_at for one in everything(store)] == [NOW - HOUR]


def test_a_record_that_nobody_can_hold_vanishes_without_a_word(store):
    put(store, a_statement(a_record(), a_record(month=FEBRUARY)))

    changes = put(store, a_statement(a_record(month=FEBRUARY)))

    assert changes == Changes(same=1, dropped=1)
    assert list(held(store)) == ["cloud/vm-1/2024-02"]


def test_a_record_that_a_recipient_may_hold_is_retracted_to_the_month_before(store):
    put(store, a_statement(a_record(month=FEBRUARY, wall=70), a_record(month=MARCH, wall=100)))
    offer_all(store)

    changes = put(store, a_statement(a_record(month=FEBRUARY, wall=60, known_at=NOW + HOUR), known_at=NOW + HOUR))

    assert changes == Changes(changed=1, retracted=1)
    february, march = everything(store)
    assert (february.record.wall_seconds, february.retracted) == (60, False)
    assert (march.record.wall_seconds, march.retracted, march.record.known_at) == (60, True, NOW + HOUR)
    assert march.revision > february.revision


def test_a_retraction_reaches_back_before_the_months_spoken_of(store):
    put(store, a_statement(a_record(month=JANUARY, wall=30), a_record(month=MARCH, wall=100)))
    offer_all(store)

    put(store, a_statement(since=MARCH))

    assert held(store) == {"cloud/vm-1/2024-01": 30, "cloud/vm-1/2024-03": 30}


def test_a_run_of_months_that_vanish_is_retracted_to_the_last_that_stays(store):
    put(store, a_statement(*(a_record(month=month, wall=wall) for month, wall in ((JANUARY, 10), (FEBRUARY, 20), (MARCH, 30)))))
    offer_all(store)

    assert put(store, a_statement(a_record(month=JANUARY, wall=10))) == Changes(same=1, retracted=2)
    assert set(held(store).values()) == {10}


def test_what_is_retracted_stays_so_without_a_newer_revision(store):
    put(store, a_statement(a_record()))
    offer_all(store)
    put(store, a_statement())
    before = everything(store)

    assert put(store, a_statement(known_at=NOW + HOUR)) == Changes(same=1)
    assert [(one.revision, one.retracted) for one in everything(store)] == [(before[0].revision, True)]


def test_what_was_retracted_comes_back_when_it_proves_right(store):
    put(store, a_statement(a_record(wall=5)))
    offer_all(store)
    put(store, a_statement())

    assert put(store, a_statement(a_record(wall=5))) == Changes(changed=1)
    assert [(one.record.wall_seconds, one.retracted) for one in everything(store)] == [(5, False)]


def test_older_knowledge_retracts_nothing_and_brings_nothing_retracted_back(store):
    put(store, a_statement(a_record(known_at=NOW)))
    offer_all(store)

    assert put(store, a_statement(known_at=NOW - HOUR)) == Changes(kept=1)
    put(store, a_statement(known_at=NOW + HOUR))
    assert put(store, a_statement(a_record(known_at=NOW), known_at=NOW)) == Changes(kept=1)


def test_other_subjects_kinds_and_earlier_months_are_left_alone(store):
    put(store, a_statement(a_record(month=JANUARY)), a_statement(a_record("vm-2"), about="vm-2"))

    put(store, a_statement(since=FEBRUARY))

    assert list(held(store)) == ["cloud/vm-1/2024-01", "cloud/vm-2/2024-03"]


def test_a_record_that_is_told_of_another_subject_goes_over_to_it(store):
    put(store, a_statement(a_record("vm-1"), about="old"))
    put(store, a_statement(a_record("vm-1"), about="new"))

    assert put(store, a_statement(about="old")) == Changes()
    assert put(store, a_statement(about="new")) == Changes(dropped=1)


def test_months_after_those_spoken_of_are_left_alone(store):
    put(store, a_statement(a_record(month=MARCH)))

    assert put(store, a_statement(until=FEBRUARY)) == Changes()


def test_more_statements_than_one_question_holds_are_put_alike(store):
    statements = [a_statement(a_record(f"vm-{number}"), about=f"vm-{number}") for number in range(1200)]

    assert put(store, *statements) == Changes(new=1200)
    assert put(store, *statements) == Changes(same=1200)


def test_statements_about_one_subject_are_put_one_after_the_other(store):
    changes = put(store, a_statement(a_record(wall=1)), a_statement(a_record(wall=2)), a_statement())

    assert changes == Changes(new=1, changed=1, dropped=1)
    assert held(store) == {}


def test_revisions_are_never_given_twice(store):
    put(store, a_statement(a_record()))
    first = everything(store)[0].revision
    put(store, a_statement())

    put(store, a_statement(a_record()))

    assert everything(store)[0].revision > first


def test_before_is_the_newest_record_of_an_earlier_month(store):
    put(store, a_statement(a_record(month=JANUARY, wall=1), a_record(month=FEBRUARY, wall=2), a_record(month=MARCH, wall=3)))

    with store.transaction() as step:
        assert step.ledger.before("server/vm-1", "cloud", MARCH) == a_record(month=FEBRUARY, wall=2)
        assert step.ledger.before("server/vm-1", "cloud", JANUARY) is None
        assert step.ledger.before("server/vm-1", "ip", MARCH) is None
        assert step.ledger.before_many(["server/vm-1", "server/none"], "cloud", FEBRUARY) == {
            "server/vm-1": a_record(month=JANUARY, wall=1)
        }


def test_a_record_that_its_plugin_cannot_read_any_more_is_a_sentence():
    with pytest.raises(StoreError, match=r"kind 'cloud' that the plug-in in use cannot read: .*wall_seconds"):
        record_of({"cloud": CloudRecord}, "cloud", '{"vm_uuid": "a"}', NOW)
