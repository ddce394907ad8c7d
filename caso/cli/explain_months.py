"""The arithmetic of a month of a server or volume, as a person at a terminal reads it."""

from __future__ import annotations

from datetime import datetime

from rich.console import Console
from rich.table import Table

from caso.cli.screen import light_table, plain
from caso.explaining import ServerMonth, VolumeMonth


def server_month(month: ServerMonth, console: Console) -> None:
    table = _arithmetic("From", "To", "State", "vCPUs", "Suspend s", "Wall s", "CPU s =\nwall x\nvCPUs")
    for term in month.terms:
        value = term.interval.value
        start, end = month.stretch_of(term)
        seconds = (term.suspend_seconds, term.wall_seconds, term.cpu_seconds)
        table.add_row(exactly(start), exactly(end), plain(value.status), number(value.flavor.vcpus), *map(number, seconds))
    for name, use in (("the month", month.use), ("since creation", month.total)):
        table.add_row(name, "", "", "", *map(number, (use.suspend_seconds, use.wall_seconds, use.cpu_seconds)))
    if sent := month.sent:
        seconds = (sent.suspend_seconds, sent.wall_seconds, sent.cpu_seconds)
        table.add_row("the record says", "", sent.status.value, number(sent.cpu_count), *map(number, seconds))
    else:
        table.add_row("no record")
    console.print(table)
    if month.cpu_measured_since:
        since = exactly(month.cpu_measured_since)
        console.print(plain(f"CPU time is measured since {since}; before that, and for each interval, it is wall x vCPUs"))
    for devices in month.accelerators:
        held = devices.held
        model = f"{held.latest.type} {held.latest.model}: {number(held.device_seconds)} s of devices"
        unsent = "" if devices.sent else "; no record"
        console.print(plain(f"{model} = {number(held.latest.count)} for {held.available_seconds} s{unsent}"))


def volume_month(month: VolumeMonth, console: Console) -> None:
    table = _arithmetic("From", "To", "Bytes", "Seconds", "Bytes x\nseconds", "Record id")
    for part in month.parts:
        stretch = part.stretch
        numbers = (stretch.size_bytes, stretch.seconds, stretch.byte_seconds)
        record = plain(part.record_id or "no record")
        table.add_row(exactly(stretch.start), exactly(stretch.end), *map(number, numbers), record)
    table.add_row("the month", "", "", "", number(month.byte_seconds), "")
    console.print(table)


def _arithmetic(*columns: str) -> Table:
    table = light_table()
    for column in columns:
        if column in ("From", "To"):
            time_column(table, column)
        else:
            words = column in ("State", "Record id")
            table.add_column(column, justify="left" if words else "right", overflow="fold", no_wrap=not words)
    return table


def time_column(table: Table, name: str) -> None:
    """One that is folded between the date and the time, and nowhere else."""
    table.add_column(name, overflow="fold", min_width=len("2024-02-01"))


def exactly(instant: datetime) -> str:
    """To the second: intervals are told so."""
    return f"{instant:%Y-%m-%d %H:%M:%S}"


def number(value: float) -> str:
    """To the thousandth, without needless zeros.

    >>> number(86400.0), number(0.25)
    ('86400', '0.25')
    """
    return f"{value:.3f}".rstrip("0").rstrip(".")
