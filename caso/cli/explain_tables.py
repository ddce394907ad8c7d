"""An explanation as a person at a terminal reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from caso.cli.explain_months import exactly, number, server_month, time_column, volume_month
from caso.cli.screen import light_table, plain, stamp
from caso.cli.tables import COLOURS
from caso.explaining import Answer, Certainty, Explanation, ServerMonth, Told, VolumeMonth
from caso.lifecycle.server import ServerState
from caso.lifecycle.volume import VolumeState
from caso.store import Entry, Place, Quarantined, Standing

NOTE = "yellow"
SERVER_STATE = ("State", "Flavor", "vCPUs", "MiB", "GiB")
VOLUME_STATE = ("Type", "GiB")
UNLIMITED = 10_000
"""Columns of a screen on which no table is folded."""


def answer(found: Answer, console: Console) -> None:
    """One explanation for each region, and a word for each place where the thing could not be read."""
    for one in found.explanations:
        _explanation(one, console)
    for place, odd in found.quarantined:
        known = any((one.known.place, one.known.kind) == (place, odd.kind) for one in found.explanations)
        _odd(place, odd, console, known=known)


def _odd(place: Place, odd: Quarantined, console: Console, *, known: bool) -> None:
    meanwhile = "what was known of it goes on" if known else "it is not accounted for"
    _note(f"The {odd.kind} {odd.object_id} in {place.region} is in quarantine, and {meanwhile}: {odd.reason}", console)
    _note(f"It was first missed in the window from {exactly(odd.window_start)}, and last met at {exactly(odd.met_at)}.", console)


def _explanation(one: Explanation, console: Console) -> None:
    console.print(plain(f"{one.known.kind} {one.entity.uuid}"), style="bold")
    _what_it_is(one, console)
    for note in one.notes:
        _note(note, console)
    _intervals(one.intervals, console)
    shown = [month for month in one.months if _is_told(month)]
    if shown and (hidden := len(one.months) - len(shown)):
        _note(
            f"Months not shown: {hidden} from before accounting of its project began, which were not sent; --month shows one.",
            console,
        )
    for month in shown or one.months:
        end = "its end, " if month.completed else ""
        console.print(plain(f"{month.month}, counted up to {end}{exactly(month.through)}"), style="bold")
        server_month(month, console) if isinstance(month, ServerMonth) else volume_month(month, console)
        for note in month.notes:
            _note(note, console)
    _records(one.records, console)


def _is_told(month: ServerMonth | VolumeMonth) -> bool:
    """False for a month that is only counted in: before accounting of its project began."""
    held = month.sent if isinstance(month, ServerMonth) else any(part.sent for part in month.parts)
    return bool(held) or not all(note.startswith("before accounting") for note in month.notes)


def _what_it_is(one: Explanation, console: Console) -> None:
    entity = one.entity
    accounted = one.known.accounted_until
    pairs = {
        "name": entity.name or "-",
        "cloud": one.known.place.cloud or "-",
        "region": one.known.place.region,
        "project": entity.project_id,
        "VO": one.vo or "none is known",
        "user": f"{entity.user_name or '-'} ({entity.user_id or '-'})",
        "created": exactly(entity.created),
        "ended": _end(entity.ended, entity.end_reason, entity.known_at),
        "first seen": exactly(entity.first_seen),
        "last told of": exactly(entity.ended if entity.end_reason and entity.ended else entity.known_at),
        "accounted until": exactly(accounted) if accounted else "never",
    }
    table = light_table()
    table.show_header = False
    table.add_column()
    table.add_column(overflow="fold")
    for name, value in pairs.items():
        table.add_row(name, plain(value))
    console.print(table)


def _end(ended: datetime | None, reason: str | None, known_at: datetime) -> str:
    if ended is None:
        return "no"
    if reason is None:
        return f"{exactly(ended)}, as the cloud told"
    return f"{exactly(ended)}, when it was last there; it was gone at {exactly(known_at)}: {reason}"


def _intervals(intervals: Sequence[Told[Any]], console: Console) -> None:
    """One table; two where the screen is too narrow for it: what it was, and who told of it."""
    several = len({told.interval.value.project_id for told in intervals}) > 1
    columns = VOLUME_STATE if isinstance(intervals[0].interval.value, VolumeState) else SERVER_STATE
    since = [exactly(told.interval.start) for told in intervals]
    states = [_state(told.interval.value) for told in intervals]
    life = {"From": since, "To": [_to(told.interval.end) for told in intervals]}
    life |= {name: [cells[place] for cells in states] for place, name in enumerate(columns)}
    if several:
        life["Project"] = [told.interval.value.project_id for told in intervals]
    witness = {
        "Told by": [told.interval.source.value for told in intervals],
        "The start is": [_certainty(told) for told in intervals],
    }
    whole = _of_columns("Intervals", life | witness)
    if Measurement.get(console, console.options.update(width=UNLIMITED), whole).maximum <= console.width:
        console.print(whole)
    else:
        console.print(_of_columns("Intervals", life))
        console.print(_of_columns("Who told of them", {"From": since, **witness}))


def _of_columns(title: str, columns: Mapping[str, Sequence[str]]) -> Table:
    table = light_table(title)
    for name in columns:
        if name in ("From", "To"):
            time_column(table, name)
        else:
            right, whole = name in ("vCPUs", "MiB", "GiB"), name in ("vCPUs", "MiB", "GiB", "State")
            table.add_column(name, justify="right" if right else "left", overflow="fold", no_wrap=whole)
    for cells in zip(*columns.values(), strict=True):
        table.add_row(*map(plain, cells))
    return table


def _state(state: ServerState | VolumeState) -> tuple[str, ...]:
    if isinstance(state, VolumeState):
        return state.type or "-", str(state.size_gib)
    flavor = state.flavor
    return state.status, flavor.name, number(flavor.vcpus), str(flavor.memory_mib), str(flavor.disk_gib)


def _certainty(told: Told[Any]) -> str:
    match told.certainty:
        case Certainty.EXACT:
            return "exact"
        case Certainty.ASSUMED:
            return f"assumed before {exactly(told.latest)}"
        case Certainty.BETWEEN:
            return f"between {exactly(told.earliest)} and {exactly(told.latest)}"


def _records(entries: Iterable[Entry], console: Console) -> None:
    table = light_table("Records")
    for column in ("Key", "Revision", "Measured at", "Known at", "Messengers"):
        table.add_column(column, justify="right" if column == "Revision" else "left", overflow="fold")
    for entry in entries:
        line = entry.line
        key = f"{line.key}\n(taken back)" if line.retracted else line.key
        states = Text("\n").join(_standing(name, standing) for name, standing in entry.standings.items())
        times = (exactly(line.measured_at), exactly(line.known_at))
        table.add_row(Text("\n").join(map(plain, key.split("\n"))), str(line.revision), *times, states)
    console.print(table)


def _standing(name: str, standing: Standing) -> Text:
    when = f" {stamp(standing.at)}" if standing.at else ""
    why = f": {standing.reason}" if standing.reason else ""
    older = f", revision {standing.accepted_revision} was accepted" if standing.accepted_revision is not None else ""
    text = plain(f"{name}: {standing.state.value.replace('_', ' ')}{when}{why}{older}")
    text.stylize(COLOURS.get(standing.state, ""))
    return text


def _note(text: str, console: Console) -> None:
    note = plain(text)
    note.stylize(NOTE)
    console.print(note)


def _to(end: datetime | None) -> str:
    return "it goes on" if end is None else exactly(end)
