"""What polls see of a server is folded into one life."""

import dataclasses
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caso.lifecycle.life import vanish
from caso.lifecycle.server import Accelerator, Server, ServerState, first_difference, is_listed, observe
from caso.lifecycle.timeline import Evidence, Source
from caso.testing.entities import BIG, CREATED, SMALL, hours, life, seen_server


def test_the_first_observation_makes_one_interval_from_creation():
    server = observe(None, seen_server(at=hours(5)))

    (interval,) = server.intervals()
    assert (interval.start, interval.end) == (CREATED, None)


def test_all_that_was_seen_of_a_server_is_known_of_it():
    suspended = Evidence(ServerState("SUSPENDED", "project-1", SMALL), hours(1), hours(2), hours(5), Source.ACTION)
    seen = dataclasses.replace(seen_server(at=hours(5), unchanged_since=hours(2), public_ip_count=3), told=(suspended,))

    assert observe(None, seen) == Server(
        uuid=seen.uuid,
        created=CREATED,
        launched=True,
        ended=None,
        end_reason=None,
        first_seen=hours(5),
        known_at=hours(5),
        evidence=(Evidence(seen.state, hours(2), hours(5), hours(5)), suspended),
        name="vm-1",
        user_id="user-1",
        user_name="alice",
        image_id="image-1",
        public_ip_count=3,
    )


def test_what_a_user_and_an_image_are_called_once_known_outlives_a_look_that_does_not_tell():
    told = seen_server(at=hours(5), user_name="alice", image_name="https://appdb.example/1")
    untold = seen_server(at=hours(6), user_name=None, image_name=None)

    for sightings in ([told, untold], [untold, told]):
        assert (life(*sightings).user_name, life(*sightings).image_name) == ("alice", "https://appdb.example/1")


@pytest.mark.parametrize(("ended", "again"), [(None, None), (hours(4), hours(4))])
def test_the_last_record_of_an_ended_server_is_told_again_when_it_gets_names(ended, again):
    untold = observe(None, seen_server(at=hours(5), ended=ended, user_name="alice"))

    told = observe(untold, seen_server(at=hours(6), ended=ended, user_name="alice", image_name="https://appdb.example/1"))

    assert first_difference(untold, told) == again
    assert first_difference(told, told) is None


def test_a_row_that_changed_before_it_was_created_counts_from_its_creation():
    server = observe(None, seen_server(at=hours(5), created=hours(3), unchanged_since=hours(2)))

    assert server.evidence == (Evidence(server.newest_claim.value, hours(3), hours(5), hours(5)),)


def test_a_resize_seen_by_a_later_poll_starts_when_the_row_changed():
    server = observe(None, seen_server(at=hours(5), flavor=SMALL))

    server = observe(server, seen_server(at=hours(9), unchanged_since=hours(8), flavor=BIG))

    assert [(i.value.flavor.name, i.start) for i in server.intervals()] == [("small", CREATED), ("big", hours(8))]


def test_a_deleted_row_ends_the_life_with_what_was_known_before():
    server = observe(None, seen_server(at=hours(5)))

    server = observe(server, seen_server(at=hours(9), status="DELETED", ended=hours(7)))

    (interval,) = server.intervals()
    assert (interval.value.status, interval.end) == ("ACTIVE", hours(7))


def test_later_knowledge_wins_even_when_it_says_that_the_end_was_earlier():
    running_at_11 = observe(None, seen_server(at=hours(11)))

    server = observe(running_at_11, seen_server(at=hours(12), status="DELETED", ended=hours(10.9)))

    assert server.ended == hours(10.9)
    assert first_difference(running_at_11, server) == hours(10.9)


def test_the_name_of_a_user_outlives_the_user():
    server = observe(None, seen_server(at=hours(1), user_name="alice"))

    server = observe(server, seen_server(at=hours(2), user_name=None))

    assert server.user_name == "alice"


def test_a_vanished_server_ends_where_it_was_last_seen():
    server = vanish(observe(None, seen_server(at=hours(5))), hours(9), "not listed")

    assert (server.ended, server.known_at, server.end_reason) == (hours(5), hours(9), "not listed")


def test_a_server_that_vanished_and_is_seen_again_lives():
    server = vanish(observe(None, seen_server(at=hours(5))), hours(9), "not listed")

    server = observe(server, seen_server(at=hours(10)))

    assert (server.ended, server.end_reason) == (None, None)


def test_a_server_that_is_seen_as_it_was_found_missing_lives():
    server = vanish(observe(None, seen_server(at=hours(5), public_ip_count=1)), hours(9), "not listed")

    server = observe(server, seen_server(at=hours(9), public_ip_count=2))

    assert (server.ended, server.public_ip_count) == (None, 2)


def test_a_server_that_was_launched_once_stays_launched_and_keeps_the_addresses_that_were_seen():
    server = observe(None, seen_server(at=hours(1), public_ip_count=2))

    server = observe(server, seen_server(at=hours(2), launched=False, public_ip_count=None))
    earlier = observe(server, seen_server(at=hours(0.5), launched=False, public_ip_count=7))

    assert (server.launched, server.public_ip_count) == (True, 2)
    assert (earlier.launched, earlier.public_ip_count) == (True, 2)


def test_what_an_older_sighting_tells_of_a_user_fills_a_gap_only():
    server = observe(None, seen_server(at=hours(2), user_name=None))
    named = observe(server, seen_server(at=hours(1), user_name="alice"))

    assert (named.user_name, named.first_seen, named.known_at) == ("alice", hours(1), hours(2))
    assert observe(named, seen_server(at=hours(0.5), user_name="bob")).user_name == "alice"


WITH_GPU = dataclasses.replace(BIG, accelerators=(Accelerator("GPU", "A100", 1),))


def test_where_a_flavor_is_hidden_its_properties_are_those_last_known():
    polled = observe(None, seen_server(at=hours(5), flavor=BIG))
    edited = observe(polled, seen_server(at=hours(6), flavor=WITH_GPU))

    hidden = dataclasses.replace(seen_server(at=hours(9), flavor=BIG), properties_known=False)

    assert observe(edited, hidden).newest_claim.value.flavor == WITH_GPU
    assert observe(edited, dataclasses.replace(hidden, properties_known=True)).newest_claim.value.flavor == BIG


def test_what_actions_tell_of_a_hidden_flavor_has_the_properties_last_known_too_and_of_others_its_own():
    known = observe(None, seen_server(at=hours(5), flavor=WITH_GPU))
    told = tuple(
        Evidence(ServerState("ACTIVE", "project-1", flavor), hours(6 + place), hours(7 + place), hours(9), Source.ACTION)
        for place, flavor in enumerate([SMALL, BIG])
    )

    server = observe(known, dataclasses.replace(seen_server(at=hours(9), flavor=BIG), properties_known=False, told=told))

    assert [piece.value.flavor for piece in server.evidence if piece.source is Source.ACTION] == [SMALL, WITH_GPU]


def test_a_hidden_flavor_of_another_size_has_the_properties_that_it_was_made_with():
    known = observe(None, seen_server(at=hours(5), flavor=WITH_GPU))

    for other in ({"name": "other"}, {"vcpus": 1}, {"memory_mib": 1}, {"disk_gib": 1}):
        flavor = dataclasses.replace(BIG, **other)
        seen = dataclasses.replace(seen_server(at=hours(9), flavor=flavor, unchanged_since=hours(8)), properties_known=False)
        assert observe(known, seen).newest_claim.value.flavor == flavor


def test_what_was_seen_last_is_the_newest_claim_and_of_two_the_one_that_starts_later():
    known = observe(None, seen_server(at=hours(5)))
    again = observe(known, seen_server(at=hours(5), unchanged_since=hours(3), status="SHUTOFF"))
    late = observe(again, seen_server(at=hours(4), unchanged_since=hours(4), status="PAUSED"))

    assert late.newest_claim.value.status == "SHUTOFF"


def test_an_end_before_a_change_that_was_seen_leaves_the_life_before_it():
    server = observe(None, seen_server(at=hours(2)))
    server = observe(server, seen_server(at=hours(6), unchanged_since=hours(4), status="SHUTOFF"))

    ended = dataclasses.replace(server, ended=hours(4))
    before_it_began = dataclasses.replace(server, ended=hours(-1))

    assert [(i.start, i.end, i.value.status) for i in ended.intervals()] == [(CREATED, hours(4), "ACTIVE")]
    assert [(i.start, i.end) for i in before_it_began.intervals()] == [(CREATED, CREATED)]


def test_a_soft_deleted_server_is_hidden_from_plain_listings_but_lives():
    server = observe(None, seen_server(at=hours(5), status="SOFT_DELETED"))

    assert server.ended is None
    assert not is_listed(server)


def test_seeing_nothing_new_makes_no_difference():
    before = observe(None, seen_server(at=hours(5)))
    after = observe(before, seen_server(at=hours(6)))

    assert first_difference(before, after) is None


def test_a_difference_is_told_from_where_the_lives_part():
    before = observe(None, seen_server(at=hours(5)))
    after = observe(before, seen_server(at=hours(9), unchanged_since=hours(8), status="SHUTOFF"))

    assert first_difference(before, after) == hours(8)
    assert first_difference(None, after) == CREATED


def test_lives_part_where_the_first_of_their_ends_is():
    alive = observe(None, seen_server(at=hours(9)))
    ended = dataclasses.replace(alive, ended=hours(7))
    sooner = dataclasses.replace(alive, ended=hours(5))

    assert first_difference(alive, ended) == first_difference(ended, alive) == hours(7)
    assert first_difference(ended, sooner) == first_difference(sooner, ended) == hours(5)


def test_a_life_that_went_on_otherwise_than_it_had_ended_parts_at_that_end():
    alive = observe(observe(None, seen_server(at=hours(3))), seen_server(at=hours(9), unchanged_since=hours(7), status="SHUTOFF"))
    ended = dataclasses.replace(observe(None, seen_server(at=hours(3))), ended=hours(7))

    assert first_difference(ended, alive) == first_difference(alive, ended) == hours(7)


def test_a_change_that_is_known_to_be_earlier_or_later_parts_lives_at_the_earlier_time():
    known = observe(None, seen_server(at=hours(3)))
    late, soon = (observe(known, seen_server(at=hours(9), unchanged_since=hours(at), status="SHUTOFF")) for at in (8, 6))

    assert first_difference(late, soon) == first_difference(soon, late) == hours(6)


def test_another_creation_and_a_launch_make_another_life_from_the_beginning():
    server = observe(None, seen_server(at=hours(9)))

    assert first_difference(dataclasses.replace(server, launched=False), server) == CREATED
    assert first_difference(server, dataclasses.replace(server, created=hours(2))) == hours(2)


def test_what_was_seen_for_the_first_time_earlier_is_known_otherwise_from_then():
    later = observe(None, seen_server(at=hours(9)))
    earlier = observe(later, seen_server(at=hours(4)))

    assert first_difference(later, earlier) == hours(4)


def _sighting(number: int, status: str, updated: int, ends: bool):
    at = hours(number)
    since = min(hours(updated), at)
    return seen_server(at=at, status="DELETED" if ends else status, unchanged_since=since, ended=since if ends else None)


sightings = st.lists(
    st.builds(_sighting, st.integers(1, 30), st.sampled_from(["ACTIVE", "SHUTOFF"]), st.integers(0, 30), st.booleans()),
    min_size=1,
    max_size=6,
    unique_by=lambda seen: seen.seen_at,
)


@given(sightings, st.randoms())
def test_any_order_and_any_repetition_of_polls_give_the_same_server(polls, random):
    def fold(order):
        server = None
        for seen in order:
            server = observe(server, seen)
        return dataclasses.replace(server, evidence=tuple(sorted(server.evidence, key=repr)))

    shuffled = [*polls, *random.sample(polls, random.randint(0, len(polls)))]
    random.shuffle(shuffled)

    assert fold(shuffled) == fold(sorted(polls, key=lambda seen: seen.seen_at))


@given(sightings)
def test_first_difference_is_the_first_time_the_two_lives_disagree(polls):
    *earlier, last = sorted(polls, key=lambda seen: seen.seen_at)
    before = None
    for seen in earlier:
        before = observe(before, seen)
    after = observe(before, last)

    since = first_difference(before, after)

    if before is not None:
        for hour in range(31):
            instant = hours(hour)
            if since is None or instant < since:
                assert _state(before, instant) == _state(after, instant)
        assert since is None or before.first_seen != after.first_seen or _state(before, since) != _state(after, since)


def _state(server, instant):
    if server.ended is not None and instant >= max(server.ended, server.created + timedelta(0)):
        return None
    return next((i.value for i in reversed(server.intervals()) if i.start <= instant), None)
