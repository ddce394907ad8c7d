"""Which process this is, so that others can tell whether it is still there."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import NamedTuple

_PROC = Path("/proc")


class Process(NamedTuple):
    """A process, told from all others.

    ``host`` is for people. ``machine`` tells hosts of one name apart, and containers of one host,
    which number their processes each for itself. A number is given again, after a boot or
    before: ``boot`` and ``started`` (clock ticks from the boot to the start) tell the two apart.
    """

    host: str
    machine: str
    boot: str
    pid: int
    started: str

    @classmethod
    def current(cls) -> Process:
        machine = f"{_text(Path('/etc/machine-id'))}/{_link(_PROC / 'self/ns/pid')}"
        boot = _text(_PROC / "sys/kernel/random/boot_id")
        return cls(socket.gethostname(), machine, boot, os.getpid(), _started(os.getpid()) or "")

    def is_known_dead(self, here: Process) -> bool:
        """True where it can be told from ``here`` that this process is no more."""
        if (self.host, self.machine) != (here.host, here.machine):
            return False
        return self.boot != here.boot or not _exists(self.pid) or _started(self.pid) not in (self.started, "")

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _started(pid: int) -> str | None:
    """The start time of the process; "" where it is not shown to us, None for one that is dead and not yet buried."""
    stat = _text(_PROC / str(pid) / "stat")
    if not stat:
        return ""
    # The name of the program, in parentheses, may itself hold spaces and parentheses.
    state, *fields = stat.rpartition(")")[2].split()
    return None if state in "ZX" else fields[18]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""
