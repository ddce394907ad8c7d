"""What goes wrong at the APIs costs what it has to and nothing else, and after the next run nobody can tell that it was there."""

import dataclasses
from typing import NamedTuple

import pytest

from tests.cloud import T1, T2, Fault
from tests.functional.an_hour_later import (
    SCOPES,
    TAKEN,
    Done,
    done_at_t1,
    each_on_a_project_of_its_own,
    is_as_if_nothing_had_been,
    site,
    unharmed_is_delivered,
)
from tests.functional.driver import Site
from tests.functional.faulty import (
    PROJECTS,
    configure,
    errors,
    failed,
    until,
)

__all__ = ["done_at_t1", "site"]


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
    Listing("neutron", "/floatingips", 404, 5),
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
    site.conf.write_text(f"{site.conf.read_text()}\n[nova]\nfull_listing_every = 0\n")
    unlucky = site.cloud.truth.project("project-0").id
    small = [Fault(of.service, path=of.path, project_id=unlucky, limit=of.few) for of in LISTINGS]
    faults = [dataclasses.replace(fault, **habit(of)) for fault, of in zip(small, LISTINGS, strict=True)]
    for fault in (*faults, *small):
        site.cloud.faults.add(fault)

    report = site.run(T2)

    assert [fault for fault in faults if not site.cloud.faults.suffered(fault)] == []
    assert (report.exit_status, errors(report)) == (0, {})
    assert is_as_if_nothing_had_been(site)
