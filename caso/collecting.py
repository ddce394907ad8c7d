"""Messages from the queue into the store, besides runs: at once, or as they come."""

from __future__ import annotations

import dataclasses
import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from caso.errors import SourceError
from caso.extractors.notifications import NotificationsExtractor
from caso.keeping import keep_messages
from caso.lifecycle.notice import Fate
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
            fates.update(notice.fate for notice in keep_messages(store, place, NAME, page, clock()).news)
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
