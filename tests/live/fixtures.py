"""pytest fixture of the live cloud; a conftest imports it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.databases import Server
from tests.live.cloud import LiveCloud


@pytest.fixture(scope="session")
def live_cloud(servers: Callable[[str], Server], tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveCloud]:
    """One live cloud for all tests of a process: those that ask for it had best stand in one file.

    A test that does is marked ``debian("rabbitmq-server")`` and ``debian("postgresql")``.
    """
    with LiveCloud.start(tmp_path_factory.mktemp("live"), servers("postgresql")) as cloud:
        yield cloud
