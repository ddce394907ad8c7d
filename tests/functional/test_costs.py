"""A run costs what changed, not what exists: in calls to the APIs."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.bench.fleet import PROJECTS, Changed, fleet
from tests.bench.measuring import ABOUT_CHANGES, pages_of_changes
from tests.cloud import Calls, Cloud
from tests.functional.driver import Site

SIZES = (50, 150)
ROLES = ("reader", "admin")
PAGES = {"nova": 10, "cinder": 2}
"""Rows on a page: of the smaller fleet each listing of all takes several, of the larger one three times as many."""
CHANGED = Changed(servers=5, billed=1)
"""As many in both."""

Asked = Mapping[tuple[str, int], Calls]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """The calls of a run over one hour in which a few servers changed, by role and size of the fleet."""
    found = {}
    for size in SIZES:
        folder = tmp_path_factory.mktemp(f"fleet-{size}")
        with fleet(folder / "cloud", size, PAGES) as some:
            sites = {role: _site(folder / role, some.cloud, role) for role in ROLES}
            for site in sites.values():
                site.run(some.now)
            assert some.change(CHANGED.servers) == CHANGED
            for role, site in sites.items():
                with some.cloud.calls() as calls:
                    report = site.run(some.now)
                assert [scope.error for scope in report.scopes] == [None] * (3 * PROJECTS)
                found[role, size] = calls
    return found


@pytest.mark.parametrize("role", ROLES)
def test_the_calls_of_an_hour_do_not_grow_with_the_fleet(asked: Asked, role: str):
    small, large = (_by_service(asked[role, size]) for size in SIZES)

    print(f"\n{role}: {sum(small.values())} calls at {SIZES[0]} servers, {sum(large.values())} at {SIZES[1]}: {large}")
    grown = {service for service in large if large[service] != small.get(service)}
    assert {call.path for call in asked[role, SIZES[1]] if call.service in grown} == set()
    assert small == large


@pytest.mark.parametrize(("role", "budget"), [("reader", 6 * PROJECTS + 10), ("admin", 20)])
def test_an_hour_is_asked_for_in_few_calls(asked: Asked, role: str, budget: int):
    for size in SIZES:
        calls = asked[role, size]
        # Where volumes take more than a page, their totals take three questions in place of a listing that grows.
        totals = 3 * len(calls.of("cinder", "/summary"))
        assert sum(_by_service(calls).values()) <= budget + pages_of_changes(calls) + totals


@pytest.mark.parametrize("role", ROLES)
def test_what_was_done_is_asked_once_for_each_server_that_is_billed_otherwise(asked: Asked, role: str):
    about = [[call.path.split("/")[3] for call in asked[role, size].of("nova", ABOUT_CHANGES)] for size in SIZES]

    assert [len(servers) for servers in about] == [CHANGED.billed] * len(SIZES)
    assert [len(set(servers)) for servers in about] == [CHANGED.billed] * len(SIZES)


def _site(folder: Path, cloud: Cloud, role: str) -> Site:
    folder.mkdir()
    return Site(folder, cloud, role)


def _by_service(calls: Calls) -> dict[str, int]:
    """Without the questions about changes: these are as many as there are changes."""
    about = calls.of("nova", ABOUT_CHANGES)
    return Calls(call for call in calls if call not in about).by_service()
