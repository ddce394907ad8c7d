"""caso-almanach-import: what Almanach's database knows, moved into the store."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from caso.cli.base import command
from caso.config import Configuration
from caso.errors import ConfigError
from caso.printing import printable

if TYPE_CHECKING:
    from caso.almanach.importing import File, Summary

PROG = "caso-almanach-import"
MOST_TOLD = 20
"""Lines that say nothing are named one by one up to here, then only counted."""


def main(argv: Sequence[str] | None = None) -> int:
    return command(PROG, _import, argv)


def _import(conf: Configuration) -> int:
    from caso import wiring
    from caso.almanach.flavors import FlavorBook
    from caso.almanach.importing import move_in
    from caso.cli import almanach_tables, screen
    from caso.sources import Sources
    from caso.wiring import moving_in

    told = _Told()
    with ExitStack() as opened, wiring.open_configured_store(conf) as store:
        files = list(_open(conf.file, opened))
        opener = moving_in.access(conf)
        place = moving_in.home(conf, store, opener)
        sources = Sources(opener) if opener else None
        flavors = FlavorBook(store, moving_in.ask_for_flavors(conf, place.region, sources))
        summary = move_in(files, store, place, flavors, told)
    almanach_tables.print_summary(summary, place, screen.console(), dry_run=conf.dry_run)
    told.rest()
    _tell_unread(summary)
    if flavors.trouble:
        _say(f"Nova did not tell its flavors: {flavors.trouble}; do it again, what is known already stays as it is")
    return 1 if summary.broken or flavors.trouble else 0


def _open(names: Sequence[str], opened: ExitStack) -> Iterator[File]:
    """The files, all of them opened before anything is read."""
    from caso.almanach.importing import File

    if not names:
        raise ConfigError("no file; name what mongoexport wrote of Almanach's collections, or - for standard input")
    if names.count("-") > 1:
        raise ConfigError("-, standard input, can be read once only")
    for name in names:
        if name == "-":
            yield File("standard input", sys.stdin.buffer)
            continue
        try:
            file = opened.enter_context(Path(name).open("rb"))  # noqa: SIM115 # it is closed with the others
        except OSError as exc:
            raise ConfigError(f"cannot read {name}: {exc.strerror}; name a file of mongoexport, or - for standard input") from exc
        yield File(name, file)


class _Told:
    """Says what is wrong with lines: with the first ones each, then with how many."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, sentence: str) -> None:
        self._count += 1
        if self._count <= MOST_TOLD:
            _say(f"{sentence}; the line is left out")

    def rest(self) -> None:
        if self._count > MOST_TOLD:
            _say(f"{self._count - MOST_TOLD} more lines are left out")


def _tell_unread(summary: Summary) -> None:
    for field, unread in sorted(summary.unread.items()):
        _say(f"{unread.place}: nobody knows the field {field}; it is left out wherever it is (rows: {unread.rows})")


def _say(sentence: str) -> None:
    print(f"{PROG}: {printable(sentence)}", file=sys.stderr)
