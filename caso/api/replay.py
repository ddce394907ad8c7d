"""The life of a server or volume, played again as Almanach would have kept it: changes that close a row, and changes in place."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from caso.lifecycle.life import EventfulLife
from caso.lifecycle.notes import What
from caso.lifecycle.timeline import Interval
from caso.lifecycle.written import BILLED, Field

PROJECT = "project_id"
BILLED_STATE = "billed"
ORDER = (BILLED_STATE, What.IMAGE_META, What.ATTACHED_TO, What.METADATA, What.NAME)
"""Of what changes at one moment, what is first."""


class Moment(NamedTuple):
    """Something that became so ``at`` a time, and was ``learned`` at another; ``said``: by a person, who may say it twice."""

    at: datetime
    what: str
    value: Any
    learned: datetime
    said: bool = False


@dataclasses.dataclass(slots=True)
class Draft:
    """A row that is being made; ``facts`` are all that may change of a life."""

    start: datetime
    end: datetime | None
    last_event: datetime
    noted_at: datetime
    processed: datetime
    facts: dict[str, Any]

    def learn(self, moment: Moment, **facts: Any) -> None:
        self.facts = {**self.facts, **facts}
        self.processed = max(self.processed, moment.learned)


class Replay:
    """The rows of one life so far; ``young`` is for how long a row is too young to be closed for an attachment."""

    def __init__(self, created: datetime, learned: datetime, facts: Mapping[str, Any], young: timedelta) -> None:
        self.rows = [Draft(created, None, created, learned, learned, dict(facts))]
        self._young = young

    def play(self, moments: Iterable[Moment]) -> None:
        for moment in moments:
            if moment.what == What.ATTACHED_TO:
                self._attached(moment)
            elif moment.what in {What.NAME, What.METADATA}:
                self.rows[-1].learn(moment, **{moment.what: moment.value})
            else:
                changes = moment.value if moment.what == BILLED_STATE else {moment.what: moment.value}
                if any(self.rows[-1].facts.get(name) != value for name, value in changes.items()):
                    self._cut(moment, changes)

    def _cut(self, moment: Moment, changes: Mapping[str, Any]) -> None:
        row = self.rows[-1]
        if moment.at == row.start:
            row.learn(moment, **changes)
            return
        self._close(moment.at, moment.learned)
        new = {**row.facts, **changes}
        self.rows.append(Draft(moment.at, None, moment.at, moment.learned, moment.learned, new))

    def _attached(self, moment: Moment) -> None:
        """Only the first attachment and the last detachment close a row, and no row that is young."""
        row = self.rows[-1]
        before = row.facts[What.ATTACHED_TO]
        if bool(before) != bool(moment.value) and moment.at - row.start >= self._young:
            self._cut(moment, {What.ATTACHED_TO: moment.value})
        else:
            row.learn(moment, **{What.ATTACHED_TO: moment.value})
            row.last_event = moment.at

    def _close(self, at: datetime, learned: datetime) -> None:
        row = self.rows[-1]
        row.end = row.last_event = at
        row.processed = max(row.processed, learned)

    def end(self, at: datetime, learned: datetime, *, drop_young: bool) -> None:
        """Close the last row; ``drop_young``: where it is young and not the only one, nobody hears of it."""
        if drop_young and len(self.rows) > 1 and at - self.rows[-1].start < self._young:
            self.rows.pop()
        else:
            self._close(at, learned)


def changes_of_state(life: EventfulLife[Any], shown: Callable[[Interval[Any]], dict[str, Any]]) -> list[Moment]:
    """When what is billed and ``shown`` changed, the beginning included."""
    moments: list[Moment] = []
    for interval in life.intervals():
        facts = shown(interval)
        if not moments or moments[-1].value != facts:
            moments.append(Moment(interval.start, BILLED_STATE, facts, _learned(life, interval)))
    return moments


def _learned(life: EventfulLife[Any], interval: Interval[Any]) -> datetime:
    """When caso learned that it became so."""
    written = [entry.written_at for entry in life.written if entry.field in BILLED and entry.at == interval.start]
    told = [p.told_at for p in life.evidence if p.value == interval.value and p.since <= interval.start <= p.until]
    return min(written or told or [life.first_seen])


def history(life: EventfulLife[Any], what: What, read: Callable[[Any], Any] = lambda value: value) -> list[Moment]:
    """When events told, or people wrote, that this changed, oldest first; ``read`` makes of a value what is shown of it.

    An event that tells the name that the one before it told is no change, so what was written in between stays.
    """
    told = [note for note in life.notes if note.what is what]
    changed = [note for before, note in zip([None, *told], told, strict=False) if before is None or before.text != note.text]
    # Of attachments only events tell at which they changed.
    moments = [Moment(note.at, what, read(note.value), note.at) for note in (told if what is What.ATTACHED_TO else changed)]
    entries = sorted((entry for entry in life.written if entry.field == Field(what)), key=lambda entry: entry.order)
    moments += [Moment(entry.at, what, read(entry.value_sent), entry.written_at, said=True) for entry in entries]
    return sorted(moments, key=lambda moment: moment.at)


def in_order(moments: Iterable[Moment]) -> list[Moment]:
    """By time; what is billed first."""
    return sorted(moments, key=lambda moment: (moment.at, ORDER.index(moment.what)))
