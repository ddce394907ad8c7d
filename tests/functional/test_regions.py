"""Two regions under one service name: what both have is added up, and neither overwrites the other."""

from pathlib import Path

from tests.cloud import T1, T2, Cloud
from tests.functional.driver import Site, differences
from tests.functional.expectation import expected

ALL = ("nova", "cinder", "neutron", "glance")


def doubled(wanted):
    """The truth of a cloud that has each address in two regions; servers and volumes are themselves, wherever they are."""
    levels = {key: row | {"IPCount": 2 * row["IPCount"]} for key, row in wanted["ip"].items()}
    return wanted | {"ip": levels}


def test_the_levels_of_two_regions_of_one_service_are_added_up(cloud: Cloud, tmp_path: Path):
    site = Site(tmp_path, cloud, "reader")
    with cloud.second_region("RegionTwo", ALL):
        first = site.run(T1)
        assert {scope.scope.region for scope in first.scopes} == {"RegionOne", "RegionTwo"}
        assert {scope.error for scope in first.scopes} == {None}
        assert differences(site.recipient.rows, doubled(expected(cloud.truth, [T1])), ["storage", "ip"]) == []

        cloud.advance(T2)
        site.run(T2)

    assert differences(site.recipient.rows, doubled(expected(cloud.truth, [T1, T2])), ["storage", "ip"]) == []


def test_regions_in_runs_of_their_own_are_added_up_as_well(cloud: Cloud, tmp_path: Path):
    site = Site(tmp_path, cloud, "reader")
    with cloud.second_region("RegionTwo", ALL):
        site.run(T1, "--region-name=RegionOne")
        site.run(T1, "--region-name=RegionTwo")

    assert differences(site.recipient.rows, doubled(expected(cloud.truth, [T1])), ["ip"]) == []


def test_a_region_without_cinder_is_accounted_for_without_volumes_and_nobody_complains(cloud: Cloud, tmp_path: Path):
    site = Site(tmp_path, cloud, "reader")
    with cloud.second_region("RegionTwo", ["nova", "glance"]):
        report = site.run(T1)

    asked = {(scope.scope.region, scope.scope.extractor) for scope in report.scopes}
    assert asked == {("RegionOne", "nova"), ("RegionOne", "cinder"), ("RegionOne", "neutron"), ("RegionTwo", "nova")}
    assert {scope.error for scope in report.scopes} == {None}
