"""Energy from a real Prometheus: each number against what the servers are known to have drawn, for few queries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from caso.extractors.base import Ask, Listing, Memory, Page
from caso.extractors.power import UNITS, PowerMeter, selector
from caso.extractors.prometheus import PrometheusExtractor
from caso.findings import Level
from caso.lifecycle.measured import OVER_AFTER, Measured
from caso.sources.manners import Manners
from caso.sources.prometheus import Prometheus as Client
from caso.sources.session import new_session
from caso.testing.entities import seen_server
from caso.testing.memory import Remembered
from caso.testing.sources import REGION, fake_sources
from caso.window import Window
from tests.cloud import T1, T2, Cloud, Fault
from tests.functional.driver import Site
from tests.functional.faulty import PROJECTS, configure, new_site
from tests.meters import PoweredServer, Prometheus
from tests.meters.clouds import powered_cloud
from tests.meters.power import BEGIN, HOUR, MIDNIGHT, UNTIL, Drawn, history
from tests.unit.messengers.cim import EMAIL, PASSWORD, CimServer

pytestmark = [pytest.mark.debian("prometheus")]

Powered = tuple[PoweredServer, ...]
DAY = 24 * HOUR
SCAPHANDRE = selector("prometheus_value", "uuid", {"type_instance": "scaph_process_power_microwatts"})
METERS = {
    "cASO's defaults, in microwatts": PowerMeter(SCAPHANDRE, "uuid", UNITS["microwatts"], 30),
    "a query of one's own, in watts": PowerMeter('vm_power_watts{uuid=~"{uuids}"}', "uuid", UNITS["watts"], 30),
    "Kepler's counters": PowerMeter('kepler_vm_cpu_joules_total{vm_id=~"{uuids}"}', "vm_id", UNITS["joules"], 30),
}


def remembered(servers: Sequence[PoweredServer], window: Window) -> Memory:
    """As caso knows them once Nova has told of them, before the window."""
    told = [
        seen_server(at=server.created, uuid=server.id, project_id=server.project_id, created=server.created, ended=server.deleted)
        for server in servers
    ]
    return Remembered.of(told, {server.project_id: Listing(window.start, "") for server in servers})


def extract(
    url: str, powered: Powered, window: Window, meter: PowerMeter = METERS["cASO's defaults, in microwatts"]
) -> list[Page]:
    client = Client(url, session=new_session(timeout=20), manners=Manners(sleep=lambda seconds: None))
    extractor = PrometheusExtractor(fake_sources(clock=lambda: UNTIL), client, meter)  # type: ignore[arg-type]
    extractor.beside(frozenset({"server"}))
    windows = dict.fromkeys(sorted({server.project_id for server in powered}), window)
    return list(extractor.extract(Ask(REGION, windows, {}, remembered(powered, window))))


def measured(pages: Sequence[Page]) -> list[Measured]:
    return [one for page in pages for one in page.measured]


def slots(powered: Powered, window: Window) -> Iterator[tuple[PoweredServer, datetime, datetime]]:
    """Of each server and day of the window, the part that it lived."""
    day = window.start
    while day < window.end:
        for server in powered:
            start, end = max(day, server.created), min(day + DAY, window.end, server.deleted or UNTIL)
            if start < end:
                yield server, start, end
        day += DAY


@pytest.mark.parametrize("meter", METERS.values(), ids=METERS.keys())
def test_each_day_of_each_server_is_what_it_drew(prometheus: Prometheus, powered: Powered, meter: PowerMeter):
    window = Window(BEGIN, UNTIL)
    counts = meter.label == "vm_id"

    found = {(one.uuid, one.start, one.end): one for one in measured(extract(prometheus.url, powered, window, meter))}

    compared = 0
    for server, start, end in slots(powered, window):
        drawn: Drawn = server.counted(start, end) if counts else server.drawn(start, end)
        one = found.pop((server.id, start, end), None)
        if one is None:
            assert drawn.covered_seconds == 0
        elif not (counts and server.name.startswith("silent")):
            assert one.amount == pytest.approx(drawn.joules, rel=1e-6)
            assert one.covered_seconds == pytest.approx(drawn.covered_seconds)
            compared += 1
    assert found == {}
    assert compared >= 14


def test_one_query_is_made_for_each_project_and_day(prometheus: Prometheus, powered: Powered):
    with prometheus.calls() as calls:
        extract(prometheus.url, powered, Window(BEGIN, UNTIL))
    with prometheus.calls() as hourly:
        extract(prometheus.url, powered, Window(MIDNIGHT + 11 * HOUR, MIDNIGHT + 12 * HOUR))

    # And one in the whole run, of how long samples are kept, as the window is a long one.
    assert sorted(call.path for call in calls) == [*["/api/v1/query"] * 2 * 3, "/api/v1/status/runtimeinfo"]
    assert [call.path for call in hourly] == ["/api/v1/query"] * 2


def test_a_day_that_goes_on_is_what_was_drawn_until_then(prometheus: Prometheus, powered: Powered):
    window = Window(MIDNIGHT + 11 * HOUR, MIDNIGHT + 12 * HOUR + timedelta(seconds=17))

    found = measured(extract(prometheus.url, powered, window))

    even = next(server for server in powered if server.name == "even")
    (one,) = [one for one in found if one.uuid == even.id]
    assert (one.start, one.end) == (MIDNIGHT, window.end)
    assert one.amount == pytest.approx(100 * (12 * 3600 + 17), rel=1e-6)


FAULTS = {
    "503": ({"status": 503}, "the server is overloaded or down; the next run asks again"),
    "reset in mid-body": ({"reset": True}, "see what stands before the server"),
    "an answer cut short": ({"truncate": 5000}, "the answer is no JSON, or only a part of it"),
    "a page of HTML": ({"malformed": True}, "see what stands before the server"),
    "401": ({"status": 401}, "give caso a user name and password, or a token"),
    "404": ({"status": 404}, "correct prometheus_endpoint"),
}


@pytest.mark.parametrize(("effect", "said"), FAULTS.values(), ids=FAULTS.keys())
def test_a_prometheus_in_trouble_leaves_the_project_that_it_happens_to(
    prometheus: Prometheus, powered: Powered, effect: dict[str, object], said: str
):
    window = Window(MIDNIGHT + 11 * HOUR, MIDNIGHT + 12 * HOUR)
    projects = sorted({server.project_id for server in powered})
    hit = next(server.id for server in powered if server.project_id == projects[0] and server.name == "even")
    prometheus.faults.add(Fault("prometheus", body=hit, **effect))  # type: ignore[arg-type]

    pages = extract(prometheus.url, powered, window)

    unfinished = [page.unfinished for page in pages if page.unfinished]
    assert [list(one) for one in unfinished] == [projects[:1]]
    assert said in unfinished[0][projects[0]]
    assert {one.project_id for one in measured(pages)} == set(projects[1:])


def test_what_passes_is_asked_again_and_nobody_notices(prometheus: Prometheus, powered: Powered):
    prometheus.faults.add(Fault("prometheus", times=2, status=503))

    pages = extract(prometheus.url, powered, Window(MIDNIGHT + 11 * HOUR, MIDNIGHT + 12 * HOUR))

    assert [page.unfinished for page in pages if page.unfinished] == []
    assert measured(pages)


def test_it_says_how_long_it_keeps_samples(prometheus: Prometheus):
    client = Client(prometheus.url, session=new_session(timeout=20))

    assert client.retention() == timedelta(days=36500)


def test_an_examination_knows_whether_servers_have_samples(prometheus: Prometheus):
    client = Client(prometheus.url, session=new_session(timeout=20))

    def levels(meter: PowerMeter, now: datetime) -> list[Level]:
        extractor = PrometheusExtractor(fake_sources(clock=lambda: now), client, meter)  # type: ignore[arg-type]
        return [finding.level for finding in extractor.examine()]

    meter = METERS["cASO's defaults, in microwatts"]
    unknown = PowerMeter('nothing{uuid=~"{uuids}"}', "uuid", UNITS["watts"], 30)
    assert levels(meter, MIDNIGHT) == [Level.OK]
    assert levels(meter, UNTIL + DAY) == levels(unknown, MIDNIGHT) == [Level.ERROR]


@pytest.fixture(scope="module")
def site_powered(running_cloud: Cloud) -> list[PoweredServer]:
    """What the servers of the test cloud drew, from the day before until an hour after the first run."""
    return powered_cloud(running_cloud.truth, T1.replace(hour=0) - DAY, T2)


@pytest.fixture
def site(cloud: Cloud, site_powered: list[PoweredServer], tmp_path: Path) -> Iterator[tuple[Site, Prometheus, CimServer]]:
    """A site with a Prometheus of its servers, that hands energy to GreenDIGIT."""
    with Prometheus.start(tmp_path / "prometheus", history(site_powered)) as prometheus, CimServer() as cim:
        site = new_site(tmp_path / "site", cloud)
        configure(site, "DEFAULT", extractor="nova,prometheus", messengers="ssm,greendigit_cim")
        configure(site, "prometheus", prometheus_endpoint=prometheus.url)
        configure(site, "greendigit_cim", base_url=cim.url, email=EMAIL, password=PASSWORD.replace("$", "$$"))
        yield site, prometheus, cim


@pytest.mark.cloud
def test_greendigit_is_told_what_each_server_of_a_cloud_drew_on_each_day(
    site: tuple[Site, Prometheus, CimServer], site_powered: list[PoweredServer], cloud: Cloud
):
    caso, prometheus, cim = site
    first = caso.run(T1)
    cloud.advance(T2)

    second = caso.run(T2)
    with prometheus.calls() as calls:
        third = caso.run(T2 + timedelta(minutes=1))
    # Servers that have ended a moment ago wait for what is read and handed on after that.
    last = caso.run(T2 + OVER_AFTER)

    assert [one.exit_status for one in (first, second, third, last)] == [0, 0, 0, 0]
    powered = {server.id: server for server in site_powered}
    sent = [(record["ExecUnitID"], _time(record["StartExecTime"]), _time(record["EndExecTime"])) for record in cim.records]
    for record, (uuid, start, end) in zip(cim.records, sent, strict=True):
        assert record["EnergyWh"] == pytest.approx(powered[uuid].drawn(start, end).joules / 3600, rel=1e-6), record
    assert len(sent) == len(set(sent))
    today, accounted = T1.replace(hour=0), {cloud.truth.project(name).id for name in PROJECTS}
    wanted = {
        (server.id, day.date())
        for server in site_powered
        for day in (today - DAY, today)
        if server.project_id in accounted
        and server.drawn(day, min(day + DAY, T2)).covered_seconds
        and (day < today or server.deleted)
    }
    assert {(uuid, start.date()) for uuid, start, _ in sent} == wanted
    assert len(wanted) > 100
    # One for each project: of the day that goes on.
    assert len(calls) == len(accounted)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
