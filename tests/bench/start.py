"""How long a command takes to begin: ``python -m tests.bench.start`` prints it.

Each is started in turn, several times over, so that whatever else this machine does hits all alike; what counts are
medians, in seconds of the wall clock and of the processor.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.machine import compile_caso
from tests.unit.sources.serving import Serving, serving

ROUNDS = 15
FLOOR = "import oslo_config.cfg"
"""What everything is compared to: the library of options alone."""

CONF = """
[DEFAULT]
site_name = SITE
spooldir = {folder}/spool
mapping_file =

[keystone_auth]
auth_type = v3password
auth_url = {login[auth_url]}
username = {login[username]}
password = {login[password]}
user_domain_id = {login[user_domain_id]}
"""


class Took(NamedTuple):
    wall_seconds: float
    cpu_seconds: float


def measure(rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """A row for each command: ``name``, ``seconds``, ``cpu_seconds``, and ``ratio``, how often its floor's seconds.

    ``cpu_ratio`` is the same of processor time, which neighbours disturb less.
    """
    compile_caso()
    with tempfile.TemporaryDirectory(prefix="caso-start-") as folder, serving({"/v3/projects": {"projects": []}}) as keystone:
        commands = _commands(Path(folder), keystone)
        taken: dict[str, list[Took]] = {name: [] for name in commands}
        for number in range(rounds + 1):
            for name, command in commands.items():
                took = _start(command)
                # The first time makes the store.
                taken[name] += [took] if number else []
    return _rows(taken)


def _commands(folder: Path, keystone: Serving) -> Mapping[str, Sequence[str]]:
    conf = folder / "caso.conf"
    conf.write_text(CONF.format(folder=folder, login=keystone.login))
    extract = str(Path(sys.executable).with_name("caso-extract"))
    return {
        FLOOR: [sys.executable, "-c", FLOOR],
        "caso-extract --help": [extract, "--help"],
        "caso-extract --version": [extract, "--version"],
        "caso-extract, no project": [extract, "--config-file", str(conf)],
    }


def _start(command: Sequence[str]) -> Took:
    before, began = _cpu_seconds(), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=60)
    return Took(time.perf_counter() - began, _cpu_seconds() - before)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _rows(taken: Mapping[str, Sequence[Took]]) -> list[dict[str, Any]]:
    medians = {name: Took(*map(statistics.median, zip(*those, strict=True))) for name, those in taken.items()}
    floor = medians[FLOOR]
    return [
        {
            "name": name,
            "seconds": took.wall_seconds,
            "cpu_seconds": took.cpu_seconds,
            "ratio": took.wall_seconds / floor.wall_seconds,
            "cpu_ratio": took.cpu_seconds / floor.cpu_seconds,
        }
        for name, took in medians.items()
    ]


if __name__ == "__main__":
    for row in measure():
        print(
            f"{row['name']:<28} {row['seconds']:.3f} s, {row['ratio']:.2f} x; "
            f"processor {row['cpu_seconds']:.3f} s, {row['cpu_ratio']:.2f} x"
        )
