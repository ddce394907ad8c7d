"""caso-reconcile: a month of the ledger beside Nova's own usage, and why the two differ."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from caso.cli.base import command
from caso.config import Configuration
from caso.errors import ConfigError
from caso.printing import printable
from caso.window import Month

if TYPE_CHECKING:
    from caso.reconciling import Asked

PROG = "caso-reconcile"


def main(argv: Sequence[str] | None = None) -> int:
    return command(PROG, _reconcile, argv)


def _reconcile(conf: Configuration) -> int:
    from caso import wiring
    from caso.cli import documents, reconcile_tables, screen
    from caso.reconciling import reconcile

    month = _month(conf.month, datetime.now(UTC))
    with wiring.open_existing_store(conf, to_read=True) as store:
        asked = _chosen(wiring.reconciliation(conf), conf.only_project)
        rows = list(reconcile(asked, store, month))
    if conf.json:
        documents.write(reconcile_tables.document(row, month, servers=conf.servers) for row in rows)
    else:
        reconcile_tables.print_rows(rows, month, screen.console(), servers=conf.servers)
    troubles = [str(row.trouble) for row in rows if row.trouble]
    for why in (*troubles, *asked.missing.values()):
        print(f"{PROG}: {printable(why)}", file=sys.stderr)
    return 0 if all(row.settled for row in rows) and not asked.missing else 1


def _month(text: str | None, now: datetime) -> Month:
    """The month that is meant; ConfigError for what is none, or has not begun."""
    if text is None:
        return Month.of(now)
    month = Month.parse(text, "--month")
    if month.start > now:
        raise ConfigError(f"--month: {month} lies in the future")
    return month


def _chosen(asked: Asked, names: Sequence[str]) -> Asked:
    """Only the projects of these ids or names, all where there are none; ConfigError for one that is not accounted for."""
    if not names:
        return asked
    known = {name for project in asked.projects for name in (project.id, project.name)}
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(
            f"--project: {', '.join(unknown)}: no project of this id or name is accounted for; caso-projects lists those that are"
        )
    chosen = [project for project in asked.projects if {project.id, project.name} & set(names)]
    return dataclasses.replace(asked, projects=chosen, missing={})
