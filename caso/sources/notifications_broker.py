"""One message broker, through its outages: connected without holding up anyone, and again when it is back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from caso.errors import SourceError
from caso.sources.notifications_link import Link
from caso.sources.notifications_url import BrokerUrl

LOG = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between two attempts to connect; each pause is twice the one before."""


class Broker:
    """A broker and its link, if it has one; ``trouble`` is why it has none."""

    def __init__(self, url: BrokerUrl, open_link: Callable[[BrokerUrl], Link], queues: Sequence[str]) -> None:
        self.url = url
        self.queues = queues
        self.link: Link | None = None
        self.trouble: SourceError | None = None
        self._open_link = open_link
        self._attempt: Future[Link] | None = None
        self._pause = FIRST_PAUSE
        self._next_attempt = 0.0
        self._linked_at = 0.0

    @property
    def is_connecting(self) -> bool:
        return self._attempt is not None

    def try_anew(self) -> None:
        """Connect at once, whatever was before."""
        if self.link is not None and self.link.lost is not None:
            self.link = None
        self.trouble, self._pause, self._next_attempt = None, FIRST_PAUSE, 0.0

    def tend(self, *, again: bool) -> None:
        """See whether the link holds, or has come about; begin to connect where it is time, ``again`` after a failure, too."""
        if self.link is not None and self.link.lost is not None:
            self._failed(self.link.lost, again=again)
        if self._attempt is not None and self._attempt.done():
            self._end(self._attempt, again=again)
        due = time.monotonic() >= self._next_attempt and (again or self.trouble is None)
        if self.link is None and self._attempt is None and due:
            self._attempt = self._begin(consume=True)

    def connected(self) -> Link:
        """Its link, which is waited for; SourceError where there is none to be had now."""
        if self.link is not None and self.link.lost is None:
            return self.link
        if self._attempt is None and self.trouble is None:
            self._attempt = self._begin(consume=False)
        if self._attempt is None:
            raise self.trouble or SourceError(f"notifications: there is no connection to {self.url}")
        attempt, self._attempt = self._attempt, None
        self.link = attempt.result()
        return self.link

    def close(self) -> None:
        if self._attempt is not None:
            # Nobody waits for it any more: whatever comes of it is closed.
            self._attempt.add_done_callback(lambda attempt: None if attempt.exception() else attempt.result().close())
            self._attempt = None
        if self.link is not None:
            self.link.close()
            self.link = None

    def _begin(self, *, consume: bool) -> Future[Link]:
        """In a thread of its own: a host that swallows packets takes its time, and others have messages."""
        attempt: Future[Link] = Future()

        def connect() -> None:
            try:
                link = self._open_link(self.url)
                if consume:
                    # Here, so that a queue which may not be read is no broker that came back.
                    link.consume(self.queues)
                attempt.set_result(link)
            # Raised where it is waited for.
            except BaseException as exc:  # noqa: BLE001
                attempt.set_exception(exc)

        threading.Thread(target=connect, name=f"connect to {self.url}", daemon=True).start()
        return attempt

    def _end(self, attempt: Future[Link], *, again: bool) -> None:
        self._attempt = None
        try:
            self.link = attempt.result()
        except SourceError as exc:
            self._failed(exc, again=again)
            return
        if self.trouble is not None:
            LOG.info("notifications: %s is back", self.url)
        self.trouble, self._linked_at = None, time.monotonic()

    def _failed(self, trouble: SourceError, *, again: bool) -> None:
        if again and self.trouble is None:
            LOG.warning("%s; trying until it answers", trouble)
        if self.link is not None and time.monotonic() - self._linked_at >= LONGEST_PAUSE:
            # One that comes and goes is given its time as if it had stayed away.
            self._pause = FIRST_PAUSE
        self.link, self.trouble = None, trouble
        self._next_attempt = time.monotonic() + self._pause
        self._pause = min(LONGEST_PAUSE, self._pause * 2)
