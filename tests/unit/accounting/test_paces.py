"""A record that goes on by time alone says at any later time what accounting for it then would say."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from caso.accounting.paces import server_paces, volume_paces
from caso.accounting.rules import Rules
from caso.accounting.servers import accelerator_records, cloud_record, readings
from caso.accounting.volumes import storage_records
from caso.lifecycle.address import observe as observe_address
from caso.lifecycle.measured import CPU, Metered, Total
from caso.lifecycle.server import Accelerator, Flavor
from caso.lifecycle.volume import observe as observe_volume
from caso.records.pace import Growth, gone_on
from caso.testing.entities import BIG, CREATED, SMALL, hours, life, seen_address, seen_server, seen_volume
from caso.window import Month

RULES = Rules("SITE", "cloud.site.example", "OpenStack")
VOS = {"project-1": "vo.example"}
DEVICES = Flavor("gpu", 8.0, 1024, 10, accelerators=(Accelerator("GPU", "A100", 2.0),))
FLAVORS = (SMALL, BIG, DEVICES)
STATES = ("ACTIVE", "SUSPENDED", "SHUTOFF", "SHELVED_OFFLOADED")
MONTH_END = datetime(2026, 2, 1, tzinfo=UTC)


def newest(server, until, addresses=None, metered=None):
    """The records of a server's newest reading, and their paces."""
    given_metered = {} if metered is None else {"metered": metered}
    reading = readings(server, CREATED, until, VOS)[-1]
    cloud, accelerators = cloud_record(reading, RULES, addresses, **given_metered), [*accelerator_records(reading, RULES)]
    return [cloud, *accelerators], server_paces(reading, RULES, cloud, accelerators, addresses, **given_metered)


times = st.integers(0, 300 * 3600 * 1000).map(lambda number: CREATED + timedelta(milliseconds=number))


@st.composite
def servers(draw):
    looks = sorted(draw(st.lists(times, min_size=1, max_size=5, unique=True)))
    changes = [(draw(times), draw(st.sampled_from(STATES)), draw(st.sampled_from(FLAVORS))) for _ in looks]
    sightings = [
        seen_server(at=max(look, CREATED), unchanged_since=min(max(since, CREATED), look), status=status, flavor=flavor)
        for look, (since, status, flavor) in zip(looks, changes, strict=True)
    ]
    return life(*sightings)


@given(servers(), times, st.integers(1, 300 * 3600 * 1000))
def test_a_server_that_goes_on_is_what_it_would_be_accounted_for(server, first, after):
    since, until = first, min(first + timedelta(milliseconds=after), Month.of(first).last_second)
    if since <= CREATED or until < since:
        return

    records, paces = newest(server, since)
    later, _ = newest(server, until)

    if paces:
        assert [gone_on(one.content(), paces[one.key], since, until) for one in records] == [one.content() for one in later]


@given(times, times, st.integers(1, 300 * 3600))
def test_a_volume_that_goes_on_is_what_it_would_be_accounted_for(resized, first, after):
    volume = observe_volume(None, seen_volume(at=CREATED))
    volume = observe_volume(volume, seen_volume(at=max(resized, CREATED), unchanged_since=resized, size_gib=20))
    until = min(first + timedelta(seconds=after), Month.of(first).last_second)
    records = storage_records(volume, CREATED, first, VOS, RULES, [])
    paces = volume_paces(volume, records, first)

    later = storage_records(volume, CREATED, until, VOS, RULES, records)

    if paces:
        told = [gone_on(one.content(), paces[one.key], first, until) if one.key in paces else one.content() for one in records]
        assert told == [one.content() for one in later]


def test_what_runs_goes_on_with_all_its_vcpus_and_what_sleeps_with_none():
    running, paces = newest(life(seen_server(at=hours(2), flavor=DEVICES)), hours(3))
    assert [paces[one.key] for one in running] == [
        {
            "wall_seconds": Growth(3 * 3600 * 10**6, 1),
            "suspend_seconds": Growth(0, 0),
            "cpu_seconds": Growth(24 * 3600 * 10**6, 8),
        },
        {"available_seconds": Growth(3 * 3600 * 10**6, 1)},
    ]

    asleep, paces = newest(life(seen_server(at=hours(2), status="SUSPENDED")), hours(3))
    assert paces[asleep[0].key] == {
        "wall_seconds": Growth(2 * 3600 * 10**6, 0),
        "suspend_seconds": Growth(3600 * 10**6, 1),
        "cpu_seconds": Growth(4 * 3600 * 10**6, 0),
    }


def test_what_sleeps_and_was_first_seen_after_the_reading_is_awake_until_then():
    (record,), paces = newest(life(seen_server(at=hours(5), status="SUSPENDED")), hours(3))
    assert paces[record.key]["wall_seconds"] == Growth(3 * 3600 * 10**6, 1, turn=2 * 3600 * 10**6, rate_then=0)

    later = gone_on(record.content(), paces[record.key], hours(3), hours(9))

    assert (later["wall_seconds"], later["suspend_seconds"]) == (5 * 3600, 4 * 3600)


def test_what_is_known_of_a_later_time_or_told_by_meters_does_not_go_on():
    ended = life(seen_server(at=hours(9), status="DELETED", ended=hours(8)))
    changed = life(seen_server(at=hours(1)), seen_server(at=hours(9), unchanged_since=hours(5), status="SHUTOFF"))
    running = life(seen_server(at=hours(2)))
    measured = Metered({CPU: [Total(Month.of(CREATED), CREATED, 5.0)]})
    leading = observe_address(None, seen_address(at=hours(9), created=hours(7), server_id=running.uuid))

    assert newest(ended, hours(5))[1] == {}
    assert newest(changed, hours(5))[1] == {}
    assert newest(running, hours(5), metered=measured)[1] == {}
    assert newest(running, hours(5), [leading])[1] == {}
    assert newest(running, hours(8), [leading])[1] != {}


def test_no_record_goes_on_beyond_its_month():
    server = life(seen_server(at=hours(2)))

    assert newest(server, MONTH_END - timedelta(milliseconds=500))[1] == {}
    assert newest(server, MONTH_END)[1] == {}
    assert newest(server, MONTH_END - timedelta(seconds=1))[1] != {}


def test_accelerators_whose_number_changed_in_the_month_or_parts_of_a_vcpu_are_counted_anew():
    fewer = Flavor("gpu", 8.0, 1024, 10, accelerators=(Accelerator("GPU", "A100", 1.0),))
    parts = Flavor("part", 0.5, 1024, 10)
    resized = life(seen_server(at=hours(1), flavor=DEVICES), seen_server(at=hours(5), unchanged_since=hours(4), flavor=fewer))

    assert newest(resized, hours(6))[1] == {}
    assert newest(life(seen_server(at=hours(2), flavor=parts)), hours(6))[1] == {}


def test_a_volume_that_had_another_owner_in_the_month_does_not_go_on_by_time_alone():
    volume = observe_volume(None, seen_volume(at=hours(1)))
    volume = observe_volume(volume, seen_volume(at=hours(5), unchanged_since=hours(4), project_id="project-2"))
    owners = VOS | {"project-2": "vo.other"}

    assert volume_paces(volume, storage_records(volume, CREATED, hours(6), owners, RULES, []), hours(6)) == {}
    march = MONTH_END + timedelta(days=2)
    records = storage_records(volume, MONTH_END, march, owners, RULES, [])
    assert volume_paces(volume, records, march) == {records[-1].key: {}}
