"""What caso makes of a real Gnocchi, filled as Ceilometer fills it, beside what the servers really had and used."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from caso.records import CloudRecord
from caso.sources.gnocchi import Gnocchi as Source
from caso.sources.gnocchi_asking import basic_api
from caso.sources.manners import Manners
from caso.sources.session import new_session
from caso.store import Place
from caso.testing.sources import REGION
from tests.cloud import Fault
from tests.functional.metered_site import MeteredSite
from tests.meters import Gnocchi, Metered, MeteredServer
from tests.meters.ceilometer import GRANULARITY_SECONDS, LOW, RATE
from tests.meters.seed import HOUR, MONTH, UNTIL

pytestmark = pytest.mark.debian("postgresql")

OCTOBER = "2026-10"
GIB = 2**30


@pytest.fixture
def site(tmp_path: Path, gnocchi: Gnocchi, metered: Metered) -> MeteredSite:
    return MeteredSite(tmp_path, gnocchi, metered)


@pytest.fixture
def both(tmp_path: Path, gnocchi: Gnocchi, metered: Metered) -> MeteredSite:
    return MeteredSite(tmp_path, gnocchi, metered, ("nova", "ceilometer"))


def lived(metered: Metered) -> list[MeteredServer]:
    return [server for server in metered.servers if server.ended is None or server.ended >= MONTH]


def test_gnocchi_tells_which_metrics_have_an_archive_policy(gnocchi: Gnocchi):
    manners = Manners(sleep=lambda seconds: None)
    source = Source(basic_api(new_session(traffic=manners.traffic), gnocchi.url, "admin", manners))
    metrics = [row["metrics"] for row in gnocchi.ask("POST", "search/resource/instance", {})]

    counters, sizes = ({those[name] for those in metrics if name in those} for name in ("cpu", "vcpus"))

    assert counters
    assert sizes
    assert (source.metrics_of("cpu", RATE), source.metrics_of("cpu", LOW)) == (counters, set())
    assert (source.metrics_of("vcpus", RATE), source.metrics_of("vcpus", LOW)) == (set(), sizes)


def test_wall_time_is_that_of_the_truth(site: MeteredSite, metered: Metered):
    report = site.run(UNTIL)

    assert report.exit_status == 0, [scope.error for scope in report.scopes]
    for server in lived(metered):
        record = site.cloud(server, OCTOBER)
        began = server.created if server.dated else server.appears
        assert (record.start, record.end, record.machine_name) == (began, server.ended, server.name)
        assert record.wall_seconds == int(((server.ended or UNTIL) - began).total_seconds()), server.name
        assert record.vo == "vo"
        assert (record.cpu_count, record.memory_mib) == (server.flavor(UNTIL).vcpus, server.flavor(UNTIL).memory_mib)
    with site.store() as store:
        resized = metered.server("resized")
        intervals = store.known(Place("", REGION), "server", [resized.id])[resized.id].intervals()
    assert [(one.start, one.value.flavor.name, one.value.flavor.vcpus) for one in intervals] == [
        (at, flavor.name, flavor.vcpus) for at, flavor in resized.flavors
    ]
    names = {one.machine_name for one in site.kept.records.values() if isinstance(one, CloudRecord)}
    assert "ended-before" not in names


def test_cpu_time_is_that_of_the_truth_to_the_second(site: MeteredSite, metered: Metered):
    site.run(UNTIL)

    for server in lived(metered):
        if server.name in ("jittery", "kept", "unmeasured", "short"):
            continue
        record = site.cloud(server, OCTOBER)
        assert record.cpu_seconds == pytest.approx(_cpu(server), abs=1), server.name


def test_polls_at_uneven_times_tell_cpu_time_to_a_granularity(site: MeteredSite, metered: Metered):
    server = metered.server("jittery")

    site.run(UNTIL)

    vcpus = server.flavor(UNTIL).vcpus
    assert site.cloud(server, OCTOBER).cpu_seconds == pytest.approx(_cpu(server), abs=GRANULARITY_SECONDS * vcpus)


def test_who_was_read_once_has_used_what_was_read_and_who_was_never_what_was_allotted(site: MeteredSite, metered: Metered):
    never = metered.server("unmeasured")

    site.run(UNTIL)

    record = site.cloud(never, OCTOBER)
    assert not never.polls
    assert record.cpu_seconds == record.wall_seconds * never.flavor(UNTIL).vcpus


def test_traffic_is_that_of_all_interfaces(site: MeteredSite, metered: Metered):
    site.run(UNTIL)

    for name in ("two-interfaces", "deleted"):
        server = metered.server(name)
        record = site.cloud(server, OCTOBER)
        last = server.polls[-1]
        assert record.network_inbound_gib == server.received_bytes(server.created, last) // GIB, name
        assert record.network_outbound_gib == server.sent_bytes(server.created, last) // GIB, name
    assert site.cloud(metered.server("no-interface"), OCTOBER).network_inbound_gib is None


def test_hour_by_hour_it_adds_up_to_the_same(tmp_path: Path, gnocchi: Gnocchi, metered: Metered):
    (tmp_path / "hourly").mkdir()
    (tmp_path / "once").mkdir()
    hourly = MeteredSite(tmp_path / "hourly", gnocchi, metered)
    once = MeteredSite(tmp_path / "once", gnocchi, metered)

    for at in (UNTIL - 9 * HOUR, UNTIL - 2 * HOUR, UNTIL - HOUR, UNTIL):
        hourly.run(at)
    once.run(UNTIL)

    for server in lived(metered):
        one, other = hourly.cloud(server, OCTOBER), once.cloud(server, OCTOBER)
        assert one.cpu_seconds == pytest.approx(other.cpu_seconds, abs=1), server.name
        assert (one.wall_seconds, one.network_inbound_gib) == (other.wall_seconds, other.network_inbound_gib), server.name


def test_nova_and_ceilometer_together_make_one_record_of_each_server(both: MeteredSite, metered: Metered):
    report = both.run(UNTIL)

    assert report.exit_status == 0, [scope.error for scope in report.scopes]
    records = [one for one in both.kept.records.values() if isinstance(one, CloudRecord) and str(one.month) == OCTOBER]
    assert sorted(one.vm_uuid for one in records) == sorted(server.id for server in lived(metered))
    for server in lived(metered):
        record = both.cloud(server, OCTOBER)
        assert record.wall_seconds == int(((server.ended or UNTIL) - server.created).total_seconds()), server.name
        if server.name not in ("jittery", "kept", "unmeasured", "short"):
            assert record.cpu_seconds == pytest.approx(_cpu(server), abs=1), server.name


def test_the_switch_is_from_allotted_to_measured(tmp_path: Path, gnocchi: Gnocchi, metered: Metered):
    server = metered.server("steady")
    site = MeteredSite(tmp_path, gnocchi, metered, ("nova",))
    site.run(UNTIL - HOUR)
    before = site.cloud(server, OCTOBER)
    site.extractors = ("nova", "ceilometer")

    site.run(UNTIL)

    record = site.cloud(server, OCTOBER)
    vcpus = server.flavor(UNTIL).vcpus
    assert before.cpu_seconds == before.wall_seconds * vcpus
    assert record.wall_seconds == before.wall_seconds + 3600
    assert site.cloud(server, "2026-09").cpu_seconds == (MONTH - server.created).total_seconds() * vcpus
    assert record.cpu_seconds == pytest.approx(_cpu(server), abs=1)


def test_volumes_are_those_of_the_truth(site: MeteredSite, metered: Metered):
    site.run(UNTIL)

    with site.store() as store:
        for volume in metered.volumes:
            known = store.known(Place("", REGION), "volume", [volume.id])[volume.id]
            steps = [(size, project) for _, size, project in volume.steps]
            told = [(one.value.size_gib, one.value.project_id) for one in known.intervals()]
            assert told == steps, volume.name
            assert known.ended == volume.deleted
            for (at, _, _), one in list(zip(volume.steps, known.intervals(), strict=True))[1:]:
                # Ceilometer asks for a volume's size once an hour.
                assert abs(one.start - at) <= HOUR + timedelta(seconds=GRANULARITY_SECONDS), volume.name


def test_few_questions_are_asked(site: MeteredSite, metered: Metered):
    site.run(UNTIL - HOUR)

    with site.gnocchi.calls() as calls:
        site.run(UNTIL)

    by_path = {path: len(calls.of("gnocchi", path)) for path in ("/search/", "/aggregates", "/metric/")}
    # Instances, volumes, interfaces; CPU time, two of traffic, sizes of volumes; sizes of flavors are remembered.
    assert by_path["/search/"] == 3
    assert by_path["/aggregates"] == 4
    assert by_path["/metric/"] <= 4


def test_a_gnocchi_that_fails_leaves_its_projects_to_the_next_run_and_nova_s_done(both: MeteredSite, metered: Metered):
    both.gnocchi.faults.add(Fault("gnocchi", path="/aggregates", times=50, status=503))

    report = both.run(UNTIL)

    server = metered.server("deleted")
    record = both.cloud(server, OCTOBER)
    assert report.exit_status == 1
    assert {scope.scope.extractor for scope in report.scopes if scope.error} == {"ceilometer"}
    assert record.cpu_seconds == record.wall_seconds * server.flavor(UNTIL).vcpus
    both.gnocchi.faults.clear()
    both.run(UNTIL + HOUR)
    assert both.cloud(server, OCTOBER).cpu_seconds == pytest.approx(_cpu(server), abs=1)


def _cpu(server: MeteredServer) -> float:
    """Allotted until it was first measured, and from then on what it used: of a server made since, all its life."""
    if server.dated and server.created >= MONTH:
        return server.cpu_seconds(server.created, server.polls[-1])
    since = max(MONTH, _slot(server.polls[0]))
    began = server.created if server.dated else server.appears
    allotted = max(0.0, (since - began).total_seconds()) * server.flavor(since).vcpus
    # What Gnocchi has of these five minutes was read a little later.
    read = since + timedelta(seconds=server.polls[0].timestamp() % GRANULARITY_SECONDS)
    return allotted + server.cpu_seconds(max(read, server.polls[0]), server.polls[-1])


def _slot(at: datetime) -> datetime:
    return at - timedelta(seconds=at.timestamp() % GRANULARITY_SECONDS)
