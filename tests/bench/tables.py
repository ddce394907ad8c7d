"""The figures as tables, in Markdown and in reStructuredText."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from tests.bench import metered
from tests.bench.criteria import Verdict, verdicts
from tests.bench.figures import CASO, FIRST, FLOOR, HOUR, OLD, QUIET, Figures, Run, peak_mib, seconds
from tests.bench.fleet import BILLED


class Table(NamedTuple):
    title: str
    head: Sequence[str]
    rows: list[Sequence[str]]


def tables(figures: Figures) -> Iterator[Table]:
    """Those that have rows."""
    for table in (
        promises(verdicts(figures)),
        _first(figures),
        _hours(figures),
        _services(figures),
        _prepared(figures),
        _meters(figures),
    ):
        if table.rows:
            yield table


def source(figures: Figures) -> str:
    """Where the figures come from, in one sentence."""
    return source_of(figures.machine, figures.command)


def source_of(machine: dict[str, Any], command: str) -> str:
    shown = "{processor}, {cores} cores for the services and their clients together, {memory_gib} GiB, {system}, Python {python}"
    return f"Measured on {machine['date']} at commit {machine['commit']} by ``{command}``: {shown.format(**machine)}."


def markdown(figures: Figures) -> str:
    return "\n\n".join([source(figures), *map(markdown_of, tables(figures))]) + "\n"


def restructured(figures: Figures) -> str:
    return "\n\n".join([source(figures), *map(restructured_of, tables(figures))])


def markdown_of(table: Table) -> str:
    lines = [table.head, ["---"] * len(table.head), *table.rows]
    return f"## {table.title}\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines)


def restructured_of(table: Table) -> str:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([table.head, *table.rows])
    body = "".join(f"   {line}\n" for line in out.getvalue().splitlines())
    return f".. csv-table:: {table.title}\n   :header-rows: 1\n\n{body}"


def promises(kept: Iterable[Verdict]) -> Table:
    rows = [[one.about, one.measured, one.promised, "met" if one.met else "missed"] for one in kept]
    return Table("Promises", ["what", "measured", "promised", ""], rows)


def _first(figures: Figures) -> Table:
    rows = []
    for size in figures.sizes():
        for role in figures.roles():
            ours, floors = (figures.of(who=who, what=FIRST, size=size, role=role) for who in (CASO, FLOOR))
            if ours and floors:
                seconds_ = [f"{seconds(runs):.1f}" for runs in (ours, floors)]
                calls = [_calls(runs[-1]) for runs in (ours, floors)]
                memory = [f"{peak_mib(runs):.0f}" for runs in (ours, floors)]
                rows.append([f"{size:,}", role, str(len(ours)), *seconds_, *calls, *memory])
    head = ["servers", "role", "times", "seconds", "floor", "calls", "floor", "peak MiB", "floor"]
    return Table(
        "First run, beside the floor: a bare client that reads a plain full listing and does nothing with it", head, rows
    )


def _hours(figures: Figures) -> Table:
    rows = []
    for size in figures.sizes():
        for role in figures.roles():
            for percent in sorted({run.changed_percent for run in figures.runs if run.what in (QUIET, HOUR)}):
                runs = figures.of(who=CASO, what=HOUR if percent else QUIET, size=size, role=role, changed_percent=percent)
                if runs:
                    rows.append(_hour(runs))
    head = [
        "servers",
        "role",
        "changed",
        "of them billed otherwise",
        "times",
        "seconds",
        "calls",
        "questions about changes",
        "peak MiB",
    ]
    about = f"of the servers that changed {BILLED:.0%} were resized or suspended"
    return Table(f"One hour; {about}, of the others only updated_at moved".replace("%", " %"), head, rows)


def _hour(runs: list[Run]) -> list[str]:
    last = runs[-1]
    changed = f"{last.changed_percent} % ({last.changed.servers:,})"
    measured = [str(len(runs)), f"{seconds(runs):.1f}", _calls(last), f"{last.cost.about_changes:,}", f"{peak_mib(runs):.0f}"]
    return [f"{last.size:,}", last.role, changed, f"{last.changed.billed:,}", *measured]


def _services(figures: Figures) -> Table:
    """Side by side, of each client the first of its kind."""
    rows = []
    for old in figures.of(who=OLD):
        others = [
            ("first run", figures.of(who=FLOOR, what=FIRST, role=old.role, size=old.size)),
            ("first run", figures.of(who=CASO, what=FIRST, role=old.role, size=old.size)),
            ("one hour, 1 % changed", figures.of(who=CASO, what=HOUR, role=old.role, size=old.size, changed_percent=1)),
            ("one hour, 1 % changed", [old]),
        ]
        for what, runs in others:
            if runs:
                calls = runs[0].cost.all_calls + runs[0].cost.about_changes
                rows.append([runs[0].who, what, f"{calls:,}", _of_them(runs[0]), f"{seconds(runs):.1f}", f"{peak_mib(runs):.0f}"])
    sizes = ", ".join(f"{old.size:,}" for old in figures.of(who=OLD))
    return Table(f"Three clients at {sizes} servers, reader", ["client", "run", "calls", "of them", "seconds", "peak MiB"], rows)


def _prepared(figures: Figures) -> Table:
    head = list(figures.prepared[0]) if figures.prepared else []
    rows = [[f"{value:,}" if isinstance(value, int) else str(value) for value in line.values()] for line in figures.prepared]
    return Table("Prepared pages, without API time", [name.replace("_", " ") for name in head], rows)


def _meters(figures: Figures) -> Table:
    """What caso made of meters, what cASO did, and what that comes to at caso's size."""
    rows = [_metered(line) for line in figures.meters.get("lines", [])]
    rows += [_metered(line) for line in metered.computed(figures.meters.get("lines", []))]
    head = ["client", "extractors", "run", "servers", "records", "calls", "of them", "seconds", "peak MiB"]
    told = figures.meters.get("machine", {})
    title = "Measured use: a real Gnocchi, a real Prometheus, and servers of prepared pages"
    return Table(f"{title}; on {told.get('date')} at commit {told.get('commit')}", head, rows)


def _metered(line: dict[str, Any]) -> list[str]:
    calls = sum(line["calls"].values())
    of_them = ", ".join(f"{name} {count:,}" for name, count in sorted(line["calls"].items(), key=lambda item: -item[1]))
    texts = [
        line["who"],
        line["extractors"],
        line["run"],
        f"{line['servers']:,}",
        f"{line['records']:,}" if line.get("records") else "",
    ]
    return [*texts, f"{calls:,}", of_them, f"{line['seconds']:,.1f}", str(line.get("peak_mib", ""))]


def _calls(run: Run) -> str:
    return f"{run.cost.all_calls:,}"


def _of_them(run: Run) -> str:
    nova = run.cost.calls.get("nova", 0) + run.cost.about_changes
    told = {**run.cost.calls, "nova": nova}
    return ", ".join(f"{name.capitalize()} {count:,}" for name, count in sorted(told.items(), key=lambda item: -item[1]))
