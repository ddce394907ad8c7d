"""What caso-reconcile prints: the tables for people, the objects of ``--json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from caso.cli.documents import instant
from caso.cli.screen import light_table, plain, stamp
from caso.reconciling import Row
from caso.reconciling.causes import Cause, Hours
from caso.reconciling.comparing import Comparison
from caso.window import Month

MEASURES = ("core", "memory_gib", "disk_gib")
HEADINGS = ("Core-hours", "Memory\nGiB-hours", "Disk\nGiB-hours")
TITLES = {
    "ledger": "Ledger",
    "nova": "Nova",
    "listing": "Listing",
    "difference": "Ledger - Nova",
    "not_explained": "Not explained",
}


def print_rows(rows: Sequence[Row], month: Month, console: Console, *, servers: bool) -> None:
    """What each project used, by whom it is told; then why the ledger and Nova differ, and of which servers.

    Why a project could not be compared is for standard error: it may take several lines.
    """
    several = len({row.region for row in rows}) > 1
    _totals(rows, month, console, several)
    if any(row.causes for row in rows):
        _causes(rows, console, several)
    if servers and any(server.causes for row in rows for server in row.servers):
        _servers(rows, console)


def _totals(rows: Sequence[Row], month: Month, console: Console, several: bool) -> None:
    table = light_table(f"Use in {month}")
    table.add_column("Project", overflow="fold")
    table.add_column("", no_wrap=True)
    _numeric(table)
    for row in rows:
        if row.window is None or row.trouble:
            table.add_row(plain(_name(row, several)), "not compared")
            continue
        first = [_name(row, several), f"until {stamp(row.window.end)}"]
        for title, hours in _told(row).items():
            table.add_row(plain(first.pop(0) if first else ""), TITLES[title], *_numbers(hours))
    console.print(table)


def _told(row: Row) -> dict[str, Hours]:
    ledger, nova = row.total(lambda server: server.ledger), row.total(lambda server: server.nova)
    return {
        "ledger": ledger,
        "nova": nova,
        "listing": row.total(lambda server: server.listing),
        "difference": ledger - nova,
        "not_explained": row.causes.get(Cause.NOT_EXPLAINED, (0, Hours()))[1],
    }


def _causes(rows: Sequence[Row], console: Console, several: bool) -> None:
    table = light_table("Why the ledger has more than Nova, or less (-)")
    for column in ("Project", "Cause"):
        table.add_column(column, overflow="fold")
    _numeric(table, "Servers")
    for row in rows:
        name = _name(row, several)
        for cause, (count, hours) in row.causes.items():
            table.add_row(plain(name), cause.meaning, str(count), *_numbers(hours))
            name = ""
    console.print(table)


def _servers(rows: Sequence[Row], console: Console) -> None:
    table = light_table("Servers")
    # Room for an id: it is to be taken from here to caso-explain.
    table.add_column("Server, and its causes", overflow="fold", min_width=36)
    _numeric(table)
    for row in rows:
        for server in sorted((one for one in row.servers if one.causes), key=_weight, reverse=True):
            table.add_row(plain(server.uuid), *_numbers(server.ledger - server.nova))
            for cause, hours in _in_order(server):
                table.add_row(Padding(cause.meaning, (0, 0, 0, 2)), *_numbers(hours))
    console.print(table)


def _numeric(table: Table, *before: str) -> None:
    for column in (*before, *HEADINGS):
        table.add_column(column, justify="right", no_wrap=True)


def _weight(server: Comparison) -> tuple[float, str]:
    return abs(server.ledger.core - server.nova.core), server.uuid


def _in_order(server: Comparison) -> list[tuple[Cause, Hours]]:
    return [(cause, server.causes[cause]) for cause in Cause if cause in server.causes]


def _name(row: Row, several: bool) -> str:
    return f"{row.project.name} ({row.region})" if several else row.project.name


def _numbers(hours: Hours) -> list[str]:
    return [_number(getattr(hours, measure)) for measure in MEASURES]


def _number(value: float) -> str:
    text = f"{value:,.2f}"
    return "0.00" if text == "-0.00" else text


def document(row: Row, month: Month, *, servers: bool) -> dict[str, Any]:
    """A project in a region, for scripts."""
    known: dict[str, Any] = {
        "project_id": row.project.id,
        "name": row.project.name,
        "region": row.region,
        "month": str(month),
        "until": instant(row.window.end) if row.window else None,
        "error": str(row.trouble) if row.trouble else None,
        **({name: _document(hours) for name, hours in _told(row).items()} if not row.trouble else {}),
        "causes": [{"cause": cause.value, "servers": count, **_document(hours)} for cause, (count, hours) in row.causes.items()],
    }
    return known | ({"servers": [_server(one) for one in row.servers]} if servers else {})


def _server(one: Comparison) -> dict[str, Any]:
    told: Mapping[str, Hours] = {"ledger": one.ledger, "nova": one.nova, "listing": one.listing}
    return {
        "server_id": one.uuid,
        "name": one.name,
        **{name: _document(hours) for name, hours in told.items()},
        "causes": [{"cause": cause.value, **_document(hours)} for cause, hours in _in_order(one)],
    }


def _document(hours: Hours) -> dict[str, float]:
    return {f"{measure}_hours": getattr(hours, measure) for measure in MEASURES}
