"""The example that the documentation quotes: installed as a package of its own, it keeps the contracts, and a run uses it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from caso import config, plugins
from caso.accounting.rules import Rules
from caso.delivery import Outlet
from caso.extractors.base import Extractor
from caso.job import Job
from caso.messengers.base import Messenger
from caso.planning import Period
from caso.plugins import EXTRACTORS, MESSENGERS
from caso.projects import Project
from caso.run import run
from caso.store import open_store
from caso.testing.sources import REGION, fake_sources
from tests.unit.doc.pages import ROOT, SOURCE, ini_blocks, unknown_options

EXAMPLE = ROOT / "doc" / "examples" / "caso-example"
NOW = datetime(2024, 3, 10, 12, tzinfo=UTC)
CSV = f"""\
id,region,project_id,name,type,cores,memory_mib,disk_gib,since,until
machine-1,{REGION},p1,lent-1,lent,64,524288,960,2024-03-01T00:00:00Z,
machine-2,{REGION},p1,lent-2,lent,64,524288,960,2024-03-01T00:00:00Z,2024-03-10T11:00:00Z
machine-3,{REGION},someone-else,lent-3,lent,64,524288,960,2024-03-01T00:00:00Z,
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package and its metadata in it, as pip would leave them."""
    pytest.importorskip("setuptools", reason="needs setuptools to read the example's setup.cfg")
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-c", "import setuptools; setuptools.setup()", "--quiet", "egg_info"], cwd=folder, check=True)
    return folder


@pytest.fixture
def installed(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(site)
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "caso_example"]:
        del sys.modules[name]


def test_its_own_tests_pass_which_are_the_contract_suites(site: Path):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--rootdir", site, "-c", os.devnull, "tests"],
        cwd=site,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.usefixtures("installed")
def test_its_options_are_among_those_of_the_sample_file():
    groups = {group: {option.dest for option in options} for group, options in config.list_opts()}

    assert groups["machines"] == {"path", "max_age_hours"}
    assert groups["jsonlines"] == {"path"}
    assert "record_types" in groups["messenger_jsonlines"]


@pytest.mark.usefixtures("installed")
def test_the_configuration_that_the_documentation_shows_is_one_that_caso_takes(tmp_path: Path):
    (text,) = ini_blocks(SOURCE / "extending.rst")
    (tmp_path / "caso.conf").write_text(text)

    assert unknown_options(text) == []
    assert config.build([], "caso-extract", files=[str(tmp_path / "caso.conf")]).extractor == ["machines"]


@pytest.mark.usefixtures("installed")
def test_a_run_asks_the_extractor_and_hands_its_machines_to_the_messenger(tmp_path: Path):
    (tmp_path / "machines.csv").write_text(CSV)
    os.utime(tmp_path / "machines.csv", (NOW.timestamp(), NOW.timestamp()))
    (tmp_path / "caso.conf").write_text(f"""\
[DEFAULT]
extractor = machines
messengers = jsonlines
[machines]
path = {tmp_path}/machines.csv
[jsonlines]
path = {tmp_path}/records.jsonl
""")

    for at in (NOW, NOW + timedelta(hours=1)):
        with open_store(f"sqlite:///{tmp_path}/caso.sqlite") as store:
            report = run(a_job(tmp_path / "caso.conf", at), store, lambda at=at: at)
        assert report.exit_status == 0

    lines = [json.loads(line) for line in (tmp_path / "records.jsonl").read_text().splitlines()]
    ended, alive, alive_an_hour_later = lines
    assert (ended["vm_uuid"], ended["status"], ended["wall_seconds"]) == ("machine-2", "completed", 9 * 86400 + 11 * 3600)
    assert (alive["vm_uuid"], alive["vo"], alive["cpu_seconds"]) == ("machine-1", "vo.example.org", 64 * 9.5 * 86400)
    assert alive_an_hour_later["wall_seconds"] == alive["wall_seconds"] + 3600


def a_job(conf_file: Path, at: datetime) -> Job:
    """A job with what the configuration names, as a command makes it, for one project of a cloud without an API."""
    conf = config.build([], "caso-extract", files=[str(conf_file)])
    (name,) = conf.extractor
    (messenger,) = conf.messengers
    extractor_class = plugins.load(EXTRACTORS, name, Extractor)
    messenger_class = plugins.load(MESSENGERS, messenger, Messenger)
    return Job(
        cloud="",
        projects=[Project("p1", "alpha", "vo.example.org", "property VO")],
        extractors={name: extractor_class.from_conf(conf[name], fake_sources())},
        rules={REGION: Rules("SITE", "SERVICE", "OpenStack")},
        outlets=[Outlet(messenger, messenger_class.from_conf(conf[messenger]), messenger_class.record_types)],
        period=Period(now=at, until=at),
    )
