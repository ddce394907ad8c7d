"""``python -m tests.bench.prepared [SERVERS...]``: caso without the time that an API takes, beside a bare script.

The whole of ``caso-extract`` (nova, cinder and neutron, into SSM's queue) runs on one core, against answers that were
prepared before; they come from a process on another core. The bare script (tests/bench/bare.py) reads the same pages on the same
core. Both run twice: for the first time, and an hour later, when nothing has changed.
"""

import dataclasses
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.machine import compile_caso
from tests.bench.pages import Prepared

HERE = Path(__file__).parent
CASO = Path(sys.executable).with_name("caso-extract")
SIZES = (1_000, 10_000, 100_000)
ROUNDS = 3
LARGE = 100_000
"""From so many servers on, one round is enough."""

CONF = """
[DEFAULT]
site_name = BENCH-SITE
service_name = BENCH-SERVICE
extractor = nova,cinder,neutron
messengers = ssm
spooldir = {folder}/spool
mapping_file = {folder}/voms.json

[keystone_auth]
auth_type = v3password
auth_url = http://{address}/v3
username = caso
password = secret
user_domain_name = Default
project_id = {project}

[ssm]
output_path = {folder}/queue
"""


@dataclasses.dataclass(frozen=True)
class Cost:
    """What one process cost; ``seconds`` are those of the clock."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


class Pair(NamedTuple):
    """What the same pages cost the bare script and caso, one right after the other."""

    bare: Cost
    caso: Cost


@dataclasses.dataclass(frozen=True)
class Bench:
    """A prepared cloud that is up at ``address``, and a folder for what is run against it."""

    prepared: Prepared
    address: str
    folder: Path
    core: int = -1

    def caso(self, site: str, until: datetime | None = None) -> Cost:
        """``caso-extract``, up to ``until`` where that is given; a site that is new to it runs for the first time."""
        folder = self.folder / site
        if not folder.exists():
            folder.mkdir()
            (folder / "voms.json").write_text("{}")
            conf = CONF.format(folder=folder, address=self.address, project=self.prepared.projects[0])
            (folder / "caso.conf").write_text(conf)
        then = [f"--extract-to={until:%Y-%m-%dT%H:%M:%S}"] if until else []
        return self._run(CASO, f"--config-file={folder / 'caso.conf'}", *then)

    def bare(self, site: str) -> Cost:
        return self._run(sys.executable, HERE / "bare.py", self.address, self.folder / site)

    def _run(self, *command: str | Path) -> Cost:
        log = self.folder / "log"
        words = [sys.executable, "-IS", HERE / "timed.py", self.core, log, *command]
        told = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, check=True)
        cost = json.loads(told.stdout)
        if status := cost.pop("status"):
            raise RuntimeError(f"{command}: exit status {status}\n{log.read_text()[-3000:]}")
        return Cost(**cost)

    def records(self, site: str) -> int:
        """The records of servers in all messages that wait in the queue."""
        messages = (path.read_bytes() for path in (self.folder / site / "queue").rglob("*") if path.is_file())
        return sum(message.count(b"VMUUID: ") for message in messages)


@contextmanager
def bench(prepared: Prepared, folder: Path) -> Iterator[Bench]:
    """The cloud, up on a core of its own where there are two."""
    prepared.write(folder / "pages")
    cores = sorted(os.sched_getaffinity(0))
    for_server, for_caso = (cores[1], cores[0]) if len(cores) > 1 else (-1, -1)
    words = [sys.executable, "-m", "tests.bench.server", str(folder / "pages")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            if for_server >= 0:
                os.sched_setaffinity(server.pid, {for_server})
            assert server.stdout
            port = int(server.stdout.readline())
            yield Bench(prepared, f"127.0.0.1:{port}", folder, for_caso)
        finally:
            server.terminate()


def measure(sizes: Sequence[int] = SIZES, rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """For each size, and first run and the one an hour later: caso beside the bare script, medians of ``rounds``."""
    compile_caso()
    return [line for size in sizes for line in _measure(size, rounds if size < LARGE else 1)]


def _measure(size: int, rounds: int) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="caso-bench-") as name, bench(Prepared(size, datetime.now(UTC)), Path(name)) as here:
        found = [_round(here, number) for number in range(rounds)]
    first, later = zip(*found, strict=True)
    return [_line(size, "first run", first), _line(size, "an hour later, nothing changed", later)]


def _round(here: Bench, number: int) -> tuple[Pair, Pair]:
    """The bare script and caso, for the first time and an hour later, on sites of their own."""
    bare, caso = f"bare-{number}", f"caso-{number}"
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    first = Pair(here.bare(bare), here.caso(caso, an_hour_ago))
    told = here.records(caso)
    later = Pair(here.bare(bare), here.caso(caso))
    told_later = here.records(caso) - told
    if (told, told_later) != (here.prepared.servers,) * 2:
        raise RuntimeError(f"{here.prepared.servers} servers, {told} and {told_later} records: this measures something else")
    for site in (bare, caso):
        shutil.rmtree(here.folder / site)
    return first, later


def _line(size: int, run: str, pairs: Sequence[Pair]) -> dict[str, Any]:
    seconds = statistics.median(pair.caso.seconds for pair in pairs)
    return {
        "servers": size,
        "run": run,
        "seconds": round(seconds, 2),
        "bare_seconds": round(statistics.median(pair.bare.seconds for pair in pairs), 2),
        "ratio": round(statistics.median(pair.caso.seconds / pair.bare.seconds for pair in pairs), 2),
        "cpu_ratio": round(statistics.median(pair.caso.cpu_seconds / pair.bare.cpu_seconds for pair in pairs), 2),
        "records_per_second": round(size / seconds),
        "cpu_us_per_server": round(statistics.median(pair.caso.cpu_seconds for pair in pairs) / size * 1e6),
        "peak_mib": round(max(pair.caso.peak_mib for pair in pairs)),
    }


def main(arguments: Sequence[str]) -> None:
    for size in [int(argument) for argument in arguments] or SIZES:
        for line in measure([size]):
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
