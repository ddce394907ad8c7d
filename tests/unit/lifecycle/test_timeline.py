"""Evidence folds into the same intervals, whatever the order or the repeats."""

import dataclasses
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caso.lifecycle.timeline import Evidence, Interval, Source, add, fold

BORN = datetime(2026, 1, 1, tzinfo=UTC)


def at(hours: float) -> datetime:
    return BORN + timedelta(hours=hours)


def claim(value: str, since: float, until: float, known: float | None = None) -> Evidence[str]:
    return Evidence(value, at(since), at(until), at(until if known is None else known))


def told(evidence, start=BORN):
    return [(i.value, i.start, i.end) for i in fold(evidence, start)]


def test_one_observation_tells_the_whole_life_as_an_assumption():
    (interval,) = fold([claim("small", 5, 9)], BORN)

    assert (interval.start, interval.end, interval.value) == (BORN, None, "small")
    assert interval.source is Source.ASSUMPTION


def test_a_change_closes_an_interval_where_the_row_says_it_changed():
    evidence = [claim("small", 0, 9), claim("big", 12, 15)]

    assert told(evidence) == [("small", BORN, at(12)), ("big", at(12), None)]


def test_a_late_event_between_two_polls_is_put_where_it_belongs():
    polls = [claim("small", 0, 3), claim("small", 8, 9)]

    with_event = told([*polls, claim("big", 5, 5, known=20)])

    assert with_event == [("small", BORN, at(5)), ("big", at(5), at(8)), ("small", at(8), None)]


def test_where_two_claims_contradict_each_other_the_one_that_starts_later_wins():
    evidence = [claim("small", 0, 20, known=20), claim("big", 10, 25, known=25)]

    assert told(evidence) == [("small", BORN, at(10)), ("big", at(10), None)]


def test_a_point_decides_what_comes_after_it():
    assert told([claim("small", 0, 4), claim("big", 4, 4)]) == [("small", BORN, at(4)), ("big", at(4), None)]


def test_polling_an_unchanged_resource_adds_no_evidence():
    held = ()
    for hour in range(1, 50):
        held = add(held, claim("small", 0, hour))

    assert held == (claim("small", 0, 49, known=1),)


def test_what_a_row_does_not_date_counts_from_when_it_was_seen():
    """A flavor got a property: the server's row is unchanged, and what it was at the poll before stays true."""
    evidence = [claim("without", 0, 9), claim("with", 0, 12)]

    assert told(evidence) == [("without", BORN, at(9)), ("with", at(9), None)]


def test_a_life_of_many_changes_is_folded_in_no_time():
    pieces = [claim("ab"[hour % 2], hour, hour + 0.5) for hour in range(3000)]

    assert len(fold(pieces[:20], BORN)) == 20
    assert len(fold(pieces, BORN)) == 3000


claims = st.builds(
    lambda value, since, length, late: claim(value, since, since + length, since + length + late),
    st.sampled_from("abc"),
    st.integers(0, 12),
    st.integers(0, 6),
    st.integers(0, 6),
)


@settings(max_examples=1000)
@given(st.lists(claims, min_size=1, max_size=8), st.randoms())
def test_order_and_repeats_change_nothing(pieces, random):
    shuffled = [*pieces, *random.sample(pieces, random.randint(0, len(pieces)))]
    random.shuffle(shuffled)

    held = ()
    for piece in shuffled:
        held = add(held, piece)

    assert told(held) == told(pieces)


@settings(max_examples=1000)
@given(st.lists(claims, min_size=1, max_size=8), claims)
def test_what_add_leaves_out_would_have_changed_no_later_fold(pieces, late):
    held = ()
    for piece in pieces:
        held = add(held, piece)

    assert told([*held, late]) == told([*pieces, late])


@given(st.lists(claims, min_size=1, max_size=8))
def test_intervals_follow_each_other_without_gaps_and_without_equal_neighbours(pieces):
    intervals = fold(pieces, BORN)

    assert intervals[0].start == BORN
    assert intervals[-1].end is None
    for before, after in pairwise(intervals):
        assert before.end == after.start
        assert before.value != after.value
        assert before.start < after.start


def decides(pieces, instant):
    """The rule of :func:`fold` in its own words, for one instant."""
    claims = {}
    for piece in pieces:
        same = claims.get((piece.value, piece.since), piece)
        claims[piece.value, piece.since] = same.with_repeat(piece)
    weight = {piece: (piece.since, -piece.told_at.timestamp(), repr(piece.value)) for piece in claims.values()}
    if covering := [piece for piece in weight if piece.since <= instant <= piece.until]:
        return max(covering, key=weight.get)
    if earlier := [piece for piece in weight if piece.since <= instant]:
        return max(earlier, key=lambda piece: (piece.until, weight[piece]))
    return min(weight, key=weight.get)


@given(
    st.lists(st.builds(dataclasses.replace, claims, source=st.sampled_from(Source)), min_size=1, max_size=8), st.integers(0, 6)
)
def test_at_each_instant_decides_whom_the_rule_names_and_each_interval_says_who_it_was(pieces, start):
    intervals = fold(pieces, at(start))

    for hour in range(start, 25):
        (there,) = [i for i in intervals if i.start <= at(hour + 0.5) and (i.end is None or at(hour + 0.5) < i.end)]
        assert there.value == decides(pieces, at(hour + 0.5)).value
    for interval in intervals:
        claim = decides(pieces, interval.start + timedelta(minutes=30))
        assert interval.source is (Source.ASSUMPTION if claim.since > interval.start else claim.source)


def test_who_told_of_it_first_is_named_whatever_the_order():
    poll = claim("big", 5, 9, known=20)
    action = dataclasses.replace(claim("big", 5, 12, known=10), source=Source.ACTION)
    at_the_same_time = dataclasses.replace(poll, told_at=at(10))

    assert poll.with_repeat(action) == action.with_repeat(poll) == action
    assert at_the_same_time.with_repeat(action) == action.with_repeat(at_the_same_time) == action


@pytest.mark.parametrize(("end", "until", "seconds"), [(None, 3, 7200), (2, 3, 3600), (4, 3, 7200), (4, 1, 0), (4, 0, 0)])
def test_an_interval_has_the_seconds_before_a_time(end, until, seconds):
    interval = Interval(at(1), None if end is None else at(end), "small", Source.POLL)

    assert interval.seconds_until(at(until)) == seconds


def test_the_words_for_who_told_caso_are_those_that_stores_hold():
    assert [source.value for source in Source] == ["poll", "action", "notification", "audit", "assumption", "written", "almanach"]


def test_what_is_told_of_the_time_before_a_life_begins_no_interval_there():
    told_early = [claim("a", -5, -3), claim("b", -2, -1), claim("c", 4, 5)]

    assert told(told_early) == [("b", BORN, at(4)), ("c", at(4), None)]


def test_no_evidence_is_no_life():
    assert fold([], BORN) == ()
