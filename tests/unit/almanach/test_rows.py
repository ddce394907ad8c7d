"""The rows of one resource put straight, whatever Almanach made of its messages."""

from datetime import datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caso.almanach.documents import read
from caso.almanach.lives import known_starts, sightings
from caso.almanach.rows import Mended, straighten
from caso.lifecycle import server
from caso.lifecycle.server import Flavor
from tests.unit.almanach.database import Almanach, exported, instance, minutes

NOTHING: dict[Mended, int] = {}


def rows(*documents):
    return [read(line).row for line in exported(documents)]


def life(told, known=None):
    """The life that rows make, with those that are known."""
    found = known
    for seen in sightings(straighten(told, known_starts(known)), known, lambda row: Flavor(row.flavor, 1, 1, 1)):
        found = server.observe(found, seen)
    return found


def shown(told):
    """Start and flavor of each interval, and the end."""
    return told_by(life(told))


def told_by(one):
    return [(interval.start, interval.value.flavor.name) for interval in one.intervals()], one.ended


def at(*counts: float | None) -> list[datetime | None]:
    return [None if count is None else minutes(count) for count in counts]


CASES = {
    "one that lives": ([(0, None, "a")], [(0, "a")], None, NOTHING),
    "one that ended": ([(0, 9, "a")], [(0, "a")], 9, NOTHING),
    "a change": ([(0, 5, "a"), (5, 9, "b")], [(0, "a"), (5, "b")], 9, NOTHING),
    "an end at the beginning": ([(0, 0, "a")], [(0, "a")], 0, NOTHING),
    "a change at the beginning": ([(0, 0, "a"), (0, None, "b")], [(0, "b")], None, NOTHING),
    "two changes at once": ([(0, 5, "a"), (5, 5, "b"), (5, None, "c")], [(0, "a"), (5, "c")], None, NOTHING),
    "the same creation twice": (
        [(0, None, "a"), (0, None, "a")],
        [(0, "a")],
        None,
        {Mended.REPEATED: 1},
    ),
    "the same creation twice, and a change": (
        [(0, 5, "a"), (0, None, "a"), (5, None, "b")],
        [(0, "a"), (5, "b")],
        None,
        {Mended.SEVERAL_ACTIVE: 1},
    ),
    "a creation that came again after the end": ([(0, 9, "a"), (0, None, "a")], [(0, "a")], 9, {Mended.REOPENED: 1}),
    "a creation that came again after a change and the end": (
        [(0, 5, "a"), (5, 9, "b"), (0, None, "a")],
        [(0, "a"), (5, "b")],
        9,
        {Mended.REOPENED: 1},
    ),
    "a change that came late": (
        [(0, 7, "a"), (7, 5, "b"), (5, None, "c")],
        [(0, "a"), (5, "c"), (7, "b")],
        None,
        {Mended.NEGATIVE: 1, Mended.OVERLAPPING: 2},
    ),
    "a change dated before the creation": ([(5, 3, "a"), (3, None, "b")], [(3, "b")], None, {Mended.NEGATIVE: 1}),
    "an end dated before the creation": ([(5, 3, "a")], [(5, "a")], 5, {Mended.NEGATIVE: 1}),
    "an end dated before the last change": (
        [(0, 7, "a"), (7, 6, "b")],
        [(0, "a")],
        6,
        {Mended.NEGATIVE: 1},
    ),
    "a row that somebody made longer": ([(0, 6, "a"), (5, None, "b")], [(0, "a"), (5, "b")], None, {Mended.OVERLAPPING: 1}),
    "a row that somebody made shorter": ([(0, 4, "a"), (5, None, "b")], [(0, "a"), (5, "b")], None, {Mended.GAP: 1}),
    "two closed rows apart": ([(0, 4, "a"), (5, 8, "b")], [(0, "a"), (5, "b")], 8, {Mended.GAP: 1}),
    "rows in a circle": ([(0, 5, "a"), (5, 0, "b")], [(0, "a")], 5, {Mended.NEGATIVE: 1}),
}


@pytest.mark.parametrize("name", CASES)
def test_rows_make_the_life_that_they_are_of(name):
    given_rows, intervals, ended, mended = CASES[name]
    told = rows(*(instance(*at(start, end), flavor) for start, end, flavor in given_rows))

    assert shown(told) == ([(minutes(start), flavor) for start, flavor in intervals], *at(ended))
    assert straighten(told).mended == mended


@pytest.mark.parametrize("name", CASES)
def test_the_order_of_rows_and_their_repetition_make_no_difference(name):
    told = rows(*(instance(*at(start, end), flavor) for start, end, flavor in CASES[name][0]))

    assert {repr(life([*order, *order])) for order in permutations(told)} == {repr(life(told))}


INSTANTS = st.lists(st.integers(0, 50), min_size=2, max_size=6, unique=True).map(sorted)
FLAVORS = st.lists(st.sampled_from("abcd"), min_size=5, max_size=5)


@st.composite
def histories(draw):
    """The messages of an instance in their order: its creation, resizes, each to another flavor, and maybe its end."""
    instants, flavors = draw(INSTANTS), draw(FLAVORS)
    ends = draw(st.booleans())
    told = [("create", minutes(instants[0]), flavors[0])]
    for instant, flavor in zip(instants[1 : len(instants) - ends], flavors[1:], strict=False):
        if flavor != told[-1][2]:
            told.append(("resize", minutes(instant), flavor))
    return told + ([("delete", minutes(instants[-1]), "")] if ends else [])


def truth(messages):
    ends = [at for event, at, _ in messages if event == "delete"]
    return [(at, flavor) for event, at, flavor in messages if event != "delete"], (ends[0] if ends else None)


@given(messages=histories(), data=st.data())
def test_what_almanach_kept_of_messages_in_their_order_is_the_life_that_they_told(messages, data):
    told = data.draw(st.permutations(rows(*Almanach().take(messages))))

    assert shown(told) == truth(messages)


@given(messages=histories())
def test_a_creation_that_is_told_again_at_the_end_changes_nothing(messages):
    told = rows(*Almanach().take([*messages, messages[0]]))

    assert shown(told) == truth(messages)


@given(messages=histories(), data=st.data())
def test_resizes_that_come_in_any_order_before_the_deletion_are_put_in_the_order_of_time(messages, data):
    created, *others = messages
    resizes = data.draw(st.permutations([one for one in others if one[0] == "resize"]))
    deleted = [one for one in others if one[0] == "delete"]
    kept = [created]
    for one in resizes:
        # Almanach passes over a resize to the flavor that it has.
        if one[2] != kept[-1][2]:
            kept.append(one)

    told = rows(*Almanach().take([created, *resizes, *deleted]))

    flavors, ended = shown(told)
    in_time = sorted({at: flavor for _, at, flavor in kept}.items())
    merged = [one for place, one in enumerate(in_time) if place == 0 or in_time[place - 1][1] != one[1]]
    assert (flavors, ended) == (merged, truth(messages)[1])


@given(messages=histories(), data=st.data())
def test_rows_that_are_moved_in_part_by_part_in_any_order_make_the_same_life(messages, data):
    told = data.draw(st.permutations(rows(*Almanach().take(messages))))
    one = None
    while told:
        size = data.draw(st.integers(1, len(told)))
        part, told = told[:size], told[size:]
        one = life(part, one)

    assert told_by(one) == truth(messages)


@given(messages=histories(), data=st.data())
def test_an_export_of_later_goes_on_with_the_life_of_an_earlier_one(messages, data):
    earlier = data.draw(st.integers(1, len(messages)))

    one = life(rows(*Almanach().take(messages)), life(rows(*Almanach().take(messages[:earlier]))))

    assert told_by(one) == truth(messages)
