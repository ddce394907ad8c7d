"""Why a server's hours in the ledger and by Nova differ: the causes, one by one, and that they add up."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caso.accounting.rules import Rules
from caso.accounting.servers import cloud_record, readings
from caso.lifecycle.measured import CPU, Metered, Total
from caso.lifecycle.server import Flavor, ServerState
from caso.reconciling.cases import Basis, Bill, Booked, Case, Known
from caso.reconciling.causes import NO_HOURS, Cause, Hours, Size
from caso.reconciling.comparing import compare
from caso.testing.entities import BIG, SMALL, hours, life, seen_server
from caso.window import Month, Window

RULES = Rules("SITE", "SERVICE", "OpenStack")
VOS = {"project-1": "vo"}
START = datetime(2026, 2, 1, tzinfo=UTC)
UNTIL = START + timedelta(hours=100)
WINDOW = Window.of(START, UNTIL)
BASIS = Basis(WINDOW, START, UNTIL, RULES)
BOOT = timedelta(minutes=1)


def at(count):
    """So many hours after the month began."""
    return START + timedelta(hours=count)


def size(flavor):
    return Size(flavor.vcpus, flavor.memory_mib, flavor.disk_gib)


def billed(launched, *, ended=None, flavor=SMALL, window=WINDOW):
    """What Nova makes of a server: from launched_at to its end, or that of the window, at the flavor of now."""
    seconds = max(0.0, (min(ended or window.end, window.end) - max(launched, window.start)).total_seconds())
    return Bill(seconds, size(flavor), launched, ended)


def booked(server, until=UNTIL, before=True):
    """The records of a life, as a run makes them at ``until``; the month before has its closing one."""
    records = [cloud_record(r, RULES) for r in readings(server, START, until, VOS, START)]
    earlier = [record for record in records if record.month < Month.of(START)]
    return Booked(records[-1], earlier[-1] if earlier and before else None)


def case(server, bill, *, listed=None, dirty=False, **changes):
    newest = listed or seen_server(at=UNTIL, created=server.created, ended=server.ended)
    return Case(server.uuid, bill, newest, **{"booked": booked(server), "known": Known(server, dirty), **changes})


def core_hours(comparison):
    return {cause: pytest.approx(told.core) for cause, told in comparison.causes.items()}


def adds_up(comparison):
    total = sum(comparison.causes.values(), NO_HOURS)
    difference = comparison.ledger - comparison.nova
    return dataclasses.astuple(total) == pytest.approx(dataclasses.astuple(difference), abs=1e-5)


def test_a_server_that_only_runs_has_no_cause():
    server = life(seen_server(at=UNTIL))

    found = compare(case(server, billed(hours(0))), BASIS)

    assert found.causes == {}
    assert found.ledger == found.nova == found.listing == Hours(200.0, 400.0, 2000.0)


def test_what_was_before_launched_at_is_named():
    server = life(seen_server(at=UNTIL))

    found = compare(case(server, billed(at(30))), BASIS)

    assert core_hours(found) == {Cause.BEFORE_LAUNCH: 60}


def test_a_server_launched_anew_after_the_checkpoint_is_nothing_to_nova():
    server = life(seen_server(at=UNTIL))

    found = compare(case(server, None), BASIS)

    assert core_hours(found) == {Cause.BEFORE_LAUNCH: 200}


def test_suspended_time_that_caso_saw_is_named():
    server = life(seen_server(at=at(10)), seen_server(at=UNTIL, status="SUSPENDED", unchanged_since=at(60)))

    found = compare(case(server, billed(hours(0))), BASIS)

    assert core_hours(found) == {Cause.SUSPENDED: -80}
    assert found.ledger.memory_gib == pytest.approx(60 * 4)


def test_another_flavor_at_the_time_is_named():
    server = life(seen_server(at=at(10)), seen_server(at=UNTIL, flavor=BIG, unchanged_since=at(75)))
    listed = seen_server(at=UNTIL, flavor=BIG)

    found = compare(case(server, billed(at(75), flavor=BIG), listed=listed), BASIS)

    assert core_hours(found) == {Cause.BEFORE_LAUNCH: 75 * 16, Cause.OTHER_FLAVOR: -75 * 14}
    assert found.ledger.core == pytest.approx(75 * 2 + 25 * 16)


def test_measured_cpu_time_is_told_from_what_nova_counts():
    server = life(seen_server(at=at(10)), seen_server(at=UNTIL, status="SUSPENDED", unchanged_since=at(60)))
    metered = Metered({CPU: [Total(Month.of(START), at(20), 9 * 3600.0)]})
    records = [cloud_record(r, RULES, metered=metered) for r in readings(server, START, UNTIL, VOS, START)]
    measured = Booked(records[-1], records[0])

    found = compare(case(server, billed(hours(0)), booked=measured, known=Known(server, metered=metered)), BASIS)

    # Up to hour 20 two vCPUs are allotted, as long as it is not suspended; from then on it used nine hours.
    assert found.ledger.core == pytest.approx(20 * 2 + 9)
    assert core_hours(found) == {Cause.SUSPENDED: -80, Cause.MEASURED: 9 - 40 * 2}
    adds_up(found)


def test_a_past_month_keeps_the_size_that_nova_forgot():
    server = life(seen_server(at=at(10)), seen_server(at=UNTIL))
    listed = seen_server(at=UNTIL + timedelta(days=40), flavor=BIG)

    found = compare(case(server, billed(hours(0), flavor=BIG), listed=listed), BASIS)

    assert found.causes == {Cause.OTHER_FLAVOR: found.ledger - found.nova}
    assert found.ledger.memory_gib == pytest.approx(400)


def test_a_server_deleted_without_an_end_is_counted_for_ever_by_nova():
    ended = at(20)
    server = life(seen_server(at=at(10)), seen_server(at=UNTIL, ended=ended))

    found = compare(case(server, billed(hours(0))), BASIS)

    assert core_hours(found) == {Cause.DELETED_WITHOUT_END: -160}


def test_so_is_one_that_was_deleted_before_the_month_and_that_nobody_lists():
    found = compare(Case("old", billed(hours(0))), BASIS)

    assert core_hours(found) == {Cause.DELETED_WITHOUT_END: -200}


def test_a_soft_deleted_server_that_nova_counts_no_more_still_holds_resources():
    server = life(seen_server(at=at(10)), seen_server(at=UNTIL, status="SOFT_DELETED", unchanged_since=at(40)))

    found = compare(case(server, billed(hours(0), ended=at(40))), BASIS)

    assert core_hours(found) == {Cause.SOFT_DELETED: 120}


def test_a_deleted_row_that_was_archived_is_in_the_ledger_only():
    server = life(seen_server(at=UNTIL, ended=at(50)))

    found = compare(Case(server.uuid, booked=booked(server), known=Known(server)), BASIS)

    assert core_hours(found) == {Cause.ARCHIVED: 100}


def test_a_living_server_that_nova_does_not_have_is_not_explained():
    server = life(seen_server(at=UNTIL))

    found = compare(Case(server.uuid, booked=booked(server), known=Known(server)), BASIS)

    assert core_hours(found) == {Cause.NOT_EXPLAINED: 200}


def test_a_server_that_never_launched_costs_nobody_anything():
    listed = seen_server(at=UNTIL, launched=False)

    found = compare(Case(listed.uuid, listed=listed), BASIS)

    assert found.causes == {Cause.NEVER_LAUNCHED: NO_HOURS}
    assert found.listing == NO_HOURS


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        ({"unreadable": True}, Cause.QUARANTINED),
        ({"known": Known(life(seen_server(at=UNTIL)), dirty=True)}, Cause.NOT_ACCOUNTED_YET),
        ({"listed": seen_server(at=at(120), unchanged_since=at(110))}, Cause.NOT_EXTRACTED_YET),
        ({"listed": seen_server(at=UNTIL)}, Cause.NOT_EXPLAINED),
    ],
)
def test_what_only_nova_has_says_why(told, cause):
    found = compare(Case("one", billed(hours(0)), **told), BASIS)

    assert core_hours(found) == {cause: -200}


def test_what_ended_before_accounting_began_is_not_asked_of_the_ledger():
    listed = seen_server(at=UNTIL, ended=at(30))

    found = compare(Case("one", billed(hours(0), ended=at(30)), listed), dataclasses.replace(BASIS, since=at(40)))

    assert core_hours(found) == {Cause.BEFORE_ACCOUNTING: -60}


@pytest.mark.parametrize("listed", [seen_server(at=UNTIL), seen_server(at=at(300), ended=at(200))])
def test_of_a_month_that_was_never_accounted_for_nothing_is_asked_of_the_ledger(listed):
    found = compare(Case("one", billed(hours(0)), listed), dataclasses.replace(BASIS, since=UNTIL, begun=False))

    assert core_hours(found) == {Cause.BEFORE_ACCOUNTING: -200}


def test_without_a_record_of_an_earlier_month_the_whole_life_is_in_this_one():
    server = life(seen_server(at=UNTIL))

    found = compare(case(server, billed(hours(0)), booked=booked(server, before=False)), BASIS)

    assert core_hours(found) == {Cause.NO_EARLIER_RECORD: 31 * 24 * 2}


def test_an_end_that_is_newer_than_the_checkpoint_is_for_the_next_run():
    server = life(seen_server(at=UNTIL))
    listed = seen_server(at=at(101), ended=at(99), unchanged_since=at(100.5))

    found = compare(case(server, billed(hours(0), ended=at(99)), listed=listed), BASIS)

    assert core_hours(found) == {Cause.NOT_EXTRACTED_YET: 2}


def test_an_end_that_the_last_run_should_have_seen_is_not_explained():
    server = life(seen_server(at=UNTIL))
    listed = seen_server(at=at(101), ended=at(50), unchanged_since=at(50))

    found = compare(case(server, billed(hours(0), ended=at(50)), listed=listed), BASIS)

    assert core_hours(found) == {Cause.NOT_EXPLAINED: 100}


def test_a_record_beyond_the_checkpoint_says_so():
    server = life(seen_server(at=at(110)))

    found = compare(case(server, billed(hours(0)), booked=booked(server, until=at(110))), BASIS)

    assert core_hours(found) == {Cause.BEYOND_CHECKPOINT: 20}


def test_a_value_that_was_held_up_says_so():
    server = life(seen_server(at=UNTIL))
    held = booked(server)
    larger = {"cpu_seconds": held.record.cpu_seconds + 7200, "wall_seconds": held.record.wall_seconds + 3600}
    stuck = Booked(dataclasses.replace(held.record, **larger), dataclasses.replace(held.before, **larger))

    found = compare(case(server, billed(hours(0)), booked=stuck), BASIS)

    assert found.ledger == NO_HOURS
    assert core_hours(found) == {Cause.NEVER_SHRINKS: -200}


def test_an_earlier_month_that_was_sent_otherwise_is_made_up_for():
    server = life(seen_server(at=UNTIL))
    held = booked(server)
    before = dataclasses.replace(held.before, cpu_seconds=held.before.cpu_seconds - 3600)

    found = compare(case(server, billed(hours(0)), booked=Booked(held.record, before)), BASIS)

    assert core_hours(found) == {Cause.MADE_UP_FOR: 1}


def test_a_record_that_no_life_explains_is_not_explained():
    server = life(seen_server(at=UNTIL))
    held = booked(server)
    wrong = dataclasses.replace(held.record, cpu_seconds=held.record.cpu_seconds + 3600)

    assert core_hours(compare(case(server, billed(hours(0)), booked=Booked(wrong, held.before)), BASIS)) == {
        Cause.NOT_EXPLAINED: 1
    }


def test_hours_that_nova_reckons_in_a_way_unknown_to_caso_are_not_explained():
    server = life(seen_server(at=UNTIL))
    odd = dataclasses.replace(billed(hours(0)), seconds=100 * 3600 - 900)

    assert core_hours(compare(case(server, odd), BASIS)) == {Cause.NOT_EXPLAINED: 0.5}


def test_fractions_of_a_second_are_rounding():
    ended = at(50) + timedelta(milliseconds=400)
    server = life(seen_server(at=UNTIL, ended=ended))

    found = compare(case(server, billed(hours(0), ended=ended)), BASIS)

    assert core_hours(found) == {Cause.ROUNDED: 0.2 / 3600}


STATES = st.sampled_from(["ACTIVE", "SHUTOFF", "SUSPENDED", "SHELVED_OFFLOADED", "ERROR"])
FLAVORS = st.sampled_from([SMALL, BIG, Flavor("tiny", 1, 512, 1)])
MOMENTS = st.floats(-200, 99).map(at)


@given(
    created=MOMENTS,
    polls=st.lists(st.tuples(st.floats(-100, 100), STATES, FLAVORS), min_size=1, max_size=6),
    end=st.none() | st.floats(0, 1),
    launched=st.floats(0, 1),
    known=st.booleans(),
)
# Born 4 ms after the window began: of the rests each is too small to be told, and together they are not.
@example(created=at(1e-06), polls=[(0.0, "ACTIVE", Flavor("tiny", 1, 512, 1))], end=None, launched=0.03125, known=True)
def test_the_causes_of_any_life_add_up_to_the_difference_and_leave_nothing_unexplained(created, polls, end, launched, known):
    times = sorted({max(created, at(time)) for time, _, _ in polls})
    seen = [
        seen_server(at=time, created=created, status=state, flavor=flavor, unchanged_since=max(created, time))
        for time, (_, state, flavor) in zip(times, polls, strict=False)
    ]
    last = seen[-1].state
    ended = None if end is None else times[-1] + (UNTIL - times[-1]) * end
    final = dataclasses.replace(seen[-1], seen_at=UNTIL, ended=ended, state=ServerState("ACTIVE", "project-1", last.flavor))
    server = life(*seen, final)
    moment = created + ((ended or UNTIL) - created) * launched
    bill = billed(moment, ended=ended, flavor=last.flavor)
    if ended is not None and ended < START:
        return
    told = case(server, bill if bill.seconds else None, listed=final, **({} if known else {"known": None}))

    found = compare(told, BASIS)

    assert adds_up(found)
    if known:
        assert Cause.NOT_EXPLAINED not in found.causes
