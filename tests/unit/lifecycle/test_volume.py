"""The life of a volume, from what was seen of it."""

import dataclasses
import itertools

from caso.lifecycle.life import first_difference, vanish, vouched_for
from caso.lifecycle.timeline import Evidence
from caso.lifecycle.volume import Volume, observe
from caso.testing.entities import CREATED, hours, seen_volume


def life(*sightings):
    volume = None
    for seen in sightings:
        volume = observe(volume, seen)
    return volume


def sizes(volume):
    return [(interval.start, interval.end, interval.value.size_gib) for interval in volume.intervals()]


def test_before_its_first_sighting_a_volume_was_since_its_creation_as_it_was_seen_then():
    volume = life(seen_volume(at=hours(5), unchanged_since=hours(2)))

    assert sizes(volume) == [(CREATED, None, 10)]


def test_all_that_was_seen_of_a_volume_is_known_of_it():
    seen = dataclasses.replace(seen_volume(at=hours(5), unchanged_since=hours(2), server_ids=("vm",)), ended=hours(4))

    assert observe(None, seen) == Volume(
        uuid=seen.uuid,
        created=CREATED,
        ended=hours(4),
        end_reason=None,
        first_seen=hours(5),
        known_at=hours(5),
        evidence=(Evidence(seen.state, hours(4), hours(4), hours(5)),),
        name="volume-1",
        status="available",
        user_id="user-1",
        user_name="alice",
        server_ids=("vm",),
    )


def test_an_extended_volume_keeps_its_past():
    volume = life(seen_volume(at=hours(5)), seen_volume(at=hours(9), unchanged_since=hours(7), size_gib=50))

    assert sizes(volume) == [(CREATED, hours(7), 10), (hours(7), None, 50)]


def test_a_retype_and_a_transfer_each_open_an_interval():
    volume = life(
        seen_volume(at=hours(1)),
        seen_volume(at=hours(3), unchanged_since=hours(2), type="fast"),
        seen_volume(at=hours(6), unchanged_since=hours(5), type="fast", project_id="project-2"),
    )

    assert [interval.start for interval in volume.intervals()] == [CREATED, hours(2), hours(5)]
    assert volume.project_id == "project-2"


def test_the_order_of_sightings_and_repeats_change_nothing():
    sightings = [
        seen_volume(at=hours(1)),
        seen_volume(at=hours(3), unchanged_since=hours(2), type=None),
        seen_volume(at=hours(6), unchanged_since=hours(5), size_gib=20),
    ]

    told = {sizes_of for order in itertools.permutations([*sightings, sightings[1]]) for sizes_of in [tuple(sizes(life(*order)))]}

    assert len(told) == 1


def test_a_vanished_volume_ends_where_it_was_last_seen_and_lives_again_when_it_is_seen():
    gone = vanish(life(seen_volume(at=hours(5))), hours(9), "not listed")
    back = observe(gone, seen_volume(at=hours(10)))

    assert (gone.ended, gone.known_at, sizes(gone)) == (hours(5), hours(9), [(CREATED, hours(5), 10)])
    assert (back.ended, back.end_reason) == (None, None)


def test_what_is_vouched_for_is_the_same_life_known_later_and_what_has_ended_is_not():
    volume = life(seen_volume(at=hours(6), unchanged_since=hours(5), size_gib=20))
    gone = vanish(volume, hours(9), "not listed")

    longer = vouched_for(volume, hours(8))

    assert first_difference(volume, longer) is None
    assert (longer.known_at, longer.newest_claim.until) == (hours(8), hours(8))
    assert vouched_for(longer, hours(7)) == longer
    assert vouched_for(gone, hours(12)) == gone


def test_what_a_row_does_not_date_counts_from_when_it_was_last_vouched_for():
    volume = life(seen_volume(at=hours(1), type="slow"))

    later = observe(vouched_for(volume, hours(8)), seen_volume(at=hours(9), type="fast"))

    assert [(i.start, i.value.type) for i in later.intervals()] == [(CREATED, "slow"), (hours(8), "fast")]
