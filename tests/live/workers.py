"""The processes that do what the APIs are asked for: they listen to the message bus, and to nothing else."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from tests.cloud.services import StartError

WORKERS = {
    "nova-conductor": "nova",
    "nova-scheduler": "nova",
    "nova-compute": "nova",
    "cinder-scheduler": "cinder",
    "cinder-volume": "cinder",
}
"""By program, the service whose configuration each reads."""


GUARD = """read -r _; kill -s KILL -- "-$1" 2>/dev/null"""
"""Ends a group of processes when whoever holds its standard input has gone."""


class Worker:
    """One of them, with the processes that it starts."""

    def __init__(self, name: str, work: Path, venv: Path) -> None:
        self.name = name
        self.log = work / "log" / f"{name}.log"
        self._program = venv / "bin" / name
        self._conf = work / "etc" / f"{WORKERS[name]}.conf"
        self._folder = work / "state" / WORKERS[name]
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.log.parent.mkdir(exist_ok=True)
        words = [self._program, "--config-file", self._conf]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                words, cwd=self._folder, env=_environ(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        # It ends with the tests, however these end. Told to terminate it would wait for the bus, which has gone as well.
        guard = ["sh", "-c", GUARD, "guard", str(self._process.pid)]
        self._guard = subprocess.Popen(guard, stdin=subprocess.PIPE, start_new_session=True)

    def check(self) -> None:
        """StartError with its log when it has ended."""
        if self._process is None or self._process.poll() is not None:
            raise StartError(f"{self.name} ended\n{self.tail()}")

    def stop(self) -> None:
        """At once, for there is nothing to be kept."""
        if self._process is None:
            return
        # First: later the number of the group may be another's.
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.kill()
            self._guard.wait()
            self._guard.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def tail(self, lines: int = 40) -> str:
        """The last lines of the log, with its name."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return f"--- {self.log}\n" + "\n".join(text.splitlines()[-lines:])


def _environ() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OS_", "PYTHON", "COVERAGE")) and "proxy" not in name.lower()
    }
