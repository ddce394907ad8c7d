"""Databases on PostgreSQL at their newest schema: made once, kept, restored for each cloud."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.cloud.cache import cached, digest
from tests.cloud.database import NOWHERE
from tests.cloud.environment import REQUIREMENTS, run, service_venv
from tests.databases import Server
from tests.databases.postgresql import program
from tests.live.configs import COMPUTE_HOST, DATABASES, write_configs

SOURCES = [REQUIREMENTS, Path(__file__), Path(__file__).with_name("configs.py")]


@contextlib.contextmanager
def databases(server: Server) -> Iterator[dict[str, str]]:
    """The URLs of empty databases, as services take them, by name."""
    dumps = cached("live-databases", digest(SOURCES, sys.version), lambda folder: _build(folder, server))
    with _created(server) as urls:
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(lambda name: _restore(dumps / name, urls[name]), urls))
        yield {name: for_services(url) for name, url in urls.items()}


def for_services(url: str) -> str:
    """With the driver that the services have.

    >>> for_services("postgresql://caso@127.0.0.1:5432/caso_1")
    'postgresql+psycopg2://caso@127.0.0.1:5432/caso_1'
    """
    return make_url(url).set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)


def write_cells(urls: Mapping[str, str], bus: str) -> None:
    """Tell Nova's API where its two cells are, and that the compute host is in the second, before it has ever come."""
    cells = [("cell0", "none:///", urls["nova_cell0"]), ("cell1", bus, urls["nova_cell1"])]
    engine = create_engine(make_url(urls["nova_api"]).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        for number, (name, transport, database) in enumerate(cells):
            connection.execute(
                text(
                    "INSERT INTO cell_mappings (id, uuid, name, transport_url, database_connection, disabled)"
                    " VALUES (:id, :uuid, :name, :transport, :database, false)"
                ),
                {
                    "id": number + 1,
                    "uuid": f"00000000-0000-0000-0000-{number:012d}",
                    "name": name,
                    "transport": transport,
                    "database": database,
                },
            )
        connection.execute(text("INSERT INTO host_mappings (cell_id, host) VALUES (2, :host)"), {"host": COMPUTE_HOST})
    engine.dispose()


@contextlib.contextmanager
def _created(server: Server) -> Iterator[dict[str, str]]:
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(server.database()) for name in DATABASES}


def _build(folder: Path, server: Server) -> None:
    venv = service_venv()
    with _created(server) as urls:
        write_configs(
            folder, venv, {**NOWHERE, "placement": ""}, {name: for_services(url) for name, url in urls.items()}, "fake:/"
        )
        with ThreadPoolExecutor(max_workers=2) as pool:
            for done in [pool.submit(run, *words) for words in _commands(venv / "bin", folder / "etc", urls)]:
                done.result()
        for name, url in urls.items():
            run(program("pg_dump"), "--format=custom", "--no-owner", f"--file={folder / name}", f"--dbname={url}")


def _commands(bin_: Path, etc: Path, urls: Mapping[str, str]) -> Iterator[tuple[str | Path, ...]]:
    nova = (bin_ / "nova-manage", "--config-file", etc / "nova.conf")
    yield (*nova, "db", "sync", "--local_cell")
    yield (*nova, "api_db", "sync")
    (etc / "cell0.conf").write_text(f"[database]\nconnection = {for_services(urls['nova_cell0'])}\n")
    yield (*nova, "--config-file", etc / "cell0.conf", "db", "sync", "--local_cell")
    yield (bin_ / "cinder-manage", "--config-file", etc / "cinder.conf", "db", "sync")
    yield (bin_ / "placement-manage", "--config-file", etc / "placement.conf", "db", "sync")


def _restore(dump: Path, url: str) -> None:
    run(program("pg_restore"), "--no-owner", f"--dbname={url}", dump)
