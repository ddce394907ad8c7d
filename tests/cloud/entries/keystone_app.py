"""Keystone's API, for gunicorn; its configuration comes from OS_KEYSTONE_CONFIG_DIR."""

import sys

sys.argv = ["keystone-api"]  # else it would parse gunicorn's

from keystone.assignment.core import COMPUTED_ASSIGNMENTS_REGION  # noqa: E402
from keystone.wsgi.api import application as keystone  # noqa: E402


def application(environ, start_response):
    """Keystone; but for tokens it forgets whose projects are which, as it would tell them as they were before a change."""
    if not environ["PATH_INFO"].endswith("/auth/tokens"):
        COMPUTED_ASSIGNMENTS_REGION.invalidate()
    return keystone(environ, start_response)
