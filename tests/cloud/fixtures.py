"""pytest fixtures of the test cloud; a conftest imports them."""

from collections.abc import Iterator

import pytest

from tests.cloud.cloud import Cloud
from tests.cloud.seed.plan import Seed

# More than a hundred living servers in a project: a Nova which pages by 100 needs two pages.
SEED = Seed(projects=3, live=120, deleted=80)


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
