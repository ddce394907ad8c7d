"""What polls see of a server is folded into one life."""

import dataclasses
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from caso.lifecycle.life import vanish
from caso.lifecycle.server import first_difference, is_listed, observe
from caso.testing.entities import BIG, CREATED, SMALL, hours, seen_server


def test_the_first_observation_makes_one_interval_from_creation():
    server = observe(None, seen_server(at=hours(5)))

    (interval,) = server.intervals()
    assert (interval.start, interval.end) == (CREATED, None)


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
