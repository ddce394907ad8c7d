"""caso-extract: what the cloud's projects used since the last run, handed to the messengers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from caso import watching, wiring
from caso.cli import documents
from caso.cli.base import command
from caso.config import Configuration
from caso.differences import differences as all_differences
from caso.errors import CasoError, ConfigError, StoreError
from caso.history import resumed
from caso.job import Job
from caso.planning import Period
from caso.report import Report
from caso.run import run
from caso.store import Store

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
    with _run(conf, console) as (job, store, report):
        _show(conf, job, store, report, console)
    return report.exit_status


@contextmanager
def _run(conf: Configuration, console: Console) -> Iterator[tuple[Job, Store, Report]]:
    """The run, done and told to those who watch, with its store still open."""
    from caso.cli import screen

    textfile = wiring.textfile(conf)
    report = Report(began=_now(), dry_run=conf.dry_run, left_out=list(conf.left_out), started=False)
    store: Store | None = None
    with ExitStack() as stack:
        try:
            job = wiring.job(conf, _now())
            store = stack.enter_context(wiring.open_configured_store(conf))
            if conf.resume:
                job = resumed(job, store)
            report.started = True
            # Nothing but JSON is to come out where that was asked for.
            with nullcontext() if conf.json else screen.Bar(console) as bar:
                run(job, store, _now, bar, report)
        except StoreError as exc:
            report.died_of = exc
            if report.started:
                # Not 2: something was started, what was written is kept, and the next run goes on from there.
                raise CasoError(str(exc)) from exc
            raise
        except KeyboardInterrupt as exc:
            report.died_of = exc
            if report.started:
                raise KeyboardInterrupt(_interrupted(job.period, dry_run=job.dry_run)) from exc
            raise
        except BaseException as exc:
            report.died_of = exc
            raise
        finally:
            report.ended = report.ended or _now()
            if store is None and textfile and not conf.dry_run:
                # What earlier runs did stays true where this one ended before it opened the store.
                with suppress(CasoError):
                    store = stack.enter_context(wiring.open_existing_store(conf, to_read=False))
            watching.tell(report, store, textfile, wiring.service_name(conf))
        yield job, store, report


def _show(conf: Configuration, job: Job, store: Store, report: Report, console: Console) -> None:
    """What a person is shown of a run, or a script."""
    from caso.cli import differences, screen

    names = [outlet.name for outlet in job.outlets]
    if conf.json:
        documents.write(documents.difference(one) for name in names for one in all_differences(store, name))
        return
    if conf.dry_run:
        screen.preview(report, console)
        differences.show(report, store, names, conf.limit, console)
    if console.is_terminal or conf.dry_run or conf.summary:
        screen.summary(report, console)


def _interrupted(period: Period, *, dry_run: bool) -> str:
    """What becomes of a run that a person has ended. Regular runs never come back to the past by themselves."""
    if dry_run:
        return "interrupted; nothing was changed"
    if period.since is None:
        return "interrupted; what was seen is kept, and the next run goes on from there"
    return "interrupted; what was seen is kept; to go on with the past, say the same again with --resume"
