"""What all tests share: the test cloud, a quick place for temporary files, and the rule about what is left out."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.cloud.fixtures import cloud, running_cloud

pytest_plugins = ["tests.noskip"]

__all__ = ["cloud", "running_cloud"]

MEMORY = Path("/dev/shm")


def pytest_configure(config: pytest.Config) -> None:
    """Stores are written through to the disk after each step: in memory that costs nothing."""
    if config.option.basetemp is None and os.access(MEMORY, os.W_OK):
        tempfile.tempdir = str(MEMORY)
