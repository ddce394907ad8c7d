"""Almanach's rows of what caso knows: when a row is closed, what is changed in place, and what is shown of it."""

import dataclasses
import itertools
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caso.api.rows import rows
from caso.api.settings import RowRules
from caso.lifecycle import server as servers
from caso.lifecycle import volume as volumes
from caso.lifecycle.life import vanish
from caso.lifecycle.notes import Note, What
from caso.lifecycle.timeline import Source
from caso.testing.entities import BIG, CREATED, SMALL, hours, seen_server, seen_volume

RULES = RowRules()
SHOWING = RowRules(metadata=frozenset({"team"}), image_meta=frozenset({"distro", "version"}))
SECOND = timedelta(seconds=1)


def event(seen, **notes):
    """What an event told at its time, and its notes."""
    noted = tuple(Note.of(seen.seen_at, What(what), value) for what, value in notes.items())
    return dataclasses.replace(seen, source=Source.NOTIFICATION, notes=noted)


def server_event(at, *, metadata=None, image_meta=None, **facts):
    notes = {"metadata": metadata, "image_meta": image_meta}
    # An event tells of the moment at which it happened.
    return event(seen_server(at=at, unchanged_since=at, **facts), **{k: v for k, v in notes.items() if v is not None})


def volume_event(at, attached_to=None, **facts):
    notes = {} if attached_to is None else {"attached_to": attached_to}
    seen = seen_volume(at=at, unchanged_since=at, server_ids=tuple(attached_to or ()), **facts)
    return event(seen, name=seen.name, **notes)


def of_server(*sightings, rules=RULES):
    return rows("server", folded(servers.observe, sightings), rules)


def of_volume(*sightings, rules=RULES):
    return rows("volume", folded(volumes.observe, sightings), rules)


def folded(observe, sightings):
    known = None
    for seen in sightings:
        known = observe(known, seen)
    return known


def told(found, *facts):
    """Of each row, its start and end in hours, and some facts."""
    hour = timedelta(hours=1)
    return [
        (
            (row.start - CREATED) / hour,
            row.end and (row.end - CREATED) / hour,
            *(row.document()[fact] for fact in facts),
        )
        for row in found
    ]


def test_a_server_that_only_polls_know_has_one_row_with_what_it_is_now():
    (row,) = of_server(seen_server(at=hours(1), name="old"), seen_server(at=hours(2), name="new"))

    assert row.document() == {
        "entity_id": "11111111-2222-4333-8444-555555555555",
        "entity_type": "instance",
        "project_id": "project-1",
        "start": "2026-01-01 00:00:00+00:00",
        "end": None,
        "last_event": "2026-01-01 00:00:00+00:00",
        "name": "new",
        "processed": "2026-01-01 02:00:00",
        "flavor": "small",
        "image_meta": {},
        "os": {},
        "metadata": {},
    }


def test_another_flavor_opens_a_row_and_another_status_does_not():
    found = of_server(
        seen_server(at=hours(1)),
        seen_server(at=hours(3), unchanged_since=hours(2), status="SHUTOFF"),
        seen_server(at=hours(5), unchanged_since=hours(4), flavor=BIG),
        seen_server(at=hours(6), ended=hours(6), flavor=BIG),
    )

    assert told(found, "flavor", "last_event") == [
        (0, 4, "small", "2026-01-01 04:00:00+00:00"),
        (4, 6, "big", "2026-01-01 06:00:00+00:00"),
    ]


def test_a_flavor_of_the_same_name_opens_no_row():
    found = of_server(
        seen_server(at=hours(1)),
        seen_server(at=hours(3), unchanged_since=hours(2), flavor=dataclasses.replace(SMALL, vcpus=4)),
    )

    assert told(found) == [(0, None)]


def test_a_rebuild_opens_a_row_where_what_is_shown_of_its_image_is_otherwise():
    ubuntu, debian = {"distro": "ubuntu", "secret": "1"}, {"distro": "debian", "secret": "2"}
    sightings = [
        server_event(hours(0), image_meta=ubuntu),
        server_event(hours(1), image_meta=ubuntu | {"secret": "3"}),
        server_event(hours(2), image_meta=debian),
    ]

    assert told(of_server(*sightings), "os", "image_meta") == [(0, None, {}, {})]
    assert told(of_server(*sightings, rules=SHOWING), "os", "image_meta") == [
        (0, 2, {"distro": "ubuntu"}, {"distro": "ubuntu"}),
        (2, None, {"distro": "debian"}, {"distro": "debian"}),
    ]


def test_metadata_are_shown_by_their_white_list_and_change_in_place():
    found = of_server(
        server_event(hours(0), metadata={"team": "a", "x": "1"}),
        server_event(hours(2), metadata={"team": "b"}),
        rules=SHOWING,
    )

    assert told(found, "metadata", "last_event") == [(0, None, {"team": "b"}, "2026-01-01 00:00:00+00:00")]


def test_a_server_that_never_launched_is_not_shown():
    assert of_server(seen_server(at=hours(1), launched=False, status="ERROR")) == []


@pytest.mark.parametrize(("lived", "shown"), [(timedelta(seconds=899), 0), (timedelta(seconds=900), 1)])
def test_a_server_of_which_only_its_end_is_known_is_shown_if_it_lived_for_a_time(lived, shown):
    ended = CREATED + lived

    found = of_server(event(seen_server(at=ended, ended=ended)))

    assert len(found) == shown


def test_a_server_that_was_seen_before_its_end_is_shown_however_short_it_lived():
    found = of_server(seen_server(at=CREATED + SECOND), event(seen_server(at=CREATED + 2 * SECOND, ended=CREATED + 2 * SECOND)))

    assert [row.end for row in found] == [CREATED + 2 * SECOND]


def test_a_volume_that_only_polls_know_shows_the_servers_that_have_it():
    found = of_volume(seen_volume(at=hours(1), server_ids=("a",)), seen_volume(at=hours(2), server_ids=("b",)))

    assert told(found, "attached_to", "size", "volume_type", "name") == [(0, None, ["b"], 10, "standard", "volume-1")]


def test_the_first_attachment_and_the_last_detachment_open_rows_and_others_do_not():
    found = of_volume(
        volume_event(hours(0), []),
        volume_event(hours(1), ["a"]),
        volume_event(hours(2), ["a", "b"]),
        volume_event(hours(3), ["b"]),
        volume_event(hours(4), []),
    )

    assert told(found, "attached_to", "last_event") == [
        (0, 1, [], "2026-01-01 01:00:00+00:00"),
        (1, 4, ["b"], "2026-01-01 04:00:00+00:00"),
        (4, None, [], "2026-01-01 04:00:00+00:00"),
    ]


@pytest.mark.parametrize(("age", "count"), [(59, 1), (60, 2)])
def test_a_row_that_is_young_is_not_closed_for_an_attachment(age, count):
    at = CREATED + age * SECOND

    found = of_volume(volume_event(hours(0), []), volume_event(at, ["a"]))

    assert len(found) == count
    assert found[-1].facts["attached_to"] == ["a"]
    assert found[-1].last_event == at


@pytest.mark.parametrize(("age", "count"), [(59, 2), (60, 3)])
def test_a_row_that_is_young_is_not_closed_for_a_detachment(age, count):
    found = of_volume(volume_event(hours(0), []), volume_event(hours(1), ["a"]), volume_event(hours(1) + age * SECOND, []))

    assert len(found) == count
    assert found[-1].facts["attached_to"] == []


@pytest.mark.parametrize(("age", "ends"), [(59, [hours(2)]), (60, [hours(2), hours(2) + 60 * SECOND])])
def test_a_last_row_that_is_young_when_the_volume_is_deleted_is_never_heard_of(age, ends):
    at = hours(2) + age * SECOND

    found = of_volume(
        volume_event(hours(0), []),
        volume_event(hours(2), [], size_gib=20),
        event(seen_volume(at=at, ended=at, size_gib=20)),
    )

    assert [row.end for row in found] == ends


def test_a_volume_of_one_row_is_shown_even_if_it_lived_for_a_second():
    at = CREATED + SECOND

    found = of_volume(volume_event(hours(0), []), event(seen_volume(at=at, ended=at)))

    assert [(row.start, row.end) for row in found] == [(CREATED, at)]


def test_size_and_type_open_rows_of_a_volume():
    found = of_volume(
        seen_volume(at=hours(1)),
        seen_volume(at=hours(3), unchanged_since=hours(2), size_gib=20),
        seen_volume(at=hours(5), unchanged_since=hours(4), size_gib=20, type="fast"),
    )

    assert told(found, "size", "volume_type") == [(0, 2, 10, "standard"), (2, 4, 20, "standard"), (4, None, 20, "fast")]


def test_a_volume_that_is_given_away_has_a_row_for_each_owner():
    found = of_volume(seen_volume(at=hours(1)), seen_volume(at=hours(3), unchanged_since=hours(2), project_id="project-2"))

    assert told(found, "project_id") == [(0, 2, "project-1"), (2, None, "project-2")]


def test_a_volume_that_is_renamed_shows_each_name_where_it_had_it_if_a_row_was_opened_in_between():
    found = of_volume(
        volume_event(hours(0), [], name="a"),
        volume_event(hours(1), name="b"),
        volume_event(hours(2), name="b", size_gib=20),
        volume_event(hours(3), name="c", size_gib=20),
    )

    assert told(found, "name", "last_event") == [
        (0, 2, "b", "2026-01-01 02:00:00+00:00"),
        (2, None, "c", "2026-01-01 02:00:00+00:00"),
    ]


def test_what_vanished_ends_where_it_was_seen_last():
    known = folded(volumes.observe, [seen_volume(at=hours(1))])

    found = rows("volume", vanish(known, hours(2), "not listed"), RULES)

    assert told(found, "last_event", "processed") == [(0, 1, "2026-01-01 01:00:00+00:00", "2026-01-01 02:00:00")]


def test_rows_are_noted_when_caso_learned_of_them_and_processed_when_it_learned_the_last_of_them():
    first, second = of_server(
        seen_server(at=hours(1)),
        seen_server(at=hours(5), unchanged_since=hours(4), flavor=BIG),
        seen_server(at=hours(9), unchanged_since=hours(4), flavor=BIG),
    )

    assert (first.noted_at, first.processed) == (hours(1), hours(5))
    assert (second.noted_at, second.processed) == (hours(5), hours(9))


HOURS = st.integers(0, 40).map(lambda quarter: hours(quarter / 4))


@st.composite
def server_sightings(draw):
    at = draw(HOURS)
    facts = {"flavor": draw(st.sampled_from([SMALL, BIG])), "name": draw(st.sampled_from(["a", "b"]))}
    if draw(st.booleans()):
        image_meta = {"distro": draw(st.sampled_from("du"))}
        return server_event(at, image_meta=image_meta, metadata={"team": facts["name"]}, **facts)
    since = min(at, draw(HOURS))
    return seen_server(at=at, unchanged_since=since, **facts)


@st.composite
def volume_sightings(draw):
    at = draw(HOURS)
    facts = {
        "size_gib": draw(st.sampled_from([10, 20])),
        "name": draw(st.sampled_from(["a", "b"])),
        "project_id": draw(st.sampled_from(["p", "q"])),
    }
    attached_to = draw(st.lists(st.sampled_from("abc"), max_size=2, unique=True))
    if draw(st.booleans()):
        return volume_event(at, attached_to, **facts)
    since = min(at, draw(HOURS))
    return seen_volume(at=at, unchanged_since=since, server_ids=tuple(attached_to), **facts)


@st.composite
def told_twice(draw, sightings):
    """What was seen of one thing, and the same in another order, some of it again."""
    seen = draw(st.lists(sightings, min_size=1, max_size=6))
    if draw(st.booleans()):
        last = draw(st.sampled_from(seen))
        seen.append(event(dataclasses.replace(last, seen_at=hours(11), ended=hours(11), notes=())))
    again = draw(st.lists(st.sampled_from(seen), max_size=3))
    return seen, draw(st.permutations([*seen, *again]))


@given(told_twice(server_sightings()))
def test_any_order_and_repetition_gives_the_same_rows_of_a_server(seen):
    once, otherwise = seen

    assert of_server(*once, rules=SHOWING) == of_server(*otherwise, rules=SHOWING)


@given(told_twice(volume_sightings()))
def test_any_order_and_repetition_gives_the_same_rows_of_a_volume(seen):
    once, otherwise = seen

    assert of_volume(*once) == of_volume(*otherwise)


@given(st.lists(volume_sightings(), min_size=1, max_size=6))
def test_rows_of_a_volume_follow_each_other_without_a_gap(sightings):
    found = of_volume(*sightings)

    assert found[0].start == CREATED
    assert all(one.end == following.start and one.start < one.end for one, following in itertools.pairwise(found))
    assert found[-1].end is None
