"""Start the live cloud by hand: ``python -m tests.live up``, ``live`` or ``capture``."""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.databases.postgresql import PostgreSQL
from tests.live import log
from tests.live.capture import FIXTURES, capture
from tests.live.cloud import LiveCloud
from tests.live.driver import Driver
from tests.live.lives import random_lives


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    # Everything is stopped in its order; a shell's background job starts with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        if options.command == "capture":
            capture(options.folder)
        else:
            _start(options)
    except KeyboardInterrupt:
        return 130
    return 0


def _start(options: argparse.Namespace) -> None:
    began = time.monotonic()
    server = PostgreSQL()
    try:
        with (
            tempfile.TemporaryDirectory(prefix="caso-live-") as work,
            LiveCloud.start(Path(work), server) as cloud,
        ):
            print(f"started in {time.monotonic() - began:.0f} s\nKeystone: {cloud.auth_url}\nbroker: {cloud.broker_url}")
            print(f"logs: {cloud.work}/log", flush=True)
            if options.command == "up":
                signal.pause()
            began = time.monotonic()
            steps = Driver(cloud).run(random_lives(options.lives, options.seed))
            print(f"{len(steps)} operations in {time.monotonic() - began:.0f} s, in {options.log}")
            log.write(options.log, steps)
    finally:
        server.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.live", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start a cloud and keep it until Ctrl-C")
    live = commands.add_parser("live", help="start a cloud, live lives in it, write what was done")
    live.add_argument("--lives", type=int, default=50)
    live.add_argument("--seed", type=int, default=1)
    live.add_argument("--log", type=Path, default=Path("live.jsonl"))
    command = commands.add_parser("capture", help="write the notifications of one life of each kind")
    command.add_argument("--folder", type=Path, default=FIXTURES)
    return parser


if __name__ == "__main__":
    sys.exit(main())
