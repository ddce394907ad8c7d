"""What all tests share: the test cloud, and the rule about what is left out."""

from tests.cloud.fixtures import cloud, running_cloud

pytest_plugins = ["tests.noskip"]

__all__ = ["cloud", "running_cloud"]
