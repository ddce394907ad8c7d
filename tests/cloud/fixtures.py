"""pytest fixtures of the test cloud; a conftest imports them."""

from collections.abc import Iterator

import pytest

from tests.cloud.cloud import Cloud
from tests.cloud.seed.plan import Seed

# A project for each property a VO is told by. More than fifty living servers in each of them: a
# Nova which pages by 50 needs two pages. Few deleted ones: Nova writes 150 servers a second, and most tests read them all.
SEED = Seed(projects=4, live=60, deleted=10)


@pytest.fixture(scope="session")
def running_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """One cloud for all tests, with SEED in it; use ``cloud``."""
    with Cloud.start(tmp_path_factory.mktemp("cloud"), SEED) as cloud:
        yield cloud


@pytest.fixture
def cloud(running_cloud: Cloud) -> Iterator[Cloud]:
    """The cloud at its reference time, without faults, whatever the test before did to it."""
    yield running_cloud
    running_cloud.reset()
