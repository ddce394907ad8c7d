"""Sites as cASO left them, of each release: caso-extract goes on with their files as they are, against the real cloud."""

from __future__ import annotations

import dataclasses
import re
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from caso.testing.recipient import Recipient
from tests.cloud import Cloud
from tests.functional.test_commands import command

OLD = Path(__file__).parents[1] / "legacy"
UNTIL = "--extract-to=2026-10-12T11:00:00"


@dataclasses.dataclass
class OldSite:
    """A release's directory, filled in: what is told at each start, and which projects go on from when."""

    release: str
    told: tuple[str, ...]
    projects: dict[str, str]

    def install(self, cloud: Cloud, folder: Path, logstash_port: int, prometheus: str) -> Path:
        """Its files in a folder; the configuration."""
        words = {project.name: project.id for project in cloud.truth.projects} | {
            "FOLDER": str(folder),
            "KEYSTONE": cloud.auth_url.removesuffix("/v3"),
            "PASSWORD": cloud.reader.password,
            "LOGSTASH_PORT": str(logstash_port),
            "PROMETHEUS": prometheus,
        }
        (folder / "spool").mkdir()
        for file in (OLD / self.release).iterdir():
            name, text = (filled(text, words) for text in (file.name, file.read_text(encoding="utf-8")))
            (folder / ("spool" if name.startswith("lastrun.") else ".") / name).write_text(text)
        return folder / "caso.conf"


SITES = [
    OldSite(
        "1.x",
        (
            "caso.messenger.noop.NoopMessenger is a name of an older release; write noop",
            "caso.messenger.ssm.SsmMessager is a name of an older release; write ssm",
            "tenants is a name of an older release; write projects",
            "[extractor] mapping_file is a name of an older release",
            "[extractor] user, password, endpoint, insecure: names of an older release; write [keystone_auth]",
        ),
        {"project-0": "10:00", "without-vo": "09:30"},
    ),
    OldSite(
        "2.x",
        ("ssmv4 is a name of an older release", "benchmark_name_key is a name", "benchmark_value_key is a name"),
        {"project-0": "10:00", "project-1": "10:00", "without-vo": "09:30"},
    ),
    OldSite(
        "3.x",
        tuple(f"{name}_key is a name of an older release" for name in ("name", "value", "type", "vendor", "model", "number")),
        {"project-0": "10:00", "project-1": "10:00", "without-vo": "09:30"},
    ),
    OldSite(
        "5.x",
        ("[messenger_ssm] record_types: ssm cannot write energy",),
        {"project-0": "10:00", "project-1": "10:00", "project-2": "10:00", "project-3": "10:00", "without-vo": "09:30"},
    ),
]


def filled(text: str, words: dict[str, str]) -> str:
    return re.sub("@([A-Za-z0-9_-]+)@", lambda word: words[word[1]], text)


@pytest.fixture
def logstash() -> Iterator[tuple[int, list[bytes]]]:
    """A receiver of lines over TCP: its port, and what it got."""
    lines: list[bytes] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            lines.extend(self.rfile)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], lines
        server.shutdown()


@pytest.fixture
def prometheus() -> Iterator[str]:
    """A Prometheus that knows of nothing."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = b'{"status": "success", "data": {"resultType": "matrix", "result": []}}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(params=SITES, ids=lambda site: site.release)
def site(request: pytest.FixtureRequest, cloud: Cloud) -> OldSite:
    """An old site; before cASO 5 nobody had put tags on projects."""
    old: OldSite = request.param
    if old.release != "5.x":
        with cloud.database("keystone") as keystone:
            keystone.execute("DELETE FROM project_tag")
    return old


def test_a_site_goes_on_where_caso_ended_with_its_files_as_they_are(
    site: OldSite, cloud: Cloud, tmp_path: Path, logstash: tuple[int, list[bytes]], prometheus: str
):
    conf = site.install(cloud, tmp_path, logstash[0], prometheus)
    before = {file: file.read_bytes() for file in (conf, tmp_path / "voms.json", *(tmp_path / "spool").iterdir())}

    first = command("caso-extract", f"--config-file={conf}", "--summary", UNTIL)

    assert first.returncode == 0, first.stdout + first.stderr
    assert "Traceback" not in first.stderr
    rows = [re.split(r"\s{2,}", line.strip()) for line in first.stdout.splitlines()]
    begun = {row[0]: row[2] for row in rows if len(row) > 4 and row[1] == "nova"}
    assert begun == {project: f"2026-10-12 {hour}" for project, hour in site.projects.items()}

    recipient = Recipient()
    assert recipient.drain(tmp_path / "queue") > 0
    assert recipient.refused == []
    groups = {row["LocalGroupId"] for row in recipient.rows["cloud"].values()}
    assert groups == {cloud.truth.project(name).id for name in site.projects}
    assert "old.example.org" in {row["FQAN"] for row in recipient.rows["cloud"].values()}
    assert {file: file.read_bytes() for file in before} == before


def test_each_old_word_is_told_once_a_run_and_nothing_is_done_twice(
    site: OldSite, cloud: Cloud, tmp_path: Path, logstash: tuple[int, list[bytes]], prometheus: str
):
    conf = site.install(cloud, tmp_path, logstash[0], prometheus)
    log = tmp_path / "caso.log"

    told = []
    for _ in range(2):
        done = command("caso-extract", f"--config-file={conf}", UNTIL)
        assert done.returncode == 0, done.stderr
        text = done.stderr + (log.read_text(encoding="utf-8") if log.exists() else "")
        log.unlink(missing_ok=True)
        told.append([text.count(words) for words in site.told])
        queued = Recipient().drain(tmp_path / "queue")

    assert told == [[1] * len(site.told)] * 2
    assert queued == 0
    if site.release == "5.x":
        lines = [line for line in logstash[1] if line.strip()]
        assert lines
        assert len(lines) == len(set(lines))


def test_the_old_directories_are_complete():
    assert {site.release for site in SITES} == {path.name for path in OLD.iterdir() if path.is_dir()}
    for site in SITES:
        names = {path.name for path in (OLD / site.release).iterdir()}
        assert {"caso.conf", "voms.json"} < names
        assert len([name for name in names if name.startswith("lastrun.")]) == len(site.projects)
