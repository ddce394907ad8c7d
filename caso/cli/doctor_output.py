"""What ``caso-doctor`` prints: a line for what is well, a paragraph for each finding; or an object for each, for scripts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from caso.cli.screen import plain
from caso.doctor import Observed
from caso.findings import WRONG, Finding, Level

STYLES = {Level.OK: "green", Level.NOTE: "cyan", Level.WARNING: "yellow", Level.ERROR: "red"}


def show(observed: Iterable[Observed], console: Console) -> bool:
    """Print each as it is found, and at the end how many there were; whether something is wrong."""
    counts: Counter[Level] = Counter()
    for room, finding in observed:
        counts[finding.level] += 1
        console.print(_paragraph(room, finding))
    console.print(", ".join(_count(counts[level], level) for level in (Level.ERROR, Level.WARNING, Level.NOTE)))
    return any(counts[level] for level in WRONG)


def _paragraph(room: str, finding: Finding) -> Table:
    """The level beside the sentences, which are folded within their own column."""
    told = [f"{room}: {finding.what}"]
    told += [f"{label}: {text}" for label, text in (("why", finding.why), ("do", finding.do)) if text]
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=len(Level.WARNING))
    table.add_column(overflow="fold")
    table.add_row(Text(finding.level, STYLES[finding.level]), plain(told[0]))
    for text in told[1:]:
        table.add_row("", plain(text))
    return table


def _count(number: int, level: Level) -> str:
    """A number of findings.

    >>> _count(1, Level.NOTE), _count(0, Level.ERROR)
    ('1 note', '0 errors')
    """
    return f"{number} {level}" + ("" if number == 1 else "s")


def document(one: Observed) -> dict[str, Any]:
    """A finding for scripts; the manual page documents its members."""
    finding = one.finding
    return {
        "check": one.room,
        "level": finding.level.value,
        "what": finding.what,
        "why": finding.why or None,
        "do": finding.do or None,
    }
