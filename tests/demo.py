"""``make demo``: a real OpenStack on this machine, accounted for, and what comes out of it."""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.rule import Rule

from tests.cloud import Cloud, Seed

CONF = """\
[DEFAULT]
site_name = DEMO-SITE
messengers = ssm
spooldir = {folder}/spool

[keystone_auth]
auth_type = password
auth_url = {auth_url}
username = {username}
password = {password}
user_domain_name = Default
system_scope = all

[ssm]
output_path = {folder}/outgoing/cloud
output_paths = accelerator:{folder}/outgoing/accelerator,ip:{folder}/outgoing/ip,storage:{folder}/outgoing/storage
"""
WIDTH = 150
KINDS = {"cloud": 26, "accelerator": 18, "ip": 15, "storage": 17}
"""Of each kind of record, the lines of a message that are shown."""

console = Console(width=WIDTH, highlight=False)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    folder = arguments.folder.resolve()
    # Every demo starts anew; the folder is the demo's own.
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    now = datetime.now(UTC).replace(microsecond=0)
    seed = Seed(projects=3, live=arguments.live, deleted=arguments.live // 2, reference=now)
    _title("A real OpenStack: Keystone, Nova, Cinder, Neutron and Glance, from released packages, on loopback")
    console.print("The first time this takes some minutes: packages are fetched and databases migrated. Then seconds.")
    with Cloud.start(folder / "cloud", seed) as cloud:
        console.print(f"Up: {cloud.auth_url}, {len(cloud.truth.servers)} servers, deleted and odd ones included.")
        conf = _configure(cloud, folder)
        _title("What a site configures")
        console.print(_without_password(conf.read_text()), markup=False)
        _title("Which projects are accounted for, and under which VO")
        _run("caso-projects", conf)
        _title("What would be sent: nothing is changed yet")
        _run("caso-extract", conf, "--dry-run")
        _title("The main job, as cron runs it (there it is quiet unless something is wrong)")
        status = _run("caso-extract", conf, "--summary")
        console.print(f"Exit status {status}: 1 says that something is left to do, here the VO of a project.")
        _title("Who has got what")
        _run("caso-ledger", conf, "list")
        messages = [_show_a_message(folder / "outgoing" / kind, lines) for kind, lines in KINDS.items()]
    _title("Next: your own cloud")
    console.print(f"The records lie in {folder / 'outgoing'}, where APEL's ssmsend would take them. Nothing leaves this machine.")
    console.print("Try it on your cloud; --dry-run changes nothing and sends nothing:\n")
    console.print(f"  {_bin('caso-extract')} --os-cloud NAME-IN-YOUR-CLOUDS.YAML --site-name YOUR-SITE --dry-run\n", markup=False)
    return 0 if all(messages) else 1


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("demo-run"), help="where everything is written")
    parser.add_argument("--live", type=int, default=40, help="living servers a project")
    return parser.parse_args(argv)


def _configure(cloud: Cloud, folder: Path) -> Path:
    reader = cloud.reader
    conf = folder / "caso.conf"
    text = CONF.format(folder=folder, auth_url=reader.auth_url, username=reader.username, password=reader.password)
    conf.touch(mode=0o600)
    conf.write_text(text)
    return conf


def _without_password(text: str) -> str:
    return "\n".join("password = ********" if line.startswith("password") else line for line in text.splitlines())


def _run(command: str, conf: Path, *arguments: str) -> int:
    """The command as a person at a terminal sees it."""
    words = [_bin(command), f"--config-file={conf}", *arguments]
    console.print(f"$ {shlex.join([command, *words[1:]])}", style="bold", markup=False)
    sys.stdout.flush()
    terminal = {"COLUMNS": str(WIDTH)}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
    return subprocess.run(words, env=clean | terminal, check=False).returncode


def _bin(command: str) -> str:
    return str(Path(sys.executable).with_name(command))


def _show_a_message(queue: Path, shown: int) -> bool:
    messages = sorted(path for path in queue.glob("*/*") if path.suffix == "")
    _title(f"One of {len(messages)} {queue.name} messages as they lie in their queue")
    if messages:
        console.print(f"$ head -{shown} {messages[0]}", style="bold", markup=False)
        lines = messages[0].read_text(encoding="ascii").splitlines()
        console.print("\n".join(lines[:shown]), markup=False)
        console.print(f"... {max(0, len(lines) - shown)} more lines")
    return bool(messages)


def _title(text: str) -> None:
    console.print()
    console.print(Rule(text, align="left"))


if __name__ == "__main__":
    sys.exit(main())
