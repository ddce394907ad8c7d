"""caso-api as a process: how it starts, or does not, how it ends, and what else uses its store meanwhile."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import UTC, datetime

import pytest
import requests

from caso.store import Place, open_store
from caso.testing.entities import seen_server
from tests.functional.serving import KEY, environment, refused, serving, write_conf

HERE = Place("", "RegionOne")
SERVER = {
    "id": "i1",
    "created_at": "2026-01-10T10:00:00Z",
    "name": "vm",
    "flavor": "f1",
    "os_distro": "d",
    "os_version": "v",
    "os_type": "t",
}
HEADERS = {"X-Auth-Token": KEY}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_without_a_word(tmp_path, number):
    with serving(write_conf(tmp_path)) as service:
        assert requests.get(f"{service.url}/v1/info", timeout=30).status_code == 200

        status, err = service.end(number)

    assert (status, err) == (0, "")


def test_what_was_written_is_there_after_a_restart(tmp_path):
    conf = write_conf(tmp_path)
    with serving(conf) as service:
        made = requests.post(f"{service.url}/v1/project/p1/instance", data=json.dumps(SERVER), headers=HEADERS, timeout=30)
        service.end()

    with serving(conf) as service:
        found = requests.get(f"{service.url}/entity/i1", headers=HEADERS, timeout=30)

    assert made.status_code == 201
    assert [row["name"] for row in found.json()] == ["vm"]


@pytest.mark.parametrize(
    ("key", "sentence"),
    [("", "[auth] private_key is not set"), ("secret", "[auth] private_key: everybody knows the word secret")],
)
def test_without_a_key_that_is_one_it_does_not_start(tmp_path, key, sentence):
    status, err = refused(write_conf(tmp_path, key=key))

    assert status == 2
    assert err.startswith(f"caso-api: {sentence}")
    assert err.count("\n") == 1


def test_where_nobody_can_listen_it_does_not_start(tmp_path):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        conf = write_conf(tmp_path)
        conf.write_text(conf.read_text().replace("bind_port = 0", f"bind_port = {port}"))

        status, err = refused(conf)

    assert status == 2
    assert err.startswith(f"caso-api: cannot listen at 127.0.0.1, port {port}: ")
    assert "bind_port in [api]" in err


def test_a_dry_run_makes_no_sense(tmp_path):
    status, err = refused(write_conf(tmp_path), "--dry-run")

    assert status == 2
    assert "--dry-run" in err
    assert not (tmp_path / "spool" / "caso.sqlite").exists()


def test_a_request_that_is_being_answered_when_it_ends_is_answered(tmp_path):
    answers = []
    with serving(write_conf(tmp_path)) as service:
        url = f"{service.url}/v1/project/p1/instance"

        def write():
            answers.append(requests.post(url, data=json.dumps(SERVER), headers=HEADERS, timeout=60).status_code)

        # Another writer holds the store for a moment.
        with open_store(f"sqlite:///{tmp_path}/spool/caso.sqlite") as store, store.transaction():
            asking = threading.Thread(target=write)
            asking.start()
            time.sleep(1)
            service.process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
        asking.join()
        service.process.communicate(timeout=60)

    assert (answers, service.process.returncode) == ([201], 0)


def test_runs_and_the_service_use_the_store_at_once(tmp_path):
    conf, at = write_conf(tmp_path), datetime(2026, 1, 10, 12, tzinfo=UTC)
    with serving(conf) as service, open_store(f"sqlite:///{tmp_path}/spool/caso.sqlite") as store:
        requests.post(f"{service.url}/v1/project/project-1/instance", data=json.dumps(SERVER), headers=HEADERS, timeout=30)

        store.observe(HERE, [seen_server(at=at, uuid="i1", created=datetime(2026, 1, 10, 10, tzinfo=UTC))], by="nova")

        found = requests.get(f"{service.url}/entity/i1", headers=HEADERS, timeout=30).json()
    assert [(row["name"], row["flavor"]) for row in found] == [("vm", "small")]


BEHIND = """
import sys
from wsgiref.simple_server import make_server
from caso.cli.wsgi import application

with make_server("127.0.0.1", 0, application(*sys.argv[1:])) as server:
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
"""


def test_a_wsgi_server_of_the_site_s_own_can_run_it(tmp_path):
    command = [sys.executable, "-c", BEHIND, f"--config-file={write_conf(tmp_path)}"]

    with serving(tmp_path, command) as service:
        answers = [requests.get(f"{service.url}/volume_types", headers=headers, timeout=30) for headers in (HEADERS, {})]

    assert [answer.status_code for answer in answers] == [200, 401]


def test_a_wsgi_server_is_told_in_a_sentence_what_is_wrong(tmp_path):
    command = [sys.executable, "-c", BEHIND, f"--config-file={write_conf(tmp_path, key='secret')}"]

    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 1
    assert done.stderr.startswith("caso-api: [auth] private_key: everybody knows the word secret")


def test_the_key_is_in_no_log(tmp_path):
    with serving(write_conf(tmp_path), None) as service:
        requests.get(f"{service.url}/volume_types", headers={"X-Auth-Token": "not-the-key-but-close"}, timeout=30)
        requests.get(f"{service.url}/volume_types", headers=HEADERS, timeout=30)

        _, err = service.end()

    assert "GET /volume_types from 127.0.0.1: no token, or one that is not known" in err
    assert KEY not in err
    assert "not-the-key" not in err
