"""What events tell folds into the same life, whatever the order, the repeats, and who told of it first."""

import dataclasses
from datetime import UTC, datetime, timedelta
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from caso.lifecycle import life, server, volume
from caso.lifecycle.notes import Note, What
from caso.lifecycle.server import Accelerator, Flavor
from caso.lifecycle.timeline import Source
from caso.lifecycle.volume import VolumeState
from caso.lifecycle.written import Field, Written
from caso.testing.entities import BIG, CREATED, SMALL, hours, seen_server, seen_volume

GPU = dataclasses.replace(BIG, accelerators=(Accelerator("GPU", "A100", 2),))


def event(at: float, *, ended: float | None = None, notes: tuple[Note, ...] = (), **changes):
    """A server as an event tells of it, so many hours after its creation."""
    when = None if ended is None else hours(ended)
    seen = seen_server(at=hours(at), unchanged_since=hours(at), ended=when, **{"user_name": None, **changes})
    return dataclasses.replace(seen, source=Source.NOTIFICATION, notes=notes, public_ip_count=None)


def known(*sightings):
    return reduce(server.observe, sightings, None)


def told(one):
    return [(i.value.status, i.value.flavor.name, i.start, i.end) for i in one.intervals()]


def test_events_tell_a_life_to_the_second():
    one = known(event(0), event(2, status="SUSPENDED"), event(3), event(5, flavor=BIG, status="VERIFY_RESIZE"), event(9, ended=9))

    assert told(one) == [
        ("ACTIVE", "small", CREATED, hours(2)),
        ("SUSPENDED", "small", hours(2), hours(3)),
        ("ACTIVE", "small", hours(3), hours(5)),
        ("VERIFY_RESIZE", "big", hours(5), hours(9)),
    ]


def test_a_create_that_comes_after_the_delete_opens_nothing():
    one = known(event(5, ended=5, status="DELETED"), event(0.01))

    assert one.ended == hours(5)
    assert one.intervals()[-1].end == hours(5)


def test_a_listing_that_was_read_while_it_was_deleted_does_not_bring_it_back():
    one = known(event(5, ended=5, status="DELETED"), seen_server(at=hours(5.001)))

    assert one.ended == hours(5)


def test_an_event_dates_the_end_of_what_a_listing_only_missed():
    missed = life.vanish(known(seen_server(at=hours(4))), hours(6), "a complete listing did not have it any more")

    one = server.observe(missed, event(5, ended=5, status="DELETED"))

    assert (one.ended, one.end_reason) == (hours(5), None)


def test_a_poll_after_a_lost_event_is_the_newer_truth():
    one = known(event(0), event(2, status="SUSPENDED"), seen_server(at=hours(6), unchanged_since=hours(4)))

    assert told(one) == [
        ("ACTIVE", "small", CREATED, hours(2)),
        ("SUSPENDED", "small", hours(2), hours(4)),
        ("ACTIVE", "small", hours(4), None),
    ]


def test_a_flavor_has_the_properties_that_somebody_told_where_an_event_leaves_them_out():
    one = known(event(0, flavor=BIG), seen_server(at=hours(2), unchanged_since=hours(1), flavor=GPU), event(3, flavor=BIG))

    assert {interval.value.flavor for interval in one.intervals()} == {GPU}


def audited(at: float, **changes):
    """A server as a regular audit tells of it."""
    return dataclasses.replace(event(at, **changes), source=Source.AUDIT)


def test_what_audits_repeat_for_years_is_kept_a_few_times_a_year():
    one = known(event(0), *(audited(hour) for hour in range(0, 24 * 730, 6)))

    assert len(one.evidence) < 80
    assert told(one) == [("ACTIVE", "small", CREATED, None)]


def test_an_audit_tells_of_a_change_whose_message_was_lost():
    one = known(event(0), audited(24), audited(48, status="SUSPENDED"), audited(49, status="SUSPENDED"))

    assert told(one) == [("ACTIVE", "small", CREATED, hours(48)), ("SUSPENDED", "small", hours(48), None)]


@given(st.lists(st.tuples(st.integers(0, 24 * 90), st.sampled_from(["ACTIVE", "SUSPENDED"])), min_size=1, max_size=40), st.data())
def test_audits_in_any_order_leave_the_same(history, data):
    told_once = [audited(at, status=status) for at, status in history]
    told_again = data.draw(st.permutations([*told_once, *told_once[:5]]))

    one, other = known(*told_once), known(*told_again)

    assert set(one.evidence) == set(other.evidence)
    assert one.intervals() == other.intervals()


def sightings():
    """Sightings of one server: events of many times and some polls, in any state, perhaps with an end."""
    times = st.integers(0, 40)
    states = {"status": st.sampled_from(["ACTIVE", "SUSPENDED", "SHUTOFF"]), "flavor": st.sampled_from([SMALL, BIG, GPU])}
    names = st.sampled_from(["one", "two"])
    notes = st.builds(lambda at, name: (Note.of(hours(at), What.NAME, name),), times, names)
    events = st.builds(event, times, name=names, notes=notes, **states)
    audits = st.builds(audited, times, name=names, **states)
    ends = st.builds(lambda at, **words: event(at, ended=at, **words), times, name=names, **states)
    polls = st.builds(
        lambda at, back, **words: seen_server(at=hours(at), unchanged_since=hours(max(0, at - back)), **words),
        times,
        st.integers(0, 10),
        name=names,
        **states,
    )
    return st.lists(st.one_of(events, events, audits, polls, ends), min_size=1, max_size=12)


@given(sightings(), st.data())
def test_any_order_and_any_repetition_tell_the_same_server(told_once, data):
    told_again = data.draw(st.permutations([*told_once, *data.draw(st.lists(st.sampled_from(told_once), max_size=6))]))

    one, other = known(*told_once), known(*told_again)

    assert one.intervals() == other.intervals()
    assert (one.created, one.ended, one.name, one.notes, one.launched) == (
        *(other.created, other.ended, other.name),
        *(other.notes, other.launched),
    )


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 3), st.booleans()), min_size=1, max_size=10), st.data())
def test_any_order_and_any_repetition_tell_the_same_volume(history, data):
    told_once = [
        dataclasses.replace(
            seen_volume(at=hours(at), unchanged_since=hours(at), size_gib=size * 10),
            source=Source.NOTIFICATION,
            ended=hours(at) if ends else None,
        )
        for at, size, ends in history
    ]
    told_again = data.draw(st.permutations([*told_once, *data.draw(st.lists(st.sampled_from(told_once), max_size=6))]))

    one, other = reduce(volume.observe, told_once, None), reduce(volume.observe, told_again, None)

    assert one.intervals() == other.intervals()
    assert (one.ended, one.server_ids) == (other.ended, other.server_ids)


NOW = datetime(2026, 6, 1, tzinfo=UTC)


def wrote(field: Field, value, at: float, *, minute: int = 0, until: float | None = None) -> Written:
    end = None if until is None else hours(until)
    return Written.of(f"request-{minute}", NOW + timedelta(minutes=minute), hours(at), field, value, until=end)


def sizes(one):
    return [(i.value.size_gib, i.start, i.end) for i in one.intervals()]


def a_volume(*written: Written, seen=(4.0,)):
    polls = [seen_volume(at=hours(at), size_gib=10) for at in seen]
    return reduce(volume.observe, polls, None).with_written(written)


def test_what_a_person_wrote_wins_over_polls_before_and_after():
    one = a_volume(wrote(Field.SIZE, 50, at=2))

    one = volume.observe(one, seen_volume(at=hours(9), size_gib=10))

    assert sizes(one) == [(10, CREATED, hours(2)), (50, hours(2), None)]
    assert one.intervals()[-1].source is Source.WRITTEN


def test_a_change_that_services_tell_of_later_wins_over_what_was_written_before_it():
    one = a_volume(wrote(Field.SIZE, 50, at=2))

    one = volume.observe(one, seen_volume(at=hours(9), unchanged_since=hours(7), size_gib=80))

    assert sizes(one) == [(10, CREATED, hours(2)), (50, hours(2), hours(7)), (80, hours(7), None)]


def test_what_was_written_for_a_stretch_holds_in_it_only():
    assert sizes(a_volume(wrote(Field.SIZE, 50, at=1, until=3))) == [
        (10, CREATED, hours(1)),
        (50, hours(1), hours(3)),
        (10, hours(3), None),
    ]


def test_of_two_that_were_written_for_the_same_time_the_later_one_counts():
    one = a_volume(wrote(Field.SIZE, 50, at=2, minute=2), wrote(Field.SIZE, 60, at=2, minute=1))

    assert sizes(one)[-1] == (50, hours(2), None)


def test_an_end_that_was_written_stays_whatever_a_listing_has():
    one = a_volume(wrote(Field.ENDED, None, at=3))

    one = volume.observe(one, seen_volume(at=hours(9), size_gib=10))

    assert one.ended == hours(3)
    assert sizes(one) == [(10, CREATED, hours(3))]


def test_a_beginning_that_was_written_is_the_beginning():
    one = a_volume(wrote(Field.CREATED, None, at=-5))

    assert sizes(volume.observe(one, seen_volume(at=hours(9), size_gib=10)))[0][1] == hours(-5)


def test_what_only_a_person_told_of_is_what_was_written_until_somebody_else_tells():
    state = VolumeState(size_gib=100, type=None, project_id="p")
    alone = volume.as_written("v", state, CREATED, NOW, [])

    told_too = volume.observe(alone, seen_volume(at=hours(9), uuid="v", size_gib=10))

    assert sizes(alone) == [(100, CREATED, None)]
    assert sizes(told_too) == [(10, CREATED, None)]


def test_a_flavor_that_was_written_is_a_flavor():
    flavor = dataclasses.asdict(GPU)
    one = known(seen_server(at=hours(4))).with_written([wrote(Field.FLAVOR, flavor, at=2)])

    assert [interval.value.flavor for interval in one.intervals()] == [SMALL, GPU]
    assert isinstance(one.intervals()[-1].value.flavor, Flavor)
