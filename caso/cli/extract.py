"""caso-extract: what the cloud's projects used since the last run, handed to the messengers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from caso import wiring
from caso.cli.base import command
from caso.config import Configuration
from caso.errors import CasoError, StoreError
from caso.run import run

PROG = "caso-extract"


def main(argv: Sequence[str] | None = None) -> int:
    return command(PROG, _extract, argv)


def _now() -> datetime:
    return datetime.now(UTC)


def _extract(conf: Configuration) -> int:
    # Only a run needs rich: --help does not wait for it.
    from caso.cli import screen

    job = wiring.job(conf, _now())
    console = screen.console()
    with wiring.open_configured_store(conf) as store:
        try:
            with screen.Bar(console) as bar:
                report = run(job, store, _now, bar)
        except StoreError as exc:
            # Not 2: something was started, what was written is kept, and the next run goes on from there.
            raise CasoError(str(exc)) from exc
        if conf.dry_run:
            screen.preview(report, console)
        if console.is_terminal or conf.dry_run or conf.summary:
            screen.summary(report, console)
    return report.exit_status or (1 if conf.left_out else 0)
