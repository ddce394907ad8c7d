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
from caso.store import open_store
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
