"""Whole runs with a meter beside Nova: which months the recipient books measured use in, and which days energy has."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from caso.errors import SourceError
from caso.extractors.base import Ask, Extractor, Page
from caso.lifecycle.measured import CPU, ENERGY, NETWORK_INBOUND, Measured
from caso.planning import Period
from caso.records import Record
from caso.store import Place, open_store
from caso.testing.servers import FakeCompute
from caso.testing.sources import REGION
from caso.window import Month
from tests.unit.cloudlet import PROJECTS, Cloudlet, Recorder, servers

DAY = timedelta(days=1)
ALPHA = PROJECTS[:1]
SERVER = "runs"
"""It is in the cloudlet since 2024-03-01, of two vCPUs."""


def march(day: int, hour: int = 0) -> datetime:
    return datetime(2024, 3, day, hour, tzinfo=UTC)


class Taker(Recorder):
    """Keeps the records as well."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[Record] = []

    def send(self, records: Sequence[Record]) -> None:
        super().send(records)
        self.records += records


class Meter(Extractor):
    """Tells of one server, from ``since`` on and ``back`` before each window, the same each second; ``broken``: why it cannot."""

    observes = frozenset({"measure", "energy"})

    def __init__(
        self, since: datetime, rates: dict[str, float], uuid: str = SERVER, broken: str = "", back: timedelta = timedelta()
    ) -> None:
        self.since, self.rates, self.uuid, self.broken, self.back = since, rates, uuid, broken, back

    @classmethod
    def from_conf(cls, conf, sources, **shared):  # type: ignore[no-untyped-def]
        raise NotImplementedError

    def extract(self, ask: Ask) -> Iterator[Page]:
        if self.broken:
            raise SourceError(self.broken)
        for project_id, window in ask.windows.items():
            yield Page(measured=tuple(self._slots(project_id, window.start - self.back, window.end)))

    def _slots(self, project_id: str, start: datetime, end: datetime) -> Iterator[Measured]:
        day = start.replace(hour=0, minute=0, second=0)
        while day < end:
            begin, stop = max(day, self.since), min(day + DAY, end)
            seconds = (stop - begin).total_seconds()
            for meter, rate in self.rates.items() if seconds > 0 else ():
                yield Measured(
                    meter=meter,
                    uuid=self.uuid,
                    project_id=project_id,
                    start=begin,
                    end=stop,
                    amount=rate * seconds,
                    covered_seconds=seconds,
                    seen_at=end,
                )
            day += DAY


@dataclasses.dataclass
class Site:
    """Nova and a meter, run by run, for one project."""

    cloudlet: Cloudlet
    taker: Taker = dataclasses.field(default_factory=Taker)

    def run(  # type: ignore[no-untyped-def]
        self, at: datetime, meter: Extractor | None = None, *, leaves: bool = False, servers_at: datetime | None = None, **changes
    ):
        compute = FakeCompute([row for row in servers(servers_at or at) if row["tenant_id"] == "p1"], page_size=50)
        job = self.cloudlet.job(at, compute=compute, projects=ALPHA)
        changes = {"extractors": dict(job.extractors) | ({"meter": meter} if meter else {})} | changes
        outlets = [*job.outlets, dataclasses.replace(self.cloudlet.outlet(self.taker), name="cim", kinds=frozenset({"energy"}))]
        changes |= {"projects": (), "listed": frozenset[str]()} if leaves else {"projects": ALPHA}
        return self.cloudlet.run(at, compute=compute, outlets=outlets, **changes)

    def row(self, month: int = 3):  # type: ignore[no-untyped-def]
        return self.cloudlet.received()["cloud"][SERVER, month, 2024]

    def usage(self, month: int) -> dict[str, int]:
        self.cloudlet.received()
        return self.cloudlet.recipient.cloud_usage(Month(2024, month))[SERVER]


@pytest.fixture
def site(tmp_path) -> Site:  # type: ignore[no-untyped-def]
    return Site(Cloudlet(tmp_path, page_size=50))


def test_cpu_time_is_as_allotted_until_it_is_measured_and_as_measured_from_then_on(site):
    site.run(march(10, 12))
    allotted = site.row()["CpuDuration"]

    site.run(march(11, 12), Meter(march(11), {CPU: 0.5}))

    vcpus = site.row()["CpuCount"]
    assert allotted == site.row()["WallDuration"] * vcpus - 24 * 3600 * vcpus
    assert site.row()["CpuDuration"] == allotted + 12 * 3600 * vcpus + 12 * 3600 * 0.5


def test_where_measures_are_missing_the_value_stays_and_is_told_later_in_its_month(site):
    meter = Meter(march(1), {CPU: 0.5})
    site.run(march(20), meter)
    before = site.row()["CpuDuration"]

    site.run(march(31, 12), Meter(march(1), {}, broken="Gnocchi is down"))
    site.run(march(31, 18) + DAY, Meter(march(1), {}, broken="Gnocchi is down"))
    april_so_far, march_so_far = site.usage(4).get("CpuDuration", 0), site.row()["CpuDuration"]
    site.run(march(31) + 2 * DAY, meter)

    assert (march_so_far, april_so_far) == (before, 0)
    assert site.usage(3)["CpuDuration"] == 31 * 24 * 3600 * 0.5
    assert site.usage(4)["CpuDuration"] == 24 * 3600 * 0.5


def test_network_is_sent_from_its_first_measure_on_and_never_less(site):
    site.run(march(10))
    without = site.row()

    site.run(march(11), Meter(march(10), {NETWORK_INBOUND: 2**30 / 3600}))
    measured = site.row()["NetworkInbound"]
    site.run(march(12))

    assert without["NetworkInbound"] is None
    assert (measured, site.row()["NetworkInbound"]) == (24, 24)


def test_a_day_makes_its_energy_record_once_it_is_over(site):
    meter = Meter(march(1), {ENERGY: 100.0})

    site.run(march(10, 12), meter)
    first = list(site.taker.keys)
    site.run(march(10, 18), meter)
    same_day = list(site.taker.keys)
    site.run(march(11, 1), meter)
    site.run(march(11, 2), meter)

    assert first == same_day == [f"energy/{SERVER}/2024-03-{day:02}" for day in range(1, 10)]
    assert site.taker.keys[len(first) :] == [f"energy/{SERVER}/2024-03-10"]


def test_an_extractor_that_a_run_leaves_out_is_not_taken_for_gone(site):
    site.run(march(10, 12))

    site.run(march(10, 13), extractors={"lister": Lister()})

    with site.cloudlet.store() as store:
        assert {one.uuid for one in store.living(Place("", REGION), "p1", "server")} > {SERVER}


class Lister(Extractor):
    """Lists all servers, and finds none."""

    @classmethod
    def from_conf(cls, conf, sources, **shared):  # type: ignore[no-untyped-def]
        raise NotImplementedError

    def extract(self, ask: Ask) -> Iterator[Page]:
        yield Page(inventory=frozenset({"server"}))


class AskedAfter(Meter):
    """Tells of the servers that are known when it is asked."""

    needs = frozenset({"server"})

    def extract(self, ask: Ask) -> Iterator[Page]:
        for project_id, window in ask.windows.items():
            for server in ask.memory.lived("server", project_id, window.start):
                self.uuid = server.uuid
                yield Page(measured=tuple(self._slots(project_id, window.start, window.end)))


def test_one_that_needs_to_know_what_there_is_is_asked_once_the_others_have_told(site):
    site.run(march(3, 12), AskedAfter(march(1), {ENERGY: 100.0}))

    assert f"energy/{SERVER}/2024-03-02" in site.taker.keys


def test_a_record_of_energy_waits_a_day_for_the_rest_of_its_cpu_time(site):
    site.run(march(10, 22), Meter(march(10), {ENERGY: 100.0, CPU: 0.5}))

    site.run(march(11, 12), Meter(march(10), {ENERGY: 100.0}, back=DAY))
    early = list(site.taker.keys)
    site.run(march(12, 1), Meter(march(10), {ENERGY: 100.0}))
    site.run(march(13, 1), Meter(march(10), {ENERGY: 100.0}))

    assert early == []
    assert site.taker.keys == [f"energy/{SERVER}/2024-03-{day}" for day in (10, 11)]
    assert [record.cpu_seconds for record in site.taker.records] == [22 * 3600 * 0.5, 0.0]


def test_a_record_of_energy_waits_until_its_cpu_time_is_told_for_good_and_is_made_again_if_it_was_not(site):
    meter = Meter(march(10), {ENERGY: 100.0, CPU: 0.5})
    site.run(march(11, 1), meter)
    early = list(site.taker.keys)
    site.run(march(11, 2), meter)
    site.run(march(11, 3), Meter(march(10), {CPU: 0.6}, back=DAY))

    assert early == []
    assert site.taker.keys == [f"energy/{SERVER}/2024-03-10"] * 2
    assert [record.cpu_seconds for record in site.taker.records] == pytest.approx([43200, 51840])


def test_before_its_cpu_time_was_ever_measured_a_record_of_energy_tells_what_was_allotted(site):
    noon = march(10, 12)
    meters = MeteredSince({CPU: (noon, 0.5), ENERGY: (march(10), 100.0)})
    site.run(march(11, 2), meters)
    # On the next day nothing was read before noon: it was off.
    site.run(march(12, 2), MeteredSince({CPU: (noon + DAY, 0.5), ENERGY: (march(10), 100.0)}))

    assert [record.cpu_seconds for record in site.taker.records] == [12 * 3600 * 2 + 12 * 3600 * 0.5, 12 * 3600 * 0.5]


class MeteredSince(Meter):
    """Each meter since a time of its own."""

    def __init__(self, meters: dict[str, tuple[datetime, float]]) -> None:
        self.meters = [Meter(since, {meter: rate}) for meter, (since, rate) in meters.items()]

    def extract(self, ask: Ask) -> Iterator[Page]:
        for meter in self.meters:
            yield from meter.extract(ask)


def test_months_between_one_told_again_and_the_first_measure_are_told_as_well(site):
    site.run(march(10, 12))
    site.run(march(10, 13) + 61 * DAY, Meter(march(1) + 61 * DAY, {CPU: 0.5}))

    past = Period(march(10, 13) + 61 * DAY, march(1) + 31 * DAY, since=march(1), past=True)
    site.run(march(10, 14) + 61 * DAY, Meter(march(1), {CPU: 0.5}), period=past)
    site.run(march(10, 15) + 61 * DAY, Meter(march(1), {CPU: 0.5}))

    assert [site.usage(month)["CpuDuration"] for month in (3, 4)] == [31 * 24 * 1800, 30 * 24 * 1800]


def test_a_meter_that_is_new_does_not_begin_where_caso_ended_long_ago(site, tmp_path):
    lastrun = tmp_path / "lastrun.p1"
    lastrun.write_text("2023-06-01T00:00:00")
    open_store(f"sqlite:///{tmp_path}/spool/caso.sqlite", lastrun_dir=tmp_path).close()
    site.run(march(10, 12))

    report = site.run(march(10, 13), Meter(march(1), {CPU: 0.5}))

    began = {one.scope.extractor: one.plan.window.start for one in report.scopes}
    assert began == {"nova": march(10, 12), "meter": march(1)}
    assert site.usage(3)["CpuDuration"] == (9 * 24 + 13) * 1800


def test_servers_of_a_project_that_leaves_wait_for_what_is_measured_of_them(site):
    meter = Meter(march(1), {CPU: 0.5})
    site.run(march(10, 12), meter)

    site.run(march(10, 13), Meter(march(1), {}, broken="Gnocchi is down"), leaves=True)
    without = site.usage(3)["CpuDuration"]
    site.run(march(10, 14), meter, leaves=True)
    gone = site.run(march(10, 15), meter, leaves=True)

    assert without == (9 * 24 + 12) * 1800
    assert site.usage(3)["CpuDuration"] == (9 * 24 + 14) * 1800
    assert gone.scopes == []


def test_what_a_server_took_is_told_once_all_of_it_can_be_known(site):
    meter = Meter(march(10), {ENERGY: 100.0}, uuid="ends")
    site.run(march(10, 11), meter)

    site.run(march(10, 11) + timedelta(minutes=25), meter, servers_at=march(10, 12))
    early = list(site.taker.keys)
    site.run(march(10, 12), meter)

    assert early == []
    assert site.taker.keys == ["energy/ends/2024-03-10"]


def test_days_on_which_the_meter_could_not_be_asked_are_made_good_once_each(site):
    meter = Meter(march(1), {ENERGY: 100.0})
    site.run(march(5, 12), meter)

    site.run(march(8, 12), Meter(march(1), {}, broken="no route to Prometheus"))
    site.run(march(9, 12), meter)

    assert site.taker.keys == [f"energy/{SERVER}/2024-03-{day:02}" for day in range(1, 9)]


def test_a_record_of_energy_tells_the_part_of_the_day_that_the_server_lived(site):
    site.run(march(10, 11), Meter(march(10), {ENERGY: 100.0, CPU: 0.25}, uuid="ends"))
    site.run(march(10, 12), Meter(march(10), {ENERGY: 100.0, CPU: 0.25}, uuid="ends"))
    site.run(march(10, 14), Meter(march(10), {}))

    (record,) = site.taker.records
    assert (record.start, record.end, record.finished) == (march(10), march(10, 11) + timedelta(minutes=20), True)
    assert record.wall_seconds == (11 * 60 + 20) * 60
    assert (record.energy_wh, record.cpu_seconds) == pytest.approx((100.0 * (11 + 20 / 60), 0.25 * 12 * 3600))
    assert record.efficiency == pytest.approx(0.25 * 12 / 2 / (11 + 1 / 3))
