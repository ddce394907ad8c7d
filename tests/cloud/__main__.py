"""Start the test cloud by hand: ``python -m tests.cloud up``, ``build`` or ``check``."""

import argparse
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.cloud.cache import cache_root
from tests.cloud.cloud import Cloud
from tests.cloud.database import empty_databases
from tests.cloud.seed.plan import T1, Seed


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    # Everything is stopped in its order; a shell's background job starts with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    began = time.monotonic()
    try:
        if options.command == "build":
            empty_databases()
            print(f"{cache_root()} is complete after {time.monotonic() - began:.0f} s")
            return 0
        with Cloud.start(_workdir(options), _seed(options)) as cloud:
            print(f"started in {time.monotonic() - began:.0f} s")
            return _up(cloud) if options.command == "up" else _check(cloud)
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cloud", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="fill the cache, which every start needs")
    for name, text in (
        ("up", "start a cloud and keep it until Ctrl-C"),
        ("check", "start a cloud and compare its APIs with what was seeded"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--workdir", type=Path, help="default: a new temporary folder")
        command.add_argument("--projects", type=int, default=Seed.projects)
        command.add_argument("--live", type=int, default=Seed.live, help="servers in each project")
        command.add_argument("--deleted", type=int, default=Seed.deleted, help="the same")
        command.add_argument("--random", type=int, default=Seed.random)
        command.add_argument("--now", action="store_true", help=f"seed around this moment instead of {T1:%F %H:%M}")
    return parser


def _workdir(options: argparse.Namespace) -> Path:
    return options.workdir or Path(tempfile.mkdtemp(prefix="caso-cloud-"))


def _seed(options: argparse.Namespace) -> Seed:
    reference = datetime.now(UTC).replace(microsecond=0) if options.now else T1
    return Seed(options.projects, options.live, options.deleted, reference, options.random)


def _up(cloud: Cloud) -> int:
    clouds = cloud.workdir / "clouds.yaml"
    cloud.write_clouds_yaml(clouds)
    (cloud.workdir / "truth.json").write_text(cloud.truth.to_json())
    for role in ("reader", "admin"):
        lines = [f"export {name}='{value}'" for name, value in cloud.environ(role).items()]
        (cloud.workdir / f"{role}.rc").write_text("\n".join(lines) + "\n")
    print(
        f"Keystone:    {cloud.auth_url}\n"
        f"time:        {cloud.now.isoformat()}\n"
        f"clouds.yaml: export OS_CLIENT_CONFIG_FILE={clouds}; clouds reader and admin\n"
        f"variables:   . {cloud.workdir}/reader.rc (or admin.rc), system scope\n"
        f"truth:       {cloud.workdir}/truth.json\n"
        f"logs:        {cloud.workdir}/log\n"
        "Ctrl-C stops it.",
        flush=True,
    )
    signal.pause()
    return 0


def _check(cloud: Cloud) -> int:
    from tests.cloud.check import compare  # it alone needs keystoneauth1

    print(f"{'':58} {'seeded':>7} {'listed':>7}")
    good = True
    for line in compare(cloud):
        print(line, flush=True)
        good = good and line.seeded == line.listed
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
