"""What goes wrong at a real Nova costs the scope that it happened to, and nobody else; the next run makes it good."""

from datetime import timedelta
from pathlib import Path

import pytest

from caso.errors import SourceError
from tests.cloud import T1, T2, Cloud, Fault
from tests.functional.driver import Site, differences
from tests.functional.expectation import expected


def test_a_503_for_one_project_leaves_the_others_delivered_and_the_next_run_makes_it_good(cloud: Cloud, tmp_path: Path):
    site = Site(tmp_path, cloud, "reader")
    site.run(T1)
    cloud.advance(T2)
    unlucky = cloud.truth.project("project-1")
    cloud.faults.add(Fault(service="nova", path="/servers/detail", project_id=unlucky.id, status=503))

    report = site.run(T2)

    failed = [scope for scope in report.scopes if scope.error]
    assert [(scope.project.name, type(scope.error)) for scope in failed] == [("project-1", SourceError)]
    assert report.exit_status == 1
    wanted = expected(cloud.truth, [T1, T2])
    others = {key for key, row in wanted["cloud"].items() if row["LocalGroupId"] != unlucky.id}
    assert differences(_only(site.recipient.rows, others), _only(wanted, others), kinds=["cloud"]) == []
    assert {name for name, until in _checkpoints(site).items() if until != T2} == {"project-1"}

    cloud.faults.clear()
    site.run(T2)

    assert differences(site.recipient.rows, wanted) == []
    assert set(_checkpoints(site).values()) == {T2}


def test_as_admin_a_503_on_the_shared_listing_falls_back_to_per_project(cloud: Cloud, tmp_path: Path):
    site = Site(tmp_path, cloud, "admin")
    cloud.faults.add(Fault(service="nova", path="/servers/detail", query="all_tenants", status=503))

    report = site.run(T1)

    assert {scope.error for scope in report.scopes} == {None}
    assert differences(site.recipient.rows, expected(cloud.truth, [T1])) == []


def test_a_burst_of_503_is_tried_again_and_nobody_notices(cloud: Cloud, tmp_path: Path):
    site = Site(tmp_path, cloud, "admin")
    cloud.faults.add(Fault(service="nova", path="/servers/detail", status=503, times=1))

    report = site.run(T1)

    assert {scope.error for scope in report.scopes} == {None}


def test_servers_of_a_cell_that_is_down_go_on_and_their_checkpoint_stays(cloud: Cloud, tmp_path: Path):
    site = Site(tmp_path, cloud, "reader")
    # A reader learns of it from a listing of all servers, and from nothing else.
    site.conf.write_text(f"{site.conf.read_text()}\n[nova]\nfull_listing_every = 0\n")
    site.run(T1)
    before = dict(site.recipient.rows["cloud"])
    cloud.lose_cell("cell2")

    report = site.run(T2)

    assert report.exit_status == 1
    assert all("cell" in str(scope.error) for scope in report.scopes if scope.scope.extractor == "nova")
    assert {scope.error for scope in report.scopes if scope.scope.extractor != "nova"} == {None}
    assert set(_checkpoints(site).values()) == {T1}
    ended = {key for key, row in site.recipient.rows["cloud"].items() if row["Status"] == "completed"}
    assert ended == {key for key, row in before.items() if row["Status"] == "completed"}


@pytest.mark.parametrize(
    ("service", "path", "extractor", "kind"),
    [("cinder", "/volumes/detail", "cinder", "storage"), ("neutron", "/ports", "neutron", "ip")],
)
def test_a_service_that_fails_ends_nothing_of_its_own_and_costs_no_other(
    cloud: Cloud, tmp_path: Path, service: str, path: str, extractor: str, kind: str
):
    site = Site(tmp_path, cloud, "reader")
    site.run(T1)
    before = dict(site.recipient.rows[kind])
    cloud.advance(T2)
    cloud.faults.add(Fault(service=service, path=path, status=503))

    report = site.run(T2)

    assert {scope.scope.extractor for scope in report.scopes if scope.error} == {extractor}
    wanted = expected(cloud.truth, [T1, T2])
    # Without Neutron, nobody knows how many addresses lead to a server.
    others = ["cloud", "accelerator", "ip"] if extractor == "cinder" else ["accelerator", "storage"]
    assert differences(site.recipient.rows, wanted, kinds=others) == []
    assert before.keys() <= site.recipient.rows[kind].keys()
    assert not any(row.get("ResourceCapacityUsed") == 0 for row in site.recipient.rows[kind].values())

    cloud.faults.clear()
    later = T2 + timedelta(minutes=5)
    cloud.advance(later)
    site.run(later)

    assert differences(site.recipient.rows, expected(cloud.truth, [T1, T2, later])) == []


def test_a_dead_keystone_extracts_nothing_and_says_so(cloud: Cloud, tmp_path: Path, caplog):
    site = Site(tmp_path, cloud, "reader")
    cloud.faults.add(Fault(service="keystone", status=503))

    report = site.run(T1)

    assert (report.exit_status, report.scopes) == (1, [])
    assert "nothing can be extracted" in caplog.text
    assert "caso-reader" not in caplog.text.replace(str(tmp_path), "") or "password" not in caplog.text


def _only(rows, keys):
    return {"cloud": {key: row for key, row in rows["cloud"].items() if key in keys}}


def _checkpoints(site: Site):
    names = {project.id: project.name for project in site.cloud.truth.projects}
    with site.store() as store:
        mine = [checkpoint for checkpoint in store.checkpoints.all() if checkpoint.scope.extractor == "nova"]
        return {names[checkpoint.scope.project_id]: checkpoint.until for checkpoint in mine}
