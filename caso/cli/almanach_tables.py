"""What was moved in from Almanach, as a person at a terminal sees it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console

from caso.almanach.importing import Summary
from caso.cli.screen import light_table, plain
from caso.lifecycle.server import ServerSeen
from caso.lifecycle.volume import VolumeSeen
from caso.store import Place

TITLES = {ServerSeen.kind: "Servers", VolumeSeen.kind: "Volumes"}
FATES = ("new", "changed", "same")
MOST_NAMED = 10


def print_summary(summary: Summary, place: Place, console: Console, *, dry_run: bool) -> None:
    """What was read and what became of it; what was mended; what is known by name only."""
    where = "/".join(name for name in place if name)
    console.print(plain(f"Would be moved in to {where} (dry run: nothing was changed)" if dry_run else f"Moved in to {where}"))
    table = light_table()
    table.add_column("")
    for column in ("Rows", "New", "Changed", "As known", "Living"):
        table.add_column(column, justify="right", no_wrap=True)
    for kind, name in TITLES.items():
        numbers = (summary.rows[kind], *(summary.lives[kind, fate] for fate in FATES), summary.living[kind])
        table.add_row(name, *(f"{number:,}" for number in numbers))
    table.add_row("Volume types", f"{summary.types:,}", *["-"] * (len(FATES) + 1))
    console.print(table)
    if mended := list(_mended(summary)):
        table = light_table("Mended")
        table.add_column("Count", justify="right", no_wrap=True)
        table.add_column("What", overflow="fold")
        for count, what in mended:
            table.add_row(f"{count:,}", plain(what))
        console.print(table)
    if summary.by_name_only:
        console.print(plain(_by_name_only(summary)))
    if summary.broken:
        console.print(f"Lines that are left out: {summary.broken:,} of {summary.lines:,}")


def _mended(summary: Summary) -> Iterator[tuple[int, str]]:
    """What was mended and how often; what never was is left out."""
    yield from ((count, what.value) for what, count in sorted(summary.mended.items()))
    yield from ((count, what.value) for what, count in sorted(summary.oddities.items()))
    if summary.types_repeated:
        yield summary.types_repeated, "volume types told twice: the first one counts"


def _by_name_only(summary: Summary) -> str:
    names = ", ".join(summary.flavors_by_name_only[:MOST_NAMED])
    more = ", ..." if len(summary.flavors_by_name_only) > MOST_NAMED else ""
    return (
        f"Servers with flavors that are known by name only: {summary.by_name_only:,} ({names}{more}). They make no records until "
        "somebody tells the size."
    )
