"""Edits of single rows, as PUT /entity/instance makes them: what they write, and how rows look with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from caso.lifecycle.life import EventfulLife
from caso.lifecycle.server import Flavor, Server
from caso.lifecycle.written import Field, Written

if TYPE_CHECKING:
    from caso.api.rows import Row

L = TypeVar("L", bound=EventfulLife[Any])

TIMES = ("start", "end")


def unedited(life: L) -> L:
    """The life without what edits of rows made of it."""
    edits = _edits(life)
    if not edits:
        return life
    requests = {edit.id for edit in edits}
    others = tuple(entry for entry in life.written if entry.id not in requests)
    moved = {entry.field for entry in life.written if entry.id in requests}
    before = edits[-1].value
    changes: dict[str, Any] = {"written": others}
    if Field.CREATED in moved:
        changes["created"] = datetime.fromisoformat(before["created"])
    if Field.ENDED in moved:
        changes["ended"] = life.gone or _time(before["ended"])
    plain: L = dataclasses.replace(life, **changes)  # type: ignore[type-var]  # its kinds are dataclasses
    return plain.with_its_ends()


def edited(rows: Sequence[Row], life: EventfulLife[Any]) -> list[Row]:
    """The rows as people edited them, the newest edit last; none reaches beyond an end that was written so."""
    edits = _edits(life)
    if not edits:
        return list(rows)
    found, touched = list(rows), set()
    for edit in edits:
        place = _place(found, datetime.fromisoformat(edit.value["row"]))
        found[place] = changed(found[place], edit.value["changes"])
        touched.add(found[place].key)
    if life.ended is None:
        return found
    kept = [row for row in found if row.key in touched or row.start < life.ended] or found[:1]
    return [row if row.key in touched else dataclasses.replace(row, end=min(row.end or life.ended, life.ended)) for row in kept]


def changed(row: Row, changes: Mapping[str, Any]) -> Row:
    """A row with these changes: times as text, all else as it is shown. Nothing else of it changes."""
    own: dict[str, Any] = {name: _time(changes[name]) for name in TIMES if name in changes}
    own["name"] = changes.get("name", row.name)
    facts = {name: value for name, value in changes.items() if name in row.facts}
    return dataclasses.replace(row, **own, facts={**row.facts, **facts})


def entries(
    server: Server, rows: Sequence[Row], row: Row, changes: Mapping[str, Any], flavor: Flavor | None, request: str, now: datetime
) -> Iterator[Written]:
    """What is written where a row of a server is edited, so that it is billed as it is shown.

    ``rows`` are all of the server as they are shown, ``row`` the one that is edited; ``flavor`` is that of its name then.
    """
    plain = unedited(server)
    value = {
        "row": row.key.isoformat(),
        "changes": dict(changes),
        "created": plain.created.isoformat(),
        "ended": _text(plain.ended),
    }
    yield Written.of(request, now, row.key, Field.ROW, value)
    new = changed(row, changes)
    shown = [new if one.key == row.key else one for one in rows]
    start, ends = min(one.start for one in shown), [one.end for one in shown]
    if start != server.created:
        yield Written.of(request, now, start, Field.CREATED, start.isoformat())
    end = None if None in ends else max(end for end in ends if end is not None)
    if end is not None and end != server.ended:
        yield Written.of(request, now, end, Field.ENDED, end.isoformat())
    if flavor is not None:
        for since, until in _stretches(server, new.start, new.end):
            yield Written.of(request, now, since, Field.FLAVOR, dataclasses.asdict(flavor), until=until)


def _stretches(server: Server, start: datetime, end: datetime | None) -> list[tuple[datetime, datetime | None]]:
    """A stretch of time, cut wherever it was told or written that something changed: what is written for each holds in it."""
    told = dataclasses.replace(server, written=()).intervals()
    edges = {interval.start for interval in (*told, *server.intervals())}
    cuts = [start, *sorted(edge for edge in edges if edge > start and (end is None or edge < end))]
    return list(zip(cuts, [*cuts[1:], end], strict=True))


def _edits(life: EventfulLife[Any]) -> list[Written]:
    return sorted((entry for entry in life.written if entry.field is Field.ROW), key=lambda entry: entry.order)


def _place(rows: Sequence[Row], key: datetime) -> int:
    """The row that started then when it was edited: better knowledge may have moved its start since."""
    before = [place for place, row in enumerate(rows) if row.key <= key]
    return before[-1] if before else 0


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
