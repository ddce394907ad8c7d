"""A store that cannot be used, or read, ends the command with a sentence, and is left as it is."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.surroundings import environ
from tests.unit.cloudlet import T1, Cloudlet
from tests.unit.dying import EVERYTHING

CONF = """
[DEFAULT]
site_name = TEST-SITE
messengers = noop
spooldir = {folder}
[keystone_auth]
auth_type = password
auth_url = http://127.0.0.1:9/v3
username = caso
password = secret
project_id = p1
user_domain_id = default
"""


@pytest.fixture
def t1(tmp_path: Path) -> Path:
    """The folder of a site after a run at T1."""
    folder = tmp_path / "t1"
    Cloudlet(folder, extractors=EVERYTHING).run(T1)
    return folder


def caso_extract(folder: Path) -> subprocess.CompletedProcess[str]:
    """The command, where the cloud cannot be reached: what it says of the store comes before that or after."""
    (folder / "caso.conf").write_text(CONF.format(folder=folder / "spool"))
    clean = environ()
    words = [str(Path(sys.executable).with_name("caso-extract")), f"--config-file={folder / 'caso.conf'}"]
    return subprocess.run(words, env=clean, capture_output=True, text=True, check=False, timeout=120)


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def overwrite(file: Path) -> None:
    with file.open("r+b") as content:
        content.seek(file.stat().st_size // 2 // 4096 * 4096)
        content.write(os.urandom(4096))


def make_newer(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("UPDATE meta SET value = '99.0' WHERE name = 'caso'")


@pytest.mark.parametrize(
    ("harm", "advice"),
    [
        (cut, "the file is damaged: restore it from a backup"),
        (overwrite, "the file is damaged: restore it from a backup"),
        (lambda file: file.write_bytes(b""), "restore it from a backup"),
        (make_newer, "run caso 99.0 or newer"),
    ],
    ids=["cut", "noise", "empty", "of a newer caso"],
)
def test_a_store_that_cannot_be_used_ends_the_command_with_2_and_what_to_do_and_stays_as_it_is(t1: Path, harm, advice: str):
    file = t1 / "spool/caso.sqlite"
    harm(file)
    content = file.read_bytes()

    done = caso_extract(t1)

    assert done.returncode == 2, done.stderr
    assert advice in done.stderr
    assert "Traceback" not in done.stderr
    assert file.read_bytes() == content
    assert [one.name for one in file.parent.iterdir() if ".bak" in one.name] == []


def test_a_row_that_cannot_be_read_in_the_middle_of_a_run_ends_the_command_with_1(t1: Path):
    with closing(sqlite3.connect(t1 / "spool/caso.sqlite")) as connection, connection:
        # All is due to a messenger that is new, so delivery reads it.
        connection.execute("UPDATE records SET content = 'x' || content")

    done = caso_extract(t1)

    assert done.returncode == 1, done.stderr
    assert "the file is damaged: restore it from a backup" in done.stderr
    assert "Traceback" not in done.stderr
