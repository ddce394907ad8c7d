"""The end of a run, told to those who watch: its metrics in a file for node_exporter, its summary in the log."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path

from caso.errors import CasoError, ConfigError, StoreError
from caso.metrics import text_of
from caso.report import Report
from caso.standings import Standings, standings
from caso.store import Store
from caso.summary import line_of

LOG = logging.getLogger(__name__)


def tell(report: Report, store: Store | None, textfile: Path | None, service: str) -> None:
    """Write the metrics, but for a dry run, and the summary. A run is never lost by it: what fails goes into the report.

    ``store`` is None where it could not be opened; what it remembers is then left out.
    """
    if textfile and not report.dry_run:
        try:
            put(textfile, text_of(report, _standings(report, store), service))
        except (Exception, SystemExit) as exc:
            report.unwatched = ConfigError(f"the metrics of this run cannot be written: {textfile}: {exc}; {_advice(exc)}")
            LOG.debug("no metrics", exc_info=True)
            LOG.error("%s", report.unwatched)
    LOG.info("run: %s", line_of(report))


def put(path: Path, text: bytes) -> None:
    """Replace the file as a whole: who reads it meanwhile has all of the old one, or of the new one."""
    # node_exporter is another user, so 0644, whatever the umask; and it reads what ends in .prom, so this does not.
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(text)
            os.fchmod(file.fileno(), 0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _standings(report: Report, store: Store | None) -> Standings:
    try:
        return standings(store, report.coverage) if store else Standings()
    except StoreError as exc:
        # It may be what ended the run; its errors are then all there is to tell.
        LOG.warning("the metrics of this run say nothing of scopes and messengers: %s", exc)
        return Standings()


def _advice(exc: BaseException) -> str:
    if isinstance(exc, ImportError):
        return "install the Python package prometheus-client beside caso, or leave [metrics] textfile out"
    if isinstance(exc, OSError):
        return "this user has to be able to write its directory, see [metrics] textfile; all else of the run is kept"
    if isinstance(exc, CasoError):
        return "all else of the run is kept"
    return f"{type(exc).__name__} is a fault of caso: tell its authors; all else of the run is kept"
