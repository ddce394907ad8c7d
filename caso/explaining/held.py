"""What the ledger holds of one subject, by month, and why it holds nothing of a month."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from caso.accounting.rules import Rules
from caso.lifecycle.measured import NOTHING, Metered
from caso.records import Record
from caso.store import Entry, Known
from caso.window import Month

R = TypeVar("R", bound=Record)


@dataclasses.dataclass(frozen=True)
class Background:
    """What is known besides the thing itself.

    ``began`` is where accounting of its project began, None where it never did, and ``first_month`` the first that is owed a
    record; ``vo_of`` are the VOs of projects as they were last known; ``entries`` are the records held of it. ``metered`` is what
    meters told of it.
    """

    rules: Rules
    began: datetime | None
    first_month: Month | None
    vo_of: Mapping[str, str]
    entries: Sequence[Entry]
    metered: Metered = NOTHING

    def records(self, kind: type[R]) -> dict[str, R]:
        """The records held of a kind, by key."""
        lines = [entry.line for entry in self.entries if entry.line.kind == kind.kind]
        return {line.key: kind.from_content(json.loads(line.content), line.known_at) for line in lines}

    def retracted(self, key: str) -> bool:
        return any(entry.line.key == key and entry.line.retracted for entry in self.entries)


def why_nothing(known: Known, background: Background, start: datetime, end: datetime, project_id: str) -> str:
    """Why no record is held of a stretch of its life in one month."""
    month, began, first = Month.of(start), background.began, background.first_month
    if began is None or first is None:
        return "not accounted for: no run has asked for its project yet"
    if month < first:
        return f"before accounting of its project began ({began:%F}): not sent"
    if known.accounted_until is None or known.accounted_until <= start:
        return "not accounted for yet: the next run does"
    if project_id not in background.vo_of:
        return f"no VO was known of project {project_id}: no record was made"
    return _known_since(known, end) or "no record is held: none was made, or it was let go ([store] keep_months)"


def why_otherwise(known: Known, sent: Record) -> str:
    """Why the record held of a stretch of its life does not say what the intervals give."""
    return _known_since(known, sent.measured_at) or f"the record rests on what was known at {sent.known_at:%F %T}"


def _known_since(known: Known, end: datetime) -> str | None:
    dirty = known.dirty_from
    if dirty is None or end < dirty:
        return None
    return f"known otherwise from {dirty:%F %T} on than when it was accounted for; the next run sends what differs"


def how_far(known: Known, through: datetime) -> list[str]:
    """What is known of its life beyond ``through``, up to where it was accounted for."""
    ended, only = known.entity.ended, f"accounted for only until {through:%F %T}"
    if ended is not None and ended > through:
        return [f"{only}: it went on until {ended:%F %T}; the next run sends that"]
    if ended is None and through != Month.of(through).start and Month.of(through) < Month.of(known.entity.known_at):
        return [f"{only}: the rest of the month is not accounted for yet; the next run does"]
    return []
