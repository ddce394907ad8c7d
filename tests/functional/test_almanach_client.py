"""Almanach's own client, python-almanachclient, does each of its commands at a caso-api that runs as a process."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from caso import __version__
from tests.cloud.environment import service_venv
from tests.functional.serving import KEY, Service, serving, write_conf

CLIENT = Path(__file__).parent.parent / "fixtures" / "almanach" / "client.txt"
START = """
import sys
from cliff.commandmanager import CommandManager

# The client adds its commands where cliff, in the days of the client, loaded those of a namespace, be there one or not.
CommandManager._load_commands = lambda self: self.load_commands(self.namespace)

from almanachclient.shell import main

sys.exit(main())
"""
PERIOD = ("2026-01-01", "2026-02-01")

Almanach = Callable[..., str]


@pytest.fixture(scope="module")
def client() -> Path:
    """The Python that has the client."""
    return service_venv("almanachclient", CLIENT) / "bin" / "python"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(write_conf(tmp_path_factory.mktemp("api"))) as running:
        yield running


@pytest.fixture
def almanach(client: Path, service: Service) -> Almanach:
    """What a command of the client tells, with its token and URL by options; the test fails where the command does.

    A command of the client that shows no table tells a word, which cliff takes for a message to exit with.
    """

    def run(*arguments: str) -> str:
        words = [str(client), "-c", START, "--almanach-url", service.url, "--almanach-token", KEY, *arguments]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("OS_", "ALMANACH_", "PYTHON"))}
        done = subprocess.run(words, env=clean, capture_output=True, text=True, check=False, timeout=120)
        word = done.stderr.strip()
        assert done.returncode == (1 if word else 0), (arguments, done.stdout, done.stderr)
        return done.stdout or word

    return run


def do(almanach: Almanach, *arguments: str) -> None:
    assert almanach(*arguments) == "Success", arguments


def rows(almanach: Almanach, *arguments: str) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(almanach(*arguments, "-f", "json"))
    return found


def test_endpoint_and_version(almanach, service):
    assert almanach("endpoint") == service.url
    assert almanach("version") == __version__


def test_commands_of_instances(almanach):
    do(almanach, "create-instance", "p1", "i1", "vm", "small", "2026-01-10 10:00", "--image-meta", '{"distro": "d", "type": "t"}')
    do(almanach, "resize-instance", "i1", "big", "--date", "2026-01-10 12:00")
    almanach("update", "instance", "i1", "--name", "renamed", "--flavor", "huge")
    do(almanach, "delete-instance", "i1", "--end", "2026-01-10 14:00")

    found = rows(almanach, "list-instances", "p1", *PERIOD)
    entity = rows(almanach, "get-entity", "i1")

    assert [(row["Name"], row["Flavor"], row["Start"], row["End"]) for row in found] == [
        ("vm", "small", "2026-01-10 10:00:00+00:00", "2026-01-10 12:00:00+00:00"),
        ("renamed", "huge", "2026-01-10 12:00:00+00:00", "2026-01-10 14:00:00+00:00"),
    ]
    assert len(entity) == 2


def test_commands_of_volumes(almanach):
    do(almanach, "create-volume-type", "t1", "fast")
    do(almanach, "create-volume", "p2", "v1", "t1", "disk", "10", "--start", "2026-01-10 10:00")
    do(almanach, "attach-volume", "v1", "--date", "2026-01-10 11:00", "--attachment", "i1")
    do(almanach, "resize-volume", "v1", "20", "--date", "2026-01-10 12:00")
    do(almanach, "detach-volume", "v1", "--date", "2026-01-10 13:00")

    found = rows(almanach, "list-volumes", "p2", *PERIOD)

    assert [(row["Size"], row["Attachments"], row["Start"], row["End"]) for row in found] == [
        ("10", [], "2026-01-10 10:00:00+00:00", "2026-01-10 11:00:00+00:00"),
        ("10", ["i1"], "2026-01-10 11:00:00+00:00", "2026-01-10 12:00:00+00:00"),
        ("20", ["i1"], "2026-01-10 12:00:00+00:00", "2026-01-10 13:00:00+00:00"),
        ("20", [], "2026-01-10 13:00:00+00:00", None),
    ]


def test_commands_of_volume_types(almanach):
    do(almanach, "create-volume-type", "t2", "slow")

    listed = rows(almanach, "list-volume-types")
    one = json.loads(almanach("get-volume-type", "t2", "-f", "json"))
    do(almanach, "delete-volume-type", "t2")

    assert {"Volume Type ID": "t2", "Volume Type Name": "slow"} in listed
    assert one["Volume Type Name"] == "slow"
    assert "t2" not in {row["Volume Type ID"] for row in rows(almanach, "list-volume-types")}


def test_entities_of_a_project_are_listed(almanach):
    do(almanach, "create-instance", "p3", "i3", "vm", "small", "2026-01-10 10:00")
    do(almanach, "create-volume-type", "t3", "fast")
    do(almanach, "create-volume", "p3", "v3", "t3", "disk", "10", "--start", "2026-01-10 10:00")

    found = rows(almanach, "list-entities", "p3", PERIOD[0], "--end", PERIOD[1])

    assert [(row["Type"], row["Entity ID"]) for row in found] == [("instance", "i3"), ("volume", "v3")]
