"""caso-doctor: is this site well, and what is to be done where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from caso.cli.base import command
from caso.config import Configuration
from caso.findings import Level

PROG = "caso-doctor"


def main(argv: Sequence[str] | None = None) -> int:
    return command(PROG, _examine, argv, told_by_act=True)


def _examine(conf: Configuration) -> int:
    from caso.cli import doctor_output, documents, screen
    from caso.doctor import examine
    from caso.wiring import examination

    observed = examine(examination.patient(conf, datetime.now(UTC)))
    chosen = (one for one in observed if not (conf.brief and one.finding.level is Level.OK))
    if conf.json:
        found = list(chosen)
        documents.write(map(doctor_output.document, found))
        wrong = any(one.finding.wrong for one in found)
    else:
        wrong = doctor_output.show(chosen, screen.console())
    return 1 if wrong else 0
