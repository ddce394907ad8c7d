"""What is told of again and is as it was: little is written of it, and it is known as if all were."""

from __future__ import annotations

import dataclasses
import tempfile
from datetime import timedelta
from functools import reduce
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from caso.lifecycle import address
from caso.store import open_store
from caso.testing.entities import seen_address
from tests.unit.store.building import HERE, HOUR, NOW, url

DAY = timedelta(days=1)

few = settings(max_examples=60, derandomize=True, deadline=None)


def a_sighting(hours, server_id, since, over):
    at = NOW + hours * HOUR
    one = seen_address(at=at, server_id=server_id, created=NOW - DAY, unchanged_since=min(NOW + since * HOUR, at))
    return dataclasses.replace(one, ended=at if over else None)


def sightings():
    """Of one address, in any order: where it leads to, since when, and whether it is over."""
    return st.lists(
        st.builds(
            a_sighting,
            hours=st.integers(0, 6),
            server_id=st.sampled_from(["a", None]),
            since=st.integers(-1, 3),
            over=st.sampled_from([False] * 5 + [True]),
        ),
        min_size=1,
        max_size=6,
    )


@few
@given(sightings())
def test_an_address_is_known_as_its_sightings_tell(seen):
    with tempfile.TemporaryDirectory() as folder, open_store(url(Path(folder, "caso.sqlite"))) as store:
        for one in seen:
            store.observe(HERE, [one], by="neutron")

        assert store.known(HERE, "address", [seen[0].id]) == {seen[0].id: reduce(address.observe, seen, None)}


def bodies(store):
    with store.database.read() as connection:
        return connection.exec_driver_sql("SELECT body, along FROM entities ORDER BY id").all()


def test_of_addresses_that_are_as_they_were_only_that_is_written(store):
    def seen(at, ids):
        return [seen_address(at=at, id=one, unchanged_since=NOW) for one in ids]

    store.observe(HERE, seen(NOW, "abc"), by="neutron")
    with store.transaction() as step:
        step.entities.all_accounted(HERE, seen(NOW, "a")[0].project_id, NOW + HOUR, kind="address")
    before = bodies(store)

    store.observe(HERE, seen(NOW + HOUR, "ab"), by="neutron")

    assert bodies(store) == before
    known = store.known(HERE, "address", "abc")
    assert {one: known[one].known_at for one in "abc"} == {"a": NOW + HOUR, "b": NOW + HOUR, "c": NOW}


def test_who_tells_of_it_for_the_first_time_is_noted(store):
    store.observe(HERE, [seen_address(at=NOW, unchanged_since=NOW)], by="neutron")

    store.observe(HERE, [seen_address(at=NOW + HOUR, unchanged_since=NOW)], by="another")

    with store.database.read() as connection:
        assert connection.exec_driver_sql("SELECT told_by FROM entities").scalar_one().split() == ["neutron", "another"]
