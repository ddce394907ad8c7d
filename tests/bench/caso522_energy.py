"""cASO 5.2.2's extractor of energy."""

import json
from datetime import datetime
from pathlib import Path

from tests.bench.caso522 import caso522_venv
from tests.bench.measuring import Cost, measure
from tests.cloud.proxy import Proxy

CONF = """\
[DEFAULT]
messengers = noop
spooldir = {folder}/spool
site_name = BENCH-SITE
service_name = BENCH-SERVICE
mapping_file = {folder}/voms.json
extractor = prometheus

[keystone_auth]
auth_type = password
auth_url = {auth_url}/v3
username = caso
password = secret
user_domain_name = Default

[prometheus]
prometheus_endpoint = {prometheus}
"""


def energy(folder: Path, proxy: Proxy, project_id: str, since: datetime | None, until: datetime) -> Cost:
    """What its run costs at the services ``cloud`` and ``prometheus``; it sends nothing. Without ``since`` it is a first run."""
    (folder / "spool").mkdir(parents=True)
    (folder / "voms.json").write_text(json.dumps({"vo.example.org": {"projects": [project_id]}}))
    conf = folder / "caso.conf"
    conf.write_text(CONF.format(folder=folder, auth_url=proxy.urls["cloud"], prometheus=proxy.urls["prometheus"]))
    ends = {"from": since, "to": until}
    window = [f"--extract-{end}={at:%Y-%m-%dT%H:%M:%S}" for end, at in ends.items() if at]
    command = [caso522_venv() / "bin" / "caso-extract", f"--config-file={conf}", "--dry-run", *window]
    return measure(proxy, command, {"TZ": "UTC"})
