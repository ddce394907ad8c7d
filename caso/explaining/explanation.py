"""The whole explanation of one thing in one place."""

from __future__ import annotations

import dataclasses
from typing import Any

from caso.explaining.held import Background
from caso.explaining.servers import NEVER_LAUNCHED, ServerMonth, months_of_server
from caso.explaining.telling import Told, told
from caso.explaining.volumes import VolumeMonth, months_of_volume
from caso.lifecycle.server import Server
from caso.lifecycle.volume import Volume
from caso.store import Entry, Known
from caso.window import Month

__all__ = ["Background", "Explanation", "explain"]


@dataclasses.dataclass(frozen=True)
class Explanation:
    """What a server or volume is, its intervals, the arithmetic of its months, and the records held of it, oldest first.

    ``vo`` is the VO of its project as it was last known. ``months`` are of the kind of the thing. ``notes`` are about all of it.
    """

    known: Known
    vo: str | None
    intervals: tuple[Told[Any], ...]
    months: tuple[ServerMonth | VolumeMonth, ...]
    records: tuple[Entry, ...]
    notes: tuple[str, ...]

    @property
    def entity(self) -> Server | Volume:
        found: Server | Volume = self.known.entity
        return found

    def only(self, month: Month) -> Explanation:
        """The same with this month's arithmetic and records only."""
        months = tuple(one for one in self.months if one.month == month)
        records = tuple(entry for entry in self.records if entry.line.month == str(month))
        return dataclasses.replace(self, months=months, records=records)


def explain(known: Known, background: Background) -> Explanation:
    """Why the numbers of what is ``known`` are what they are."""
    entity = known.entity
    is_server = isinstance(entity, Server)
    months = months_of_server(known, background) if is_server else months_of_volume(known, background)
    regions = {(entry.line.cloud, entry.line.region) for entry in background.entries} - {known.place}
    notes = [NEVER_LAUNCHED] if is_server and not entity.launched else []
    if regions:
        names = ", ".join(sorted(region for _, region in regions))
        notes.append(
            f"it is accounted for in {names} too; a record's key names no region, so that one record stands for all of them"
        )
    return Explanation(
        known=known,
        vo=background.vo_of.get(entity.project_id),
        intervals=told(entity),
        months=tuple(months),
        records=tuple(sorted(background.entries, key=lambda entry: (entry.line.month, entry.line.kind, entry.line.key))),
        notes=tuple(notes),
    )
