"""What a project used in a month, of the intervals that it owned."""

import dataclasses
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caso.accounting.monthly import ServerMeter, ServerUse, Stretch, VolumeMeter, VolumeUse
from caso.accounting.rules import Rules
from caso.lifecycle.server import Flavor
from caso.lifecycle.volume import observe as observe_volume
from caso.testing.entities import BIG, CREATED, SMALL, hours, life, seen_server, seen_volume
from caso.window import Window

RULES = Rules("SITE", "SERVICE", "OpenStack")
PROJECTS = ("project-1", "project-2")


def stretch(first, last):
    return Stretch(hours(first), hours(last))


def server_use(server, first, last, project_id="project-1"):
    return ServerMeter(server, project_id, RULES).use(stretch(first, last))


def test_a_server_is_counted_by_what_it_was_from_one_change_to_the_next():
    server = life(seen_server(at=hours(1)), seen_server(at=hours(3), unchanged_since=hours(2), flavor=BIG))

    use = server_use(server, 1, 6)

    assert (use.count, use.wall_hours, use.suspended_hours) == (1, 5, 0)
    assert use.core_hours == 1 * SMALL.vcpus + 4 * BIG.vcpus
    assert use.memory_gib_hours == Fraction(1 * SMALL.memory_mib + 4 * BIG.memory_mib, 1024)
    assert use.disk_gib_hours == 1 * SMALL.disk_gib + 4 * BIG.disk_gib


def test_of_a_suspended_server_only_the_time_counts_and_apart():
    server = life(seen_server(at=hours(1)), seen_server(at=hours(3), unchanged_since=hours(2), status="SUSPENDED"))

    use = server_use(server, 0, 6)

    assert (use.wall_hours, use.suspended_hours, use.core_hours) == (2, 4, 2 * SMALL.vcpus)


def test_before_the_first_look_a_suspended_server_counts_as_one_that_runs():
    server = life(seen_server(at=hours(3), status="SUSPENDED"))

    assert (server_use(server, 0, 6).wall_hours, server_use(server, 0, 6).suspended_hours) == (3, 3)


def test_a_server_that_ended_counts_up_to_its_end():
    server = life(seen_server(at=hours(1)), seen_server(at=hours(5), ended=hours(4)))

    assert server_use(server, 0, 6).wall_hours == 4
    assert server_use(server, 4, 6) == ServerUse()


def test_a_server_that_never_ran_used_nothing():
    server = life(seen_server(at=hours(1), launched=False, status="ERROR"))

    assert server_use(server, 0, 6) == ServerUse()


def test_of_a_flavor_that_is_known_by_name_only_the_time_counts():
    server = life(seen_server(at=hours(1), flavor=Flavor("m1.written", 0, 0, 0)))

    use = server_use(server, 0, 2)

    assert (use.count, use.unsized, use.wall_hours, use.core_hours) == (1, 1, 2, 0)


def test_a_part_of_a_core_is_counted_as_what_it_is():
    server = life(seen_server(at=hours(1), flavor=dataclasses.replace(SMALL, vcpus=0.5)))

    assert server_use(server, 0, 3).core_hours == Fraction(3, 2)


def test_a_volume_that_was_given_away_is_each_project_s_while_it_owned_it():
    volume = observe_volume(None, seen_volume(at=hours(1)))
    volume = observe_volume(volume, seen_volume(at=hours(3), unchanged_since=hours(2), project_id="project-2", size_gib=20))

    mine, theirs = (VolumeMeter(volume, project).use(stretch(0, 5)) for project in PROJECTS)

    assert (mine.count, mine.gib_hours) == (1, 20)
    assert (theirs.count, theirs.gib_hours) == (1, 60)


@pytest.mark.parametrize("project_id", ["project-1", "nobody"])
def test_a_stretch_in_which_nothing_was_there_has_no_use(project_id):
    volume = observe_volume(None, seen_volume(at=hours(1), ended=hours(2)))

    assert VolumeMeter(volume, project_id).use(stretch(3, 5)) == VolumeUse()
    assert VolumeMeter(volume, project_id).use(stretch(5, 3)) == VolumeUse()


# Laws, of whatever was seen of a life.

MICROSECONDS = st.integers(0, 150 * 24 * 3600 * 10**6).map(lambda n: CREATED + timedelta(microseconds=n))


@st.composite
def servers(draw):
    times = sorted(draw(st.lists(MICROSECONDS, min_size=1, max_size=6, unique=True)))
    over = draw(st.booleans())
    sightings = [
        seen_server(
            at=at,
            unchanged_since=draw(st.sampled_from([at, CREATED])),
            status=draw(st.sampled_from(["ACTIVE", "SHUTOFF", "SUSPENDED", "SHELVED_OFFLOADED"])),
            flavor=draw(st.sampled_from([SMALL, BIG, dataclasses.replace(SMALL, vcpus=1 / 3)])),
            project_id=draw(st.sampled_from(PROJECTS)),
            ended=at if over and at == times[-1] else None,
        )
        for at in times
    ]
    return life(*sightings)


@st.composite
def volumes(draw):
    volume = None
    for at in sorted(draw(st.lists(MICROSECONDS, min_size=1, max_size=6, unique=True))):
        size, owner = draw(st.integers(1, 9)), draw(st.sampled_from(PROJECTS))
        volume = observe_volume(volume, seen_volume(at=at, unchanged_since=at, size_gib=size, project_id=owner))
    return volume


def months_of(start, end):
    return [Stretch(max(month.start, start), min(month.end, end)) for month in Window.of(start, end).months()]


def added(uses, none):
    """Their sum; counts do not add up over months, since one thing is there in several."""
    total = sum(uses, start=none)
    changes = {"count": 0, "unsized": 0} if isinstance(none, ServerUse) else {"count": 0}
    return dataclasses.replace(total, **changes)


@given(servers(), MICROSECONDS, MICROSECONDS)
def test_the_months_of_a_server_add_up_to_the_whole(server, one, other):
    start, end = sorted((one, other))
    meter = ServerMeter(server, "project-1", RULES)

    assert added(map(meter.use, months_of(start, end)), ServerUse()) == added([meter.use(Stretch(start, end))], ServerUse())


@given(volumes(), MICROSECONDS, MICROSECONDS)
def test_the_months_of_a_volume_add_up_to_the_whole(volume, one, other):
    start, end = sorted((one, other))
    meter = VolumeMeter(volume, "project-1")

    assert added(map(meter.use, months_of(start, end)), VolumeUse()) == added([meter.use(Stretch(start, end))], VolumeUse())


@given(servers())
def test_the_projects_of_a_server_share_all_of_its_time_and_nothing_twice(server):
    all_of_it = Stretch(CREATED, CREATED + timedelta(days=200))

    uses = [ServerMeter(server, project, RULES).use(all_of_it) for project in PROJECTS]

    end = server.ended or all_of_it.end
    assert sum(use.wall + use.suspended for use in uses) * timedelta(microseconds=1) == end - CREATED


@given(servers(), MICROSECONDS, MICROSECONDS)
def test_use_is_as_a_slow_count_of_every_interval_has_it(server, one, other):
    start, end = sorted((one, other))
    use = ServerMeter(server, "project-1", RULES).use(Stretch(start, end))

    microsecond = timedelta(microseconds=1)
    owned = [i for i in server.intervals() if i.value.project_id == "project-1"]
    lasted = [(i, max(timedelta(), min(i.end or end, end) - max(i.start, start)) // microsecond) for i in owned]
    assert use.wall + use.suspended == sum(n for _, n in lasted)
    # What slept before the first look is not told from what was awake.
    awake = [i for i, n in lasted if n and i.value.status not in ("SUSPENDED", "SHELVED_OFFLOADED")]
    assert use.suspended <= sum(n for i, n in lasted if i not in awake)
    assert use.core_hours <= sum((Fraction(i.value.flavor.vcpus) * n for i, n in lasted), Fraction()) / (3600 * 10**6)


def test_the_first_instant_of_a_month_is_the_new_month_s():
    january, february = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    server = life(seen_server(at=february + timedelta(hours=1), created=february))

    assert ServerMeter(server, "project-1", RULES).use(Stretch(january, february)) == ServerUse()
