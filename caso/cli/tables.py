"""The ledger as a person at a terminal sees it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Console
from rich.text import Text

from caso.cli.screen import light_table, plain, stamp
from caso.store import Entry, Standing, State, Totals

COLOURS = {State.DUE: "yellow", State.SET_ASIDE: "red"}


def totals(rows: Sequence[Totals], console: Console) -> None:
    """A line for each messenger and kind."""
    table = light_table()
    for column in ("Messenger", "Kind"):
        table.add_column(column, overflow="fold")
    for column in ("Held", "Accepted", "Due", "Set aside", "Skipped"):
        table.add_column(column, justify="right")
    for column in ("Oldest due", "Newest accepted"):
        table.add_column(column)
    for row in rows:
        if row.not_taken == row.held:
            continue
        numbers = (row.held, row.accepted, row.due, row.set_aside, row.skipped)
        ends = (_when(row.oldest_due), _when(row.newest_accepted))
        table.add_row(plain(row.messenger), plain(row.kind), *map(str, numbers), *ends)
    console.print(table)
    for kind in sorted({row.kind for row in rows if row.due and not row.readable}):
        console.print(plain(f"No plug-in in use makes the kind {kind}: what is due of it waits for one."))


def entries(rows: Iterable[Entry], messengers: Sequence[str], console: Console) -> None:
    """A line for each record, with its state for each messenger."""
    table = light_table()
    for column in ("Key", "Month", "Measured at"):
        table.add_column(column, overflow="fold")
    table.add_column("Revision", justify="right")
    for name in messengers:
        table.add_column(plain(name))
    for row in rows:
        line = row.line
        states = [_state(row.standings[name].state) for name in messengers]
        table.add_row(plain(line.key), plain(line.month), stamp(line.measured_at), str(line.revision), *states)
    console.print(table)


def whole(one: Entry, console: Console) -> None:
    """One record: what the ledger knows of it, its content field by field, and how it stands with each messenger."""
    line = one.line
    known = {
        "kind": line.kind,
        "month": line.month,
        "measured at": stamp(line.measured_at),
        "known at": stamp(line.known_at),
        "revision": str(line.revision),
        "cloud": line.cloud,
        "region": line.region,
        "project": line.project_id,
        "retracted": "yes: the neutral record, in place of one that proved wrong" if line.retracted else "no",
    }
    console.print(plain(line.key))
    _pairs("Held", known.items(), console)
    content = json.loads(line.content)
    _pairs("Content", ((name, v if isinstance(v, str) else json.dumps(v)) for name, v in content.items()), console)
    table = light_table("Messengers")
    for column in ("Messenger", "State", "When", "Why"):
        table.add_column(column, overflow="fold")
    for name, standing in one.standings.items():
        table.add_row(plain(name), _state(standing.state), _when(standing.at), plain(_why(standing)))
    console.print(table)


def refusals(rows: Iterable[tuple[str, Entry]], console: Console) -> None:
    """A line for each messenger and record set aside."""
    table = light_table()
    for column in ("Messenger", "Key", "Since", "Reason"):
        table.add_column(column, overflow="fold")
    for name, row in rows:
        standing = row.standings[name]
        table.add_row(plain(name), plain(row.line.key), _when(standing.at), plain(standing.reason or "-"))
    console.print(table)


def _pairs(title: str, pairs: Iterable[tuple[str, str]], console: Console) -> None:
    table = light_table(title)
    table.show_header = False
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(plain(name), plain(value))
    console.print(table)


def _state(state: State) -> Text:
    return Text(state.value.replace("_", " "), style=COLOURS.get(state, ""))


def _why(standing: Standing) -> str:
    if standing.accepted_revision is not None:
        return f"revision {standing.accepted_revision} was accepted; this one is newer"
    return standing.reason or "-"


def _when(at: datetime | None) -> str:
    return "-" if at is None else stamp(at)
