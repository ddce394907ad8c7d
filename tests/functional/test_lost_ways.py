"""A project, a role, a service or a certificate that is not as it was costs what it has to and nothing else."""

import contextlib
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cloud import T1, T2
from tests.cloud.credentials import READER
from tests.cloud.proxy import Proxy
from tests.cloud.rows.keystone import user_id
from tests.cloud.seed.catalog import stable_hex
from tests.functional.an_hour_later import (
    EXTRACTORS,
    done_at_t1,
    is_as_if_nothing_had_been,
    site,
    unharmed_is_delivered,
)
from tests.functional.driver import Site, differences
from tests.functional.expectation import expected
from tests.functional.faulty import (
    PROJECTS,
    Authority,
    configure,
    endpoint_at,
    errors,
    failed,
    without_rows,
)

__all__ = ["done_at_t1", "site"]

LATER = T2 + timedelta(seconds=1)


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


def test_a_project_that_no_longer_exists_ends_where_it_was_last_seen_costs_no_other_and_may_come_back(site: Site):
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

    later = T2 + timedelta(minutes=1)
    assert site.run(later).exit_status == 0
    told = differences(site.recipient.rows, expected(site.cloud.truth, [T1, T2, later]))
    # Of a soft-deleted server no listing tells before something is done to it.
    hidden = [server.id for server in site.cloud.truth.servers if (step := server.state(T2)) and step.vm_state == "soft-delete"]
    assert [one for one in told if not any(uuid in one for uuid in hidden)] == []


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

    # Not at T2 again: Nova's scopes are done up to there, and have servers whose new addresses nobody told.
    assert site.run(LATER).exit_status == 0
    assert is_as_if_nothing_had_been(site, LATER)


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
