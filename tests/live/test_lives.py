"""What lives are lived in the live cloud, and how it is noted; without any service."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.live import every_kind, random_lives
from tests.live.capture import FIXTURES
from tests.live.lives import SERVER_MOVES, VOLUME_MOVES
from tests.live.log import Step, by_id, read, write

STARTING = """\
import sys, time
from pathlib import Path
from tests.live.workers import Worker
work = Path(sys.argv[1])
worker = Worker("nova-compute", work, work)
worker.start()
print(worker._process.pid, flush=True)
time.sleep(600)
"""
STEP = Step(
    kind="volume",
    id="volume-1",
    operation="attach",
    started_at=datetime(2026, 11, 22, 10, 50, 1, 5, tzinfo=UTC),
    finished_at=datetime(2026, 11, 22, 10, 50, 2, tzinfo=UTC),
    life=3,
    status="in-use",
    name="volume-3",
    project_id="project-1",
    size_gib=2,
    type="fast",
    type_id="type-1",
    attached_to=("server-1",),
)

ENDS = {
    "create": "compute.instance.create.end",
    "resize": "compute.instance.finish_resize.end",
    "confirm": "compute.instance.resize.confirm.end",
    "revert": "compute.instance.resize.revert.end",
    "rebuild": "compute.instance.rebuild.end",
    "stop": "compute.instance.power_off.end",
    "shelve": "compute.instance.shelve_offload.end",
    "unshelve": "compute.instance.unshelve.end",
    "delete": "compute.instance.delete.end",
}
VOLUME_ENDS = {
    "create": "volume.create.end",
    "extend": "volume.resize.end",
    "retype": "volume.retype",
    "rename": "volume.update.end",
    "attach": "volume.attach.end",
    "detach": "volume.detach.end",
    "transfer": "volume.transfer.accept.end",
    "delete": "volume.delete.end",
}
"""By operation, the notification of its end."""


def test_a_seed_gives_the_same_lives_again_and_another_seed_others():
    assert random_lives(50, seed=1) == random_lives(50, seed=1)
    assert random_lives(50, seed=1) != random_lives(50, seed=2)


def test_one_of_every_kind_leaves_no_operation_out():
    server_operations = {operation for moves in SERVER_MOVES.values() for operation in moves}

    done = {(life.kind, operation) for life in every_kind() for operation in life.operations}

    assert {("server", operation) for operation in ("create", "delete", *server_operations)} <= done
    assert {("volume", operation) for operation in ("create", "detach", "delete", *VOLUME_MOVES)} <= done
    assert {("volume_type", operation) for operation in ("create", "rename", "delete")} <= done
    assert {("unplaced", operation) for operation in ("create", "delete")} <= done


def test_a_server_is_asked_only_for_what_its_status_allows():
    lives = [life for life in random_lives(500, seed=3) if life.kind == "server"]

    for life in lives:
        status = "ACTIVE"
        for operation in life.operations[1:]:
            if operation != "delete":
                status = SERVER_MOVES[status][operation]

    assert len(lives) > 200


def test_a_log_is_read_as_it_was_written(tmp_path: Path):
    later = Step("volume", "volume-1", "delete", STEP.finished_at, STEP.finished_at, 3, "deleted", "volume-3")

    write(tmp_path / "log.jsonl", [later, STEP])

    assert read(tmp_path / "log.jsonl") == [later, STEP]
    assert by_id(read(tmp_path / "log.jsonl"), "volume") == {"volume-1": [STEP, later]}


def test_the_captured_notifications_tell_of_each_server_and_volume_of_their_log():
    steps = read(FIXTURES / "log.jsonl")
    told = {name: (FIXTURES / f"{name}.jsonl").read_text(encoding="utf-8") for name in ("legacy", "versioned", "cinder")}

    for server in by_id(steps, "server"):
        assert server in told["legacy"]
        assert server in told["versioned"]
    for thing in (*by_id(steps, "volume"), *by_id(steps, "volume_type")):
        assert thing in told["cinder"]


@pytest.mark.parametrize(
    ("kind", "file", "key", "ends"), [("server", "legacy", "instance_id", ENDS), ("volume", "cinder", "volume_id", VOLUME_ENDS)]
)
def test_the_captured_end_of_each_operation_is_stamped_while_it_was_done(kind: str, file: str, key: str, ends: dict[str, str]):
    lines = (FIXTURES / f"{file}.jsonl").read_text(encoding="utf-8").splitlines()
    stamped = {
        (message["event_type"], message["payload"][key], datetime.fromisoformat(message["timestamp"]).replace(tzinfo=UTC))
        for message in map(json.loads, lines)
        if message["event_type"] in ends.values()
    }
    # One that no host has room for never began.
    steps = [step for step in read(FIXTURES / "log.jsonl") if step.kind == kind and step.status != "ERROR"]

    for step in (step for step in steps if step.operation in ends):
        times = [at for event, thing, at in stamped if (event, thing) == (ends[step.operation], step.id)]
        assert any(step.started_at < at < step.finished_at + timedelta(seconds=2) for at in times), step

    assert {step.operation for step in steps} >= set(ends)


def test_the_captured_notifications_hold_no_token():
    for file in FIXTURES.glob("*.jsonl"):
        text = file.read_text(encoding="utf-8")

        assert "gAAAA" not in text
        assert "_context_" not in text
        assert all(json.loads(line) for line in text.splitlines())


def test_a_worker_ends_with_the_process_that_started_it_even_if_that_is_killed(tmp_path: Path):
    script = tmp_path / "bin" / "nova-compute"
    script.parent.mkdir()
    # As a service does that waits for its bus.
    script.write_text("#!/bin/sh\ntrap '' TERM\nsleep 600 & wait\n")
    script.chmod(0o755)
    (tmp_path / "state" / "nova").mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", STARTING, tmp_path], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        group = int(starter.stdout.readline())
        assert _lives(group)

        starter.kill()

    until = time.monotonic() + 10
    while _lives(group) and time.monotonic() < until:
        time.sleep(0.05)
    assert not _lives(group)


def _lives(group: int) -> bool:
    """Whether a process of the group is left that is not just waiting to be reaped."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, of_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(of_group) == group and state != "Z":
                return True
    return False
