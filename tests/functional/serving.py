"""A caso-api that runs as a process of its own, as a site runs it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PROGRAM = "import sys; from caso.cli.api import main; sys.exit(main())"
ROOT = Path(__file__).parent.parent.parent
KEY = "a-long-random-text"
CONF = """
[DEFAULT]
spooldir = {folder}/spool
messengers = noop

[api]
bind_port = 0
region_name = RegionOne
{api}

[auth]
private_key = {key}
{auth}
"""


def write_conf(folder: Path, *, api: str = "", auth: str = "", key: str = KEY) -> Path:
    conf = folder / "caso-api.conf"
    conf.write_text(CONF.format(folder=folder, api=api, auth=auth, key=key))
    return conf


def words(conf: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-c", PROGRAM, f"--config-file={conf}", *arguments]


def environment() -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    return clean | {"PYTHONPATH": str(ROOT)}


def refused(conf: Path, *arguments: str) -> tuple[int, str]:
    """Exit status and standard error of a caso-api that is not to start."""
    done = subprocess.run(words(conf, *arguments), env=environment(), capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stderr


class Service:
    """A process that answers at ``url``."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        told = process.stdout.readline()
        found = re.search(r"http://\S+", told)
        if found is None:
            process.kill()
            raise RuntimeError(told + process.communicate()[1])
        self.url = found[0]

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Exit status, and what it said on standard error."""
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=60)
        return self.process.returncode, err


@contextmanager
def serving(conf: Path, command: Sequence[str] | None = None) -> Iterator[Service]:
    """The service of a configuration, until the block ends."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command or words(conf), env=environment(), stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield Service(process)
        finally:
            if process.poll() is None:
                process.kill()
