"""The single differences of a dry run: a line for each record, what matters most first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from caso.cli.screen import names_of, plain
from caso.delivery import Preview
from caso.differences import Difference, Field, What, differences
from caso.report import Report
from caso.store import Store

LIMIT = 50
STYLES = {What.VANISHED: "red", What.CHANGED: "yellow", What.ENDED: "cyan", What.NEW: "green", What.LONGER: "dim"}
SUFFIXES = ("_seconds", "_mib", "_gib", "_bytes")
TIMES = ("start", "end", "measured_at")
UNITS = {"_mib": " MiB", "_gib": " GiB"}
TOLD_OF_NEW = ("status", "end", "size_bytes", "ip_count", "model", "count", "wall_seconds", "cpu_seconds", "available_seconds")


def show(report: Report, store: Store, messengers: Sequence[str], limit: int | None, console: Console) -> None:
    """Of each messenger the single records, ``limit`` of them (0: all; None: 50, and none where everything is new)."""
    names = names_of(report)
    for messenger in messengers:
        counts = _sum(row for row in report.preview if row.messenger == messenger)
        total = sum(counts.values())
        if not total:
            console.print(plain(f"{messenger}: nothing that it does not know yet"))
        elif limit is None and total == counts[What.NEW]:
            console.print(plain(f"{messenger}: all {total:,} are new to it; --limit 0 lists them"))
        else:
            _list(messenger, store, LIMIT if limit is None else limit or total, counts, names, console)


def _sum(rows: Iterable[Preview]) -> dict[What, int]:
    counts = dict.fromkeys(What, 0)
    for row in rows:
        for what, count in row.counts.items():
            counts[what] += count
    return counts


def _list(messenger: str, store: Store, limit: int, counts: dict[What, int], names: dict[str, str], console: Console) -> None:
    console.print(Text(f"For {messenger}", style="bold"))
    for one in _chosen(store, messenger, limit, counts):
        # Not folded where the output is no terminal: a line for each record, to search in.
        console.print(line(one, names), soft_wrap=not console.is_terminal)
    if (left := sum(counts.values()) - limit) > 0:
        console.print(plain(f"{left:,} more; --limit 0 lists all, --json too"))


def _chosen(store: Store, messenger: str, limit: int, counts: dict[What, int]) -> Iterator[Difference]:
    """The first ``limit``, those that matter most before the others; never more than ``limit`` in memory, or all in passes."""
    room = limit
    for what in What:
        wanted = min(room, counts[what])
        room -= wanted
        if wanted:
            yield from _first(wanted, (one for one in differences(store, messenger) if one.what is what))


def _first(count: int, found: Iterator[Difference]) -> Iterator[Difference]:
    for _, one in zip(range(count), found, strict=False):
        yield one


def line(one: Difference, names: dict[str, str]) -> Text:
    """One record: how it differs, its key, its project and the fields.

    Keys and values are from the cloud's users: :func:`plain` takes away what a terminal would obey.
    """
    text = Text(f"{one.what:<9}", style=STYLES[one.what])
    text.append(f"{plain(one.compared.line.key)}  {plain(names.get(one.project_id, one.project_id))}  ", style="default")
    if not one.known:
        text.append(f"against revision {one.compared.accepted}, an older one that is not kept: now ", style="default")
    text.append(str(plain("; ".join(_told(one)))), style="default")
    return text


def _told(one: Difference) -> Iterator[str]:
    compared = one.known and one.what is not What.NEW
    for field in one.fields:
        if compared:
            yield change(field)
        elif field.name in TOLD_OF_NEW and field.after is not None:
            yield now(field)


def now(field: Field) -> str:
    return f"{label(field.name)} {readable(field.name, field.after)}"


def change(field: Field) -> str:
    """
    >>> change(Field("wall_seconds", 3600, 7200))
    'wall 3,600 s (1 h) -> 7,200 s (2 h)'
    >>> change(Field("end", None, "2024-03-10T11:20:00+00:00"))
    'end none -> 2024-03-10 11:20:00'
    """
    return f"{label(field.name)} {readable(field.name, field.before)} -> {readable(field.name, field.after)}"


def label(name: str) -> str:
    """The name of a field without its unit, which stands with the number."""
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix)
    return name.replace("_", " ")


def readable(name: str, value: Any) -> str:
    """A value with its unit.

    >>> readable("size_bytes", 10 * 2**30), readable("memory_mib", 4096), readable("cpu_count", 2.0)
    ('10 GiB', '4,096 MiB', '2')
    >>> readable("measured_at", "2024-03-10T11:20:00.250000+00:00")
    '2024-03-10 11:20:00'
    """
    if value is None:
        return "none"
    if name in TIMES:
        return f"{datetime.fromisoformat(value):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    number = f"{value:,.10g}" if isinstance(value, float) else f"{value:,}"
    if name.endswith("_seconds"):
        return f"{number} s ({value / 3600:,.6g} h)"
    if name.endswith("_bytes"):
        return f"{value / 2**30:,.10g} GiB"
    return number + UNITS.get(name[-4:], "")
