"""What a command imports: no more than it needs, since cron, and whoever types --help, waits for it each time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.start import CONF, measure
from tests.unit.sources.serving import serving

COMMANDS = ("doctor", "explain", "extract", "ledger", "migrate", "projects", "reconcile")
LIBRARIES = frozenset(
    [
        "alembic",
        "asyncio",
        "caso.sources.gnocchi",
        "caso.sources.usage",
        "dateutil.parser",
        "dirq",
        "keystoneauth1",
        "openstack",
        "prometheus_client",
        "pydantic",
        "requests",
        "rich",
        "sqlalchemy",
        "sqlalchemy.dialects.mysql",
        "sqlalchemy.dialects.postgresql",
        "urllib3",
    ]
)
"""What takes long to import, and does some work that not every command has."""

RUN = """
import importlib, json, sys

before = set(sys.modules)
status = importlib.import_module(f"caso.cli.{sys.argv[1]}").main(sys.argv[2:])
print(json.dumps([status, sorted(set(sys.modules) - before)]))
"""


def imported_by(command: str, *arguments: str) -> tuple[int, set[str]]:
    """The exit status of a command, and every module that it imports in a new interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, command, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    status, modules = json.loads(done.stdout.splitlines()[-1])
    return status, set(modules)


@pytest.mark.parametrize("argument", ["--help", "--version"])
@pytest.mark.parametrize("command", COMMANDS)
def test_who_asks_for_help_waits_for_nothing_that_does_work(command, argument):
    status, modules = imported_by(command, argument)

    assert status == 0
    assert modules & LIBRARIES == set()
    assert {
        name for name in modules if name.startswith(("caso.store", "caso.sources", "caso.lifecycle", "caso.records"))
    } == set()


PROJECT = {"id": "a" * 32, "name": "alpha", "domain_id": "default", "tags": ["caso"], "VO": "vo.alpha"}
NOVA = {
    "/nova/": {"versions": [{"id": "v2.1", "version": "2.90", "min_version": "2.1", "status": "CURRENT"}]},
    "/nova/flavors/detail": {"flavors": []},
    "/nova/servers/detail": {"servers": []},
}
UNTIL = ("--extractor=nova", "--extract-to=2024-03-10T12:00:00")


@pytest.mark.parametrize("projects", [[], [PROJECT]], ids=["no project", "all extracted"])
def test_a_run_with_nothing_to_do_imports_what_asks_and_remembers_and_no_more(tmp_path: Path, projects: list[object]):
    conf = tmp_path / "caso.conf"
    with serving({"/v3/projects": {"projects": projects}, **NOVA}) as cloud:
        conf.write_text(CONF.format(folder=tmp_path, login=cloud.login))
        imported_by("extract", f"--config-file={conf}", *UNTIL)
        cloud.asked.clear()

        status, modules = imported_by("extract", f"--config-file={conf}", *UNTIL)

    assert (status, cloud.asked) == (0 if projects else 1, ["/v3/projects"])
    assert not {name for name in modules if name.startswith(("caso.doctor", "caso.explaining", "caso.reconciling"))}
    # asyncio comes with SQLAlchemy, whoever wants it; dateutil's parser reads the date of the command line.
    assert modules & LIBRARIES == {"asyncio", "dateutil.parser", "keystoneauth1", "pydantic", "requests", "sqlalchemy", "urllib3"}


def test_help_takes_less_than_thrice_what_the_library_of_options_takes():
    ratios = {row["name"]: row["cpu_ratio"] for row in measure(rounds=3)}

    assert ratios["caso-extract --help"] < 3
