"""How far behind each scope and each messenger is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from caso.errors import StoreError
from caso.findings import Finding, Level, error, note, of_error, ok, warning
from caso.lagging import Lag, lag_of
from caso.lifecycle.notice import Fate
from caso.store import Checkpoint, Place, Store

LATE = timedelta(days=1)
"""A cron job that runs hourly, or daily, is never further behind."""
SHOWN = 3
"""Objects in quarantine that are told of one by one."""
SEE = "run caso-extract by hand, and see what it says; see that its cron job or timer runs"


class Expected(NamedTuple):
    """What the store is held against: names of projects by id, the scopes there should be, and how long services tell of what
    was deleted, by extractor. ``scopes`` are (region, project id, extractor)."""

    cloud: str
    names: Mapping[str, str]
    extractors: Sequence[str]
    scopes: Sequence[tuple[str, str, str]]
    kept: Mapping[str, timedelta]
    messengers: Sequence[str]


def examine(store: Store, expected: Expected, now: datetime) -> Iterator[Finding]:
    try:
        yield from _scopes(store, expected, now)
        yield from _messengers(store, expected)
        yield from _quarantine(store, expected.cloud)
        yield from _messages(store)
    except StoreError as exc:
        yield of_error(exc, "how far behind caso is cannot be told")


def _scopes(store: Store, expected: Expected, now: datetime) -> Iterator[Finding]:
    marks = [mark for mark in store.checkpoints.all() if mark.scope.cloud == expected.cloud and not mark.retired]
    mine = [mark for mark in marks if mark.scope.extractor in expected.extractors]
    groups: dict[tuple[str, str], list[Checkpoint]] = {}
    for mark in mine:
        groups.setdefault((mark.scope.extractor, mark.scope.region), []).append(mark)
    for (extractor, region), those in sorted(groups.items()):
        yield _lag(f"{extractor} in {region}", those, expected, now)
    if mine:
        known = {(mark.scope.region, mark.scope.project_id, mark.scope.extractor) for mark in mine}
        yield from _never([scope for scope in expected.scopes if scope not in known], expected)


def _lag(who: str, marks: Sequence[Checkpoint], expected: Expected, now: datetime) -> Finding:
    """What is to be said of the scopes of one extractor in one region: the worst of it."""
    oldest = min(marks, key=lambda mark: mark.until)
    newest = max(mark.until for mark in marks)
    name = expected.names.get(oldest.scope.project_id, oldest.scope.project_id)
    until = f"{who}: extracted until {oldest.until:%F %H:%M} (project {name})"
    behind = now - oldest.until
    late = sum(now - mark.until > LATE for mark in marks)
    what = f"{until}, {_span(behind)} behind; {late} of {len(marks)} projects are late"
    if newest > now + timedelta(minutes=5):
        return error(
            f"{who}: extracted until {newest:%F %H:%M}, which is in the future",
            "nothing is extracted before that time comes",
            "see whether this machine's clock was set back (timedatectl)",
        )
    if lag_of(oldest.until, expected.kept.get(oldest.scope.extractor), now) is Lag.LOST:
        return error(
            what, "what was deleted meanwhile may be forgotten by its service, and missing", f"{SEE}; then caso-reconcile"
        )
    if behind > LATE:
        return warning(what, "what was deleted meanwhile is told of for some time only", SEE)
    return ok(f"{until}, {_span(behind)} behind")


def _never(scopes: Iterable[tuple[str, str, str]], expected: Expected) -> Iterator[Finding]:
    for region, project_id, extractor in scopes:
        yield note(
            f"{extractor} in {region} has never extracted project {expected.names.get(project_id, project_id)}",
            "the next run begins with it, in this month",
            "where a run was made since it was added, see what caso-extract says of it",
        )


def _messengers(store: Store, expected: Expected) -> Iterator[Finding]:
    totals = store.ledger.inspection.totals(expected.messengers)
    for name in expected.messengers:
        mine = [total for total in totals if total.messenger == name]
        due, refused = sum(total.due for total in mine), sum(total.set_aside for total in mine)
        since = min((total.oldest_due for total in mine if total.oldest_due), default=None)
        if due and since:
            yield warning(
                f"{name}: {due} records are due, the oldest of {since:%F %H:%M}",
                "its recipient does not have them; nothing is lost, as each run tries again",
                "run caso-extract, and see why it cannot deliver; caso-ledger list shows them",
            )
        if refused:
            yield warning(
                f"{name}: {refused} records are set aside",
                "the recipient refused them, and they are not sent again by themselves",
                f"caso-ledger rejected shows each with its reason, caso-ledger retry {name} sends them again",
            )
        if not (due or refused):
            accepted = sum(total.accepted for total in mine)
            yield ok(f"{name}: {accepted} records accepted, none is due")


def _quarantine(store: Store, cloud: str) -> Iterator[Finding]:
    regions = {mark.scope.region for mark in store.checkpoints.all() if mark.scope.cloud == cloud}
    for region in sorted(regions):
        odd = store.quarantined(Place(cloud, region))
        for one in odd[:SHOWN]:
            yield warning(
                f"{region}: {one.kind} {one.object_id} is in quarantine: {one.reason}",
                "it is not accounted for, or as it was known before",
                "mend it in the cloud if it is yours to mend: each run tries again; caso-explain tells more",
            )
        if len(odd) > SHOWN:
            yield Finding(
                Level.WARNING,
                f"{region}: {len(odd) - SHOWN} more are in quarantine",
                "they are not accounted for, or as they were known before",
                "the log of caso-extract names them",
            )


def _messages(store: Store) -> Iterator[Finding]:
    """Of what was taken from a queue, what is not understood; nothing where all is, or nothing was ever taken."""
    left = store.events.counts((Fate.WAITING, Fate.DEAD))
    if left[Fate.DEAD]:
        yield warning(
            f"{left[Fate.DEAD]} messages of the queue were not understood, and are set aside",
            "what they tell of servers and volumes is not known, unless a listing shows it",
            "caso-collect --dead list shows each with its reason; caso-collect --dead retry reads them again, drop forgets them",
        )
    if left[Fate.WAITING]:
        yield note(
            f"{left[Fate.WAITING]} messages of the queue wait for the name of a volume type",
            "each run reads them again once Cinder, or another message, tells it",
            "nothing, if it passes; else see whether caso's user may list volume types",
        )


def _span(of: timedelta) -> str:
    """In the largest unit that fits.

    >>> _span(timedelta(hours=50)), _span(timedelta(minutes=90)), _span(timedelta(seconds=5))
    ('2 days', '1 hour', '0 minutes')
    """
    minutes = int(of.total_seconds() // 60)
    if minutes >= 2 * 24 * 60:
        return f"{minutes // 60 // 24} days"
    count, unit = (minutes // 60, "hour") if minutes >= 60 else (minutes, "minute")
    return f"{count} {unit}" + ("" if count == 1 else "s")
