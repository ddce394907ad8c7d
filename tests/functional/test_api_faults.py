"""What goes wrong at the APIs costs what it has to and nothing else, and after the next run nobody can tell that it was there."""

import contextlib
import dataclasses
import signal
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cloud import T1, T2, Cloud, Fault
from tests.cloud.credentials import READER
from tests.cloud.proxy import Proxy
from tests.cloud.rows.keystone import user_id
from tests.cloud.seed.catalog import stable_hex
from tests.functional.driver import Site, differences
from tests.functional.expectation import expected
from tests.functional.faulty import (
    PROJECTS,
    Authority,
    configure,
    copied,
    endpoint_at,
    errors,
    failed,
    process,
    site_after_t1,
    until,
    without_rows,
)

EXTRACTORS = ("nova", "cinder", "neutron")
SCOPES = {(extractor, project) for extractor in EXTRACTORS for project in PROJECTS}


class Done(NamedTuple):
    """A site that ran at T1, and how long that took it on this machine."""

    site: Site
    seconds: float


@pytest.fixture(scope="module")
def done_at_t1(running_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Done:
    running_cloud.reset()
    began = time.monotonic()
    site = site_after_t1(tmp_path_factory.mktemp("site"), running_cloud)
    return Done(site, time.monotonic() - began)


@pytest.fixture
def site(done_at_t1: Done, cloud: Cloud, tmp_path: Path) -> Site:
    """It ran an hour ago; since then the cloud went on."""
    cloud.advance(T2)
    return copied(done_at_t1.site, tmp_path)


def is_as_if_nothing_had_been(site: Site) -> bool:
    """That the recipient holds what it would have got without the fault, key by key and field by field."""
    assert site.recipient.refused == []
    assert differences(site.recipient.rows, expected(site.cloud.truth, [T1, T2])) == []
    return True


def unharmed_is_delivered(site: Site) -> None:
    """That the scopes which such a fault does not touch are done: the records of the servers of project-2."""
    wanted = expected(site.cloud.truth, [T1, T2])
    owner = site.cloud.truth.project("project-2").id
    keys = {key for key, row in wanted["cloud"].items() if row["LocalGroupId"] == owner}
    rows = [{"cloud": {key: row for key, row in held["cloud"].items() if key in keys}} for held in (site.recipient.rows, wanted)]
    assert keys
    assert differences(*rows, kinds=["cloud"]) == []


def each_on_a_project_of_its_own(cloud: Cloud, **effect: object) -> dict[str, Fault]:
    """The same fault of four services: the token of one project, and a listing of each of three others."""
    ids = [cloud.truth.project(f"project-{number}").id for number in range(4)]
    fault = Fault(**effect)  # type: ignore[arg-type]
    return {
        "keystone": dataclasses.replace(fault, service="keystone", method="POST", body=ids[0]),
        "nova": dataclasses.replace(fault, service="nova", path="/servers/detail", project_id=ids[1]),
        "cinder": dataclasses.replace(fault, service="cinder", path="/volumes/detail", project_id=ids[2]),
        "neutron": dataclasses.replace(fault, service="neutron", path="/floatingips", project_id=ids[3]),
    }


TAKEN = {(extractor, "project-0") for extractor in EXTRACTORS} | {
    ("nova", "project-1"),
    ("cinder", "project-2"),
    ("neutron", "project-3"),
}
"""The scopes that these cost."""


def test_without_a_fault_a_run_has_nothing_to_say(site: Site):
    assert site.run(T2).exit_status == 0
    assert is_as_if_nothing_had_been(site)


PASSING = {
    "503 in bursts": {"status": 503, "times": 2},
    "429 with a short Retry-After": {"status": 429, "retry_after": 7, "times": 1},
    "reset in mid-body": {"reset": True, "times": 1},
    "truncated JSON": {"truncate": 100, "times": 1},
    "a page of HTML": {"malformed": True, "times": 1},
}


@pytest.mark.parametrize("effect", PASSING.values(), ids=PASSING.keys())
def test_what_passes_in_seconds_is_asked_again_and_nobody_notices(site: Site, effect: dict[str, object]):
    glance = Fault(service="glance", **effect)
    users = Fault(service="keystone", path="/users$", **effect)
    faults = [*each_on_a_project_of_its_own(site.cloud, **effect).values(), glance, users]
    for fault in faults:
        site.cloud.faults.add(fault)

    report = site.run(T2)

    assert {site.cloud.faults.suffered(fault) for fault in faults} == {effect["times"]}
    assert (report.exit_status, errors(report)) == (0, {})
    assert len(site.sleep.waits) == len(faults) * effect["times"]
    assert min(site.sleep.waits) >= effect.get("retry_after", 0)
    assert is_as_if_nothing_had_been(site)


STAYING = {
    # The fault, what is said of it, and how often each question is asked.
    "503": ({"status": 503}, "the service is overloaded or down; the next run asks again", 4),
    "429 with a long Retry-After": ({"status": 429, "retry_after": 3600}, "the service is overloaded or down", 1),
    "reset in mid-body": ({"reset": True}, "check that the service runs and can be reached from here", 4),
    "silence": ({"silent": True}, "if the service is only slow, raise timeout in [keystone_auth]", 1),
    "truncated JSON": ({"truncate": 100}, "see what stands before the service", 4),
    "a page of HTML": ({"malformed": True}, "see what stands before the service", 4),
    "403": ({"status": 403}, "a role", 1),
}


@pytest.mark.parametrize(("effect", "said", "asked"), STAYING.values(), ids=STAYING.keys())
def test_what_stays_costs_the_scopes_it_happens_to_and_the_next_run_makes_it_good(
    site: Site, done_at_t1: Done, effect: dict[str, object], said: str, asked: int
):
    if "silent" in effect:
        configure(site, "keystone_auth", timeout=max(2.0, done_at_t1.seconds / 2))
    faults = each_on_a_project_of_its_own(site.cloud, **effect)
    for fault in faults.values():
        site.cloud.faults.add(fault)

    report = site.run(T2)

    assert (report.exit_status, failed(report)) == (1, TAKEN)
    assert [error for error in errors(report).values() if said not in error] == []
    assert {name: site.cloud.faults.suffered(faults[name]) for name in ("cinder", "neutron", "nova")} == dict.fromkeys(
        ("cinder", "neutron", "nova"), asked
    )
    assert until(site) == {scope: T1 if scope in TAKEN else T2 for scope in SCOPES}
    unharmed_is_delivered(site)

    site.cloud.faults.clear()

    assert site.run(T2).exit_status == 0
    assert is_as_if_nothing_had_been(site)


def test_a_token_that_is_refused_in_mid_run_is_got_anew_and_nobody_notices(site: Site):
    faults = [
        Fault(service=service, path=path, status=401, times=1)
        for service, path in (
            ("nova", "/servers/detail"),
            ("cinder", "/volumes/detail"),
            ("neutron", "/ports"),
            ("glance", "/images"),
            ("keystone", "/users$"),
        )
    ]
    for fault in faults:
        site.cloud.faults.add(fault)

    with site.cloud.calls() as calls:
        report = site.run(T2)

    assert {site.cloud.faults.suffered(fault) for fault in faults} == {1}
    assert (report.exit_status, errors(report)) == (0, {})
    logins = len(calls.of("keystone", "/auth/tokens"))
    # One for the system, one for each project, and one more for each token that was refused.
    assert 1 + len(PROJECTS) < logins <= 1 + len(PROJECTS) + len(faults)
    assert is_as_if_nothing_had_been(site)


class Listing(NamedTuple):
    """What is listed, how it is told that a marker is gone, and how few there are to be on a page so that there are some."""

    service: str
    path: str
    gone: int
    few: int


LISTINGS = (
    Listing("nova", "/servers/detail", 400, 20),
    Listing("cinder", "/volumes/detail", 404, 5),
    Listing("neutron", "/ports", 404, 15),
)
PAGES = {
    "repeated entries": lambda of: {"repeat": True, "limit": of.few},
    # The third page of a listing is the first one again: of floating IPs, Neutron gives that where the marker is gone.
    "a listing that begins again": lambda of: {"query": "marker=", "times": 1, "skip": 1, "forgetful": True, "limit": of.few},
    "a marker deleted meanwhile": lambda of: {
        "query": "marker=",
        "times": 1,
        "status": of.gone,
        "says": "marker [x] not found",
    },
}


@pytest.mark.parametrize("habit", PAGES.values(), ids=PAGES.keys())
def test_what_goes_wrong_between_pages_neither_doubles_nor_loses_anything(site: Site, habit):
    unlucky = site.cloud.truth.project("project-0").id
    small = [Fault(of.service, path=of.path, project_id=unlucky, limit=of.few) for of in LISTINGS]
    faults = [dataclasses.replace(fault, **habit(of)) for fault, of in zip(small, LISTINGS, strict=True)]
    for fault in (*faults, *small):
        site.cloud.faults.add(fault)

    report = site.run(T2)

    assert [fault for fault in faults if not site.cloud.faults.suffered(fault)] == []
    assert (report.exit_status, errors(report)) == (0, {})
    assert is_as_if_nothing_had_been(site)


def test_a_project_whose_role_was_taken_away_costs_no_other(site: Site):
    unlucky = site.cloud.truth.project("project-1").id

    with without_rows(site.cloud, "keystone", "assignment", "actor_id = ? AND target_id = ?", user_id(READER), unlucky) as taken:
        report = site.run(T2)

    assert taken == 1
    assert (report.exit_status, failed(report)) == (1, {(extractor, "project-1") for extractor in EXTRACTORS})
    assert [
        error for error in errors(report).values() if "check the credentials, and that the user has a role" not in error
    ] == []
    assert site.sleep.waits == []
    unharmed_is_delivered(site)

    assert site.run(T2).exit_status == 0
    assert is_as_if_nothing_had_been(site)


def test_a_project_that_no_longer_exists_ends_where_it_was_last_seen_and_costs_no_other(site: Site):
    gone = site.cloud.truth.project("project-1").id

    with without_rows(site.cloud, "keystone", "project", "id = ?", gone):
        report = site.run(T2)
        again = site.run(T2)

    assert report.exit_status == again.exit_status == 1
    told = f"project {gone}: Keystone has none of that id or name, or does not show it to this user"
    assert report.missing == again.missing == [told]
    assert errors(report) == errors(again) == {}
    assert site.sleep.waits == []
    unharmed_is_delivered(site)
    mine = [row for key, row in site.recipient.rows["cloud"].items() if row["LocalGroupId"] == gone and key[1:] == (10, 2026)]
    assert len(mine) > 50
    assert {row["Status"] for row in mine} == {"completed"}
    assert max(row["EndTime"] for row in mine) <= T1


@pytest.mark.parametrize(
    ("services", "extractors"),
    [(["nova"], ["nova"]), (["cinder", "neutron", "glance"], ["cinder", "neutron"])],
    ids=["nova", "cinder, neutron and glance"],
)
def test_a_catalog_without_a_service_costs_the_scopes_that_ask_it(site: Site, services: list[str], extractors: list[str]):
    with contextlib.ExitStack() as stack:
        for service in services:
            stack.enter_context(
                without_rows(site.cloud, "keystone", "endpoint", "service_id = ?", stable_hex("service", service))
            )
        report = site.run(T2)

    assert (report.exit_status, failed(report)) == (1, {(name, project) for name in extractors for project in PROJECTS})
    assert [error for error in errors(report).values() if "not found; check region_name and interface" not in error] == []
    assert site.sleep.waits == []

    assert site.run(T2).exit_status == 0
    assert is_as_if_nothing_had_been(site)


@pytest.mark.parametrize(
    ("host", "trusted", "said"),
    [
        ("127.0.0.1", False, "set cafile in [keystone_auth] to the authority that signed it"),
        ("elsewhere.example.org", True, "use the name that the certificate is for"),
    ],
    ids=["an authority that nobody trusts", "the name of another host"],
)
def test_a_wrong_certificate_is_not_asked_twice_and_costs_its_service_only(
    site: Site, tmp_path: Path, host: str, trusted: bool, said: str
):
    authority = Authority(tmp_path)
    if trusted:
        configure(site, "keystone_auth", cafile=authority.cafile)
    nova = site.cloud.urls["nova"]
    with Proxy.before({"nova": nova}, authority.context(host)) as tls, endpoint_at(site.cloud, nova, tls.urls["nova"]):
        report = site.run(T2)

    assert (report.exit_status, failed(report)) == (1, {("nova", project) for project in PROJECTS})
    assert [error for error in errors(report).values() if said not in error] == []
    assert site.sleep.waits == []

    assert site.run(T2).exit_status == 0
    assert is_as_if_nothing_had_been(site)


def test_with_the_right_certificate_and_cafile_tls_is_as_good_as_none(site: Site, tmp_path: Path):
    authority = Authority(tmp_path)
    configure(site, "keystone_auth", cafile=authority.cafile)
    nova = site.cloud.urls["nova"]

    with Proxy.before({"nova": nova}, authority.context("127.0.0.1")) as tls, endpoint_at(site.cloud, nova, tls.urls["nova"]):
        report = site.run(T2)

    assert (report.exit_status, errors(report)) == (0, {})
    assert is_as_if_nothing_had_been(site)


def test_a_wrong_certificate_of_keystone_is_said_once_and_nothing_is_extracted(site: Site, tmp_path: Path):
    keystone = site.cloud.urls["keystone"]

    with Proxy.before({"keystone": keystone}, Authority(tmp_path).context("127.0.0.1")) as tls:
        configure(site, "keystone_auth", auth_url=f"{tls.urls['keystone']}/v3")
        report = site.run(T2)

    assert (report.exit_status, report.scopes) == (1, [])
    assert "set cafile in [keystone_auth]" in str(report.trouble)
    assert site.sleep.waits == []

    configure(site, "keystone_auth", auth_url=site.cloud.auth_url)

    assert site.run(T2).exit_status == 0
    assert is_as_if_nothing_had_been(site)


def test_the_deadline_ends_a_run_whose_service_is_silent_with_everything_else_delivered(site: Site, done_at_t1: Done):
    seconds = int(done_at_t1.seconds) + 5
    configure(site, "DEFAULT", deadline=seconds)
    configure(site, "keystone_auth", timeout=3600)
    silent = each_on_a_project_of_its_own(site.cloud, silent=True)["nova"]
    site.cloud.faults.add(silent)
    began = time.monotonic()

    report = site.run(T2)

    assert time.monotonic() - began < seconds + 10
    assert (report.exit_status, failed(report)) == (1, {("nova", "project-1")})
    assert "deadline" in errors(report)["nova project-1"]
    unharmed_is_delivered(site)

    site.cloud.faults.clear()

    assert site.run(T2).exit_status == 0
    assert is_as_if_nothing_had_been(site)


@pytest.fixture(scope="module")
def undisturbed(done_at_t1: Done, running_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A site after a run as a process, which looks at the clock itself: what it finds is not what the truth expects at T2."""
    running_cloud.reset()
    running_cloud.advance(T2)
    site = copied(done_at_t1.site, tmp_path_factory.mktemp("undisturbed"))
    assert process(site, UNTIL).wait(timeout=60) == 0
    site.recipient.drain(site.queue)
    return site


UNTIL = f"--extract-to={T2:%Y-%m-%dT%H:%M:%S}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_a_run_whose_service_is_silent_within_two_seconds(undisturbed: Site, site: Site, number: signal.Signals):
    silent = each_on_a_project_of_its_own(site.cloud, silent=True)["nova"]
    site.cloud.faults.add(silent)
    running = process(site, UNTIL)
    while not site.cloud.faults.suffered(silent):
        assert running.poll() is None
        time.sleep(0.05)

    running.send_signal(number)
    began = time.monotonic()
    _, said = running.communicate(timeout=30)

    assert time.monotonic() - began < 2
    assert running.returncode == 1
    assert said.splitlines()[-1] == "caso-extract: interrupted; what was seen is kept, and the next run goes on from there"

    site.cloud.faults.clear()

    assert process(site, UNTIL).wait(timeout=60) == 0
    site.recipient.drain(site.queue)
    assert differences(site.recipient.rows, undisturbed.recipient.rows) == []
