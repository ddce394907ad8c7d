"""caso-extract: what the cloud's projects used since the last run, handed to the messengers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from caso.cli.base import command
from caso.cli.garbage import collect_seldom
from caso.errors import ConfigError

if TYPE_CHECKING:
    from caso.attempt import Done
    from caso.config import Configuration
    from caso.run import Watcher

PROG = "caso-extract"


def main(argv: Sequence[str] | None = None) -> int:
    # What is imported is as little garbage as what is read.
    collect_seldom()
    return command(PROG, _extract, argv)


def _now() -> datetime:
    return datetime.now(UTC)


def _extract(conf: Configuration) -> int:
    if (conf.json or conf.limit is not None) and not conf.dry_run:
        raise ConfigError("--json and --limit are about the differences that --dry-run shows; give it as well, or leave them out")
    # Only a run needs the store, the sources and the rest: --help does not wait for them.
    from caso.attempt import attempt

    # All of that stays to the end.
    collect_seldom()

    with attempt(conf, _now, _watcher(conf)) as done:
        _show(conf, done)
    return done.report.exit_status


def _watcher(conf: Configuration) -> AbstractContextManager[Watcher | None]:
    """Who draws how the run goes on, where a person sees it: cron waits for no library that draws."""
    # Nothing but JSON is to come out where that was asked for.
    if conf.json or not _is_watched():
        return nullcontext()
    from caso.cli import screen

    return screen.Bar(screen.console())


def _is_watched() -> bool:
    # A cron line may close it.
    return sys.stdout is not None and sys.stdout.isatty()


def _show(conf: Configuration, done: Done) -> None:
    """What a person is shown of a run, or a script."""
    if not (conf.dry_run or conf.summary or _is_watched()):
        return
    from caso.cli import differences, documents, screen
    from caso.differences import differences as all_differences

    names = [outlet.name for outlet in done.job.outlets]
    if conf.json:
        documents.write(documents.difference(one) for name in names for one in all_differences(done.store, name))
        return
    console = screen.console()
    if conf.dry_run:
        screen.preview(done.report, console)
        differences.show(done.report, done.store, names, conf.limit, console)
    screen.summary(done.report, console)
