"""caso-ledger: what is held, and what became of it with each messenger; to send it again, or never mind."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from oslo_config import cfg

from caso.cli.base import command
from caso.cli.ledger_arguments import PROG, SUBCOMMANDS
from caso.errors import LockedError


def main(argv: Sequence[str] | None = None) -> int:
    return command(PROG, _ledger, argv, SUBCOMMANDS)


def _ledger(conf: cfg.ConfigOpts) -> int:
    from caso import wiring
    from caso.cli.ledger_deeds import CHANGING, READING

    name = conf.command.name
    with wiring.open_existing_store(conf, to_read=name in READING) as store:
        try:
            if name in READING:
                READING[name](conf.command, store.ledger.inspection)
            else:
                CHANGING[name](conf, store)
        except LockedError as exc:
            print(f"{PROG}: {exc}; nothing was changed, wait for it and try again", file=sys.stderr)
            return 2
    return 0
