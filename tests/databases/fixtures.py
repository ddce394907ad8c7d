"""Fixtures: the servers, each started when the first test asks for it, and a database of its own for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from tests.databases import PACKAGES, SERVERS, Server

BACKENDS = ["sqlite", *(pytest.param(name, marks=pytest.mark.debian(PACKAGES[name])) for name in SERVERS)]
"""Parameters of a test that holds on each kind of database."""
ON_SERVERS = BACKENDS[1:]


@pytest.fixture(scope="session")
def servers() -> Iterator[Callable[[str], Server]]:
    """By name, ``postgresql`` or ``mariadb``."""
    running: dict[str, Server | Exception] = {}

    def running_server(name: str) -> Server:
        if name not in running:
            running[name] = _started(name)
        server = running[name]
        if isinstance(server, Exception):
            raise server
        return server

    yield running_server
    for server in running.values():
        if isinstance(server, Server):
            server.stop()


def _started(name: str) -> Server | Exception:
    """One that does not start is not tried again by each test."""
    try:
        return SERVERS[name]()
    except (ImportError, OSError, RuntimeError) as exc:
        return exc


@pytest.fixture(params=ON_SERVERS)
def server(request: pytest.FixtureRequest, servers: Callable[[str], Server]) -> Server:
    """Each kind of server."""
    return servers(request.param)


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """The URL of an empty database on each kind of server."""
    with server.database() as url:
        yield url


DatabaseOf = Callable[[str], AbstractContextManager[str]]


@pytest.fixture
def database_of(servers: Callable[[str], Server]) -> DatabaseOf:
    """The URL of an empty database on the server of that name, gone at the end of the block."""
    return lambda name: servers(name).database()
