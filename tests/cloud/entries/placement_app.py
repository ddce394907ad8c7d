"""Placement's API, for gunicorn; its configuration comes from OS_PLACEMENT_CONFIG_DIR."""

from placement.wsgi.api import application  # noqa: F401
