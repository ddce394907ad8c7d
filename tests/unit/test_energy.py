"""Whole runs with a meter of power: which days make records of energy, how often, and what reaches who is to have them."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from caso.delivery import Outlet
from caso.errors import SourceError
from caso.messengers.greendigit_cim import GreenDigitCimMessenger
from caso.planning import Period
from caso.records import EnergyRecord
from caso.report import Report
from caso.testing.prometheus import FakePrometheus, a_series
from caso.testing.servers import FakeCompute, a_server
from tests.unit.cloudlet import Cloudlet, Recorder
from tests.unit.messengers.cim import EMAIL, PASSWORD, CimServer

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TEN_PAST = timedelta(minutes=10)
MARCH = datetime(2024, 3, 1, tzinfo=UTC)
FIRST = datetime(2024, 3, 3, 10, 10, tzinfo=UTC)
"""When the first run is made; the servers have lived since February, and draw 100 W from the beginning."""


class Keeper(Recorder):
    """Keeps the energy records that it is sent, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[EnergyRecord] = []

    def send(self, records: Any) -> None:
        super().send(records)
        self.records += records

    def days(self, uuid: str) -> list[str]:
        return [f"{record.slot:%m-%d}" for record in self.records if record.vm_uuid == uuid]


class Site:
    """A cloud with a Nova and a Prometheus, and runs of caso on it."""

    def __init__(self, folder: Any, *extractors: str) -> None:
        self.rows = {"vm": a_server("vm", "p1")}
        self.keeper = Keeper()
        self.cloudlet = Cloudlet(folder, extractors=extractors or ("nova", "prometheus"))
        self.cloudlet.prometheus = self.prometheus = FakePrometheus([drawing("vm")])
        self.outlets = [Outlet("keeper", self.keeper, frozenset({"energy"}))]

    def run(self, at: datetime, **changes: Any) -> Report:
        # What is in the future is told by nobody.
        known = [a_series(one.labels["uuid"], until(one.samples, at)) for one in self.prometheus.series]
        whole, self.prometheus.series = self.prometheus.series, known
        try:
            compute = FakeCompute(list(self.rows.values()), admin=False)
            return self.cloudlet.run(at, compute=compute, **{"outlets": self.outlets, **changes})
        finally:
            self.prometheus.series = whole

    def lives_on(self, *times: datetime) -> None:
        for at in times:
            assert self.run(at).exit_status == 0

    def ends(self, uuid: str, at: datetime) -> None:
        ended = {"updated": f"{at:%Y-%m-%dT%H:%M:%SZ}", "OS-SRV-USG:terminated_at": f"{at:%Y-%m-%dT%H:%M:%S}.000000"}
        self.rows[uuid] |= {"status": "DELETED", **ended}

    def is_born(self, uuid: str, at: datetime) -> None:
        text = f"{at:%Y-%m-%dT%H:%M:%SZ}"
        self.rows[uuid] = a_server(uuid, "p1", created=text, updated=text)
        self.prometheus.series.append(drawing(uuid, start=at))

    @property
    def queries(self) -> Counter[str]:
        """How often each day was asked for."""
        return Counter(f"{window.start:%m-%d}" for _, window in self.prometheus.queries)


def drawing(uuid: str, start: datetime = MARCH - DAY, end: datetime = MARCH + 40 * DAY, watts: float = 100.0) -> Any:
    times = range(int(start.timestamp()), int(end.timestamp()), 240)
    return a_series(uuid, [(float(at), watts) for at in times])


def until(samples: Any, at: datetime) -> list[tuple[float, float]]:
    return [sample for sample in samples if sample[0] < at.timestamp()]


def of(day: int, hour: int = 0) -> datetime:
    """Ten minutes past an hour in March."""
    return MARCH + (day - 1) * DAY + hour * HOUR + TEN_PAST


@pytest.fixture
def site(tmp_path):
    """After two runs: in the first, Nova and Prometheus are asked at the same time, and one does not know of the other."""
    site = Site(tmp_path)
    site.lives_on(FIRST, FIRST + HOUR)
    return site


def test_days_that_are_over_make_a_record_each_and_today_makes_none(site):
    assert site.keeper.days("vm") == ["03-01", "03-02"]
    first, second = site.keeper.records
    assert (second.energy_wh, second.coverage, second.wall_seconds) == (pytest.approx(2400), pytest.approx(1), 86400)
    assert (second.start, second.end, second.cpu_seconds) == (MARCH + DAY, MARCH + 2 * DAY, 2 * 86400)
    assert first.energy_wh == pytest.approx(2400)


def test_a_day_makes_its_record_once_it_is_over_and_only_once(site):
    site.keeper.records.clear()

    site.lives_on(of(3, 22), of(3, 23))
    assert site.keeper.days("vm") == []

    site.lives_on(of(4), of(4, 1), of(4, 2))

    assert site.keeper.days("vm") == ["03-03"]
    assert site.keeper.records[0].energy_wh == pytest.approx(2400)


def test_a_run_right_after_midnight_leaves_the_day_to_the_next_one(site):
    site.keeper.records.clear()

    site.lives_on(of(4) - timedelta(minutes=9))
    early = site.keeper.days("vm")
    site.lives_on(of(4, 1))

    assert early == []
    assert site.keeper.days("vm") == ["03-03"]
    assert site.keeper.records[0].coverage == pytest.approx(1)


def test_each_run_asks_for_each_day_of_each_project_once(site):
    site.prometheus.queries.clear()

    site.lives_on(of(3, 23))
    assert site.queries == {"03-03": 1}

    site.lives_on(of(4))
    assert site.queries == {"03-03": 2, "03-04": 1}


def test_a_server_that_ended_makes_its_record_the_same_day_and_once(site):
    site.keeper.records.clear()
    ended = of(3, 14)
    site.ends("vm", ended)

    site.lives_on(of(3, 15), of(3, 16), of(4), of(4, 1))

    (record,) = site.keeper.records
    assert (record.slot, record.end, record.finished) == (ended.date(), ended, True)
    assert record.energy_wh == pytest.approx(100 * (14 + 1 / 6))


def test_a_server_that_came_and_went_between_two_runs_is_not_missed(site):
    site.keeper.records.clear()
    site.is_born("short", of(3, 12))
    site.ends("short", of(3, 12) + 30 * timedelta(minutes=1))

    site.lives_on(of(3, 13), of(3, 14), of(3, 15))

    (record,) = site.keeper.records
    assert (record.vm_uuid, record.energy_wh, record.wall_seconds) == ("short", pytest.approx(50), 1800)


def test_days_that_a_server_was_not_known_on_are_told_once_it_is(site):
    site.is_born("late", of(3, 12))
    # Its cell was down for days.
    hidden = site.rows.pop("late")
    site.lives_on(of(3, 13), of(4, 13), of(5, 13))
    site.rows["late"] = hidden | {"updated": f"{of(5, 13):%Y-%m-%dT%H:%M:%SZ}"}

    site.lives_on(of(5, 14), of(5, 15))

    assert site.keeper.days("late") == ["03-03", "03-04"]


def test_an_outage_delays_records_and_each_missed_day_is_told_once(site):
    site.keeper.records.clear()
    site.prometheus.error = SourceError("prometheus: it is down; start it")
    for at in (of(3, 12), of(4, 12), of(5, 12), of(6, 12)):
        assert site.run(at).exit_status == 1
    assert site.keeper.records == []
    site.prometheus.error = None
    site.prometheus.queries.clear()

    site.lives_on(of(6, 13), of(6, 14))

    assert site.keeper.days("vm") == ["03-03", "03-04", "03-05"]
    assert [record.energy_wh for record in site.keeper.records] == [pytest.approx(2400)] * 3
    assert site.queries == {"03-03": 1, "03-04": 1, "03-05": 1, "03-06": 2}


def test_what_cannot_be_told_whole_makes_no_record_yet(site):
    site.keeper.records.clear()
    site.lives_on(of(3, 23))
    site.prometheus.error = SourceError("prometheus: it is down; start it")
    site.run(of(4))
    half = list(site.keeper.records)
    site.prometheus.error = None

    site.lives_on(of(4, 1))

    assert half == []
    assert [record.energy_wh for record in site.keeper.records] == [pytest.approx(2400)]


def test_what_prometheus_learns_late_replaces_what_was_told(site):
    site.prometheus.series = [a_series("vm", [one for one in drawing("vm").samples if not 4 <= one[0] % 86400 / 3600 < 8])]
    site.lives_on(of(3, 12), of(4))
    gaps = site.keeper.records[-1]
    site.prometheus.series = [drawing("vm")]

    site.run(of(4, 1), period=Period(now=of(4, 1), until=MARCH + 31 * DAY, since=MARCH, past=True))

    better = site.keeper.records[-1]
    assert (gaps.slot, gaps.coverage) == (better.slot, pytest.approx(5 / 6, rel=0.01))
    assert (better.coverage, better.energy_wh) == (pytest.approx(1), pytest.approx(2400))
    assert site.keeper.days("vm") == ["03-01", "03-02", "03-03", "03-03"]


def test_publishing_a_month_again_sends_nothing_that_was_not_otherwise(site):
    site.lives_on(of(6))
    site.keeper.records.clear()
    site.prometheus.queries.clear()

    site.run(of(6, 1), period=Period(now=of(6, 1), until=MARCH + 31 * DAY, since=MARCH, past=True))

    assert site.keeper.records == []
    assert site.queries == {f"03-{day:02}": 1 for day in range(1, 7)}


def test_publishing_a_month_again_counts_with_the_rules_of_today(site):
    site.keeper.records.clear()
    job = site.cloudlet.job(of(4))
    rules = {region: rules_with_factor(one, 2.5) for region, one in job.rules.items()}

    site.run(of(4), rules=rules, period=Period(now=of(4), until=MARCH + 31 * DAY, since=MARCH, past=True))

    assert {record.cpu_normalization_factor for record in site.keeper.records} == {2.5}
    assert site.keeper.days("vm") == ["03-01", "03-02"]


def rules_with_factor(rules: Any, factor: float) -> Any:
    return dataclasses.replace(rules, cpu_normalization_factor=factor)


def test_a_month_that_ends_is_told_to_its_last_day(site):
    site.lives_on(of(31, 23), of(32), of(32, 1))

    last = site.keeper.records[-1]
    assert (last.slot.isoformat(), last.end, str(last.month)) == ("2024-03-31", MARCH + 31 * DAY, "2024-03")
    assert Counter(site.keeper.days("vm")) == Counter({f"03-{day:02}": 1 for day in range(1, 32)})


def test_months_before_accounting_began_make_no_records(site):
    # They are asked for, as nobody knew the server before: 31 days back.
    assert site.queries["02-29"] == 1
    assert site.keeper.days("vm") == ["03-01", "03-02"]


def test_older_months_make_records_where_they_are_asked_for(site):
    site.keeper.records.clear()
    site.prometheus.series = [drawing("vm", start=MARCH - 40 * DAY)]

    site.run(of(4), period=Period(now=of(4), until=MARCH, since=MARCH - 29 * DAY, past=True))

    assert len(site.keeper.days("vm")) == 29
    assert sum(record.energy_wh for record in site.keeper.records) == pytest.approx(29 * 2400)


def test_what_prometheus_keeps_no_more_makes_no_records_and_is_said(site, caplog):
    site.keeper.records.clear()
    site.prometheus.kept = 2 * DAY
    caplog.clear()

    site.lives_on(FIRST + 5 * DAY)

    # Of the first day, what was told before it was forgotten.
    assert site.keeper.days("vm") == ["03-03", "03-06", "03-07"]
    assert site.keeper.records[0].end == FIRST + HOUR
    (said,) = [record.getMessage() for record in caplog.records if record.name.endswith("prometheus")]
    assert said == (
        "prometheus: it keeps samples for 2 days: project alpha is not asked for before 2024-03-06, and has no energy records of "
        "the days from 2024-03-03 until then"
    )


def test_that_a_server_was_not_known_when_samples_of_it_were_kept_is_not_worth_a_word(site, caplog):
    site.prometheus.kept = 15 * DAY
    site.prometheus.queries.clear()
    site.rows["old"] = a_server("old", "p1", updated=f"{of(3, 11):%Y-%m-%dT%H:%M:%SZ}")

    site.lives_on(of(3, 12), of(3, 13))

    assert min(window.start for _, window in site.prometheus.queries) == MARCH - 13 * DAY
    assert "keeps samples" not in caplog.text


def test_alone_it_lists_nova_for_itself_and_makes_no_other_records(tmp_path):
    site = Site(tmp_path, "prometheus")
    site.outlets = [Outlet("keeper", site.keeper, None)]

    site.lives_on(FIRST)

    assert {record.kind for record in site.keeper.records} == {"energy"}
    assert site.keeper.days("vm") == ["03-01", "03-02"]

    site.ends("vm", of(3, 14))
    site.lives_on(of(3, 15))

    assert site.keeper.records[-1].finished


def test_alone_it_leaves_servers_to_nova_that_is_named_later(tmp_path):
    alone, both = Site(tmp_path / "alone", "prometheus"), Site(tmp_path / "both")
    alone.lives_on(FIRST)
    alone.cloudlet.extractors = ("nova", "prometheus")

    alone.lives_on(FIRST + HOUR)
    both.lives_on(FIRST + HOUR)

    assert alone.cloudlet.received().get("cloud") == both.cloudlet.received().get("cloud")


def test_greendigit_gets_each_day_of_each_server_once(tmp_path):
    with CimServer() as cim:
        site = Site(tmp_path)
        messenger = GreenDigitCimMessenger(cim.url, EMAIL, PASSWORD, timeout=20)
        site.outlets = [Outlet("greendigit_cim", messenger, frozenset({"energy"}))]

        site.lives_on(FIRST, FIRST + HOUR, of(4), of(4, 1))

    sent = {(record["ExecUnitID"], record["StartExecTime"]): record for record in cim.records}
    assert len(cim.records) == len(sent) == 3
    record: Mapping[str, Any] = sent["vm", "2024-03-03T00:00:00Z"]
    assert (record["EndExecTime"], record["EnergyWh"]) == ("2024-03-04T00:00:00Z", pytest.approx(2400))
    assert (record["WallClockTime_s"], record["CpuDuration_s"], record["Owner"]) == (86400, 172800, "vo.alpha")
    assert record["Work"] == pytest.approx(172800 / 2400)
