"""What all tests share: the test cloud, databases, a message bus, meters, a quick place for temporary files, what is left out."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from tests.broker.fixtures import broker, running_broker
from tests.cloud.fixtures import cloud, running_cloud
from tests.databases.fixtures import database, database_of, server, servers
from tests.live.fixtures import live_cloud
from tests.meters.fixtures import gnocchi, metered, powered, prometheus, running_gnocchi, running_prometheus
from tests.surroundings import leave_terminal

pytest_plugins = ["tests.noskip"]

__all__ = [
    "broker",
    "cloud",
    "database",
    "database_of",
    "gnocchi",
    "live_cloud",
    "metered",
    "powered",
    "prometheus",
    "running_broker",
    "running_cloud",
    "running_gnocchi",
    "running_prometheus",
    "server",
    "servers",
]

# Modules with assertions for several tests: what they compare is shown, too.
pytest.register_assert_rewrite("tests.functional.an_hour_later", "tests.functional.faulty", "tests.functional.misconfiguring")

# Noisy machines: how long an example takes proves nothing. CI tries the same examples each time, everyone else new ones.
settings.register_profile("caso", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.load_profile("caso")

MEMORY = Path("/dev/shm")


def pytest_runtest_setup() -> None:
    leave_terminal()


def pytest_configure(config: pytest.Config) -> None:
    """Stores are written through to the disk after each step: in memory that costs nothing."""
    if config.option.basetemp is None and os.access(MEMORY, os.W_OK):
        tempfile.tempdir = str(MEMORY)
