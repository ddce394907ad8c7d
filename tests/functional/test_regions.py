"""Two regions under one service name: what both have is added up, and neither overwrites the other."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.cloud import T1, T2, Cloud
from tests.functional.driver import Site, differences
from tests.functional.expectation import expected

ALL = ("nova", "cinder", "neutron", "glance")


@contextlib.contextmanager
def half(cloud: Cloud, kept: str) -> Iterator[None]:
    """Within the block Neutron has one half of the floating addresses, as if it were a region's own."""
    which = "substr(id, -1) " + {"first": ">= '8'", "second": "< '8'"}[kept]
    with cloud.database("neutron") as neutron:
        rows = neutron.execute(f"select * from floatingips where {which}").fetchall()
        neutron.execute(f"delete from floatingips where {which}")
    assert rows
    try:
        yield
    finally:
        with cloud.database("neutron") as neutron:
            neutron.executemany(f"insert into floatingips values ({', '.join('?' * len(rows[0]))})", rows)


def test_regions_in_runs_of_their_own_are_added_up(cloud: Cloud, tmp_path: Path):
    site = Site(tmp_path, cloud, "reader")
    with cloud.second_region("RegionTwo", ALL):
        with half(cloud, "first"):
            site.run(T1, "--region-name=RegionOne")
            alone = sum(row["IPCount"] for row in site.recipient.rows["ip"].values())
        with half(cloud, "second"):
            site.run(T1, "--region-name=RegionTwo")

    wanted = expected(cloud.truth, [T1])
    assert differences(site.recipient.rows, wanted, ["ip"]) == []
    assert alone < sum(row["IPCount"] for row in wanted["ip"].values())


def test_what_two_regions_of_one_run_both_tell_of_is_there_once(cloud: Cloud, tmp_path: Path):
    site = Site(tmp_path, cloud, "reader")
    with cloud.second_region("RegionTwo", ALL):
        first = site.run(T1)
        assert {scope.scope.region for scope in first.scopes} == {"RegionOne", "RegionTwo"}
        assert {scope.error for scope in first.scopes} == {None}
        assert differences(site.recipient.rows, expected(cloud.truth, [T1])) == []

        cloud.advance(T2)
        site.run(T2)

    assert differences(site.recipient.rows, expected(cloud.truth, [T1, T2])) == []


def test_a_region_without_cinder_is_accounted_for_without_volumes_and_nobody_complains(cloud: Cloud, tmp_path: Path):
    site = Site(tmp_path, cloud, "reader")
    with cloud.second_region("RegionTwo", ["nova", "glance"]):
        report = site.run(T1)

    asked = {(scope.scope.region, scope.scope.extractor) for scope in report.scopes}
    assert asked == {("RegionOne", "nova"), ("RegionOne", "cinder"), ("RegionOne", "neutron"), ("RegionTwo", "nova")}
    assert {scope.error for scope in report.scopes} == {None}
