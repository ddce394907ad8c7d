"""Nova's compute API, for gunicorn; its configuration comes from OS_NOVA_CONFIG_FILES."""

import sys

sys.argv = ["nova-api"]  # else it would parse gunicorn's

from nova.wsgi.osapi_compute import application  # noqa: E402, F401
