"""Storage records: stretches of a volume's life, cut at the ends of months."""

import dataclasses
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caso.accounting.rules import Point, Rules
from caso.accounting.volumes import storage_records, stretches
from caso.lifecycle.life import vanish
from caso.lifecycle.volume import observe
from caso.records import StorageRecord
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


def test_a_storage_record_tells_whose_volume_it_was_where_and_of_what_type():
    volume = life(seen_volume(at=hours(3), uuid="volume-1", size_gib=7, type="fast", user_name="bob"))

    (record,) = storage_records(volume, CREATED, hours(2), VOS, RULES, [])

    assert record.known_at == hours(3)
    assert record == StorageRecord(
        measured_at=hours(2),
        known_at=hours(3),
        volume_id="volume-1",
        sequence=1,
        site_name="SITE",
        service_name="SERVICE",
        user_id="user-1",
        user_name="bob",
        project_id="project-1",
        vo="vo.one",
        volume_type="fast",
        start=CREATED,
        size_bytes=7 * 1024**3,
    )


def test_a_stretch_counts_its_bytes_for_as_long_as_it_lasts():
    volume = life(seen_volume(at=hours(3), size_gib=2, created=hours(1)))

    (stretch,) = stretches(volume, Point(hours(3), hours(3)))

    assert (stretch.seconds, stretch.byte_seconds) == (7200, 2 * 1024**3 * 7200)


def test_only_a_record_of_the_same_size_owner_and_type_gives_its_number_away():
    held = storage_records(life(seen_volume(at=hours(2))), CREATED, hours(2), VOS, RULES, [])

    for other in ({"size_gib": 11}, {"type": "fast"}, {"project_id": "project-2"}):
        assert told(life(seen_volume(at=hours(2), **other)), CREATED, hours(2), held)[0][0] == "2026-01/2"


def test_a_number_that_was_published_in_one_month_is_not_taken_for_another():
    volume = life(seen_volume(at=hours(2)), seen_volume(at=FEBRUARY, unchanged_since=hours(1), size_gib=20))
    held = storage_records(volume, CREATED, FEBRUARY, VOS, RULES, [])

    records = told(volume, CREATED, FEBRUARY + timedelta(hours=1), held)

    assert [name for name, *_ in records] == ["2026-01/1", "2026-01/2", "2026-02/1"]


@pytest.mark.parametrize("left", [timedelta(seconds=1), timedelta(seconds=0.5)])
def test_a_stretch_that_begins_in_a_month_s_last_second_keeps_its_number_and_ends_after_it_began(left):
    volume = life(seen_volume(at=FEBRUARY, created=FEBRUARY - left))
    held = storage_records(volume, CREATED, FEBRUARY, VOS, RULES, [])

    (record,) = storage_records(volume, CREATED, FEBRUARY, VOS, RULES, held)

    assert (record.sequence, str(record.month)) == (1, "2026-01")
    assert record.start <= record.measured_at


def test_a_stretch_that_took_the_place_of_a_published_one_is_another_even_where_they_touch():
    first = life(seen_volume(at=hours(1)), seen_volume(at=hours(9), unchanged_since=hours(4), size_gib=20))
    held = storage_records(first, CREATED, hours(9), VOS, RULES, [])
    apart = [dataclasses.replace(record, start=hours(5), measured_at=hours(6)) for record in held[:1]]

    assert told(first, CREATED, hours(9), apart)[0][0] == "2026-01/2"


def test_of_the_numbers_that_would_do_the_first_one_is_kept():
    volume = life(seen_volume(at=hours(9)))
    one, *_ = storage_records(volume, CREATED, hours(9), VOS, RULES, [])
    held = [dataclasses.replace(one, sequence=number) for number in (3, 2)]

    assert told(volume, CREATED, hours(9), held)[0][0] == "2026-01/2"


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
