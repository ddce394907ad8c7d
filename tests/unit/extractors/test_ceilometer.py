"""What the extractor makes of Gnocchi's resources and measures, for how many questions."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from caso.errors import SourceError
from caso.extractors.base import Ask, Listing
from caso.extractors.ceilometer import CeilometerExtractor
from caso.extractors.metering import Method
from caso.lifecycle.measured import CPU, NETWORK_INBOUND
from caso.lifecycle.server import ServerSeen, observe
from caso.sources import MissingError, Sources
from caso.testing.gnocchi import POLICY, FakeGnocchi, a_resource, metric_id
from caso.testing.memory import Remembered
from caso.testing.servers import FakeCompute
from caso.testing.sources import REGION, FakeAccess, FakeIdentity, FakeImage
from caso.window import Window

NOON = datetime(2024, 2, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTES = timedelta(minutes=5)
WINDOW = Window(NOON - HOUR, NOON)
READINGS = {**POLICY, "aggregation_methods": ["mean", "rate:mean"]}
RATES = {**POLICY, "name": "rates-only", "aggregation_methods": ["rate:mean"]}
SECOND = 1e9


def an_instance(uuid="vm-1", **changes):
    return a_resource(uuid, flavor_id="m1.small", **changes)


def readings(uuid, values, *, since=NOON - 2 * HOUR, metric="cpu", method="mean"):
    """One reading each five minutes."""
    times = [(since + n * MINUTES).isoformat().removesuffix("+00:00") for n in range(len(values))]
    return {(uuid, metric, method): list(zip(times, values, strict=True))}


class Site:
    """An extractor with a Gnocchi of these resources and points; ``flavors`` are those that Nova lists."""

    def __init__(self, resources, points=None, *, flavors=("m1.small",), now=NOON, method=None, beside=(), **gnocchi):
        services = {
            "compute": FakeCompute(flavors={name: {} for name in flavors}, admin=True),
            "identity": FakeIdentity(),
            "image": FakeImage(),
            "metric": FakeGnocchi(resources, points, **gnocchi),
        }
        self.access = FakeAccess(services)
        self.extractor = CeilometerExtractor(Sources(self.access, clock=lambda: now), method=method)
        if beside:
            self.extractor.beside(frozenset(beside))

    def pages(self, window=WINDOW, memory=None):
        return list(self.extractor.extract(Ask(REGION, {"project-1": window}, memory=memory or Remembered())))

    def seen(self, **ask):
        return [seen for page in self.pages(**ask) for seen in page.seen]

    def measured(self, **ask):
        return {(one.uuid, one.meter, one.day): one for page in self.pages(**ask) for one in page.measured}

    def asked(self, path):
        return [one for service, _, one in self.access.requests if service == "metric" and path in one]


def asked_before():
    return Remembered(listings={"project-1": Listing(NOON - HOUR, "")})


def test_a_life_is_told_with_its_revisions():
    resized = NOON - 5 * HOUR
    rows = [
        an_instance(revision_end=resized.isoformat(), flavor_name="m1.small"),
        an_instance(revision_start=resized.isoformat(), flavor_name="m1.large") | {"flavor_id": "m1.large"},
    ]
    site = Site(rows, flavors=("m1.small", "m1.large"))

    (seen,) = site.seen(window=Window(NOON - 8 * HOUR, NOON))

    server = observe(None, seen)
    assert seen.launched
    assert (seen.name, seen.image_id, seen.user_name) == ("name of vm-1", "image-1", "Ada")
    assert [(one.value.flavor.name, one.end) for one in server.intervals()] == [("m1.small", resized), ("m1.large", None)]
    assert server.created == datetime(2024, 1, 1, tzinfo=UTC)


def test_when_it_was_made_is_told_better_than_when_gnocchi_first_had_it():
    made = datetime(2023, 12, 31, 23, 59, tzinfo=UTC)

    (seen,) = Site([an_instance(created_at=made.isoformat())]).seen()

    assert seen.created == made


def test_an_end_is_told():
    ended = (NOON - HOUR / 2).isoformat()

    (seen,) = Site([an_instance(ended_at=ended, revision_start=ended)]).seen()

    assert seen.ended == NOON - HOUR / 2


def test_the_size_of_a_flavor_that_nova_does_not_list_is_remembered_or_measured():
    metrics = {name: metric_id("vm-1", name) for name in ("cpu", "vcpus", "memory", "disk.root.size")}
    points = readings("vm-1", [3.0], metric="vcpus") | readings("vm-1", [512.0], metric="memory")
    points |= readings("vm-1", [7.0], metric="disk.root.size")
    site = Site([an_instance(metrics=metrics)], points, flavors=())

    (measured,) = site.seen()
    site.access.requests.clear()
    (remembered,) = [one for one in site.seen(memory=Remembered.of([measured])) if isinstance(one, ServerSeen)]

    flavor = measured.state.flavor
    assert (flavor.name, flavor.vcpus, flavor.memory_mib, flavor.disk_gib) == ("m1.small", 3, 512, 7)
    assert not measured.properties_known
    assert remembered.state.flavor == flavor
    assert len(site.asked("/aggregates")) == 1  # CPU time; nothing of its size


def test_the_size_of_each_revision_is_that_of_its_own_time():
    metrics = {name: metric_id("vm-1", name) for name in ("cpu", "vcpus", "memory")}
    resized = NOON - HOUR - MINUTES / 2
    rows = [
        an_instance(revision_end=resized.isoformat(), flavor_name="old", metrics=metrics),
        an_instance(revision_start=resized.isoformat(), flavor_name="new", metrics=metrics),
    ]
    # The reading of after the resize has the time at which its granularity began, which was before.
    points = readings("vm-1", [1.0] * 11 + [4.0] * 3, metric="vcpus") | readings("vm-1", [512.0] * 14, metric="memory")
    site = Site(rows, points, flavors=())

    (seen,) = site.seen()

    server = observe(None, seen)
    assert [(one.value.flavor.name, one.value.flavor.vcpus) for one in server.intervals()] == [("old", 1), ("new", 4)]


def test_a_flavor_that_nobody_tells_is_set_aside():
    site = Site([an_instance(), a_resource("vm-2", flavor_name="secret")])

    pages = site.pages()

    (odd,) = [odd for page in pages for odd in page.odd]
    assert (odd.object_id, odd.project_id) == ("vm-2", "project-1")
    assert "how large flavor secret is" in odd.reason
    assert [seen.uuid for page in pages for seen in page.seen] == ["vm-1"]


def test_cpu_time_is_the_growth_of_its_counter_since_it_was_first_read():
    site = Site([an_instance()], readings("vm-1", [100 * SECOND, 130 * SECOND, 190 * SECOND]))

    (told,) = site.measured().values()

    assert (told.meter, told.amount, told.covered_seconds) == (CPU, 90.0, 600.0)
    assert (told.start, told.end) == (NOON - 2 * HOUR, NOON)


def test_what_it_used_before_it_was_first_read_counts_where_it_is_known_when_it_was_made():
    made = NOON - 2 * HOUR - 2 * MINUTES

    site = Site([an_instance(created_at=made.isoformat())], readings("vm-1", [100 * SECOND, 130 * SECOND]))

    (told,) = site.measured().values()
    assert (told.amount, told.start) == (pytest.approx(130.0), made)


def test_a_counter_that_was_reset_counts_what_it_shows_since():
    site = Site([an_instance()], readings("vm-1", [100 * SECOND, 130 * SECOND, 20 * SECOND, 25 * SECOND]))

    (told,) = site.measured().values()

    assert told.amount == pytest.approx(55.0)


@pytest.mark.parametrize("after", [[], [10 * SECOND, 20 * SECOND]])
def test_a_mean_of_readings_before_and_after_a_reset_is_none(after):
    mixed = 5_000_005 * SECOND  # of 10,000,030 before and 5 after

    (told,) = (
        Site([an_instance()], readings("vm-1", [10_000_000 * SECOND, 10_000_030 * SECOND, mixed, *after])).measured().values()
    )

    assert told.amount == pytest.approx(50.0 if after else 30.0)


def test_a_day_is_asked_for_whole_until_it_is_two_hours_over():
    midnight = NOON.replace(hour=0)
    points = readings("vm-1", [n * SECOND for n in range(600)], since=midnight - 26 * HOUR)

    early = Site([an_instance()], points).measured(window=Window(midnight + HOUR, midnight + 1.5 * HOUR), memory=asked_before())
    late = Site([an_instance()], points).measured(window=Window(midnight + 2 * HOUR, midnight + 3 * HOUR), memory=asked_before())

    yesterday, today = midnight.date() - timedelta(days=1), midnight.date()
    assert {day for _, _, day in early} == {yesterday, today}
    assert {day for _, _, day in late} == {today}
    assert early["vm-1", CPU, yesterday].amount == pytest.approx(288.0)
    assert early["vm-1", CPU, yesterday].start == midnight - timedelta(days=1)
    assert late["vm-1", CPU, today].amount == pytest.approx(35.0)


@pytest.mark.parametrize("hour", [0, 1])
def test_the_end_of_a_month_is_asked_for_once_more_but_on_a_first_run(hour):
    first = datetime(2024, 2, 1, tzinfo=UTC)
    points = readings("vm-1", [n * SECOND for n in range(600)], since=first - 26 * HOUR)
    window = Window(first + hour * HOUR, first + (hour + 1) * HOUR)

    new = Site([an_instance()], points).measured(window=window)
    again = Site([an_instance()], points).measured(window=window, memory=asked_before())

    assert {day.isoformat() for _, _, day in new} == {"2024-02-01"}
    assert {day.isoformat() for _, _, day in again} == {"2024-01-31", "2024-02-01"}


def test_of_a_stretch_of_the_past_what_began_after_it_is_not_missed():
    pages = Site([an_instance()], now=NOON + 30 * 24 * HOUR).pages()

    assert [page.inventory for page in pages if page.inventory] == []


def test_traffic_is_the_sum_of_all_interfaces():
    interfaces = [
        a_resource(name, type="instance_network_interface", instance_id="vm-1")
        | {"metrics": {"network.incoming.bytes": metric_id(name, "network.incoming.bytes")}}
        for name in ("tap-1", "tap-2")
    ]
    points = readings("tap-1", [0, 10], metric="network.incoming.bytes")
    points |= readings("tap-2", [5, 12, 19], metric="network.incoming.bytes")

    told = Site([an_instance(), *interfaces], points).measured()

    assert told["vm-1", NETWORK_INBOUND, NOON.date()].amount == 24


def test_of_archive_policies_with_rates_only_these_are_added_up():
    policies = {metric_id("vm-1", "cpu"): RATES}
    site = Site(
        [an_instance()], readings("vm-1", [30 * SECOND, -90 * SECOND, 60 * SECOND], method="rate:mean"), policies=policies
    )

    (told,) = site.measured().values()

    assert told.amount == 90.0
    assert told.start == NOON - 2 * HOUR - MINUTES


def test_what_has_another_archive_policy_is_asked_for_by_that():
    policies = {metric_id("vm-2", "cpu"): RATES}
    points = readings("vm-1", [0, 7 * SECOND]) | readings("vm-2", [5 * SECOND], method="rate:mean")
    site = Site([an_instance("vm-1"), an_instance("vm-2")], points, policies=policies)

    told = site.measured()

    assert {uuid: one.amount for (uuid, _, _), one in told.items()} == {"vm-1": 7.0, "vm-2": 5.0}


MINUTELY = {"definition": [{"granularity": "0:01:00", "timespan": "30 days, 0:00:00"}]}


@pytest.mark.parametrize("other", [RATES, {**READINGS, "name": "minutely"} | MINUTELY])
@pytest.mark.parametrize("each", [2, 40])
@pytest.mark.parametrize("size", [300, 1200])
def test_of_hundreds_with_one_of_two_archive_policies_each_is_told_once_for_a_few_questions(other, each, size):
    ids = [f"vm-{n:04}" for n in range(size)]
    policies = {metric_id(uuid, "cpu"): other for uuid in ids[::each]}
    points = {}
    for uuid in ids:
        points |= readings(uuid, [0, 7 * SECOND]) | readings(uuid, [5 * SECOND], method="rate:mean")
    site = Site([an_instance(uuid) for uuid in ids], points, policies=policies)

    told = site.measured()

    amounts = {uuid: 5.0 if other is RATES and not n % each else 7.0 for n, uuid in enumerate(ids)}
    assert {uuid: one.amount for (uuid, _, _), one in told.items()} == amounts
    assert len(site.asked("/aggregates")) < 80
    assert len(site.asked("/metric")) < 10


def test_those_without_points_do_not_make_an_archive_policy_a_wrong_one():
    policies = {metric_id("vm-2", "cpu"): RATES}
    points = readings("vm-2", [5 * SECOND], method="rate:mean")

    told = Site([an_instance("vm-1"), an_instance("vm-2")], points, policies=policies).measured()

    assert {uuid: one.amount for (uuid, _, _), one in told.items()} == {"vm-2": 5.0}


def test_rates_are_asked_for_at_the_granularity_of_each_archive_policy_though_a_coarser_one_is_not_refused():
    finer = [{"granularity": "0:01:00", "timespan": "30 days, 0:00:00"}, *RATES["definition"]]
    policies = {metric_id("vm-1", "cpu"): RATES, metric_id("vm-2", "cpu"): {**RATES, "name": "finer", "definition": finer}}
    points = {}
    for uuid in ("vm-1", "vm-2"):
        points |= readings(uuid, [5 * SECOND], method="rate:mean")
    site = Site([an_instance("vm-1"), an_instance("vm-2")], points, policies=policies)

    site.measured()

    asked = [(path.partition("granularity=")[2].partition("&")[0]) for path in site.asked("/aggregates")]
    assert asked == ["300.0", "60.0"]


def test_where_the_finest_is_kept_too_short_the_next_is_asked_for():
    levels = [
        {"granularity": "0:00:01", "timespan": "1:00:00"},
        {"granularity": "0:05:00", "timespan": "7 days, 0:00:00"},
        {"granularity": "1:00:00", "timespan": "365 days, 0:00:00"},
    ]
    policies = {metric_id("vm-1", "cpu"): {**READINGS, "name": "ceilometer-high", "definition": levels}}

    (told,) = Site([an_instance()], readings("vm-1", [0, 7 * SECOND]), policies=policies).measured().values()

    assert told.amount == 7.0


def test_what_gnocchi_has_forgotten_is_said_once_and_what_there_is_is_used(caplog):
    short = {**READINGS, "definition": [{"granularity": "0:05:00", "timespan": "1:00:00", "points": 12}]}
    site = Site([an_instance()], readings("vm-1", [0, 7 * SECOND]), policies={metric_id("vm-1", "cpu"): short})

    (told,) = site.measured().values()
    site.measured()

    assert told.amount == 7.0
    (warning,) = [record.message for record in caplog.records if "forgotten" in record.message]
    assert "what there is is used" in warning


def test_who_is_told_of_late_is_asked_for_since_it_was_made_within_the_month():
    began = datetime(2024, 2, 8, tzinfo=UTC)
    late = an_instance(started_at=(began + HOUR).isoformat(), revision_start=(NOON - HOUR / 2).isoformat())
    points = readings("vm-1", [n * SECOND for n in range(12 * 59)], since=began + HOUR)

    unknown = Site([late], points).measured()
    told = Site([late], points).seen()
    known = Site([late], points).measured(memory=Remembered.of([_seen_at(told[0], WINDOW.start - HOUR)]))

    assert sorted(day.day for _, _, day in unknown) == [8, 9, 10]
    assert sorted(day.day for _, _, day in known) == [10]


def test_beside_one_that_tells_of_servers_it_tells_what_was_measured_only():
    site = Site([an_instance()], readings("vm-1", [0, 7 * SECOND]), beside={"server", "volume", "address"})

    pages = site.pages()

    assert site.extractor.observes == {"measure"}
    assert [seen for page in pages for seen in page.seen] == []
    assert [one.amount for page in pages for one in page.measured] == [7.0]
    assert all(page.inventory == frozenset() for page in pages)


def test_five_hundred_servers_are_one_question_of_each_meter():
    ids = [f"vm-{n:04}" for n in range(1001)]
    points = {key: value for uuid in ids for key, value in readings(uuid, [0, SECOND]).items()}
    site = Site([an_instance(uuid) for uuid in ids], points)

    told = site.measured()

    assert len(told) == 1001
    assert len(site.asked("/aggregates")) == 3
    assert len(site.asked("/metric/")) == 1


def test_smaller_batches_can_be_asked_for():
    ids = [f"vm-{n}" for n in range(5)]
    site = Site([an_instance(uuid) for uuid in ids], method=Method(at_once=2))

    site.measured()

    assert len(site.asked("/aggregates")) == 3


def test_a_volume_is_as_large_as_it_was_measured_and_was():
    row = a_resource("disk", type="volume", volume_type="fast") | {"metrics": {"volume.size": metric_id("disk", "volume.size")}}
    site = Site([row], readings("disk", [10.0, 10.0, 25.0], metric="volume.size", since=NOON - HOUR))

    was, now = site.seen()

    assert (was.state.size_gib, was.seen_at, was.unchanged_since) == (10, NOON - HOUR + 2 * MINUTES, was.created)
    assert (now.state.size_gib, now.unchanged_since, now.state.type) == (25, NOON - HOUR + 2 * MINUTES, "fast")


def test_without_its_resource_types_gnocchi_has_no_instances_to_tell_of():
    class Bare(FakeGnocchi):
        def answer(self, path, data, what):
            raise MissingError(f"{what}: Resource type instance does not exist (HTTP 404)")

    site = Site([])
    site.access.services["metric"] = Bare()

    with pytest.raises(SourceError, match="ceilometer-upgrade"):
        site.pages()


def _seen_at(seen, at):
    return dataclasses.replace(seen, seen_at=at, unchanged_since=min(seen.unchanged_since, at))
