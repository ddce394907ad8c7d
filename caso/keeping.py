"""What extractors tell, into the store: at once, page by page; and what the end of their telling says of what is missing."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from datetime import datetime

from caso.errors import SourceError, StoreError, after_name
from caso.extraction import Ended, Task
from caso.extractors.base import OddObject, Page
from caso.job import Job
from caso.lifecycle.notice import Fate, Notice
from caso.lifecycle.server import ServerSeen
from caso.lifecycle.volume import VolumeSeen
from caso.records import Record
from caso.report import Report, ScopeReport
from caso.retiring import end_what_is_out_of_reach
from caso.settling import put_own
from caso.store import Place, Store, Taken

LOG = logging.getLogger(__name__)

Tellers = Mapping[str, Collection[str]]


def take(store: Store, report: Report, cloud: str, task: Task, event: Page | Ended, now: datetime) -> None:
    """Keep what a page tells, at once: whatever becomes of the rest, what was seen was seen."""
    asked = {s.scope.project_id: s for s in report.scopes if task.asks(s.scope)}
    region = [s for s in report.scopes if (s.scope.extractor, s.scope.region) == (task.name, task.ask.region)]
    place = Place(cloud, task.ask.region)
    if isinstance(event, Ended):
        _end(asked.values(), event)
        return
    otherwise = _observe(store, place, task.name, event, now)
    if event.measured:
        store.measure(place, event.measured)
    _tell_of_mended(task, asked, event, otherwise)
    _end_what_is_deleted(store, place, event.odd, now)
    store.quarantine(place, event.odd, window_start=min(w.start for w in task.ask.windows.values()), at=now)
    for project_id, records in _by_project(event.records).items():
        changes = put_own(store, place, records)
        if project_id in asked:
            asked[project_id].own += changes
        else:
            report.strangers += changes
    for odd in event.odd:
        LOG.warning("%s: set aside %s %s: %s", task.name, odd.kind, odd.object_id, odd.reason)
    for project_id, scope in asked.items():
        scope.inventory |= event.inventory
        scope.listed = event.listed if event.listed is not None else scope.listed
        scope.vouched |= event.vouched
        scope.odd += sum(odd.project_id in (project_id, None) for odd in event.odd)
        if project_id in event.unfinished:
            scope.error = SourceError(event.unfinished[project_id])
    if event.doubt:
        for scope in region:
            scope.error = scope.error or SourceError(event.doubt)


def _observe(store: Store, place: Place, name: str, page: Page, now: datetime) -> set[str]:
    """Keep what was seen, by a listing or by messages; the ids of what is not as it was known."""
    if not page.notices and not page.volume_types:
        return store.observe(place, page.seen, by=name)
    return keep_messages(store, place, name, page, now).otherwise


def keep_messages(store: Store, place: Place, name: str, page: Page, now: datetime) -> Taken:
    """Keep what messages told, with the messages, and let who told it know that it is kept."""
    taken = store.take(place, page.seen, page.notices, page.volume_types, by=name, at=now)
    _tell_of_unread(name, taken.news)
    if page.on_commit is not None:
        page.on_commit()
    return taken


def _tell_of_unread(name: str, notices: Iterable[Notice]) -> None:
    """Warn of messages that a person has to look at."""
    for one in notices:
        if one.fate is Fate.DEAD:
            hint = "caso-collect --dead list shows it, retry reads it again, drop forgets it"
            LOG.warning("%s: set aside message %s (%s): %s; %s", name, one.id, one.event_type, one.reason, hint)


def _tell_of_mended(task: Task, asked: Mapping[str, ScopeReport], page: Page, otherwise: Set[str]) -> None:
    """What nobody said had changed, and is not as it was remembered: it is now as it was listed."""
    changed = frozenset(page.unmarked) & otherwise
    wrong = [one for one in page.seen if isinstance(one, ServerSeen | VolumeSeen) and one.uuid in changed]
    for seen in wrong:
        if scope := asked.get(seen.project_id):
            scope.mended.append(seen.uuid)
    if wrong:
        LOG.warning(
            "%s: %d objects were remembered wrong, as their changes were never told, and now count as they are listed: %s",
            *(task.name, len(wrong), _some([seen.uuid for seen in wrong])),
        )


def _end_what_is_deleted(store: Store, place: Place, odd: Iterable[OddObject], now: datetime) -> None:
    """What cannot be read, but for that it is no more, ends where it was last seen; its row may yet tell when that was."""
    gone: dict[str, list[str]] = {}
    for one in odd:
        if one.deleted:
            gone.setdefault(one.kind, []).append(one.object_id)
    for kind, ids in gone.items():
        store.end(place, kind, ids, at=now, reason="its row says that it is deleted, and cannot be read")


def _end(asked: Iterable[ScopeReport], event: Ended) -> None:
    if isinstance(event.error, StoreError):
        # An extractor could not read what caso remembers: whatever is asked next would build on it.
        raise event.error
    for scope in asked:
        scope.ended = True
        scope.error = scope.error or event.error


def _by_project(records: Iterable[Record]) -> dict[str | None, list[Record]]:
    """Records by the project that they name; not every kind of a third party need name one."""
    found: dict[str | None, list[Record]] = {}
    for record in records:
        found.setdefault(getattr(record, "project_id", None), []).append(record)
    return found


def close(store: Store, scope: ScopeReport, tellers: Tellers, started: datetime, now: datetime) -> None:
    """What the end of asking tells of a scope: why it failed, or what is no more since complete listings did not have it.

    ``tellers`` are, by kind, the extractors that tell of it.
    """
    kinds = [kind for kind, names in tellers.items() if scope.scope.extractor in names]
    scope.ended = scope.ended or scope.plan.seen
    if scope.last:
        end_what_is_out_of_reach(store, scope, kinds, started, now)
    if scope.error:
        # History is asked for once: no later run comes back to it by itself.
        then = "the next run tries it again" if scope.plan.live else "say the same again with --resume"
        LOG.error(
            "%s: project %s in %s: %s; %s",
            scope.scope.extractor,
            scope.project.name,
            scope.scope.region,
            after_name(scope.scope.extractor, scope.error),
            then,
        )
    else:
        for kind in sorted(scope.inventory):
            _end_what_vanished(store, scope, kind, tellers, started, now)


def _end_what_vanished(store: Store, scope: ScopeReport, kind: str, tellers: Tellers, started: datetime, now: datetime) -> None:
    reason = "a complete listing did not have it any more"
    # Nova tells of what was deleted, so this is worth a word; Cinder and Neutron never do. And where it did not, its word
    # that no more had changed was wrong.
    told = kind == "server"
    gone = store.vanish(
        scope.scope, seen_since=started, at=now, reason=reason, kind=kind, vouched=not told, tellers=tellers.get(kind, ())
    )
    scope.vanished[kind] += len(gone)
    if gone and told:
        # Should they have been hidden for a moment only, the next run's listing has them again.
        scope.listed = None
        hint = (
            "; if Nova's operator archives deleted ones before caso is told of them, set [nova] full_listing_every to 0"
            if scope.scope.extractor == "nova"
            else ""
        )
        LOG.warning(
            "%s: %d servers vanished, and end where they were last listed: %s%s",
            *(scope.project.name, len(gone), _some(gone), hint),
        )


def _some(ids: Sequence[str], most: int = 10) -> str:
    return ", ".join(ids[:most]) + (", ..." if len(ids) > most else "")


def forget_odd_of_nobody(job: Job, store: Store, report: Report, started: datetime) -> None:
    """An odd object whose project is unreadable is gone when all listings of its region were complete and had it not."""
    for region in job.rules:
        for name, extractor in job.extractors.items():
            scopes = [s for s in report.scopes if (s.scope.region, s.scope.extractor) == (region, name)]
            for kind in sorted(extractor.observes):
                if scopes and not report.locked and all(scope.whole and kind in scope.inventory for scope in scopes):
                    store.forget_quarantined(Place(job.cloud, region), None, met_before=started, kind=kind)
