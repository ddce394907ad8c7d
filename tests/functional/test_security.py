"""What the cloud's users can write gets nowhere but into its field, and what is secret gets nowhere."""

import re
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from caso.store.schema import records
from tests.cloud import Cloud
from tests.functional.driver import Site
from tests.functional.test_commands import command

EVIL = (
    "x\n%%\nVMUUID: forged\nWallDuration: 9\r\x1b[2J\x07\x85\u2028\u202e%%"
    "'\"<b>&amp;\\[red]{0}%s${jndi}; content-type: application/pkcs7-mime"
)
FIELDS = {
    *("RecordCreateTime", "VMUUID", "SiteName", "CloudComputeService", "MachineName", "LocalUserId", "LocalGroupId"),
    *("GlobalUserName", "FQAN", "Status", "StartTime", "EndTime", "SuspendDuration", "WallDuration", "CpuDuration", "CpuCount"),
    *("PublicIPCount", "Memory", "Disk", "BenchmarkType", "Benchmark", "ImageId", "CloudType", "NetworkType"),
}


@pytest.fixture
def evil_cloud(cloud: Cloud) -> Cloud:
    """All that a user of the cloud, or of a project, may call by a name of their own is called EVIL."""
    users = ", ".join(f"'{user.id}'" for user in cloud.truth.users)
    projects = ", ".join(f"'{project.id}'" for project in cloud.truth.accounted)
    statements = {
        "nova_cell1": ["UPDATE instances SET display_name = :evil", "UPDATE instance_metadata SET value = :evil"],
        "nova_cell2": ["UPDATE instances SET display_name = :evil", "UPDATE instance_metadata SET value = :evil"],
        "keystone": [
            f"UPDATE local_user SET name = name || :evil WHERE user_id IN ({users})",
            f"UPDATE project SET name = name || :evil WHERE id IN ({projects})",
        ],
        "glance": ["UPDATE image_properties SET value = :evil"],
        "cinder": ["UPDATE volumes SET display_name = :evil"],
        "neutron": ["UPDATE standardattributes SET description = :evil"],
    }
    for name, wanted in statements.items():
        with cloud.database(name) as database:
            for statement in wanted:
                database.execute(statement, {"evil": EVIL})
    return cloud


def test_no_name_adds_a_record_a_field_a_line_or_an_escape_to_anything(evil_cloud: Cloud, tmp_path: Path):
    site = Site(tmp_path, evil_cloud, "admin")
    log = tmp_path / "caso.log"
    done = command("caso-extract", f"--config-file={site.conf}", "--summary", "--debug", f"--log-file={log}")
    messages = [path.read_bytes() for path in sorted(site.queue.glob("*/*"))]

    site.recipient.drain(site.queue)

    assert site.recipient.refused == []
    vms = {server.id for server in evil_cloud.truth.servers}
    assert {row["VMUUID"] for row in site.recipient.rows["cloud"].values()} <= vms
    assert len(site.recipient.rows["cloud"]) > 100, done.stderr
    cloud_messages = [message.decode("ascii") for message in messages if message.startswith(b"APEL-cloud")]
    lines = [line for text in cloud_messages for line in text.splitlines()[1:]]
    assert {line.split(":")[0] for line in lines} - {"%%"} <= FIELDS
    records = sum(text.count("%%") + 1 for text in cloud_messages)
    assert sum(line.startswith("VMUUID:") for line in lines) == records
    assert sum(line.startswith("WallDuration:") for line in lines) == records
    assert not any(b"application/pkcs7-mime" in message for message in messages)
    told = [done.stdout, done.stderr, log.read_text()]
    told += [show(site, *words) for words in (*COMMANDS, *about_one(site))]
    assert [escapes(text) for text in told] == [set()] * len(told)
    assert all(re.match(r"\d{4}-\d\d-\d\d |    ", line) for line in told[2].splitlines())


COMMANDS = (
    ("caso-ledger", "list", "--limit=0"),
    ("caso-ledger", "list", "--limit=0", "--json"),
    ("caso-projects",),
    ("caso-extract", "--dry-run"),
    ("caso-reconcile", "--servers"),
    ("caso-doctor",),
    ("caso-doctor", "--json"),
)


def about_one(site: Site) -> list[tuple[str, ...]]:
    """The commands about one server, or one record, that has just been sent."""
    with site.store() as store, store.database.read() as connection:
        key = str(connection.scalar(select(records.c.key).where(records.c.kind == "cloud")))
    server = key.split("/")[1]
    return [("caso-explain", server), ("caso-explain", server, "--json"), ("caso-ledger", "show", key)]


def show(site: Site, name: str, *words: str) -> str:
    done = command(name, f"--config-file={site.conf}", *words)
    assert "Traceback" not in done.stderr
    assert done.stdout, done.stderr
    return done.stdout + done.stderr


def escapes(text: str) -> set[str]:
    """What a terminal would obey."""
    return {letter for letter in text if not letter.isprintable()} - {"\n"}


def test_no_secret_is_told_by_anything(cloud: Cloud, tmp_path: Path):
    site = Site(tmp_path, cloud, "reader")
    secrets = [cloud.reader.password]
    assert len(secrets[0]) > 5
    log = tmp_path / "caso.log"
    wrong = tmp_path / "wrong.conf"
    wrong.write_text(site.conf.read_text().replace(secrets[0], "not-" + secrets[0]))
    told = []
    few = ["--caso_tag=", f"--projects={cloud.truth.accounted[0].id}"]
    runs = [("caso-extract", site.conf, "--summary", f"--log-file={log}"), ("caso-extract", wrong), ("caso-projects", wrong)]
    runs += [(name, site.conf, *words) for name, *words in COMMANDS[1:] if (name, *words) != ("caso-doctor", "--json")]
    for name, conf, *words in runs:
        done = command(name, f"--config-file={conf}", "--debug", *(few if name != "caso-ledger" else []), *words)
        told += [done.stdout, done.stderr]
    told.append(log.read_text())
    told.append(command("caso-extract", "--help", OS_PASSWORD=secrets[0]).stdout)
    secrets += cloud.tokens

    assert len(secrets) > 3
    assert [secret for secret in secrets if any(secret in text for text in told)] == []


def test_the_password_of_the_database_is_told_by_nothing(tmp_path: Path):
    conf = tmp_path / "caso.conf"
    conf.write_text(
        "[DEFAULT]\nsite_name = SITE\n[keystone_auth]\nauth_url = http://127.0.0.1:9/v3\nusername = u\npassword = hunter2\n"
        "user_domain_name = Default\nsystem_scope = all\n[store]\nconnection = postgresql+nosuchdriver://caso:hunter3@127.0.0.1/caso\n"
    )

    told = [command(name, f"--config-file={conf}", "--debug") for name in ("caso-extract", "caso-projects")]
    told.append(command("caso-ledger", f"--config-file={conf}", "--debug", "list"))

    assert [done.returncode for done in told] == [2, 1, 2]
    assert not any("hunter" in done.stdout + done.stderr for done in told)


def test_the_title_of_the_process_names_no_secret(cloud: Cloud, tmp_path: Path):
    site = Site(tmp_path, cloud, "reader")
    words = [str(Path(sys.executable).with_name("caso-extract")), f"--config-file={site.conf}"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        titles = set()
        while process.poll() is None:
            # One that has ended and is not waited for has none.
            titles.add(Path(f"/proc/{process.pid}/cmdline").read_bytes())
            time.sleep(0.05)

    assert any(b"caso-extract" in title for title in titles)
    assert not any(site.cloud.reader.password.encode() in title for title in titles)


@pytest.mark.parametrize("umask", [0o000, 0o077], ids=["open", "tight"])
def test_whatever_the_umask_other_users_are_kept_out(cloud: Cloud, tmp_path: Path, umask: int):
    site = Site(tmp_path, cloud, "reader")
    words = [sys.executable, "-c", f"import os, sys; os.umask({umask}); os.execv(sys.argv[1], sys.argv[1:])"]
    arguments = [str(Path(sys.executable).with_name("caso-extract")), f"--config-file={site.conf}", "--write-lastrun"]

    subprocess.run([*words, *arguments], check=False, capture_output=True)

    store = list((site.folder / "spool").rglob("*"))
    queue = [site.queue, *site.queue.rglob("*")]
    assert len(store) > 2
    assert len(queue) > 3
    assert [path for path in store if path.stat().st_mode & (stat.S_IRWXO | stat.S_IRWXG)] == []
    assert [path for path in queue if path.stat().st_mode & stat.S_IRWXO] == []
    assert stat.S_IMODE((site.folder / "spool").stat().st_mode) == 0o700
