"""caso-explain: why the numbers of a server or volume are what they are."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from oslo_config import cfg

from caso.cli.base import command
from caso.errors import ConfigError
from caso.printing import printable
from caso.window import Month

if TYPE_CHECKING:
    from caso.explaining import Answer

PROG = "caso-explain"


def main(argv: Sequence[str] | None = None) -> int:
    return command(PROG, _explain, argv)


def _explain(conf: cfg.ConfigOpts) -> int:
    from caso import wiring
    from caso.cli import documents, explain_documents
    from caso.explaining import find

    month = Month.parse(conf.month, "--month") if conf.month else None
    with wiring.open_existing_store(conf, to_read=True) as store:
        try:
            answer = find(store, conf.uuid, wiring.rules_to_read(conf))
        except ConfigError as exc:
            # It may repeat ids of the cloud, and what was typed.
            raise ConfigError("\n".join(map(printable, str(exc).split("\n")))) from exc
    if month is not None:
        answer = answer._replace(explanations=[one.only(month) for one in answer.explanations])
    if conf.json:
        documents.write(explain_documents.answer(answer))
    else:
        from caso.cli import explain_tables, screen

        explain_tables.answer(answer, screen.console())
    _tell_of_empty(answer, month)
    return 0


def _tell_of_empty(answer: Answer, month: Month | None) -> None:
    if month is not None and not any(one.months or one.records for one in answer.explanations):
        print(f"{PROG}: it did not live in {month}, and no record of it is held of that month", file=sys.stderr)
