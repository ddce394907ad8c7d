"""caso-extract: what the cloud's projects used since the last run, handed to the messengers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from caso.attempt import Done, attempt
from caso.cli import documents
from caso.cli.base import command
from caso.config import Configuration
from caso.differences import differences as all_differences
from caso.errors import ConfigError

if TYPE_CHECKING:
    from rich.console import Console

PROG = "caso-extract"


def main(argv: Sequence[str] | None = None) -> int:
    return command(PROG, _extract, argv)


def _now() -> datetime:
    return datetime.now(UTC)


def _extract(conf: Configuration) -> int:
    if (conf.json or conf.limit is not None) and not conf.dry_run:
        raise ConfigError("--json and --limit are about the differences that --dry-run shows; give it as well, or leave them out")
    # Only a run needs rich: --help does not wait for it.
    from caso.cli import screen

    console = screen.console()
    # Nothing but JSON is to come out where that was asked for.
    with attempt(conf, _now, nullcontext() if conf.json else screen.Bar(console)) as done:
        _show(conf, done, console)
    return done.report.exit_status


def _show(conf: Configuration, done: Done, console: Console) -> None:
    """What a person is shown of a run, or a script."""
    from caso.cli import differences, screen

    names = [outlet.name for outlet in done.job.outlets]
    if conf.json:
        documents.write(documents.difference(one) for name in names for one in all_differences(done.store, name))
        return
    if conf.dry_run:
        screen.preview(done.report, console)
        differences.show(done.report, done.store, names, conf.limit, console)
    if console.is_terminal or conf.dry_run or conf.summary:
        screen.summary(done.report, console)
