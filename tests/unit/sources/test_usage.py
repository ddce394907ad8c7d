"""Nova's own usage as the source gives it: whole, whatever its pages."""

from datetime import UTC, datetime

import pytest

from caso.errors import SourceError
from caso.testing.servers import a_server
from caso.testing.sources import REGION, fake_sources
from caso.testing.usage import FakeComputeWithUsage
from caso.window import Window

DAY = Window.parse("2024-03-01", "2024-03-02")


def usage(*servers, project="project-1", **nova):
    sources = fake_sources(compute=FakeComputeWithUsage(servers, **nova))
    return sources.usage(REGION, project).of(project, DAY, of=f"project {project}")


def test_a_row_has_hours_sizes_and_aware_times():
    (row,) = usage(a_server(**{"OS-SRV-USG:terminated_at": "2024-03-01T06:00:00.000000"}))

    assert (row.id, row.hours, row.vcpus, row.memory_mib, row.disk_gib) == ("server-1", 6.0, 2, 4096, 40)
    assert row.started_at == datetime(2024, 2, 1, 0, 1, tzinfo=UTC)
    assert row.ended_at == datetime(2024, 3, 1, 6, tzinfo=UTC)


@pytest.mark.parametrize("page_size", [1, 2, 3, 4, 1000])
def test_the_servers_of_all_pages_are_there_once(page_size):
    rows = usage(*(a_server(f"server-{n}") for n in range(4)), page_size=page_size)

    assert [row.id for row in rows] == ["server-0", "server-1", "server-2", "server-3"]


def test_a_project_of_which_nothing_ran_has_no_rows():
    assert usage(a_server("another", "project-2")) == []


def test_a_row_that_makes_no_sense_is_named():
    flavor = a_server()["flavor"] | {"vcpus": "two"}

    with pytest.raises(SourceError, match="cannot list the usage of project project-1: server server-1: vcpus"):
        usage(a_server(flavor=flavor))
