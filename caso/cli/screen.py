"""What a person at a terminal sees: progress while pages arrive, and tables at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType, TracebackType
from typing import Self

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from caso.differences import What
from caso.lagging import Lag, lag_of
from caso.printing import printable
from caso.projects import Project
from caso.report import Report, ScopeReport
from caso.store import Checkpoint

WIDE = 200
LAG_STYLES = {Lag.LATE: "yellow", Lag.LOST: "red"}


def console() -> Console:
    """Standard output; where that is no terminal, rows are not folded to one's width."""
    screen = Console(file=sys.stdout, highlight=False)
    if not screen.is_terminal and "COLUMNS" not in os.environ:
        screen.width = WIDE
    return screen


class _TimeLeft(TimeRemainingColumn):
    """An estimate where there is one to be had: how much there is to ask, nobody knows before it is asked."""

    def render(self, task: Task) -> Text:
        return Text("") if task.total is None or task.finished else Text.assemble("left ", super().render(task))


class Bar:
    """A Watcher that draws; on anything that is no terminal it draws nothing."""

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f}"),
            TimeElapsedColumn(),
            _TimeLeft(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            redirect_stderr=sys.stderr.isatty(),
        )
        self._seen = self._progress.add_task("Asking the cloud: objects seen", total=None)
        self._settled = self._progress.add_task("Accounting: parts", total=None, visible=False)
        self._sent = self._progress.add_task("Delivering: records", total=None, visible=False)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def step(self, name: str, count: int) -> None:
        match name:
            case "parts":
                self._progress.update(self._settled, total=count)
                self._progress.reset(self._settled, visible=False)
            case "observed":
                self._progress.advance(self._seen, count)
            case "settled":
                self._progress.update(self._settled, visible=True, advance=1)
            case "delivered":
                self._progress.update(self._sent, visible=True, advance=count)


def summary(report: Report, console: Console) -> None:
    """Per project and extractor: window, records, errors; per messenger: accepted, due, set aside."""
    console.print(_scopes(report.scopes))
    if not (report.scopes or report.locked or report.trouble):
        console.print("Every project is extracted already up to that time; --extract-from extracts the past again.")
    if held_up := report.held_up:
        console.print(Text(f"{held_up} cumulative values would have fallen; the larger ones are sent", style="yellow"))
    if report.deliveries:
        console.print(_messengers(report))
    for name in report.locked:
        console.print(Text(f"{name} is held by another run; it was left to that run", style="yellow"))


def preview(report: Report, console: Console) -> None:
    """What a dry run would have sent that is not known yet: per messenger (where there are several), project, VO and kind."""
    names = names_of(report)
    several = len({row.messenger for row in report.preview}) > 1
    table = light_table("Would be sent (dry run: nothing was changed)")
    for column in (*(["Messenger"] if several else []), "Project", "VO"):
        table.add_column(column, overflow="fold")
    # Numbers and their titles are never cut: names give way.
    table.add_column("Kind", no_wrap=True)
    for what in What:
        table.add_column(what.capitalize(), justify="right", no_wrap=True)
    for row in report.preview:
        whose = ([row.messenger] if several else []) + [names.get(row.project_id, row.project_id), row.vo, row.kind]
        table.add_row(*map(plain, whose), *(str(row.counts.get(what, 0)) for what in What))
    console.print(table)


def names_of(report: Report) -> dict[str, str]:
    """The names of the projects of a run by their ids."""
    return {scope.project.id: scope.project.name for scope in report.scopes}


def projects(
    found: Sequence[Project],
    checkpoints: Sequence[Checkpoint],
    extractors: Sequence[str],
    now: datetime,
    console: Console,
    kept: Mapping[str, timedelta] = MappingProxyType({}),
) -> None:
    """Project, name, VO and where it came from; how far it is extracted, and how far behind.

    A row for each region and time that extractors of a project have reached together, and one for those that never have.
    ``kept``: how long the services of extractors tell of what was deleted; who is too far behind is marked.
    """
    table = light_table()
    for column in ("Project", "Name", "VO", "VO from", "Extractor", "Region", "Extracted until", "Behind"):
        table.add_column(column, overflow="fold")
    for project in found:
        vo = Text(project.vo) if project.vo else Text("none: left undone", style="red")
        whose = (plain(project.id), plain(project.name), vo, plain(project.vo_source or "-"))
        for *ends, behind in _ends([c for c in checkpoints if c.scope.project_id == project.id], extractors, now, kept):
            table.add_row(*whose, *map(plain, ends), behind)
    console.print(table)


def _ends(
    checkpoints: Sequence[Checkpoint], extractors: Sequence[str], now: datetime, kept: Mapping[str, timedelta]
) -> Iterator[tuple[str, str, str, Text]]:
    """Extractors, region, until when and how far behind."""
    reached: dict[tuple[str, datetime], set[str]] = {}
    for checkpoint in checkpoints:
        if checkpoint.scope.extractor in extractors:
            reached.setdefault((checkpoint.scope.region, checkpoint.until), set()).add(checkpoint.scope.extractor)
    for (region, until), names in sorted(reached.items()):
        known = [kept[name] for name in names if name in kept]
        yield _joined(extractors, names), region, stamp(until), _behind(until, min(known, default=None), now)
    if never := set(extractors).difference(*reached.values()):
        yield _joined(extractors, never), "-", "never", Text("-")


def _behind(until: datetime, kept: timedelta | None, now: datetime) -> Text:
    """How far, and what that means for what was deleted meanwhile."""
    how_far = str(now - until).split(".")[0]
    lag = lag_of(until, kept, now)
    return Text(f"{how_far}, {lag}" if lag else how_far, style=LAG_STYLES[lag] if lag else "")


def _joined(extractors: Sequence[str], chosen: Collection[str]) -> str:
    """Those chosen, in the order that they are configured in."""
    return ", ".join(name for name in extractors if name in chosen)


def light_table(title: str | None = None) -> Table:
    """A light one: the tables of a run fit on 80 columns."""
    return Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 2, 0, 0))


def _scopes(scopes: Sequence[ScopeReport]) -> Table:
    """A row for each scope, on 80 columns: the region only where there are several, the error only where there is one."""
    regions = len({scope.scope.region for scope in scopes}) > 1
    failed = any(scope.error for scope in scopes)
    table = light_table("Extracted")
    table.add_column("Project", overflow="fold", min_width=10)
    for column in (*(["Region"] if regions else []), "Extractor", "From", "To"):
        table.add_column(column, no_wrap=True)
    for column in ("Records", "Odd"):
        table.add_column(column, justify="right", no_wrap=True)
    if failed:
        table.add_column("Error", overflow="fold")
    for scope in scopes:
        window = scope.plan.window
        where = [scope.scope.region] if regions else []
        cells = (scope.project.name, *where, scope.scope.extractor, stamp(window.start), stamp(window.end))
        error = [_brief(scope.error)] if failed else []
        table.add_row(*map(plain, cells), str(scope.records), str(scope.odd), *error)
    return table


def _messengers(report: Report) -> Table:
    table = light_table("Delivered")
    table.add_column("Messenger")
    for column in ("Sent now", "Accepted", "Due", "Set aside"):
        table.add_column(column, justify="right")
    failed = any(delivery.error for delivery in report.deliveries)
    if failed:
        table.add_column("Error", overflow="fold")
    for delivery in report.deliveries:
        tally = delivery.tally
        numbers = (delivery.sent, tally.accepted, tally.due, tally.set_aside)
        error = [_brief(delivery.error)] if failed else []
        table.add_row(plain(delivery.name), *map(str, numbers), *error)
    return table


def _brief(error: Exception | None) -> Text:
    """The first clause of what went wrong; the log has all of it."""
    return Text(str(error).split(";")[0][:100], style="red") if error else Text("-")


def stamp(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}"


def plain(text: str) -> Text:
    """Text from the cloud's users: no markup, no terminal escapes."""
    return Text(printable(text))
