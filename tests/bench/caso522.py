"""cASO 5.2.2 from PyPI, in a virtual environment of its own, asked for one hour."""

import json
import platform
import sys
import venv
from datetime import datetime, timedelta
from pathlib import Path

from tests.bench.measuring import Cost, measure
from tests.cloud import Cloud
from tests.cloud.cache import cached, digest
from tests.cloud.environment import run

RELEASE = "caso==5.2.2"

CONF = """\
[DEFAULT]
messengers = ssm
spooldir = {folder}/spool
site_name = BENCH-SITE
service_name = BENCH-SERVICE
mapping_file = {folder}/voms.json
extractor = nova,cinder,neutron

[keystone_auth]
auth_type = password
auth_url = {auth_url}
username = {username}
password = {password}
user_domain_name = Default
system_scope = all

[ssm]
output_path = {folder}/queue
"""


def caso522_venv() -> Path:
    """Its virtual environment, beside that of the test cloud; made at the first call (a minute)."""
    key = digest([Path(__file__)], RELEASE, platform.python_version(), sys.base_prefix)
    return cached("caso522", key, _build, in_place=True)


def _build(folder: Path) -> None:
    venv.create(folder, with_pip=True, symlinks=True)
    run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", RELEASE)


def one_hour(folder: Path, cloud: Cloud, until: datetime) -> Cost:
    """What its run over the hour before ``until`` costs, project by project as it goes, as the reader of each of them."""
    (folder / "spool").mkdir(parents=True)
    (folder / "queue").mkdir()
    reader = cloud.reader
    conf = folder / "caso.conf"
    conf.write_text(CONF.format(folder=folder, auth_url=reader.auth_url, username=reader.username, password=reader.password))
    projects = {f"vo{number}.example.org": {"projects": [one.id]} for number, one in enumerate(cloud.truth.accounted)}
    (folder / "voms.json").write_text(json.dumps(projects))
    window = [f"--extract-{end}={at:%Y-%m-%dT%H:%M:%S}" for end, at in (("from", until - timedelta(hours=1)), ("to", until))]
    return measure(cloud, [caso522_venv() / "bin" / "caso-extract", f"--config-file={conf}", *window])
