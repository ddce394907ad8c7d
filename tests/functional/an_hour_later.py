"""A site that ran at T1, and what is to be seen of it an hour later, when something goes wrong at the APIs."""

import dataclasses
import datetime as dt
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cloud import T1, T2, Cloud, Fault
from tests.functional.driver import Site, differences
from tests.functional.expectation import expected
from tests.functional.faulty import (
    PROJECTS,
    copied,
    site_after_t1,
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


def is_as_if_nothing_had_been(site: Site, *later: dt.datetime) -> bool:
    """That the recipient holds what it would have got without the fault, field by field; ``later`` are when more runs were."""
    assert site.recipient.refused == []
    assert differences(site.recipient.rows, expected(site.cloud.truth, [T1, T2, *later])) == []
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
