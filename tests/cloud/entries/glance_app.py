"""Glance's API, for gunicorn; its configuration comes from OS_GLANCE_CONFIG_DIR."""

from glance.wsgi.api import application  # noqa: F401
