"""Messages that were not understood, as a person at a terminal sees them, or a script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console

from caso.cli.documents import instant
from caso.cli.screen import light_table, plain, stamp
from caso.store.events import Held


def show(held: Sequence[Held], console: Console) -> None:
    """A line for each, with why."""
    if not held:
        console.print(plain("Every message was understood."))
        return
    table = light_table()
    for column in ("Message", "Event", "At", "Fate", "Reason"):
        table.add_column(column, overflow="fold")
    for one in held:
        notice = one.notice
        at = stamp(notice.at) if notice.at else "-"
        table.add_row(plain(notice.id), plain(notice.event_type), at, notice.fate, plain(notice.reason or ""))
    console.print(table)


def document(one: Held) -> dict[str, Any]:
    """A message, without what was secret in it."""
    return {
        "id": one.notice.id,
        "event_type": one.notice.event_type,
        "at": instant(one.notice.at),
        "taken": instant(one.taken),
        "region": one.place.region,
        "fate": one.notice.fate,
        "reason": one.notice.reason,
        "message": one.notice.message,
    }
