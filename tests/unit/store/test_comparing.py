"""What is due beside what was accepted last: also where a messenger was down, and held records were replaced since."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import func, select

from caso.store import Selection, Subscription
from caso.store.schema import records
from tests.unit.store.building import FEBRUARY, HERE, HOUR, MARCH, NOW, a_record, a_server, a_statement, deliver, put


@pytest.fixture
def ledger(store):
    store.ledger.configure({"up": Subscription(), "down": Subscription()}, NOW)
    return store


def known(store, wall, hours=0):
    put(store, a_statement(a_record(wall=wall, known_at=NOW + hours * HOUR), known_at=NOW + hours * HOUR))


def compared(store, messenger):
    """For each record that is due: the wall seconds as they are, those of the revision that was accepted, and whether one was."""
    return [
        (wall_of(one.line.content), None if one.before is None else wall_of(one.before), one.accepted is not None)
        for one in store.ledger.compared(messenger)
    ]


def wall_of(content):
    return json.loads(content)["wall_seconds"]


def test_what_was_never_accepted_has_no_before(ledger):
    known(ledger, 1)

    assert compared(ledger, "up") == [(1, None, False)]


def test_what_was_accepted_is_compared_with_what_it_was_then(ledger):
    known(ledger, 1)
    deliver(ledger, "up")
    assert compared(ledger, "up") == []

    known(ledger, 2)

    assert compared(ledger, "up") == [(2, 1, True)]


def test_a_messenger_that_was_down_is_compared_with_what_it_accepted_before_that(ledger):
    known(ledger, 1)
    deliver(ledger, "down")
    for wall in (2, 3, 4):
        known(ledger, wall)

    assert compared(ledger, "down") == [(4, 1, True)]


def test_the_newest_content_that_any_messenger_accepted_is_kept_and_the_other_one_is_told_as_not_kept(ledger):
    known(ledger, 1)
    deliver(ledger, "up")
    deliver(ledger, "down")
    known(ledger, 2)
    assert compared(ledger, "down") == [(2, 1, True)]
    deliver(ledger, "up")
    known(ledger, 3)

    assert compared(ledger, "up") == [(3, 2, True)]
    assert compared(ledger, "down") == [(3, None, True)]


def test_what_was_accepted_only_after_it_had_been_replaced_is_kept_all_the_same(ledger):
    known(ledger, 1)
    under_way = ledger.ledger.due("up", 10)
    known(ledger, 2)
    ledger.ledger.accept("up", under_way, NOW)

    assert compared(ledger, "up") == [(2, 1, True)]

    known(ledger, 3)
    assert compared(ledger, "up") == [(3, 1, True)]


def test_a_late_word_of_an_older_revision_takes_the_place_of_no_newer_one(ledger):
    known(ledger, 1)
    late = ledger.ledger.due("down", 10)
    known(ledger, 2)
    deliver(ledger, "up")
    known(ledger, 3)
    ledger.ledger.accept("down", late, NOW)

    assert compared(ledger, "up") == [(3, 2, True)]


def test_what_was_refused_since_leaves_what_was_accepted_before_it(ledger):
    known(ledger, 1)
    deliver(ledger, "up")
    known(ledger, 2)
    ledger.ledger.set_aside("up", [(held, "no such site") for held in ledger.ledger.due("up", 10)], NOW)
    known(ledger, 3)

    assert compared(ledger, "up") == [(3, 1, True)]


def test_what_an_administrator_gave_up_since_leaves_what_was_accepted_before_it(ledger):
    known(ledger, 1)
    deliver(ledger, "up")
    known(ledger, 2)
    ledger.ledger.skip("up", Selection(), NOW)
    known(ledger, 3)

    assert compared(ledger, "up") == [(3, 1, True)]


def test_what_was_refused_was_not_accepted(ledger):
    known(ledger, 1)
    ledger.ledger.set_aside("up", [(held, "no such site") for held in ledger.ledger.due("up", 10)], NOW)
    known(ledger, 2)

    assert compared(ledger, "up") == [(2, None, False)]


def test_what_is_taken_back_is_compared_too(ledger):
    put(ledger, a_statement(a_record(month=FEBRUARY, wall=70), a_record(month=MARCH, wall=100)))
    deliver(ledger, "up")

    put(ledger, a_statement(a_record(month=FEBRUARY, wall=70)))

    assert compared(ledger, "up") == [(70, 100, True)]
    (one,) = ledger.ledger.compared("up")
    assert one.line.retracted


def test_the_end_of_what_a_record_tells_of_stands_beside_it(ledger):
    ledger.observe(HERE, [a_server("vm-1", ended=NOW - HOUR), a_server("vm-2")], by="nova")
    put(ledger, a_statement(a_record("vm-1")), a_statement(a_record("vm-2"), about="vm-2"))

    assert {one.line.key: one.over for one in ledger.ledger.compared("up")} == {
        "cloud/vm-1/2024-03": NOW - HOUR,
        "cloud/vm-2/2024-03": None,
    }


def test_more_than_one_question_holds_is_compared_in_the_order_of_delivery(ledger):
    months = (MARCH, FEBRUARY)
    put(ledger, *(a_statement(a_record(f"vm-{n}", month=months[n % 2]), about=f"vm-{n}") for n in range(1200)))

    due = [held.key for held in ledger.ledger.due("up", 5000)]

    assert [one.line.key for one in ledger.ledger.compared("up")] == due
    assert len(due) == 1200


def kept(store):
    """How many records the store keeps older content of."""
    with store.database.read() as connection:
        return connection.scalar(select(func.count()).where(records.c.previous.is_not(None)))


def test_older_content_is_kept_no_longer_than_a_messenger_has_it(ledger):
    known(ledger, 1)
    deliver(ledger, "up")
    deliver(ledger, "down")
    known(ledger, 2)

    assert kept(ledger) == 1
    deliver(ledger, "up")
    assert kept(ledger) == 1
    deliver(ledger, "down")
    assert kept(ledger) == 0
