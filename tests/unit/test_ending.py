"""How a run of caso-extract ends, for those who watch: however it ended, its metrics and its summary are there."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from caso.store import open_store
from tests.surroundings import environ
from tests.unit.cloudlet import T1, Cloudlet
from tests.unit.test_metrics import parsed, per_project

CONF = """
[DEFAULT]
site_name = SITE
messengers = noop
spooldir = {folder}/spool
mapping_file =
log_file = {folder}/caso.log

[metrics]
textfile = {folder}/{textfile}

[keystone_auth]
auth_type = password
auth_url = http://127.0.0.1:{port}/v3
username = caso
password = secret
user_domain_name = Default
system_scope = all
"""
NOBODY = 9
"""A port that nobody listens on."""


def configured(folder: Path, port: int = NOBODY, textfile: str = "caso.prom") -> Path:
    file = folder / "caso.conf"
    file.write_text(CONF.format(folder=folder, port=port, textfile=textfile))
    return file


def start(file: Path, *arguments: str) -> subprocess.Popen[str]:
    clean = environ()
    words = [str(Path(sys.executable).with_name("caso-extract")), f"--config-file={file}", *arguments]
    return subprocess.Popen(words, env=clean, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def extract(file: Path, *arguments: str) -> tuple[int, str]:
    """The exit status, and what cron would mail."""
    process = start(file, *arguments)
    out, err = process.communicate(timeout=100)
    return process.returncode, out + err


def summaries(folder: Path) -> list[dict]:  # type: ignore[type-arg]
    lines = [line.partition(" run: ")[2] for line in (folder / "caso.log").read_text().splitlines() if " run: " in line]
    return [json.loads(line) for line in lines]


def metrics(folder: Path) -> dict:  # type: ignore[type-arg]
    return parsed((folder / "caso.prom").read_bytes())


def test_a_keystone_that_is_down_is_told_and_the_scopes_of_earlier_runs_keep_their_series(tmp_path: Path):
    Cloudlet(tmp_path).run(T1)

    status, _ = extract(configured(tmp_path))

    assert status == 1
    found = metrics(tmp_path)
    assert found["caso_run_exit_status", ()] == 1
    assert found["caso_run_errors", ("SourceError",)] == 1
    assert found["caso_run_api_failed_requests", ("keystone",)] > 0
    assert set(per_project(found, "caso_scope_until_timestamp_seconds").values()) == {T1.timestamp()}
    (summary,) = summaries(tmp_path)
    assert (summary["exit_status"], summary["errors"]) == (1, {"SourceError": 1})


def test_a_store_that_is_damaged_is_told_with_status_2(tmp_path: Path):
    (tmp_path / "spool").mkdir()
    (tmp_path / "spool" / "caso.sqlite").write_bytes(b"noise" * 1000)

    status, _ = extract(configured(tmp_path))

    assert status == 2
    assert metrics(tmp_path)["caso_run_exit_status", ()] == 2
    assert metrics(tmp_path)["caso_run_errors", ("StoreError",)] == 1
    assert [(one["exit_status"], one["errors"]) for one in summaries(tmp_path)] == [(2, {"StoreError": 1})]


def test_a_store_that_cannot_be_written_in_mid_run_is_told_with_status_1(tmp_path: Path):
    Cloudlet(tmp_path).run(T1)
    file = configured(tmp_path)
    with open_store(f"sqlite:///{tmp_path}/spool/caso.sqlite") as store, store.database.write_schema() as connection:
        # The first thing that a run writes: which messengers there are.
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON messengers BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )

    status, mailed = extract(file)

    assert (status, "make room" in mailed or "full" in (tmp_path / "caso.log").read_text()) == (1, True)
    found = metrics(tmp_path)
    assert (found["caso_run_exit_status", ()], found["caso_run_errors", ("StoreError",)]) == (1, 1)
    assert set(per_project(found, "caso_scope_until_timestamp_seconds").values()) == {T1.timestamp()}


def test_a_run_that_is_ended_by_a_signal_is_told(tmp_path: Path):
    Cloudlet(tmp_path).run(T1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = start(configured(tmp_path, port=server.getsockname()[1]))
        server.settimeout(60)
        # It has asked Keystone, and is not answered.
        with server.accept()[0]:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)

    assert process.returncode == 1
    found = metrics(tmp_path)
    assert found["caso_run_errors", ("Interrupted",)] == 1
    assert per_project(found, "caso_scope_until_timestamp_seconds").keys() == {"alpha", "beta"}
    assert [(one["exit_status"], one["errors"]) for one in summaries(tmp_path)] == [(1, {"Interrupted": 1})]


def test_a_configuration_that_cannot_be_meant_is_told_with_status_2(tmp_path: Path):
    Cloudlet(tmp_path).run(T1)

    status, mailed = extract(configured(tmp_path), "--extract-from=2999-01-01")

    assert (status, "lies in the future" in mailed) == (2, True)
    found = metrics(tmp_path)
    assert (found["caso_run_exit_status", ()], found["caso_run_errors", ("ConfigError",)]) == (2, 1)
    assert per_project(found, "caso_scope_until_timestamp_seconds").keys() == {"alpha", "beta"}


def test_a_dry_run_has_a_summary_and_leaves_no_metrics(tmp_path: Path):
    extract(configured(tmp_path), "--dry-run")

    assert not (tmp_path / "caso.prom").exists()
    assert [one["dry_run"] for one in summaries(tmp_path)] == [True]


def test_metrics_that_cannot_be_written_make_the_status_1_and_the_summary_says_so(tmp_path: Path):
    status, _ = extract(configured(tmp_path, textfile="nowhere/caso.prom"))

    assert status == 1
    (summary,) = summaries(tmp_path)
    assert summary["errors"]["ConfigError"] == 1


def test_a_file_that_node_exporter_would_not_read_is_refused_before_the_run(tmp_path: Path):
    status, mailed = extract(configured(tmp_path, textfile="caso.txt"))

    assert status == 2
    assert "does not end in .prom, and node_exporter reads no other files; rename it" in mailed
    assert not (tmp_path / "spool").exists()


@pytest.mark.parametrize(("arguments", "shown"), [([], False), (["--debug"], True)])
def test_standard_error_has_the_summary_with_debug_only(tmp_path: Path, arguments: list[str], shown: bool):
    file = configured(tmp_path)
    file.write_text(file.read_text().replace(f"log_file = {tmp_path}/caso.log\n", ""))

    _, mailed = extract(file, *arguments)

    assert any(line.startswith("caso: INFO: run: {") for line in mailed.splitlines()) is shown
