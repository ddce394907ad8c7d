"""One process measured: its calls to the cloud, its seconds, its peak memory."""

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from tests.cloud import Call, Calls

TIMED = Path(__file__).with_name("timed.py")
ANY_CORE = "-1"
ABOUT_CHANGES = "/os-instance-actions"
"""What was done to a server: asked for once for each whose billed state changed, and counted apart."""


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a run cost. ``calls`` are by service, without ``about_changes``; ``said`` is what it printed."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    status: int
    calls: dict[str, int]
    about_changes: int
    pages_of_changes: int
    said: str

    @property
    def all_calls(self) -> int:
        """Without those about changes."""
        return sum(self.calls.values())


class Counting(Protocol):
    """What counts the requests that are made within a block: a cloud, a proxy."""

    def calls(self) -> AbstractContextManager[Calls]: ...


def measure(cloud: Counting, command: Sequence[str | Path], environ: dict[str, str] | None = None) -> Cost:
    """The command, run to its end. Nobody else asks the cloud meanwhile."""
    with cloud.calls() as calls:
        taken, said = timed(command, environ)
    about = [call for call in calls if _is_about_a_change(call)]
    by_service: dict[str, int] = {}
    for call in calls:
        if not _is_about_a_change(call):
            by_service[call.service] = by_service.get(call.service, 0) + 1
    return Cost(**taken, calls=by_service, about_changes=len(about), pages_of_changes=pages_of_changes(calls), said=said)


def timed(command: Sequence[str | Path], environ: dict[str, str] | None = None) -> tuple[dict[str, Any], str]:
    """The command, run to its end: its status, seconds, cpu_seconds and peak_mib, and what it printed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OS_", "PYTHON"))}
    with tempfile.NamedTemporaryFile("r") as log:
        done = subprocess.run(
            [sys.executable, "-IS", TIMED, ANY_CORE, log.name, *map(str, command)],
            env=clean | (environ or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=True,
        )
        return json.loads(done.stdout), log.read()


def pages_of_changes(calls: Calls) -> int:
    """How many pages of servers that changed since a time were asked for."""
    return len(calls.of("nova", "/servers/detail.*changes-since"))


def _is_about_a_change(call: Call) -> bool:
    return call.service == "nova" and ABOUT_CHANGES in call.path
