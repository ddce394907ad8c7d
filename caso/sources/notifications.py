"""OpenStack's notifications from one or more message brokers, in batches that are acknowledged when they are safe."""

from __future__ import annotations

import contextlib
import selectors
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Self

from caso.errors import SourceError
from caso.sources.messages_envelope import Message, Unreadable, damaged, open_envelope
from caso.sources.notifications_broker import Broker
from caso.sources.notifications_connecting import require_kombu
from caso.sources.notifications_link import Delivery, Link
from caso.sources.notifications_url import BrokerUrl

__all__ = ["Batch", "Inbox", "Message", "Unreadable"]

QUIET_SECONDS = 0.1
"""A broker on the same continent that has messages sends one within."""
ATTENTIVE_SECONDS = 0.2
"""The longest time in which nobody asks whether to stop."""
CONNECTING_SECONDS = 0.02
HEARTBEAT_SECONDS = 60
BEAT_SECONDS = 1.0
"""How often it is looked whether a heartbeat is due."""


class Batch:
    """Messages in the order in which they came from each queue; they come again until they are acknowledged."""

    def __init__(self, deliveries: Sequence[Delivery]) -> None:
        self._deliveries = deliveries
        self.messages: Sequence[Message | Unreadable] = [_opened(delivery) for delivery in deliveries]

    def acknowledge(self) -> None:
        """Return when all brokers have forgotten these messages; to be called before the next batch is asked for.

        SourceError where a connection was lost: its messages come again, those of the other brokers do not.
        """
        tags: dict[Link, list[int]] = {}
        for delivery in self._deliveries:
            tags.setdefault(delivery.link, []).append(delivery.tag)
        lost: list[SourceError] = []
        for link, its_tags in tags.items():
            try:
                link.acknowledge(its_tags)
            except SourceError as exc:
                lost.append(exc)
        _raise_all(lost)


class Inbox:
    """The queues of one or more brokers; nothing is connected before it is asked for messages. To be closed, or a context.

    ``urls`` are transport URLs as OpenStack's services have them, one for each broker; ``queues`` are read on each of them.
    ``prefetch`` messages of each queue are on their way at most, ``timeout`` seconds an answer of a broker is waited for.
    Used by one thread; a second one of its own keeps the connections alive while the caller is busy with a batch.
    """

    def __init__(
        self,
        urls: Sequence[str],
        queues: Sequence[str],
        *,
        prefetch: int = 500,
        timeout: float = 10,
        heartbeat: int = HEARTBEAT_SECONDS,
    ) -> None:
        require_kombu()
        self._queues = tuple(dict.fromkeys(queues))
        self._timeout = timeout

        def open_link(url: BrokerUrl) -> Link:
            return Link(url, prefetch=prefetch, timeout=timeout, heartbeat=heartbeat)

        self._brokers = [Broker(BrokerUrl.parse(url), open_link, self._queues) for url in dict.fromkeys(urls)]
        self._turn = 0
        self._closed = threading.Event()
        self._pulse: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def batches(
        self, size: int = 500, *, wait: float = 1.0, until_empty: bool = True, stop: Callable[[], bool] = lambda: False
    ) -> Iterator[Batch]:
        """Batches of at most ``size`` messages, taken from the queues in turn; ends, with what it has, when ``stop`` says so.

        ``until_empty``: ends once all queues are empty. A broker that is down, or goes down, holds up nobody: the
        SourceError that says so comes after everything of the others. Else it goes on for ever: a batch comes when it
        is full, or ``wait`` seconds after its first message; a broker that is down is tried until it is back.
        """
        for broker in self._brokers:
            broker.try_anew()
        self._keep_alive()
        yield from self._drained(size, stop) if until_empty else self._followed(size, wait, stop)
        # What is already here is not left for others: it would come again much later.
        left = self._waiting
        while left > 0 and (deliveries := self._take(min(size, left))):
            left -= len(deliveries)
            yield Batch(deliveries)
        if until_empty:
            _raise_all([broker.trouble for broker in self._brokers if broker.trouble is not None])

    def backlog(self) -> int:
        """Messages that wait: in all queues of all brokers, or here and not yielded yet. SourceError where a broker is down."""
        links = [broker.connected() for broker in self._brokers]
        return sum(link.ready(self._queues) + link.waiting for link in links)

    def there(self) -> Sequence[str]:
        """The queues that any of the brokers has: one comes with the first notification. SourceError where a broker is down."""
        links = [broker.connected() for broker in self._brokers]
        return [queue for queue in self._queues if any(link.has(queue) for link in links)]

    def close(self) -> None:
        """What was not acknowledged goes back into its queue."""
        self._closed.set()
        for broker in self._brokers:
            broker.close()

    def _drained(self, size: int, stop: Callable[[], bool]) -> Iterator[Batch]:
        nothing_since, looked_empty = time.monotonic(), False
        while not stop():
            came = self._receive(QUIET_SECONDS, again=False)
            is_connecting = any(broker.is_connecting for broker in self._brokers)
            if came or self._waiting or is_connecting:
                nothing_since, looked_empty = time.monotonic(), False
            if self._waiting >= size or (self._waiting and not came):
                yield Batch(self._take(size))
            elif not came and not is_connecting:
                ready = self._ready()
                empty = ready == 0 and not self._waiting
                # Twice: what a queue gave away just before it said that it has nothing may be on its way.
                if empty and looked_empty:
                    return
                looked_empty = empty
                if ready and time.monotonic() - nothing_since > self._timeout:
                    raise SourceError(
                        f"notifications: {ready} messages are ready, and none has come for {self._timeout:.0f} s; "
                        "has another program a queue to itself, or was a batch not acknowledged?"
                    )

    def _followed(self, size: int, wait: float, stop: Callable[[], bool]) -> Iterator[Batch]:
        first_at: float | None = None
        while not stop():
            self._receive(min(wait, ATTENTIVE_SECONDS), again=True)
            now = time.monotonic()
            first_at = (first_at or now) if self._waiting else None
            if self._waiting >= size or (first_at is not None and now - first_at >= wait):
                yield Batch(self._take(size))
                first_at = None

    @property
    def _links(self) -> Sequence[Link]:
        return [broker.link for broker in self._brokers if broker.link is not None and broker.link.lost is None]

    @property
    def _waiting(self) -> int:
        return sum(link.waiting for link in self._links)

    def _receive(self, seconds: float, *, again: bool) -> bool:
        """Take in what has come, or comes within so many seconds; whether anything did."""
        before = self._waiting
        self._read(again=again)
        if self._waiting <= before:
            self._await(seconds)
            self._read(again=again)
        return self._waiting > before

    def _read(self, *, again: bool) -> None:
        for broker in self._brokers:
            broker.tend(again=again)
        for link in self._links:
            # The link keeps what was wrong; who tends its broker finds it there.
            with contextlib.suppress(SourceError):
                link.consume(self._queues)
                link.receive()

    def _await(self, seconds: float) -> None:
        sockets = [one for link in self._links if (one := link.socket) is not None]
        if not sockets or any(broker.is_connecting for broker in self._brokers):
            # Of who connects no socket tells.
            seconds = min(seconds, CONNECTING_SECONDS)
        if not sockets:
            self._closed.wait(seconds)
            return
        with selectors.DefaultSelector() as selector:
            for one in sockets:
                # Whose heartbeat failed just now is closed.
                with contextlib.suppress(ValueError, OSError):
                    selector.register(one, selectors.EVENT_READ)
            selector.select(seconds)

    def _take(self, size: int) -> Sequence[Delivery]:
        """As many messages, from all queues of all brokers in turn: a long queue does not keep a short one waiting."""
        lanes = [lane for link in self._links for lane in link.lanes.values()]
        taken: list[Delivery] = []
        while len(taken) < size and any(lanes):
            self._turn += 1
            lane = lanes[self._turn % len(lanes)]
            if lane:
                taken.append(lane.popleft())
        return taken

    def _ready(self) -> int:
        total = 0
        for link in self._links:
            with contextlib.suppress(SourceError):
                total += link.ready(self._queues)
        return total

    def _keep_alive(self) -> None:
        if self._pulse is None:
            self._pulse = threading.Thread(target=self._beat, name="heartbeats of notifications", daemon=True)
            self._pulse.start()

    def _beat(self) -> None:
        while not self._closed.wait(min([BEAT_SECONDS, *(link.beat_seconds for link in self._links)])):
            for link in self._links:
                link.beat()


def _opened(delivery: Delivery) -> Message | Unreadable:
    return open_envelope(delivery.body) if delivery.fault is None else damaged(delivery.body, delivery.fault)


def _raise_all(errors: Sequence[SourceError]) -> None:
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise SourceError("; ".join(map(str, errors)))
