"""Runs over volumes and addresses: what a scope's pass puts into the ledger, and what regions have to do with each other."""

import dataclasses
from datetime import UTC, datetime, timedelta

import pytest

from caso.accounting.rules import Rules
from caso.delivery import Outlet
from caso.errors import SourceError
from caso.extractors.base import Extractor, Page
from caso.job import Job
from caso.planning import Period
from caso.projects import Project
from caso.run import run
from caso.store import Selection, open_store
from caso.testing.entities import seen_address, seen_server, seen_volume
from tests.unit.cloudlet import Recorder, ticking

T0 = datetime(2026, 1, 20, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
OURS = Project("project-1", "alpha", "vo.one", "property VO")


class Told(Extractor):
    """Tells what the test says, for each region."""

    def __init__(self, kind, **regions):
        self.observes = frozenset({kind})
        self.kind = kind
        self.regions = regions

    @classmethod
    def from_conf(cls, conf, sources, **shared):
        raise NotImplementedError

    def extract(self, ask):
        told = self.regions.get(ask.region, ())
        if isinstance(told, Exception):
            raise told
        yield Page(seen=tuple(told), inventory=frozenset({self.kind}))


@dataclasses.dataclass
class Site:
    """A site whose store is kept between runs; ``records`` are the newest, by key."""

    folder: object
    services: dict = dataclasses.field(default_factory=lambda: {"north": "SERVICE", "south": "SERVICE"})
    records: dict = dataclasses.field(default_factory=dict)

    def run(self, at, regions=("north",), **extractors):
        rules = {region: Rules("SITE", self.services[region], "OpenStack") for region in regions}
        job = Job("", [OURS], extractors, rules, [Outlet("recorder", self)], Period(now=at, until=at), threads=1)
        with open_store(f"sqlite:///{self.folder}/caso.sqlite") as store:
            return run(job, store, ticking(at))

    batch_size = 1000

    def send(self, records):
        self.records |= {record.key: record for record in records}

    def levels(self):
        return {key.removeprefix("ip/SITE/"): r.ip_count for key, r in self.records.items() if r.kind == "ip"}

    def of(self, kind):
        return sorted((r for r in self.records.values() if r.kind == kind), key=lambda r: r.measured_at)


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def ips(at, *numbers, ip="192.0.2.1", **changes):
    return [seen_address(at=at, id=f"address-{n}", ip=ip, created=T0 - HOUR, **changes) for n in numbers]


def test_two_regions_under_one_service_name_are_summed(site):
    site.run(T0, ["north", "south"], neutron=Told("address", north=ips(T0, 1, 2), south=ips(T0, 3)))

    assert site.levels() == {"SERVICE/project-1/4/2026-01": 3}


def test_two_regions_of_one_service_in_runs_of_their_own_are_summed_too(site):
    site.run(T0, ["north"], neutron=Told("address", north=ips(T0, 1, 2)))
    site.run(T0 + HOUR, ["south"], neutron=Told("address", south=ips(T0 + HOUR, 3)))
    assert site.levels() == {"SERVICE/project-1/4/2026-01": 3}

    site.run(T0 + 2 * HOUR, ["north"], neutron=Told("address", north=ips(T0 + 2 * HOUR, 1)))
    assert site.levels() == {"SERVICE/project-1/4/2026-01": 2}


def test_regions_with_service_names_of_their_own_are_kept_apart(site):
    site.services = {"north": "NORTH", "south": "SOUTH"}

    site.run(T0, ["north", "south"], neutron=Told("address", north=ips(T0, 1, 2), south=ips(T0, 3)))

    assert site.levels() == {"NORTH/project-1/4/2026-01": 2, "SOUTH/project-1/4/2026-01": 1}


def test_a_region_that_fails_counts_as_it_was_last_seen(site):
    site.run(T0, ["north", "south"], neutron=Told("address", north=ips(T0, 1, 2), south=ips(T0, 3)))
    later = T0 + HOUR

    report = site.run(later, ["north", "south"], neutron=Told("address", north=ips(later, 1), south=SourceError("503")))

    assert [bool(scope.error) for scope in report.scopes] == [False, True]
    assert site.levels() == {"SERVICE/project-1/4/2026-01": 2}
    (record,) = site.of("ip")
    assert record.measured_at == later


def test_an_ipv6_address_does_not_overwrite_the_ipv4_ones_and_released_to_none_is_zero(site):
    site.run(T0, neutron=Told("address", north=[*ips(T0, 1, 2), *ips(T0, 6, ip="2a0f::6")]))
    assert site.levels() == {"SERVICE/project-1/4/2026-01": 2, "SERVICE/project-1/6/2026-01": 1}

    site.run(T0 + HOUR, neutron=Told("address", north=ips(T0 + HOUR, 1, 2)))
    assert site.levels() == {"SERVICE/project-1/4/2026-01": 2, "SERVICE/project-1/6/2026-01": 0}


def test_an_outage_over_the_end_of_a_month_closes_it_with_the_level_that_was_seen_last(site):
    site.run(FEBRUARY - HOUR, neutron=Told("address", north=ips(FEBRUARY - HOUR, 1, 2)))

    site.run(FEBRUARY + HOUR, neutron=Told("address", north=ips(FEBRUARY + HOUR, 1)))

    assert site.levels() == {"SERVICE/project-1/4/2026-01": 2, "SERVICE/project-1/4/2026-02": 1}


def test_the_public_addresses_of_a_server_are_those_that_neutron_tells_of(site):
    server = seen_server(at=T0, uuid="vm", created=T0 - HOUR, public_ip_count=0)
    addresses = [*ips(T0, 1, 2, server_id="vm"), *ips(T0, 3)]

    site.run(T0, nova=Told("server", north=[server]), neutron=Told("address", north=addresses))

    assert [record.public_ip_count for record in site.of("cloud")] == [2]


def test_where_neutron_is_not_asked_nova_s_count_stands(site):
    site.run(T0, nova=Told("server", north=[seen_server(at=T0, uuid="vm", created=T0 - HOUR, public_ip_count=1)]))

    assert [record.public_ip_count for record in site.of("cloud")] == [1]


def test_where_neutron_is_not_asked_any_more_nova_s_count_comes_back(site):
    at = [T0, T0 + HOUR, T0 + 2 * HOUR, T0 + 3 * HOUR]
    server = [seen_server(at=time, uuid="vm", created=T0 - HOUR, public_ip_count=1) for time in at]
    site.run(at[0], nova=Told("server", north=[server[0]]), neutron=Told("address", north=ips(T0, 1, 2, server_id="vm")))

    counts = []
    for number in (1, 2, 3):
        site.run(at[number], nova=Told("server", north=[server[number]]))
        counts += [record.public_ip_count for record in site.of("cloud")]

    assert counts[-1] == 1


def test_a_volume_that_is_gone_ends_where_it_was_last_seen(site):
    site.run(T0, cinder=Told("volume", north=[seen_volume(at=T0, uuid="stays"), seen_volume(at=T0, uuid="goes")]))
    later = T0 + HOUR

    site.run(later, cinder=Told("volume", north=[seen_volume(at=later, uuid="stays")]))
    site.run(later + HOUR, cinder=Told("volume", north=[seen_volume(at=later + HOUR, uuid="stays")]))

    ends = {record.volume_id: record.measured_at for record in site.of("storage")}
    assert ends["stays"] == later + HOUR
    assert T0 <= ends["goes"] < later


def test_sequence_numbers_are_kept_from_run_to_run(site):
    for hour in range(4):
        at = T0 + hour * HOUR
        seen = seen_volume(at=at, uuid="v", created=T0 - HOUR, unchanged_since=at - HOUR / 2, size_gib=10 + hour)
        site.run(at, cinder=Told("volume", north=[seen]))

    assert [(r.sequence, r.size_bytes // 2**30) for r in site.of("storage")] == [(1, 10), (2, 11), (3, 12), (4, 13)]


def test_an_extractor_that_is_added_later_begins_with_the_current_month(site):
    december = datetime(2025, 12, 10, tzinfo=UTC)
    created = datetime(2025, 11, 1, tzinfo=UTC)
    site.run(december, nova=Told("server", north=[seen_server(at=december, created=created)]))

    site.run(
        T0,
        nova=Told("server", north=[seen_server(at=T0, created=created)]),
        cinder=Told("volume", north=[seen_volume(at=T0, created=created)]),
    )

    assert {str(record.month) for record in site.of("storage")} == {"2026-01"}
    assert {str(record.month) for record in site.of("cloud")} == {"2025-11", "2025-12", "2026-01"}


def test_an_extractor_is_not_asked_about_a_region_that_lacks_its_service_unless_it_once_had_it(site, tmp_path):
    rules = {region: Rules("SITE", "SERVICE", "OpenStack") for region in ("north", "south")}
    told = Told("volume", north=[seen_volume(at=T0)], south=SourceError("no endpoint"))
    job = Job("", [OURS], {"cinder": told}, rules, [Outlet("r", Recorder())], Period(now=T0, until=T0), threads=1)
    job = dataclasses.replace(job, regions_of={"cinder": frozenset({"north"})})
    with open_store(f"sqlite:///{tmp_path}/caso.sqlite") as store:
        first = run(job, store, ticking(T0))
        later = T0 + HOUR
        told.regions = {"north": SourceError("no endpoint")}
        gone = dataclasses.replace(job, regions_of={"cinder": frozenset()}, period=Period(now=later, until=later))
        second = run(gone, store, ticking(later))

    assert ([s.scope.region for s in first.scopes], first.exit_status) == (["north"], 0)
    assert ([s.scope.region for s in second.scopes], second.exit_status) == (["north"], 1)


def test_a_region_that_is_asked_no_more_counts_until_its_month_is_over(site):
    site.run(T0, ["north", "south"], neutron=Told("address", north=ips(T0, 1, 2), south=ips(T0, 3)))
    at = [T0 + HOUR, FEBRUARY + HOUR, FEBRUARY + 2 * HOUR]

    for time in at:
        site.run(time, ["north"], neutron=Told("address", north=ips(time, 1, 2)))

    assert site.levels() == {"SERVICE/project-1/4/2026-01": 3, "SERVICE/project-1/4/2026-02": 2}


def test_a_service_that_gets_another_name_does_not_count_an_address_twice(site):
    site.run(T0, neutron=Told("address", north=ips(T0, 1, 2)))
    site.services = {"north": "NEW"}

    site.run(T0 + HOUR, neutron=Told("address", north=ips(T0 + HOUR, 1, 2)))

    assert site.levels() == {"SERVICE/project-1/4/2026-01": 0, "NEW/project-1/4/2026-01": 2}


def test_of_a_service_that_a_region_leaves_the_other_regions_stay(site):
    site.run(T0, ["south"], neutron=Told("address", south=ips(T0, 3)))
    site.run(T0 + HOUR, ["north"], neutron=Told("address", north=ips(T0 + HOUR, 1, 2)))
    site.services = {"north": "NEW"}

    site.run(T0 + 2 * HOUR, ["north"], neutron=Told("address", north=ips(T0 + 2 * HOUR, 1, 2)))

    assert site.levels() == {"SERVICE/project-1/4/2026-01": 1, "NEW/project-1/4/2026-01": 2}


def test_while_neutron_fails_a_server_has_the_addresses_that_were_seen_last(site):
    site.run(
        T0,
        nova=Told("server", north=[seen_server(at=T0, uuid="vm", created=T0 - HOUR, public_ip_count=0)]),
        neutron=Told("address", north=ips(T0, 1, 2, server_id="vm")),
    )

    for hour in (1, 2, 3):
        at = T0 + hour * HOUR
        server = seen_server(at=at, uuid="vm", created=T0 - HOUR, public_ip_count=0)
        site.run(at, nova=Told("server", north=[server]), neutron=Told("address", north=SourceError("503")))

    assert [record.public_ip_count for record in site.of("cloud")] == [2]


def test_where_the_first_listing_of_neutron_fails_nova_s_count_stands(site):
    server = seen_server(at=T0, uuid="vm", created=T0 - HOUR, public_ip_count=1)

    site.run(T0, nova=Told("server", north=[server]), neutron=Told("address", north=SourceError("503")))

    assert [record.public_ip_count for record in site.of("cloud")] == [1]


class Halting(Told):
    """Fails once it has told all that it knows."""

    def extract(self, ask):
        yield from super().extract(ask)
        raise SourceError("503")


def test_a_server_that_ended_keeps_its_addresses_when_it_is_told_of_once_more(site):
    site.run(
        T0,
        nova=Told("server", north=[seen_server(at=T0, uuid="vm", created=T0 - HOUR, public_ip_count=1)]),
        neutron=Told("address", north=ips(T0, 1, server_id="vm")),
    )
    ended = T0 + HOUR / 2

    counts = []
    for hour in (1, 2):
        at = T0 + hour * HOUR
        gone = seen_server(at=at, uuid="vm", created=T0 - HOUR, ended=ended, status="DELETED", public_ip_count=None)
        site.run(at, nova=Halting("server", north=[gone]), neutron=Told("address"))
        counts += [record.public_ip_count for record in site.of("cloud")]

    assert counts == [1, 1]


def departed(site, at, regions, **extractors):
    """A run after the project has lost its tag."""
    rules = {region: Rules("SITE", site.services[region], "OpenStack") for region in regions}
    other = Project("project-2", "beta", "vo.two", "property VO")
    job = Job("", [other], extractors, rules, [Outlet("recorder", site)], Period(now=at, until=at), threads=1)
    with open_store(f"sqlite:///{site.folder}/caso.sqlite") as store:
        return run(dataclasses.replace(job, listed=frozenset({"project-2"})), store, ticking(at))


def last_windows(report):
    return [(s.scope.region, s.scope.extractor) for s in report.scopes if s.last]


def test_a_region_that_is_asked_no_more_keeps_no_project_that_is_ours_no_more(site):
    site.run(T0, ["north", "south"], cinder=Told("volume", north=[seen_volume(at=T0)]))

    reports = []
    for hour in (1, 2, 3):
        at = T0 + hour * HOUR
        reports.append(departed(site, at, ["north"], cinder=Told("volume", north=[seen_volume(at=at)])))

    assert [last_windows(report) for report in reports] == [[("north", "cinder")], [], []]
    assert [record.measured_at for record in site.of("storage")] == [T0 + HOUR]


def test_a_scope_that_had_its_last_window_does_not_wait_for_its_siblings(site):
    site.run(T0, cinder=Told("volume", north=[seen_volume(at=T0)]), neutron=Told("address"))

    reports = []
    for hour in (1, 2):
        at = T0 + hour * HOUR
        told = Told("volume", north=[seen_volume(at=at)])
        reports.append(departed(site, at, ["north"], cinder=told, neutron=Told("address", north=SourceError("503"))))

    assert last_windows(reports[1]) == [("north", "neutron")]
    assert [record.measured_at for record in site.of("storage")] == [T0 + HOUR]


def test_an_extractor_that_is_new_does_not_begin_with_a_project_that_is_ours_no_more(site):
    site.run(T0, nova=Told("server", north=[seen_server(at=T0)]))

    report = departed(site, T0 + HOUR, ["north"], nova=Told("server"), cinder=Told("volume", north=[seen_volume(at=T0 + HOUR)]))

    assert last_windows(report) == [("north", "nova")]
    assert site.of("storage") == []


def test_a_run_of_some_extractors_leaves_caso_nothing_undone_of_the_others(site, tmp_path):
    site.run(T0, cinder=Told("volume"), nova=Told("server"))
    at = T0 + HOUR
    rules = {"north": Rules("SITE", "SERVICE", "OpenStack")}
    job = Job("", [OURS], {"cinder": Told("volume")}, rules, [], Period(now=at, until=at), threads=1, lastrun_dir=tmp_path)

    with open_store(f"sqlite:///{site.folder}/caso.sqlite") as store:
        run(dataclasses.replace(job, narrowed=True), store, ticking(at))

    assert (tmp_path / "lastrun.project-1").read_text().strip() == "2026-01-20T09:59:59"


def test_an_address_that_two_regions_tell_of_is_one(site):
    site.run(T0, ["north", "south"], neutron=Told("address", north=ips(T0, 1, 2), south=ips(T0, 1, 2)))
    assert site.levels() == {"SERVICE/project-1/4/2026-01": 2}

    later = T0 + HOUR
    site.run(later, ["north", "south"], neutron=Told("address", north=ips(later, 1), south=ips(later, 1)))
    assert site.levels() == {"SERVICE/project-1/4/2026-01": 1}


def test_a_region_with_another_name_counts_its_addresses_once(site):
    site.run(T0, ["north"], neutron=Told("address", north=ips(T0, 1, 2)))

    site.run(T0 + HOUR, ["south"], neutron=Told("address", south=ips(T0 + HOUR, 1, 2)))
    site.run(T0 + 2 * HOUR, ["south"], neutron=Told("address", south=ips(T0 + 2 * HOUR, 1)))

    assert site.levels() == {"SERVICE/project-1/4/2026-01": 1}


def test_a_volume_that_changed_hands_is_found_in_the_ledger_under_both(site):
    beta = Project("project-2", "beta", "vo.two", "property VO")
    rules = {"north": Rules("SITE", "SERVICE", "OpenStack")}
    later = T0 + HOUR
    sold = seen_volume(at=later, unchanged_since=later - HOUR / 2, project_id=beta.id)
    with open_store(f"sqlite:///{site.folder}/caso.sqlite") as store:
        for at, seen in ((T0, seen_volume(at=T0)), (later, sold)):
            told = {"cinder": Told("volume", north=[seen])}
            run(Job("", [OURS, beta], told, rules, [], Period(now=at, until=at), threads=1), store, ticking(at))

        found = [store.ledger.inspection.count(Selection(project_id=project.id)) for project in (OURS, beta)]

    assert found == [1, 1]


def test_a_cloud_with_another_name_does_not_begin_again_where_caso_stopped(tmp_path):
    (tmp_path / "lastrun.project-1").write_text("2025-11-10T00:00:00")
    rules = {"north": Rules("SITE", "SERVICE", "OpenStack")}
    windows = []
    with open_store(f"sqlite:///{tmp_path}/caso.sqlite", lastrun_dir=tmp_path) as store:
        for at, cloud in ((T0, ""), (T0 + HOUR, "other")):
            told = {"nova": Told("server", north=[seen_server(at=at)])}
            report = run(Job(cloud, [OURS], told, rules, [], Period(now=at, until=at), threads=1), store, ticking(at))
            windows += [scope.plan.window.start for scope in report.scopes]

    assert windows == [datetime(2025, 11, 10, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)]
