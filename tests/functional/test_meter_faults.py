"""What goes wrong at Gnocchi and at Prometheus costs their own scopes; after the next run nobody can tell that it was there."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from caso.records import CloudRecord, EnergyRecord, Record
from caso.report import Report
from tests.cloud import Fault
from tests.cloud.proxy import Proxy
from tests.functional.faulty import Authority
from tests.functional.metered_site import MeteredSite
from tests.functional.powered_site import PoweredSite
from tests.meters import Gnocchi, Prometheus
from tests.meters.power import HOUR, MIDNIGHT
from tests.meters.seed import UNTIL

SILENCE_SECONDS = 2.0
Records = Mapping[str, Record]


class Case(NamedTuple):
    """A service that meters ask, and a site that is about to ask it; ``hit`` is in all questions about one project."""

    service: str
    extractor: str
    server: Gnocchi | Prometheus
    new_site: Callable[[Path], Any]
    times: tuple[datetime, datetime, datetime]
    hit: str
    project_id: str

    def suffers(self, **effect: Any) -> Fault:
        fault = Fault(self.service, **{"body": self.hit, **effect})
        self.server.faults.add(fault)
        return fault

    def well(self, folder: Path) -> list[Records]:
        """What there is after each run where nothing goes wrong."""
        site = self.new_site(folder)
        told = []
        for at in self.times:
            assert site.run(at).exit_status == 0
            told.append(dict(site.kept.records))
        assert told[0] != told[1] != told[2]
        return told

    def unfinished(self, report: Report) -> dict[str, str]:
        """What is said of the projects that are not done; no other extractor has any."""
        scopes = [scope for scope in report.scopes if scope.error]
        assert {scope.scope.extractor for scope in scopes} <= {self.extractor}
        return {scope.project.id: str(scope.error) for scope in scopes}


def _gnocchi(request: pytest.FixtureRequest) -> Case:
    gnocchi, metered = request.getfixturevalue("gnocchi"), request.getfixturevalue("metered")
    return Case(
        service="gnocchi",
        extractor="ceilometer",
        server=gnocchi,
        new_site=lambda folder: MeteredSite(folder, gnocchi, metered, ("nova", "ceilometer")),
        times=(UNTIL - HOUR, UNTIL, UNTIL + HOUR),
        hit=metered.projects[0].id,
        project_id=metered.projects[0].id,
    )


def _prometheus(request: pytest.FixtureRequest) -> Case:
    prometheus, powered = request.getfixturevalue("prometheus"), request.getfixturevalue("powered")
    even = next(server for server in powered if server.name == "even")
    return Case(
        service="prometheus",
        extractor="prometheus",
        server=prometheus,
        new_site=lambda folder: PoweredSite(folder, prometheus.url, powered),
        # In the first run nothing is known yet of what could be asked about.
        times=(MIDNIGHT + 2 * HOUR, MIDNIGHT + 25 * HOUR, MIDNIGHT + 26 * HOUR),
        hit=even.id,
        project_id=even.project_id,
    )


CASES = {"gnocchi": _gnocchi, "prometheus": _prometheus}
MARKS = {"gnocchi": pytest.mark.debian("postgresql"), "prometheus": pytest.mark.debian("prometheus")}
BOTH = [pytest.param(name, marks=MARKS[name]) for name in CASES]


@pytest.fixture
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param](request)


@pytest.fixture(scope="module")
def wells() -> dict[str, list[Records]]:
    return {}


@pytest.fixture
def well(case: Case, wells: dict[str, list[Records]], tmp_path_factory: pytest.TempPathFactory) -> list[Records]:
    """What there is after each run where nothing goes wrong."""
    if case.service not in wells:
        wells[case.service] = case.well(tmp_path_factory.mktemp(case.service))
    return wells[case.service]


@pytest.fixture
def site(case: Case, well: list[Records], tmp_path: Path) -> Any:
    """One that ran when all was well."""
    site = case.new_site(tmp_path)
    assert site.run(case.times[0]).exit_status == 0
    assert site.kept.records == well[0]
    return site


def of_each(faults: Mapping[str, Any], *only: str) -> Any:
    """Parameters: each fault of each service, or of these."""
    return [
        pytest.param(service, fault, marks=MARKS[service], id=f"{service}-{name}")
        for service in only or CASES
        for name, fault in faults.items()
    ]


BURST = {
    "503 in bursts": {"status": 503, "times": 2},
    "429 with a short Retry-After": {"status": 429, "retry_after": 7, "times": 1},
}
BROKEN = {
    "reset in mid-body": {"reset": True, "times": 1},
    "truncated JSON": {"truncate": 50, "times": 1},
    "a page of HTML": {"malformed": True, "times": 1},
}
ODD = {"slow": {"delay": 0.3, "times": 2}, "a clock that is ahead": {"ahead": 5000.0, "times": 5}}


# Of Prometheus' answer the beginning is used before the end is there: what breaks off costs the project.
@pytest.mark.parametrize(("case", "effect"), [*of_each(BURST | ODD), *of_each(BROKEN, "gnocchi")], indirect=["case"])
def test_what_passes_in_seconds_is_asked_again_and_nobody_notices(
    case: Case, site: Any, well: list[Records], effect: dict[str, Any]
):
    fault = case.suffers(**effect)

    report = site.run(case.times[1])

    assert case.server.faults.suffered(fault) > 0
    assert (report.exit_status, case.unfinished(report)) == (0, {})
    assert site.kept.records == well[1]


ELSE_ANSWERS = "see what stands before the se"
REFUSED = {"gnocchi": "give the user a role that may", "prometheus": "give caso a user name and password, or a token"}
STAYING = {
    # The fault, and what is said of it.
    "503": ({"status": 503}, "overloaded or down; the next run asks again"),
    "500": ({"status": 500}, "see the log of the se"),
    "429 with a long Retry-After": ({"status": 429, "retry_after": 3600}, "overloaded or down; the next run asks again"),
    "reset in mid-body": (
        {"reset": True},
        {"gnocchi": "check that the service runs and can be reached from here", "prometheus": ELSE_ANSWERS},
    ),
    "silence": ({"silent": True}, "raise timeout in ["),
    "truncated JSON": ({"truncate": 50}, ELSE_ANSWERS),
    "a page of HTML": ({"malformed": True}, ELSE_ANSWERS),
    "JSON of something else": ({"status": 200}, {"gnocchi": "is this endpoint really gnocchi?", "prometheus": ELSE_ANSWERS}),
    "401": ({"status": 401}, REFUSED),
    "403": ({"status": 403}, REFUSED),
    "404": ({"status": 404}, {"gnocchi": "see the log of the service", "prometheus": "correct prometheus_endpoint"}),
}


@pytest.mark.parametrize(("case", "fault"), of_each(STAYING), indirect=["case"])
def test_what_stays_costs_the_project_it_happens_to_and_the_next_run_makes_it_good(
    case: Case, site: Any, well: list[Records], fault: tuple[dict[str, Any], str | dict[str, str]]
):
    effect, said = fault
    site.timeout = SILENCE_SECONDS if "silent" in effect else site.timeout
    case.suffers(**effect)

    report = site.run(case.times[1])

    unfinished = case.unfinished(report)
    assert (report.exit_status, list(unfinished)) == (1, [case.project_id])
    assert (said if isinstance(said, str) else said[case.service]) in unfinished[case.project_id]
    assert of_others(site.kept.records, case) == of_others(well[1], case)

    case.server.faults.clear()

    assert site.run(case.times[2]).exit_status == 0
    assert site.kept.records == well[2]


@pytest.mark.parametrize("case", BOTH, indirect=True)
def test_a_service_that_is_not_there_costs_its_own_scopes_and_the_next_run_makes_it_good(
    case: Case, site: Any, well: list[Records]
):
    there = site.url
    site.url = f"http://127.0.0.1:{closed_port()}"

    report = site.run(case.times[1])

    unfinished = case.unfinished(report)
    assert report.exit_status == 1
    assert case.project_id in unfinished
    assert len(unfinished) == 2
    assert [error for error in unfinished.values() if "can be reached from here" not in error] == []

    site.url = there

    assert site.run(case.times[2]).exit_status == 0
    assert site.kept.records == well[2]


@pytest.mark.parametrize("case", BOTH, indirect=True)
def test_a_wrong_certificate_costs_the_scopes_of_its_service_and_is_asked_nothing(
    case: Case, site: Any, well: list[Records], tmp_path: Path
):
    there = site.url
    with Proxy.before({case.service: case.server.url}, Authority(tmp_path).context("127.0.0.1")) as unknown:
        site.url = unknown.urls[case.service]
        with unknown.calls() as calls:
            report = site.run(case.times[1])

    unfinished = case.unfinished(report)
    assert (report.exit_status, len(unfinished), calls) == (1, 2, [])
    assert [error for error in unfinished.values() if "cafile in [" not in error] == []

    site.url = there

    assert site.run(case.times[2]).exit_status == 0
    assert site.kept.records == well[2]


@pytest.mark.parametrize("case", BOTH[:1], indirect=True)
def test_where_projects_cannot_be_asked_for_together_each_is_asked_for_alone(case: Case, site: Any, well: list[Records]):
    one, other = (project.id for project in site.metered.projects)
    fault = case.suffers(body=f"{one}.*{other}|{other}.*{one}", status=503)

    report = site.run(case.times[1])

    assert case.server.faults.suffered(fault) > 0
    assert (report.exit_status, case.unfinished(report)) == (0, {})
    assert site.kept.records == well[1]


PAGES = {
    "repeated entries": {"repeat": True},
    "a listing that begins again": {"query": "marker=", "times": 1, "skip": 1, "forgetful": True},
    "a marker deleted meanwhile": {
        "query": "marker=",
        "times": 1,
        "status": 400,
        "says": "Invalid input: Marker '00000000-0000-0000-0000-000000000000' not found",
    },
    "a 503 between pages": {"query": "marker=", "times": 2, "status": 503},
}


@pytest.mark.parametrize("habit", PAGES.values(), ids=PAGES.keys())
@pytest.mark.parametrize("extractors", [("nova", "ceilometer"), ("ceilometer",)], ids=["beside nova", "alone"])
@pytest.mark.parametrize("case", BOTH[:1], indirect=True)
def test_what_goes_wrong_between_pages_neither_doubles_nor_loses_anything(
    case: Case, tmp_path: Path, extractors: tuple[str, ...], habit: dict[str, Any]
):
    sites = []
    for name in ("well", "ill"):
        (tmp_path / name).mkdir()
        sites.append(case.new_site(tmp_path / name))
        sites[-1].extractors = extractors
        assert sites[-1].run(case.times[0]).exit_status == 0
    well, ill = sites
    well.run(case.times[1])
    search = {"path": "/search/", "limit": 3, "body": None}
    fault = case.suffers(**{**search, **habit})
    case.suffers(**search)

    report = ill.run(case.times[1])

    assert case.server.faults.suffered(fault) > 0
    assert (report.exit_status, case.unfinished(report)) == (0, {})
    assert ill.kept.records == well.kept.records


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def of_others(records: Records, case: Case) -> Records:
    """What is told of other projects than the one that suffers."""
    told = {key: one for key, one in records.items() if isinstance(one, (CloudRecord, EnergyRecord))}
    return {key: one for key, one in told.items() if one.project_id != case.project_id}
