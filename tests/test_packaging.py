"""What installs caso: units, cron line, users and directories, the files of the packages and the container.

`make wheel`, `make deb`, `make rpm` and `make container` build them and try the results.
"""

from __future__ import annotations

import configparser
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import caso
from caso import config
from tests.unit.doc.pages import unknown_options

ROOT = Path(__file__).parent.parent
ETC = ROOT / "etc" / "caso"
PACKAGING = ROOT / "packaging"
EXPOSURE = 20
"""What `systemd-analyze security` may find, of 100; 17 when this was written, 92 for a service that says nothing."""
SERVICES = ("caso.service", "caso-collect.service", "caso-api.service")
UNITS = (*SERVICES, "caso.timer")

metadata = configparser.ConfigParser()
metadata.read(ROOT / "setup.cfg")
ENTRY_POINTS = metadata["options.entry_points"]["console_scripts"]
COMMANDS = [line.partition("=")[0].strip() for line in ENTRY_POINTS.strip().splitlines()]


def run(*words: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False)


def settings(*, drop: str = "", unit: str = "caso.service") -> list[str]:
    """The lines of a unit that say something, but for those that begin with ``drop``."""
    lines = (ETC / unit).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and line[0] not in "#[" and not (drop and line.startswith(drop))]


def words_of(name: str) -> list[list[str]]:
    """The lines of a sysusers.d or tmpfiles.d file, in words."""
    lines = (ETC / name).read_text(encoding="utf-8").splitlines()
    return [shlex.split(line) for line in lines if line and not line.startswith("#")]


def default(group: str | None, name: str) -> str:
    """The default of an option of caso."""
    (value,) = (option.default for at, options in config.list_opts() for option in options if (at, option.dest) == (group, name))
    return value


SPOOL, QUEUE = default(None, "spooldir"), default("ssm", "output_path")


def instructions() -> Iterator[tuple[str, str]]:
    """Each instruction of the Containerfile with what follows it; continued lines are one."""
    text = (PACKAGING / "Containerfile").read_text(encoding="utf-8")
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if line and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            yield word, rest.strip()


# --- systemd


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """A folder with the units, as they are for the caso that runs the tests."""
    for unit in UNITS:
        text = (ETC / unit).read_text(encoding="utf-8")
        (tmp_path / unit).write_text(text.replace("ExecStart=", f"ExecStart={Path(sys.executable).parent}/"))
    return tmp_path


@pytest.mark.debian("systemd")
@pytest.mark.parametrize("unit", UNITS)
def test_systemd_understands_every_line_of_the_units(units: Path, unit: str):
    done = run("systemd-analyze", "verify", "--man=no", units / unit)

    assert [line for line in done.stderr.splitlines() if "caso" in line] == []
    assert done.returncode == 0


@pytest.mark.debian("systemd")
def test_systemd_sees_a_line_that_is_wrong(units: Path):
    with (units / "caso.service").open("a", encoding="utf-8") as file:
        file.write("ProtectSystems=strict\n")

    assert "ProtectSystems" in run("systemd-analyze", "verify", "--man=no", units / "caso.service").stderr


@pytest.mark.debian("systemd")
@pytest.mark.parametrize("unit", SERVICES)
def test_a_service_gives_up_what_it_does_not_need(units: Path, unit: str):
    done = run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", units / unit)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("unit", SERVICES)
def test_a_service_runs_a_command_of_caso_as_its_user(unit: str):
    values = dict(line.split("=", 1) for line in settings(unit=unit))

    assert values["ExecStart"].split()[0] in COMMANDS
    assert values["User"] == "caso"


@pytest.mark.parametrize("unit", SERVICES[1:])
def test_a_service_that_stays_is_started_again_where_it_failed_and_at_boot(unit: str):
    assert {"Type=simple", "Restart=on-failure", "WantedBy=multi-user.target"} <= set(settings(unit=unit))


@pytest.mark.parametrize("unit", SERVICES[1:])
def test_services_give_up_all_that_the_runs_give_up(unit: str):
    own = ("Description=", "Type=", "ExecStart=", "ReadWritePaths=")

    given_up = {line for line in settings() if not line.startswith(own)}
    assert given_up <= set(settings(unit=unit))


def test_the_service_may_hand_the_group_of_the_queue_on_to_ssmsend():
    forbidding = {"RestrictSUIDSGID=yes", "PrivateUsers=yes", "ProcSubset=pid"}

    assert forbidding.isdisjoint(settings())


@pytest.mark.parametrize(
    ("unit", "paths"), [("caso.service", [SPOOL, QUEUE]), ("caso-collect.service", [SPOOL]), ("caso-api.service", [SPOOL])]
)
def test_a_service_may_write_where_caso_writes_by_default(unit: str, paths: list[str]):
    (writable,) = (line.partition("=")[2].split() for line in settings(unit=unit) if line.startswith("ReadWritePaths="))

    folders = [Path(word.removeprefix("-")) for word in writable]
    for path in paths:
        assert any(Path(path).is_relative_to(folder) for folder in folders), path


def test_the_timer_comes_back_for_a_run_that_was_missed_and_spreads_its_sites():
    assert {"Persistent=true", "RandomizedDelaySec=5min", "FixedRandomDelay=true"} <= set(settings(unit="caso.timer"))


@pytest.mark.debian("systemd")
def test_the_user_of_the_service_is_made_and_is_in_the_group_of_ssmsend(tmp_path: Path):
    (tmp_path / "etc").mkdir()

    done = run("systemd-sysusers", f"--root={tmp_path}", ETC / "caso.sysusers")

    assert done.returncode == 0, done.stderr
    (user,) = (line.partition("=")[2] for line in settings() if line.startswith("User="))
    groups = (tmp_path / "etc" / "group").read_text().splitlines()
    assert f"{user}:x:" in (tmp_path / "etc" / "passwd").read_text()
    assert [group for group in groups if re.fullmatch(rf"apel:x:\d+:{user}", group)] != []


def test_the_directories_are_made_for_users_that_are_made_and_closed_to_others():
    made = {(kind, name) for kind, name, *_ in words_of("caso.sysusers")}

    rows = {path: (mode, user, group) for _, path, mode, user, group in words_of("caso.tmpfiles")}

    assert rows == {SPOOL: ("0700", "caso", "caso"), QUEUE: ("2770", "caso", "apel")}
    assert {("u", "caso"), ("g", "apel")} <= made


# --- cron


def test_the_cron_line_runs_a_command_of_caso_every_hour_as_its_user():
    lines = [line for line in (ETC / "caso.cron").read_text(encoding="utf-8").splitlines() if line[:1].isdigit()]

    (words,) = [line.split() for line in lines]
    assert words == ["10", "*", "*", "*", "*", "caso", "caso-extract"]
    assert "caso-extract" in COMMANDS


# --- the packages


def test_the_commands_that_are_tried_are_those_of_setup_cfg():
    assert run(".ci/commands").stdout.split() == COMMANDS


def test_the_version_stands_in_one_place():
    files = [path for path in (*PACKAGING.rglob("*"), *ETC.iterdir(), *(ROOT / ".ci").iterdir()) if path.is_file()]

    assert [path for path in files if caso.__version__ in path.read_text(encoding="utf-8")] == []


def test_the_configuration_of_the_packages_is_one_that_caso_takes_also_with_its_comments_taken_off(tmp_path: Path):
    text = (PACKAGING / "caso.conf").read_text(encoding="utf-8")
    active = re.sub(r"^#(?=\w)", "", text, flags=re.MULTILINE)
    (tmp_path / "caso.conf").write_text(active)

    assert unknown_options(active) == []
    conf = config.build([], "caso-extract", files=[str(tmp_path / "caso.conf")])
    assert (conf.site_name, conf.messengers) == ("EXAMPLE-SITE", ["ssm"])


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_is_installed_by_the_packages_and_looked_for_when_they_are_tried(unit: str):
    name = unit.removesuffix(".service")
    rules = (PACKAGING / "debian" / "rules").read_text(encoding="utf-8")
    spec = (PACKAGING / "rpm" / "caso.spec").read_text(encoding="utf-8")
    tried = (ROOT / ".ci" / "package-try").read_text(encoding="utf-8")

    assert f"%{{_unitdir}}/{unit}\n" in spec
    assert re.search(rf"^for unit in .*\b{re.escape(unit)}\b", tried, re.MULTILINE)
    assert name in ("caso", "caso.timer") or re.search(rf"^SERVICES := .*\b{name}\b", rules, re.MULTILINE)
    assert {path.name for path in ETC.iterdir() if path.suffix in (".service", ".timer")} == set(UNITS)


def test_the_packages_bring_the_libraries_of_the_services_that_they_install():
    script = (PACKAGING / "install-tree").read_text(encoding="utf-8")
    extras = re.search(r"'caso\[([\w,]+)\]'", script)

    assert extras is not None
    assert set(extras[1].split(",")) == {"notifications", "api"} <= set(metadata["options.extras_require"])


def test_the_source_archive_takes_along_what_the_packages_are_made_of():
    lines = (ROOT / "MANIFEST.in").read_text(encoding="utf-8").splitlines()
    grafted = {Path(line.split()[1]) for line in lines if line.startswith("graft ")}

    assert {Path(name) for name in ("doc/source", "doc/examples", "etc", "packaging", "tests", ".ci")} <= grafted


def test_the_scripts_of_the_packages_are_shell():
    scripts = [path for path in PACKAGING.rglob("*") if path.is_file() and path.read_bytes().startswith(b"#!/bin/sh")]

    assert len(scripts) >= len(["install-tree", "install-man", "postinst", "prerm"])
    assert [path for path in scripts if run("sh", "-n", path).returncode != 0] == []


# --- the container


def test_everything_that_the_container_copies_is_there():
    sources = [source for word, rest in instructions() if word == "COPY" and "--from" not in rest for source in rest.split()[:-1]]

    assert len(sources) > 5
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_the_container_copies_what_the_tree_is_installed_from():
    copied = {Path(source) for word, rest in instructions() if word == "COPY" for source in rest.split()[:-1]}
    script = (PACKAGING / "install-tree").read_text(encoding="utf-8")

    used = {Path(path) for path in re.findall(r"(?<![\w/$}])(?:packaging|etc/caso|tests)/[\w.-]+", script)}
    assert len(used) > 2
    assert [path for path in used if not any(path.is_relative_to(source) for source in copied)] == []


def test_the_container_runs_a_command_of_caso_and_not_as_root():
    last = dict(instructions())

    assert json.loads(last["ENTRYPOINT"])[0] in COMMANDS
    user, _, group = last["USER"].partition(":")
    assert int(user) > 0
    assert int(group) > 0


def test_the_container_keeps_what_must_survive_it_in_volumes():
    assert set(json.loads(dict(instructions())["VOLUME"])) == {SPOOL, QUEUE}
