"""What meters are asked is asked for many servers at once: in calls to a real Gnocchi and a real Prometheus."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from caso.extractors.metering import Method
from tests.databases import Server
from tests.functional.metered_site import MeteredSite
from tests.functional.powered_site import PoweredSite
from tests.meters import Gnocchi, Prometheus, power
from tests.meters.kept import gnocchi_of_fleet
from tests.meters.power import HOUR, MIDNIGHT
from tests.meters.seed import UNTIL, fleet

SIZES = (60, 120)
AT_ONCE = 20
METERS = 3
"""CPU time, received and sent bytes."""
FIXED = 8
"""Listings of instances, interfaces and volumes, and an archive policy for each meter, and two to spare."""


@pytest.fixture(scope="module")
def large(servers: Callable[[str], Server], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gnocchi]:
    with gnocchi_of_fleet(tmp_path_factory.mktemp("fleet"), servers("postgresql"), max(SIZES)) as gnocchi:
        yield gnocchi


@pytest.mark.debian("postgresql")
@pytest.mark.parametrize("size", SIZES)
def test_gnocchi_is_asked_once_for_so_many_resources_and_meter(large: Gnocchi, tmp_path: Path, size: int):
    # Its servers belong to two projects by turns: one of them is the smaller fleet.
    projects = fleet(max(SIZES)).projects[: size * 2 // max(SIZES)]
    owners = {project.id for project in projects}
    servers = tuple(server for server in fleet(max(SIZES)).servers if server.project_id in owners)
    assert len(servers) == size
    cloud = dataclasses.replace(fleet(max(SIZES)), projects=projects, servers=servers)
    site = MeteredSite(tmp_path, large, cloud, ("nova", "ceilometer"))

    for at in (UNTIL, UNTIL + HOUR):
        with large.calls() as calls:
            report = site.run(at, method=Method(at_once=AT_ONCE))

        assert report.exit_status == 0
        measures = len(calls.of("gnocchi", "/aggregates"))
        assert 0 < measures <= METERS * math.ceil(size / AT_ONCE)
        assert len(calls) - measures <= FIXED


@pytest.mark.debian("prometheus")
@pytest.mark.parametrize("size", SIZES)
def test_prometheus_is_asked_once_for_each_project_and_day(tmp_path: Path, size: int):
    servers = list(power.fleet(size))
    with Prometheus.start(tmp_path / "prometheus", power.history(servers)) as prometheus:
        site = PoweredSite(tmp_path, prometheus.url, servers)
        asked = []
        for hours in (1, 2, 27, 28):
            with prometheus.calls() as calls:
                assert site.run(MIDNIGHT + hours * HOUR).exit_status == 0
            asked.append(len(calls.of("prometheus", "/query")))

    # The day; the day once more; that day to its end, and the next; that next one. Of two projects each.
    assert asked == [2, 2, 4, 2]
    assert sum(key.startswith("energy/") for key in site.kept.records) == size
