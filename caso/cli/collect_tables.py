"""Messages that were not understood, as a person at a terminal sees them, or a script."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from rich.console import Console

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


def write_json(held: Sequence[Held]) -> None:
    """A list of objects, the messages themselves without what was secret in them."""
    told = [
        {
            "id": one.notice.id,
            "event_type": one.notice.event_type,
            "at": one.notice.at.isoformat() if one.notice.at else None,
            "taken": one.taken.isoformat(),
            "region": one.place.region,
            "fate": one.notice.fate,
            "reason": one.notice.reason,
            "message": one.notice.message,
        }
        for one in held
    ]
    json.dump(told, sys.stdout, indent=2, ensure_ascii=False)
    print()
