"""caso-extract: what the cloud's projects used since the last run, handed to the messengers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime

from caso import wiring
from caso.cli import documents
from caso.cli.base import command
from caso.config import Configuration
from caso.differences import differences as all_differences
from caso.errors import CasoError, ConfigError, StoreError
from caso.history import resumed
from caso.planning import Period
from caso.run import run

PROG = "caso-extract"


def main(argv: Sequence[str] | None = None) -> int:
    return command(PROG, _extract, argv)


def _now() -> datetime:
    return datetime.now(UTC)


def _extract(conf: Configuration) -> int:
    if (conf.json or conf.limit is not None) and not conf.dry_run:
        raise ConfigError("--json and --limit are about the differences that --dry-run shows; give it as well, or leave them out")
    # Only a run needs rich: --help does not wait for it.
    from caso.cli import differences, screen

    job = wiring.job(conf, _now())
    console = screen.console()
    with wiring.open_configured_store(conf) as store:
        try:
            if conf.resume:
                job = resumed(job, store)
            # Nothing but JSON is to come out where that was asked for.
            with nullcontext() if conf.json else screen.Bar(console) as bar:
                report = run(job, store, _now, bar)
        except StoreError as exc:
            # Not 2: something was started, what was written is kept, and the next run goes on from there.
            raise CasoError(str(exc)) from exc
        except KeyboardInterrupt as exc:
            raise KeyboardInterrupt(_interrupted(job.period, dry_run=job.dry_run)) from exc
        names = [outlet.name for outlet in job.outlets]
        if conf.json:
            documents.write(documents.difference(one) for name in names for one in all_differences(store, name))
            return report.exit_status or (1 if conf.left_out else 0)
        if conf.dry_run:
            screen.preview(report, console)
            differences.show(report, store, names, conf.limit, console)
        if console.is_terminal or conf.dry_run or conf.summary:
            screen.summary(report, console)
    return report.exit_status or (1 if conf.left_out else 0)


def _interrupted(period: Period, *, dry_run: bool) -> str:
    """What becomes of a run that a person has ended. Regular runs never come back to the past by themselves."""
    if dry_run:
        return "interrupted; nothing was changed"
    if period.since is None:
        return "interrupted; what was seen is kept, and the next run goes on from there"
    return "interrupted; what was seen is kept; to go on with the past, say the same again with --resume"
