"""A Gnocchi with a fleet of thousands in it: metricd takes minutes over it, so the result is kept between runs."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.cloud.cache import cached, digest
from tests.cloud.environment import run
from tests.databases import Server
from tests.databases.postgresql import program
from tests.meters import ceilometer
from tests.meters.gnocchi import Gnocchi
from tests.meters.seed import fleet

HERE = Path(__file__).parent
SOURCES = [HERE / name for name in ("requirements.txt", "bulk.py", "ceilometer.py", "seed.py", "truth.py", "kept.py")]


@contextlib.contextmanager
def gnocchi_of_fleet(work: Path, server: Server, servers: int, *, polls: int = 3) -> Iterator[Gnocchi]:
    """Gnocchi with ``seed.fleet(servers, polls=polls)`` in it, on a database of that PostgreSQL server's own."""
    key = digest(SOURCES, str(servers), str(polls))
    folder = cached("fleet", key, lambda made: _build(made, server, servers, polls))
    with server.database() as url:
        run(program("pg_restore"), "--no-owner", f"--dbname={url}", folder / "database")
        work.mkdir(parents=True, exist_ok=True)
        run("tar", "-xf", folder / "measures.tar.gz", "-C", work)
        with Gnocchi.start(work, url) as gnocchi:
            yield gnocchi


def _build(folder: Path, server: Server, servers: int, polls: int) -> None:
    with (
        server.database() as url,
        tempfile.TemporaryDirectory(prefix="caso-fleet-") as work,
        Gnocchi.start(Path(work), url, workers=2) as gnocchi,
    ):
        ceilometer.prepare(gnocchi)
        ceilometer.publish(gnocchi, fleet(servers, polls=polls), in_bulk=True)
        run(program("pg_dump"), "--format=custom", f"--file={folder / 'database'}", f"--dbname={url}")
        run("tar", "-czf", folder / "measures.tar.gz", "-C", work, "measures")
