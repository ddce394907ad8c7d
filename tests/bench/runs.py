"""caso and the floor, as processes that ask a fleet."""

import dataclasses
import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Self

from caso.job import Job
from tests.bench.fleet import Fleet, projects_of
from tests.bench.measuring import Cost, measure
from tests.cloud import Cloud

THREADS = Job.threads
FLOOR = Path(__file__).with_name("floor.py")
PYTHON = sys.executable

CONF = """\
[DEFAULT]
site_name = BENCH-SITE
service_name = BENCH-SERVICE
extractor = nova,cinder,neutron
messengers = ssm
spooldir = {folder}/spool
mapping_file = {folder}/voms.json
threads = {threads}

[keystone_auth]
auth_type = password
auth_url = {auth_url}
username = {username}
password = {password}
user_domain_name = Default
{scope}

[ssm]
output_path = {folder}/queue
"""


@dataclasses.dataclass(frozen=True)
class Site:
    """A site with caso on it, in a folder of its own: it remembers from run to run."""

    folder: Path
    cloud: Cloud

    @classmethod
    def make(cls, folder: Path, cloud: Cloud, role: str) -> Self:
        folder.mkdir(parents=True)
        credentials = cloud.admin if role == "admin" else cloud.reader
        # The reader sees projects and users through the system; Nova's administrator is one of a project.
        scope = f"project_id = {cloud.truth.accounted[0].id}" if role == "admin" else "system_scope = all"
        text = CONF.format(
            folder=folder,
            threads=THREADS,
            auth_url=credentials.auth_url,
            username=credentials.username,
            password=credentials.password,
            scope=scope,
        )
        (folder / "caso.conf").write_text(text)
        unmapped = {project.id: "vo.example.org" for project in cloud.truth.accounted if not project.vo}
        (folder / "voms.json").write_text(json.dumps({name: {"projects": [p]} for p, name in unmapped.items()}))
        return cls(folder, cloud)

    def run(self, at: datetime) -> Cost:
        """``caso-extract`` as it would run at that time."""
        conf = f"--config-file={self.folder}/caso.conf"
        return measure(self.cloud, [PYTHON, "-m", "tests.bench.run_at", at.isoformat(), conf])


def floor(fleet: Fleet, role: str) -> Cost:
    """The full listing, with as many threads as caso has; of what changed all since the month began, as in a first run."""
    credentials = fleet.cloud.admin if role == "admin" else fleet.cloud.reader
    asked = {
        "auth": dataclasses.asdict(credentials),
        "role": role,
        "projects": projects_of(fleet.cloud.truth),
        "since": fleet.now.strftime("%Y-%m-01T00:00:00Z"),
        "threads": THREADS,
    }
    return measure(fleet.cloud, [PYTHON, FLOOR, json.dumps(asked)])
