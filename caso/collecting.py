"""Messages from the queue into the store, besides runs: at once, or as they come."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

from caso.errors import SourceError
from caso.extractors.base import Page
from caso.extractors.notifications import NotificationsExtractor
from caso.keeping import tell_of_unread
from caso.lifecycle.notice import Fate, Notice
from caso.store import Place, Store
from caso.tasks import Remembered

LOG = logging.getLogger(__name__)

NAME = "notifications"


@dataclasses.dataclass(frozen=True)
class Collector:
    """What takes messages, and where they belong; ``project_id`` is one to ask the services about, None: nobody is asked."""

    extractor: NotificationsExtractor
    place: Place
    project_id: str | None = None


def collect(
    collector: Collector,
    store: Store,
    clock: Callable[[], datetime],
    *,
    follow: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> Counter[Fate]:
    """Keep what the messages tell, and how many had which fate; to ``follow``, until told to ``stop``.

    Raises SourceError where a broker is down, after what the others had is kept, or where the time was over first;
    StoreError where nothing can be kept.
    """
    extractor, place = collector.extractor, collector.place
    memory = Remembered(store, place, {})
    fates: Counter[Fate] = Counter()
    inbox = extractor.inbox()
    try:
        for page in extractor.pages(inbox, place.region, memory, collector.project_id, follow=follow, stop=stop):
            fates.update(notice.fate for notice in keep(store, place, page, clock()))
        left = 0 if follow or stop() else inbox.backlog()
    finally:
        inbox.close()
    if extractor.messages_known is not None:
        store.forget_events(clock() - extractor.messages_known)
    if left:
        raise SourceError(
            f"{left} messages are still in the queue after {extractor.seconds:g} s (time_limit); say the same again"
        )
    return fates


def keep(store: Store, place: Place, page: Page, now: datetime) -> Sequence[Notice]:
    """Keep a page, and let who told it know that it is kept; its messages but for those that were taken before."""
    taken = store.take(place, page.seen, page.notices, page.volume_types, by=NAME, at=now)
    tell_of_unread(NAME, taken.news)
    if page.on_commit is not None:
        page.on_commit()
    LOG.debug("%s: %d messages", NAME, len(page.notices))
    return taken.news
