"""A flavor that Almanach told by name only has the size that others tell of one of that name."""

import dataclasses
from itertools import permutations

import pytest

from caso.lifecycle.server import Benchmark, Flavor, Server
from caso.lifecycle.timeline import Source
from caso.testing.entities import BIG, SMALL, hours, life, seen_server

NAMELESS = Flavor(SMALL.name, 0, 0, 0)
FAST = dataclasses.replace(SMALL, benchmark=Benchmark("hepscore", 12.5))


def moved_in(flavor, at, ended=None):
    return dataclasses.replace(seen_server(at=at, unchanged_since=at, ended=ended, flavor=flavor), source=Source.ALMANACH)


def flavors(server: Server):
    return [(interval.start, interval.value.flavor) for interval in server.intervals()]


@pytest.mark.parametrize("known", [SMALL, FAST])
def test_the_past_of_a_server_gets_the_size_that_a_poll_tells_of_a_flavor_of_that_name(known):
    seen = [moved_in(NAMELESS, hours(0)), seen_server(at=hours(5), unchanged_since=hours(4), flavor=known)]

    assert [flavors(life(*order)) for order in permutations(seen)] == [[(hours(0), known)]] * 2


def test_what_is_moved_in_again_with_the_size_takes_the_place_of_the_name():
    seen = [moved_in(NAMELESS, hours(0)), moved_in(SMALL, hours(0)), moved_in(BIG, hours(2))]

    assert {tuple(flavors(life(*order))) for order in permutations(seen)} == {((hours(0), SMALL), (hours(2), BIG))}


def test_a_flavor_of_another_name_tells_nothing():
    seen = [moved_in(NAMELESS, hours(0)), seen_server(at=hours(5), unchanged_since=hours(4), flavor=BIG)]

    assert flavors(life(*seen)) == [(hours(0), NAMELESS), (hours(4), BIG)]


def test_properties_that_a_poll_tells_are_those_of_a_flavor_that_almanach_told():
    seen = [moved_in(SMALL, hours(0)), moved_in(BIG, hours(2)), seen_server(at=hours(5), unchanged_since=hours(4), flavor=FAST)]

    assert flavors(life(*seen)) == [(hours(0), FAST), (hours(2), BIG), (hours(4), FAST)]


def test_an_end_that_almanach_told_is_no_event_so_a_later_listing_with_the_server_refutes_it():
    closed = moved_in(SMALL, hours(3), ended=hours(3))

    assert (life(closed).ended, life(closed).gone) == (hours(3), None)
    assert life(closed, seen_server(at=hours(5))).ended is None
