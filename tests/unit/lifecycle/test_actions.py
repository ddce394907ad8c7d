"""What instance actions tell of the time between two looks."""

import dataclasses
from datetime import timedelta

import pytest

from caso.lifecycle.actions import Action, told_by, worth_asking
from caso.lifecycle.life import vanish
from caso.lifecycle.server import Benchmark, ServerState, observe
from caso.lifecycle.timeline import Evidence, Source
from caso.testing.entities import BIG, CREATED, SMALL, hours, seen_server

FIRST, NEXT = hours(10), hours(20)
SOON = hours(12)
SECOND = timedelta(seconds=1)


def known(status="ACTIVE", flavor=SMALL, unchanged_since=CREATED):
    return observe(None, seen_server(at=FIRST, status=status, flavor=flavor, unchanged_since=unchanged_since))


def intervals(before, actions, seen):
    """Status, flavor, start and source of each interval once ``seen`` is taken in with what the actions tell."""
    told = told_by(before, actions, seen)
    after = observe(before, dataclasses.replace(seen, told=told))
    return [(i.value.status, i.value.flavor.name, i.start, i.source) for i in after.intervals()]


def test_a_resize_counts_from_when_it_was_made_though_the_row_changed_again_later():
    seen = seen_server(at=NEXT, flavor=BIG, unchanged_since=hours(18))

    found = intervals(known(), [Action("resize", hours(12)), Action("confirmResize", hours(13))], seen)

    assert [(flavor, start) for _, flavor, start, _ in found] == [("small", CREATED), ("big", hours(12)), ("big", hours(13))]
    assert {source for _, flavor, _, source in found if flavor == "big"} == {Source.ACTION}


def test_a_server_suspended_and_resumed_between_two_looks_was_suspended():
    seen = seen_server(at=NEXT, unchanged_since=hours(15))

    found = intervals(known(), [Action("suspend", hours(12)), Action("resume", hours(15))], seen)

    assert [(status, start) for status, _, start, _ in found] == [
        ("ACTIVE", CREATED),
        ("SUSPENDED", hours(12)),
        ("ACTIVE", hours(15)),
    ]


def test_a_server_that_was_suspended_before_it_was_deleted_was_suspended():
    seen = seen_server(at=NEXT, status="DELETED", ended=hours(18))

    found = intervals(known(), [Action("suspend", hours(12)), Action("delete", hours(18))], seen)

    assert [(status, start) for status, _, start, _ in found] == [("ACTIVE", CREATED), ("SUSPENDED", hours(12))]


def test_of_several_resizes_the_last_one_leads_to_the_flavor_that_is_seen():
    seen = seen_server(at=NEXT, flavor=BIG, unchanged_since=hours(18))

    found = intervals(known(), [Action("resize", hours(12)), Action("resize", hours(14))], seen)

    assert next(start for _, flavor, start, _ in found if flavor == "big") == hours(14)


@pytest.mark.parametrize(
    ("actions", "flavor", "sources"),
    [
        (["resize"], BIG, [Source.ACTION]),
        (["resize", "confirmResize", "suspend"], BIG, [Source.ACTION] * 3),
        (
            ["suspend", "resume", "resize", "confirmResize", "resize"],
            BIG,
            [Source.ACTION] * 2 + [Source.ASSUMPTION] * 2 + [Source.ACTION],
        ),
        (["resize", "revertResize"], SMALL, [Source.ASSUMPTION, Source.ACTION]),
        (["suspend", "resume"], BIG, [Source.ASSUMPTION] * 2),
    ],
)
def test_a_size_that_no_action_tells_is_assumed(actions, flavor, sources):
    done = [Action(name, hours(11 + number)) for number, name in enumerate(actions)]
    status = "SUSPENDED" if actions[-1] == "suspend" else "ACTIVE"

    told = told_by(known(), done, seen_server(at=NEXT, status=status, flavor=flavor, unchanged_since=hours(18)))

    assert [claim.source for claim in told] == sources


def test_a_reverted_resize_leads_back_to_the_flavor_before():
    before = known(status="VERIFY_RESIZE", flavor=BIG)
    seen = seen_server(at=NEXT, flavor=SMALL, unchanged_since=hours(18))

    found = intervals(before, [Action("revertResize", hours(12))], seen)

    assert [(status, flavor, start) for status, flavor, start, _ in found] == [
        ("VERIFY_RESIZE", "big", CREATED),
        ("ACTIVE", "small", hours(12)),
    ]


def test_what_failed_changed_nothing():
    seen = seen_server(at=NEXT, unchanged_since=hours(15))

    assert told_by(known(), [Action("suspend", hours(12), failed=True)], seen) == ()


def test_what_changes_nothing_that_counts_is_passed_over():
    seen = seen_server(at=NEXT, unchanged_since=hours(15))

    assert told_by(known(), [Action("lock", hours(12)), Action("live-migration", hours(13))], seen) == ()


def test_what_is_only_being_done_has_changed_nothing_yet():
    """Nova notes a time when an action begins; the row shows that it has not come to anything."""
    seen = seen_server(at=NEXT, unchanged_since=hours(15))

    assert told_by(known(), [Action("suspend", hours(15))], seen) == ()


def test_what_was_done_after_the_row_was_written_is_for_the_next_look():
    seen = seen_server(at=NEXT, unchanged_since=hours(12), status="SHUTOFF")

    found = intervals(known(), [Action("stop", hours(12)), Action("start", hours(20.1))], seen)

    assert [(status, start) for status, _, start, _ in found] == [("ACTIVE", CREATED), ("SHUTOFF", hours(12))]


def test_an_action_that_ends_a_little_after_its_row_was_written_counts_from_the_row():
    seen = seen_server(at=NEXT, unchanged_since=hours(12), status="SUSPENDED")

    found = intervals(known(), [Action("suspend", hours(12.001))], seen)

    assert found[-1] == ("SUSPENDED", "small", hours(12), Source.ACTION)


def test_what_led_to_the_state_that_was_known_is_not_told_twice():
    before = known(status="SUSPENDED", unchanged_since=hours(9))
    seen = seen_server(at=NEXT, unchanged_since=hours(15))

    found = intervals(before, [Action("suspend", hours(9.0001)), Action("resume", hours(12))], seen)

    assert [(status, start) for status, _, start, _ in found] == [("SUSPENDED", CREATED), ("ACTIVE", hours(12))]


@pytest.mark.parametrize(
    ("actions", "seen_as", "then"),
    [
        (["shelve"], "SHELVED_OFFLOADED", ["SHELVED_OFFLOADED"]),
        (["shelve"], "SHELVED", ["SHELVED"]),
        (["shelve", "shelveOffload"], "SHELVED_OFFLOADED", ["SHELVED", "SHELVED_OFFLOADED"]),
        (["shelve", "unshelve"], "ACTIVE", ["SHELVED_OFFLOADED", "ACTIVE"]),
        (["shelve", "shelveOffload", "unshelve"], "ACTIVE", ["SHELVED", "SHELVED_OFFLOADED", "ACTIVE"]),
        (["stop", "rebuild"], "SHUTOFF", ["SHUTOFF"]),
        (["suspend", "resume", "rebuild"], "ACTIVE", ["SUSPENDED", "ACTIVE"]),
        (["pause", "unpause"], "ACTIVE", ["PAUSED", "ACTIVE"]),
        (["rescue", "unrescue"], "ACTIVE", ["RESCUE", "ACTIVE"]),
        (["stop", "migrate", "confirmResize"], "SHUTOFF", ["SHUTOFF", "VERIFY_RESIZE", "SHUTOFF"]),
        (["delete", "restore"], "ACTIVE", ["SOFT_DELETED", "ACTIVE"]),
        (["stop", "delete", "restore", "rebuild"], "ACTIVE", ["SHUTOFF", "SOFT_DELETED", "ACTIVE"]),
        (["suspend"], "ERROR", ["SUSPENDED"]),
    ],
)
def test_each_action_leads_where_nova_has_it_lead(actions, seen_as, then):
    done = [Action(name, hours(11 + number)) for number, name in enumerate(actions)]

    told = told_by(known(), done, seen_server(at=NEXT, status=seen_as, unchanged_since=hours(11 + len(actions) - 1)))

    assert [claim.value.status for claim in told] == then


def test_a_deleted_server_was_what_its_actions_made_of_it_until_its_end():
    seen = seen_server(at=NEXT, status="DELETED", ended=hours(16), unchanged_since=hours(16), flavor=BIG)
    done = [Action("resize", hours(12)), Action("confirmResize", hours(13)), Action("delete", hours(16.001))]

    after = observe(known(), dataclasses.replace(seen, told=told_by(known(), done, seen)))

    assert [(i.value.flavor.name, i.start, i.end) for i in after.intervals()] == [
        ("small", CREATED, hours(12)),
        ("big", hours(12), hours(13)),
        ("big", hours(13), hours(16)),
    ]


def test_a_server_that_was_soft_deleted_for_days_before_its_end_held_its_resources():
    seen = seen_server(at=NEXT, status="DELETED", ended=hours(19), unchanged_since=hours(19))

    told = told_by(known(), [Action("suspend", hours(11)), Action("delete", hours(12))], seen)

    assert [(claim.value.status, claim.since, claim.until) for claim in told] == [
        ("SUSPENDED", hours(11), hours(12)),
        ("SOFT_DELETED", hours(12), hours(19)),
    ]


@pytest.mark.parametrize(
    ("actions", "seen", "source"),
    [
        (["shelve"], seen_server(at=NEXT, status="SHELVED_OFFLOADED", unchanged_since=hours(11.01)), Source.ACTION),
        (["shelve"], seen_server(at=NEXT, status="SHELVED_OFFLOADED", unchanged_since=hours(11) + 60 * SECOND), Source.ACTION),
        (["shelve"], seen_server(at=NEXT, status="SHELVED_OFFLOADED", unchanged_since=hours(12)), Source.ASSUMPTION),
        (["shelve", "unshelve"], seen_server(at=NEXT, unchanged_since=hours(12)), Source.ASSUMPTION),
    ],
)
def test_that_a_shelved_server_was_offloaded_at_once_is_told_or_assumed(actions, seen, source):
    done = [Action(name, hours(11 + number)) for number, name in enumerate(actions)]

    first = told_by(known(), done, seen)[0]

    assert (first.value.status, first.since, first.source) == ("SHELVED_OFFLOADED", hours(11), source)


@pytest.mark.parametrize(
    ("seen", "asked"),
    [
        (seen_server(at=SOON, flavor=BIG, unchanged_since=hours(11)), True),
        (seen_server(at=SOON, status="SUSPENDED", unchanged_since=hours(11)), True),
        (seen_server(at=SOON, status="DELETED", ended=hours(11), unchanged_since=hours(11), flavor=BIG), True),
        (seen_server(at=SOON, status="DELETED", ended=hours(11), unchanged_since=hours(11)), False),
        (seen_server(at=NEXT, status="DELETED", ended=hours(11), unchanged_since=hours(11)), True),
        (seen_server(at=SOON, status="REBOOT", unchanged_since=hours(11)), False),
        (seen_server(at=SOON, status="ERROR", unchanged_since=hours(11)), False),
        (seen_server(at=SOON, unchanged_since=hours(11)), False),
        (seen_server(at=SOON + SECOND, unchanged_since=hours(11)), True),
        (seen_server(at=NEXT, unchanged_since=hours(11)), True),
        (seen_server(at=NEXT), False),
    ],
)
def test_actions_are_asked_for_where_they_could_tell_more_than_the_row(seen, asked):
    assert worth_asking(known(), seen) is asked


IDLE = ["SHUTOFF", "PAUSED", "SUSPENDED", "SHELVED", "SHELVED_OFFLOADED", "SOFT_DELETED"]


@pytest.mark.parametrize("idle", IDLE)
def test_actions_are_asked_for_where_a_server_stopped_to_cost_what_a_running_one_costs_or_began_to(idle):
    assert worth_asking(known(), seen_server(at=SOON, status=idle, unchanged_since=hours(11)))
    assert worth_asking(known(status=idle), seen_server(at=SOON, unchanged_since=hours(11)))
    for other in IDLE:
        assert worth_asking(known(status=idle), seen_server(at=SOON, status=other, unchanged_since=hours(11))) is (idle != other)


def test_a_row_that_did_not_change_has_nothing_to_ask_for():
    assert not worth_asking(known(), seen_server(at=NEXT, status="SUSPENDED", unchanged_since=CREATED))


def test_of_a_server_that_has_ended_nothing_is_asked():
    ended = dataclasses.replace(known(), ended=FIRST)

    assert not worth_asking(ended, seen_server(at=NEXT, flavor=BIG, unchanged_since=hours(11)))


def test_of_a_server_that_was_missed_and_is_there_again_it_is_asked_what_was_done_meanwhile():
    vanished = vanish(known(), SOON, "a complete listing did not have it any more")

    assert worth_asking(vanished, seen_server(at=NEXT, flavor=BIG, unchanged_since=hours(11)))


@pytest.mark.parametrize(
    ("suspended", "told"),
    [
        (FIRST - timedelta(minutes=5) - SECOND, False),
        (FIRST - timedelta(minutes=5), True),
        (hours(15) + timedelta(minutes=1), True),
        (hours(15) + timedelta(minutes=1) + SECOND, False),
    ],
)
def test_what_was_done_within_what_clocks_differ_by_is_told(suspended, told):
    seen = seen_server(at=NEXT, status="SUSPENDED", unchanged_since=hours(15))

    assert bool(told_by(known(), [Action("suspend", suspended)], seen)) is told


@pytest.mark.parametrize(("suspended", "told"), [(FIRST - 61 * SECOND, False), (FIRST - 60 * SECOND, True)])
def test_what_was_done_before_the_row_was_written_is_in_the_row(suspended, told):
    before = known(unchanged_since=FIRST - 60 * SECOND)

    found = told_by(before, [Action("suspend", suspended)], seen_server(at=NEXT, status="SUSPENDED", unchanged_since=hours(15)))

    assert bool(found) is told


def test_each_claim_lasts_until_the_next_and_the_last_one_until_the_row_was_written():
    seen = seen_server(at=NEXT, status="SUSPENDED", unchanged_since=hours(15))
    done = [Action("suspend", hours(15.01)), Action("pause", hours(12)), Action("unpause", hours(13))]

    told = told_by(known(), done, seen)

    assert told == tuple(
        Evidence(ServerState(status, "project-1", SMALL), hours(since), hours(until), NEXT, Source.ACTION)
        for status, since, until in [("PAUSED", 12, 13), ("ACTIVE", 13, 15), ("SUSPENDED", 15, 15)]
    )


@pytest.mark.parametrize(
    ("before", "action", "then"),
    [
        ("SHUTOFF", "start", "ACTIVE"),
        ("ACTIVE", "stop", "SHUTOFF"),
        ("SHUTOFF", "reboot", "ACTIVE"),
        ("ACTIVE", "pause", "PAUSED"),
        ("PAUSED", "unpause", "ACTIVE"),
        ("ACTIVE", "suspend", "SUSPENDED"),
        ("SUSPENDED", "resume", "ACTIVE"),
        ("SHELVED_OFFLOADED", "unshelve", "ACTIVE"),
        ("SHELVED", "shelveOffload", "SHELVED_OFFLOADED"),
        ("ACTIVE", "rescue", "RESCUE"),
        ("RESCUE", "unrescue", "ACTIVE"),
        ("SOFT_DELETED", "restore", "ACTIVE"),
        ("ACTIVE", "resize", "VERIFY_RESIZE"),
        ("ACTIVE", "migrate", "VERIFY_RESIZE"),
        ("ACTIVE", "delete", "SOFT_DELETED"),
        ("VERIFY_RESIZE", "confirmResize", "ACTIVE"),
        ("VERIFY_RESIZE", "revertResize", "ACTIVE"),
        ("ERROR", "rebuild", "ACTIVE"),
        ("ERROR", "evacuate", "ACTIVE"),
    ],
)
def test_each_action_alone_leads_to_its_state(before, action, then):
    seen = seen_server(at=NEXT, status=then, unchanged_since=hours(12))

    assert [claim.value.status for claim in told_by(known(status=before), [Action(action, hours(12))], seen)] == [then]


@pytest.mark.parametrize(
    ("action", "rests"),
    [
        *[(name, "ACTIVE") for name in ["start", "reboot", "restore", "resume", "unpause", "unshelve", "unrescue"]],
        *[(name, "SHUTOFF") for name in ["stop", "pause", "suspend", "rescue", "delete", "shelve", "rebuild"]],
    ],
)
def test_a_migration_comes_back_to_whether_the_server_was_switched_on(action, rests):
    done = [Action(name, hours(12 + place)) for place, name in enumerate([action, "migrate", "confirmResize"])]

    told = told_by(known(status="SHUTOFF"), done, seen_server(at=NEXT, status=rests, unchanged_since=hours(14)))

    assert told[-1].value.status == rests


def test_until_the_resize_that_led_to_the_flavor_seen_a_server_counts_as_it_was_known():
    done = [Action("pause", hours(11)), Action("resize", hours(12)), Action("suspend", hours(13))]
    seen = seen_server(at=NEXT, flavor=BIG, status="SUSPENDED", unchanged_since=hours(13))

    assert [claim.value.flavor for claim in told_by(known(), done, seen)] == [SMALL, BIG, BIG]


def test_a_flavor_that_changed_without_a_resize_is_for_the_row_to_tell():
    seen = seen_server(at=NEXT, flavor=BIG, status="SUSPENDED", unchanged_since=hours(13))

    assert [claim.value.flavor for claim in told_by(known(), [Action("suspend", hours(12))], seen)] == [SMALL]


def test_a_resize_to_a_flavor_of_the_same_size_changes_none():
    edited = dataclasses.replace(SMALL, benchmark=Benchmark("hepscore23", 12.5))
    seen = seen_server(at=NEXT, flavor=edited, unchanged_since=hours(12), status="VERIFY_RESIZE")

    assert [claim.value.flavor for claim in told_by(known(), [Action("resize", hours(12))], seen)] == [SMALL]


def test_a_state_belongs_to_the_project_that_the_server_was_known_in():
    before = observe(None, seen_server(at=FIRST, project_id="project-7"))
    seen = seen_server(at=NEXT, status="SUSPENDED", unchanged_since=hours(12), project_id="project-7")

    (claim,) = told_by(before, [Action("suspend", hours(12))], seen)

    assert claim.value.project_id == "project-7"


def test_of_several_changes_only_the_one_that_is_being_made_is_left_out():
    seen = seen_server(at=NEXT, status="SHUTOFF", unchanged_since=hours(15))

    told = told_by(known(), [Action("stop", hours(12)), Action("start", hours(15))], seen)

    assert [(claim.value.status, claim.since, claim.until) for claim in told] == [("SHUTOFF", hours(12), hours(15))]


def test_a_shelved_server_whose_row_says_something_else_by_now_was_offloaded():
    seen = seen_server(at=NEXT, status="ERROR", unchanged_since=hours(15))

    assert [claim.value.status for claim in told_by(known(), [Action("shelve", hours(12))], seen)] == ["SHELVED_OFFLOADED"]


def deleted(status="DELETED"):
    return seen_server(at=NEXT, status=status, ended=hours(16), unchanged_since=hours(17))


def test_a_server_that_was_soft_deleted_before_it_was_deleted_was_so_until_then():
    told = told_by(known(), [Action("delete", hours(12)), Action("delete", hours(15.99))], deleted())

    assert [(claim.value.status, claim.since, claim.until) for claim in told] == [("SOFT_DELETED", hours(12), hours(16))]


def test_the_deletion_that_ends_a_server_is_no_state_of_it():
    assert told_by(known(), [Action("delete", hours(15.99))], deleted()) == ()


def test_what_was_done_last_before_a_deletion_is_told():
    assert [claim.value.status for claim in told_by(known(), [Action("stop", hours(15.99))], deleted())] == ["SHUTOFF"]


def test_what_ended_with_a_server_or_after_it_changed_nothing():
    for at in (hours(16), hours(16) + SECOND):
        assert told_by(known(), [Action("stop", at)], deleted()) == ()


def test_of_a_deleted_server_all_that_was_done_is_told_whatever_state_its_row_kept():
    told = told_by(known(status="SHUTOFF"), [Action("start", hours(12))], deleted(status="SHUTOFF"))

    assert [claim.value.status for claim in told] == ["ACTIVE"]


def test_of_what_was_before_the_first_look_nothing_is_asked():
    assert not worth_asking(None, seen_server(at=NEXT, status="SUSPENDED", unchanged_since=hours(11)))
