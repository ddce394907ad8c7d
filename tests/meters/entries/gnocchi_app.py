"""Gnocchi's API, for gunicorn; $CLOUD_ETC is the folder of the configuration."""

import os

from gnocchi import opts, service
from gnocchi.rest import app
from oslo_config import cfg

opts.set_defaults()
# Arguments of its own, else it would parse gunicorn's.
application = app.load_app(
    service.prepare_service(args=["--config-file", os.environ["CLOUD_ETC"] + "/gnocchi.conf"], conf=cfg.ConfigOpts())
)
