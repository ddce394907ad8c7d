"""Keystone's API, for gunicorn; its configuration comes from OS_KEYSTONE_CONFIG_DIR."""

import sys

sys.argv = ["keystone-api"]  # else it would parse gunicorn's

from keystone.wsgi.api import application  # noqa: E402, F401
