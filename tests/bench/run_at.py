"""``python -m tests.bench.run_at TIME ARGUMENTS...``: ``caso-extract`` as it would run at a time, which goes on."""

import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from caso import wiring
from caso.cli.base import command
from caso.cli.extract import PROG
from caso.cli.garbage import collect_seldom
from caso.config import Configuration
from caso.run import run


def main(time_: str, *arguments: str) -> int:
    at = datetime.fromisoformat(time_)
    return command(PROG, lambda conf: _extract(conf, at), arguments)


def _extract(conf: Configuration, at: datetime) -> int:
    collect_seldom()
    clock = going_on_from(at)
    with wiring.open_configured_store(conf) as store:
        return run(wiring.job(conf, at, clock=clock), store, clock).exit_status


def going_on_from(at: datetime) -> Callable[[], datetime]:
    """A clock that stands at ``at`` now, and goes as fast as any."""
    began = time.monotonic()
    return lambda: at + timedelta(seconds=time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
