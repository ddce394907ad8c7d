"""Cinder's API, for gunicorn; $CLOUD_ETC is the folder of the configuration."""

import os
import sys

sys.argv = ["cinder-api", "--config-file", os.environ["CLOUD_ETC"] + "/cinder.conf"]

from cinder.wsgi.api import application  # noqa: E402, F401
