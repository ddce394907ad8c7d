"""The figures of notifications and of lists by period, and what was promised of them, as text."""

from collections.abc import Iterator
from typing import Any

from tests.bench.criteria import Verdict
from tests.bench.figures import Figures
from tests.bench.tables import Table, markdown_of, promises, restructured_of, source_of

FLAT = 1.2
"""Peak memory of the most messages, by that of the fewest."""
READ = 2
"""Rows that are read, by those that are returned."""
BY_INDEX = ("Index Scan", "Index Only Scan", "Bitmap Heap Scan")


def verdicts(figures: Figures) -> Iterator[Verdict]:
    yield from _memory(figures.notifications.get("lines", []))
    yield from _reading(figures.periods.get("lines", []))


def files(figures: Figures) -> Iterator[tuple[str, str]]:
    """What the documentation includes, each by its name."""
    for name, told, tables in _parts(figures):
        texts = [source_of(told["machine"], told["command"]), *map(restructured_of, tables)]
        yield f"{name}.rst", "\n\n".join(texts)
    for line in figures.periods.get("lines", []):
        if line["plan"]:
            yield "plan.txt", line["plan"] + "\n"


def markdown(figures: Figures) -> str:
    return "\n\n".join(markdown_of(table) for _, _, tables in _parts(figures) for table in tables) + "\n"


def _parts(figures: Figures) -> Iterator[tuple[str, dict[str, Any], list[Table]]]:
    for name, table in (("notifications", _drains), ("periods", _periods)):
        told = getattr(figures, name)
        if told:
            kept = verdicts(Figures(figures.machine, figures.command, **{name: told}))
            yield name, told, [promises(kept), table(told["lines"])]


def _memory(lines: list[dict[str, Any]]) -> Iterator[Verdict]:
    for database in dict.fromkeys(line["database"] for line in lines):
        sizes = {line["messages"]: line["peak_mib"] for line in lines if line["database"] == database}
        few, many = min(sizes), max(sizes)
        if few < many:
            ratio = sizes[many] / sizes[few]
            about = f"{many:,} messages into {database}: peak memory, by that of {few:,}"
            yield Verdict(about, f"{ratio:.2f}", f"at most {FLAT}", ratio <= FLAT)


def _reading(lines: list[dict[str, Any]]) -> Iterator[Verdict]:
    if not lines:
        return
    worst = max(lines, key=lambda line: line["rows_read"] / max(1, line["rows_returned"]))
    read, returned = worst["rows_read"], worst["rows_returned"]
    about = f"a month of a project out of {worst['intervals']:,} intervals"
    measured = f"{read:,} rows read, {returned:,} returned, where it is most"
    yield Verdict(f"{about}: rows", measured, f"at most {READ} times", read <= READ * returned)
    scans = sorted({scan for line in lines for scan in line["scans"]})
    by_index = all(scan.startswith(BY_INDEX) for scan in scans)
    yield Verdict(f"{about}: how", ", ".join(scans), "by indexes alone", by_index)


def _drains(lines: list[dict[str, Any]]) -> Table:
    head = ["messages", "into", "servers and volumes", "seconds", "messages a second", "of processor time", "peak MiB"]
    rows = [
        [
            f"{line['messages']:,}",
            line["database"],
            f"{line['entities']:,}",
            f"{line['seconds']:,.1f}",
            f"{line['per_second']:,}",
            f"{line['per_cpu_second']:,}",
            f"{line['peak_mib']:.0f}",
        ]
        for line in lines
    ]
    return Table("caso-collect empties a queue", head, rows)


def _periods(lines: list[dict[str, Any]]) -> Table:
    head = ["project", "month", "intervals returned", "of servers and volumes", "rows read", "milliseconds", "of PostgreSQL"]
    rows = [
        [
            line["project"],
            line["month"],
            f"{line['rows_returned']:,}",
            f"{line['resources_returned']:,}",
            f"{line['rows_read']:,}",
            f"{line['milliseconds']:,.1f}",
            f"{line['database_milliseconds']:,.1f}",
        ]
        for line in lines
    ]
    store = f"{lines[0]['intervals']:,} intervals of {lines[0]['entities']:,} servers and volumes" if lines else ""
    return Table(f"A month of a project, out of {store}", head, rows)
