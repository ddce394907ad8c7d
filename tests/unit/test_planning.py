"""Which stretch each scope is asked for, and whether its checkpoint moves."""

from datetime import UTC, datetime

from caso.planning import Period, plan
from caso.store import Checkpoint, Scope
from caso.window import BEGINNING, Window

SCOPE = Scope("", "RegionOne", "p1", "nova")
NOW = datetime(2024, 3, 10, 12, tzinfo=UTC)
MARCH = datetime(2024, 3, 1, tzinfo=UTC)
LAST = datetime(2024, 3, 10, 11, tzinfo=UTC)


def checkpoint(until=LAST, since=MARCH, opening=MARCH):
    return Checkpoint(SCOPE, since, opening, until, "vo", None)


def test_a_scope_without_any_state_starts_with_the_month_and_owes_an_opening():
    planned = plan(SCOPE, None, None, Period(now=NOW, until=NOW))

    assert (planned.window, planned.since, planned.opening, planned.live) == (Window(MARCH, NOW), MARCH, MARCH, True)


def test_a_scope_goes_on_from_its_checkpoint():
    planned = plan(SCOPE, checkpoint(), None, Period(now=NOW, until=NOW))

    assert (planned.window, planned.since, planned.live) == (Window(LAST, NOW), MARCH, True)


def test_a_scope_of_caso_goes_on_from_its_lastrun_and_owes_no_opening():
    planned = plan(SCOPE, None, LAST, Period(now=NOW, until=NOW))

    assert (planned.window.start, planned.since, planned.opening) == (LAST, LAST, None)


def test_nothing_is_asked_where_all_is_extracted():
    assert plan(SCOPE, checkpoint(until=NOW), None, Period(now=NOW, until=NOW)) is None


def test_a_run_that_ends_before_now_moves_the_checkpoint_to_its_end():
    planned = plan(SCOPE, checkpoint(), None, Period(now=NOW, until=datetime(2024, 3, 10, 11, 30, tzinfo=UTC), past=True))

    assert planned.live


def test_history_ends_with_its_month_and_moves_nothing():
    january = datetime(2024, 1, 15, tzinfo=UTC)
    asked = Period(now=NOW, until=datetime(2024, 1, 20, tzinfo=UTC), since=january, past=True)

    planned = plan(SCOPE, checkpoint(), None, asked)

    assert (planned.window, planned.live) == (Window(january, datetime(2024, 2, 1, tzinfo=UTC)), False)


def test_history_goes_no_further_than_the_checkpoint():
    planned = plan(SCOPE, checkpoint(), None, Period(now=NOW, until=NOW, since=MARCH))

    assert (planned.window, planned.live) == (Window(MARCH, LAST), False)
    assert plan(SCOPE, checkpoint(), None, Period(now=NOW, until=NOW, since=LAST)) is None


def test_a_first_run_over_older_months_is_live():
    planned = plan(SCOPE, None, None, Period(now=NOW, until=NOW, since=BEGINNING))

    assert (planned.window, planned.opening, planned.live) == (Window(BEGINNING, NOW), None, True)


def test_a_closed_stretch_of_history_sets_no_checkpoint_where_there_is_none():
    planned = plan(SCOPE, None, None, Period(now=NOW, until=datetime(2024, 2, 1, tzinfo=UTC), since=BEGINNING, past=True))

    assert not planned.live
