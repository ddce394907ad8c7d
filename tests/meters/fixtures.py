"""pytest fixtures of what meters: a conftest imports them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.databases import Server
from tests.meters import ceilometer, power, seed
from tests.meters.gnocchi import Gnocchi
from tests.meters.power import PoweredServer
from tests.meters.prometheus import Prometheus
from tests.meters.truth import Metered


@pytest.fixture(scope="session")
def metered() -> Metered:
    """The truth about what is in ``gnocchi``."""
    return seed.small_cloud()


@pytest.fixture(scope="session")
def powered() -> tuple[PoweredServer, ...]:
    """The truth about what is in ``prometheus``."""
    return power.powered_servers()


@pytest.fixture(scope="session")
def running_gnocchi(
    servers: Callable[[str], Server], metered: Metered, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gnocchi]:
    """One Gnocchi for all tests, with the small metered cloud in it; use ``gnocchi``."""
    with servers("postgresql").database() as url, Gnocchi.start(tmp_path_factory.mktemp("gnocchi"), url) as gnocchi:
        ceilometer.prepare(gnocchi)
        ceilometer.publish(gnocchi, metered)
        yield gnocchi


@pytest.fixture
def gnocchi(running_gnocchi: Gnocchi) -> Iterator[Gnocchi]:
    """Gnocchi without faults, whatever the test before did to it; a test that asks for it is marked ``debian("postgresql")``."""
    yield running_gnocchi
    running_gnocchi.reset()


@pytest.fixture(scope="session")
def running_prometheus(powered: tuple[PoweredServer, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """One Prometheus for all tests, that knows three days of power; use ``prometheus``."""
    with Prometheus.start(tmp_path_factory.mktemp("prometheus"), power.history(powered)) as prometheus:
        yield prometheus


@pytest.fixture
def prometheus(running_prometheus: Prometheus) -> Iterator[Prometheus]:
    """Prometheus without faults; a test that asks for it is marked ``debian("prometheus")``."""
    yield running_prometheus
    running_prometheus.faults.clear()
