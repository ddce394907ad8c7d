"""Storage records: stretches of a volume's life, cut at the ends of months."""

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from caso.accounting.rules import Rules
from caso.accounting.volumes import storage_records
from caso.lifecycle.life import vanish
from caso.lifecycle.volume import observe
from caso.testing.entities import CREATED, hours, seen_volume

RULES = Rules("SITE", "SERVICE", "OpenStack")
VOS = {"project-1": "vo.one", "project-2": "vo.two"}
GIB = 2**30
FEBRUARY, MARCH = datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)


def life(*sightings):
    volume = None
    for seen in sightings:
        volume = observe(volume, seen)
    return volume


def told(volume, since, until, held=()):
    return [
        (record.record_id.split("/", 1)[1], record.start, record.measured_at, record.size_bytes // GIB)
        for record in storage_records(volume, since, until, VOS, RULES, held)
    ]


def test_a_living_volume_has_one_record_from_the_month_s_start_to_the_window_s_end():
    volume = life(seen_volume(at=hours(50), created=hours(-500)))

    assert told(volume, hours(48), hours(50)) == [("2026-01/1", CREATED, hours(50), 10)]


def test_an_extension_a_retype_and_a_transfer_make_stretches_of_their_own():
    volume = life(
        seen_volume(at=hours(1)),
        seen_volume(at=hours(3), unchanged_since=hours(2), size_gib=20),
        seen_volume(at=hours(6), unchanged_since=hours(5), size_gib=20, type="fast"),
        seen_volume(at=hours(9), unchanged_since=hours(8), size_gib=20, type="fast", project_id="project-2"),
    )

    records = storage_records(volume, CREATED, hours(10), VOS, RULES, [])

    assert [(r.start, r.measured_at, r.size_bytes // GIB, r.volume_type, r.vo, r.sequence) for r in records] == [
        (CREATED, hours(2), 10, "standard", "vo.one", 1),
        (hours(2), hours(5), 20, "standard", "vo.one", 2),
        (hours(5), hours(8), 20, "fast", "vo.one", 3),
        (hours(8), hours(10), 20, "fast", "vo.two", 4),
    ]


def test_every_month_that_is_touched_is_closed_at_its_last_second():
    volume = life(seen_volume(at=MARCH + timedelta(hours=1), created=hours(24)))

    assert told(volume, hours(24), MARCH + timedelta(hours=1)) == [
        ("2026-01/1", hours(24), FEBRUARY - timedelta(seconds=1), 10),
        ("2026-02/1", FEBRUARY, MARCH - timedelta(seconds=1), 10),
        ("2026-03/1", MARCH, MARCH + timedelta(hours=1), 10),
    ]


def test_a_volume_that_ended_has_its_last_record_at_its_end_and_none_after_it():
    volume = vanish(life(seen_volume(at=hours(5))), hours(9), "not listed")

    assert told(volume, hours(4), hours(9)) == [("2026-01/1", CREATED, hours(5), 10)]
    assert told(volume, hours(6), hours(20)) == []


def test_a_volume_that_was_seen_only_as_it_was_made_used_nothing():
    volume = vanish(life(seen_volume(at=hours(5), created=hours(5))), hours(9), "not listed")

    assert told(volume, CREATED, hours(9)) == []


def test_a_project_without_a_vo_has_no_records():
    volume = life(seen_volume(at=hours(5), project_id="somebody-else"))

    assert told(volume, CREATED, hours(5)) == []


def test_a_start_that_is_known_better_changes_no_id():
    first = life(seen_volume(at=hours(1)), seen_volume(at=hours(9), unchanged_since=hours(8), size_gib=20))
    held = storage_records(first, CREATED, hours(9), VOS, RULES, [])
    better = observe(first, seen_volume(at=hours(6), unchanged_since=hours(4), size_gib=20))

    assert told(better, CREATED, hours(9), held) == [
        ("2026-01/1", CREATED, hours(4), 10),
        ("2026-01/2", hours(4), hours(9), 20),
    ]


def test_a_stretch_that_is_found_between_two_published_ones_gets_the_next_number():
    first = life(seen_volume(at=hours(1)), seen_volume(at=hours(9), unchanged_since=hours(8), size_gib=30))
    held = storage_records(first, CREATED, hours(9), VOS, RULES, [])
    better = observe(first, seen_volume(at=hours(5), unchanged_since=hours(4), size_gib=20))

    assert sorted(told(better, CREATED, hours(9), held)) == [
        ("2026-01/1", CREATED, hours(4), 10),
        ("2026-01/2", hours(8), hours(9), 30),
        ("2026-01/3", hours(4), hours(8), 20),
    ]


changes = st.lists(st.tuples(st.integers(1, 1400), st.integers(1, 4)), min_size=1, max_size=5, unique_by=lambda change: change[0])


@given(changes=changes, polls=st.lists(st.integers(1, 1500), min_size=1, max_size=6, unique=True).map(sorted))
def test_however_it_is_polled_stretches_cover_the_life_once_and_no_id_is_used_twice(changes, polls):
    size_at = sorted([(0, 1), *changes])
    volume, held = None, {}
    for poll in polls:
        since, size = max((at, size) for at, size in size_at if at <= poll)
        volume = observe(volume, seen_volume(at=hours(poll), unchanged_since=hours(since), size_gib=size))
        records = storage_records(volume, CREATED, hours(poll), VOS, RULES, held.values())
        assert len({record.key for record in records}) == len(records)
        held = {record.key: record for record in records}

        covered = sorted((record.start, record.measured_at) for record in held.values())
        assert covered[0][0] == CREATED
        assert covered[-1][1] == hours(poll) or (covered[-1][1] + timedelta(seconds=1) == hours(poll))
        for (_, end), (start, _) in itertools.pairwise(covered):
            assert start - end in (timedelta(0), timedelta(seconds=1))
