"""Neutron's API, for gunicorn; $CLOUD_ETC is the folder of the configuration."""

import os
import sys

sys.argv = ["neutron-api", "--config-file", os.environ["CLOUD_ETC"] + "/neutron.conf"]

# Port's port_forwardings and distributed_port_binding are backrefs: they exist only once their
# other sides have been imported and mapped. Without them the first list of ports, and through it
# that of Nova's servers, is a 500.
from neutron import policy  # noqa: E402
from neutron.db.models import port_forwarding  # noqa: E402, F401
from neutron.wsgi.api import application  # noqa: E402, F401
from sqlalchemy.orm import configure_mappers  # noqa: E402

configure_mappers()
# The first request makes Neutron's rules; one beside it finds them half made, and is told that there is nothing.
policy.init()
