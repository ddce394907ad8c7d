"""Memory: pages stream through, so what a run holds at once does not grow with what there is."""

from datetime import UTC, datetime, timedelta

from tests.bench.pages import Prepared
from tests.bench.prepared import bench

MUCH_MORE = 1.2
"""Of a fleet four times as large; half of the rows of thirty pages, held at once, would be twice the memory."""


def test_a_fleet_of_forty_pages_needs_hardly_more_memory_than_one_of_ten(tmp_path):
    few, many = (_peak_mib(tmp_path / str(pages), pages) for pages in (10, 40))

    assert many < MUCH_MORE * few


def _peak_mib(folder, pages):  # type: ignore[no-untyped-def]
    now = datetime.now(UTC)
    with bench(Prepared(servers=100 * pages, now=now, page=100), folder) as here:
        first = here.caso("site", now - timedelta(hours=1))
        later = here.caso("site")
        return max(first.peak_mib, later.peak_mib)
