"""One run, from its configuration to what those who watch are told of it, however it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from datetime import datetime
from typing import NamedTuple

from caso import watching, wiring
from caso.config import Configuration
from caso.errors import CasoError, StoreError
from caso.history import resumed
from caso.job import Job
from caso.planning import Period
from caso.report import Report
from caso.run import Watcher, run
from caso.store import Store


class Done(NamedTuple):
    """A run that came to its end; ``store`` is open still."""

    job: Job
    store: Store
    report: Report


@contextmanager
def attempt(
    conf: Configuration, clock: Callable[[], datetime], watcher: AbstractContextManager[Watcher | None]
) -> Iterator[Done]:
    """The run, done and told; ``watcher`` is entered for the run alone.

    What ended it goes into its report, and is raised again: of what was started as an error of status 1, as what was
    written is kept, and the next run goes on from there.
    """
    textfile = wiring.textfile(conf)
    report = Report(began=clock(), dry_run=conf.dry_run, started=False)
    store: Store | None = None
    with ExitStack() as stack:
        try:
            job = wiring.job(conf, clock())
            store = stack.enter_context(wiring.open_configured_store(conf))
            if conf.resume:
                job = resumed(job, store)
            report.started = True
            with watcher as watched:
                run(job, store, clock, watched, report)
        except BaseException as exc:
            report.died_of = exc
            if report.started and isinstance(exc, StoreError):
                raise CasoError(str(exc)) from exc
            if report.started and isinstance(exc, KeyboardInterrupt):
                raise KeyboardInterrupt(interrupted(job.period, dry_run=job.dry_run)) from exc
            raise
        finally:
            report.ended = report.ended or clock()
            if store is None and textfile and not conf.dry_run:
                # What earlier runs did stays true where this one ended before it opened the store.
                with suppress(CasoError):
                    store = stack.enter_context(wiring.open_store_as_it_is(conf))
            watching.tell(report, store, textfile, wiring.service_name(conf))
        yield Done(job, store, report)


def interrupted(period: Period, *, dry_run: bool) -> str:
    """What becomes of a run that a person has ended. Regular runs never come back to the past by themselves."""
    if dry_run:
        return "interrupted; nothing was changed"
    if period.since is None:
        return "interrupted; what was seen is kept, and the next run goes on from there"
    return "interrupted; what was seen is kept; to go on with the past, say the same again with --resume"
