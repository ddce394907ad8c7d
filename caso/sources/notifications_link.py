"""An open connection to one message broker, with kombu: what comes from it, acknowledged when its reader says so."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caso.errors import SourceError
from caso.sources.notifications_connecting import LONGEST_REASON, NOT_FOUND, code_of, connected, errors_of, failed
from caso.sources.notifications_url import BrokerUrl

LOG = logging.getLogger(__name__)

AS_PUBLISHED_TO = ("nova", "openstack")
"""The topic exchanges of the services whose notifications count; openstack is Cinder's."""
A_MOMENT = 0.005
LOOK_AGAIN_SECONDS = 5.0


@dataclass(frozen=True)
class Delivery:
    """A message as the broker sent it, to be acknowledged to the same link; ``fault`` where it cannot be unpacked."""

    link: Link
    tag: int
    body: bytes
    fault: str | None = None


class Link:
    """A connection and its consumers, used by one thread at a time; only :meth:`beat` may come from another one.

    Whatever fails ends the link: ``lost`` says why, and what was not acknowledged comes again over the next one.

    OpenStack's publishers declare the queue TOPIC.PRIORITY themselves and bind it to their exchange, each time they
    connect (oslo.messaging, _publish_and_creates_default_queue), so a queue that is not there has no messages yet. They
    declare it as durable as their exchange, of the quorum type where the operator wants that, and where it exists with
    other arguments RabbitMQ refuses, and their notifications are lost. So a missing queue is declared only where its
    arguments are certain: bound to exchanges that exist and are not durable, as by oslo.messaging's defaults
    (amqp_durable_queues = false; quorum queues make exchanges durable). That helps where someone deleted the queue of
    publishers that stay connected. In all other cases it is theirs to make, and is looked for again.
    """

    def __init__(self, url: BrokerUrl, *, prefetch: int, timeout: float, heartbeat: int) -> None:
        """Connected when it returns; SourceError where no node of the broker lets caso in."""
        self.url = url
        self.lost: SourceError | None = None
        self.lanes: Mapping[str, deque[Delivery]] = {}
        self._missing: set[str] = set()
        self._prefetch = prefetch
        self._lock = threading.RLock()
        self._next_tick = self._next_look = self._next_beat = time.monotonic()
        self._connection = connected(url, timeout, heartbeat)
        # kombu's own would connect again, without our channels, where it is used after it was lost.
        self._amqp = self._connection.connection
        self._asking: Any = None
        # What was acknowledged: all up to a tag, and these beyond it.
        self._done_until, self._done = 0, set[int]()
        with self._telling("open a channel to"):
            self._channel = self._amqp.channel()

    @property
    def waiting(self) -> int:
        """Messages that came and were not taken yet."""
        return sum(map(len, self.lanes.values()))

    @property
    def socket(self) -> Any:
        """To wait for; None once it is lost."""
        if self.lost is None:
            with contextlib.suppress(*errors_of(self._connection)):
                return self._amqp.sock
        return None

    def consume(self, queues: Sequence[str]) -> None:
        """From now on messages of these queues come, up to ``prefetch`` of each at a time."""
        if self.lanes:
            return
        self.lanes = {queue: deque() for queue in dict.fromkeys(queues)}
        with self._telling("read the queues of"):
            self._channel.basic_qos(0, self._prefetch, False)
            for queue in self.lanes:
                self._begin(queue)

    def receive(self) -> None:
        """Take in what has come, without waiting for more."""
        with self._telling("read messages of"):
            with contextlib.suppress(TimeoutError):
                while True:
                    self._amqp.drain_events(timeout=A_MOMENT)
            now = time.monotonic()
            if now >= self._next_tick:
                # After reading: what came while nobody read is a sign of life, too.
                self._amqp.heartbeat_tick()
                self._next_tick = now + 1
            if self._missing and now >= self._next_look:
                self._next_look = now + LOOK_AGAIN_SECONDS
                for queue in sorted(self._missing):
                    self._begin(queue)

    def acknowledge(self, tags: Sequence[int]) -> None:
        """Return when the broker has forgotten these messages; SourceError where it may not have, so that they come again."""
        with self._telling("acknowledge messages of"):
            done = self._done | set(tags)
            while self._done_until + 1 in done:
                self._done_until += 1
            # One word for all up to a tag, which has to be one that the broker waits for.
            if early := [tag for tag in tags if tag <= self._done_until]:
                self._channel.basic_ack(max(early), multiple=True)
            self._done = {tag for tag in done if tag > self._done_until}
            for tag in self._done.intersection(tags):
                self._channel.basic_ack(tag)
            # An acknowledgement has no answer; the next question's answer says that the broker had read it.
            self._channel.basic_qos(0, self._prefetch, False)

    def ready(self, queues: Sequence[str]) -> int:
        """Messages that the broker has in these queues and has sent to nobody; a queue that is not there has none."""
        with self._telling("count the messages of"):
            return sum(self._count(queue) or 0 for queue in dict.fromkeys(queues))

    def has(self, queue: str) -> bool:
        """Whether there is such a queue."""
        with self._telling("look for the queues"):
            return self._count(queue) is not None

    def beat(self) -> None:
        """Tell the broker that this end lives, where it is time and its thread does something else."""
        if time.monotonic() >= self._next_beat and self._lock.acquire(blocking=False):
            try:
                # Of an error the next use tells.
                with contextlib.suppress(SourceError), self._telling("send a heartbeat to"):
                    self._amqp.send_heartbeat()
                    self._next_beat = time.monotonic() + self.beat_seconds
            finally:
                self._lock.release()

    @property
    def beat_seconds(self) -> float:
        """The time between two beats; brokers give up after two intervals of silence."""
        return max(0.5, (self._amqp.heartbeat or 60) / 3)

    def close(self) -> None:
        """What was not acknowledged goes back into its queue."""
        with self._lock:
            if self.lost is None:
                with contextlib.suppress(*errors_of(self._connection)):
                    self._connection.release()
                self.lost = SourceError(f"notifications: the connection to {self.url} is closed")

    def _begin(self, queue: str) -> None:
        if self._count(queue) is None and not self._declare(queue):
            if queue not in self._missing:
                LOG.info("notifications: %s has no queue %s yet; it comes with the first notification", self.url, queue)
            self._missing.add(queue)
            return
        self._missing.discard(queue)
        self._channel.basic_consume(queue, callback=lambda raw: self._arrived(queue, raw), on_cancel=lambda _: self._gone(queue))

    def _arrived(self, queue: str, raw: Any) -> None:
        message = self._channel.message_to_python(raw)
        body = message.body if isinstance(message.body, bytes) else str(message.body).encode(errors="surrogatepass")
        fault = f"it cannot be unpacked: {message.errors[0][1]}"[:LONGEST_REASON] if message.errors else None
        self.lanes[queue].append(Delivery(self, message.delivery_tag, body, fault))

    def _gone(self, queue: str) -> None:
        LOG.info("notifications: the queue %s of %s was deleted; it comes again with the next notification", queue, self.url)
        self._missing.add(queue)

    def _count(self, queue: str) -> int | None:
        """Messages ready in a queue; None where there is no such queue."""
        try:
            return int(self._to_ask.queue_declare(queue, passive=True).message_count)
        except self._connection.channel_errors as exc:
            if code_of(exc) == NOT_FOUND:
                return None
            raise

    def _declare(self, queue: str) -> bool:
        exchanges = [name for name in AS_PUBLISHED_TO if self._is_transient(name)]
        if not exchanges or not self._lets("queue_declare", queue, durable=False, auto_delete=False):
            return False
        bound = [self._lets("queue_bind", queue, name, routing_key=queue) for name in exchanges]
        return all(bound)

    def _is_transient(self, exchange: str) -> bool:
        topic = {"type": "topic", "durable": False, "auto_delete": False}
        # Only one that exists is declared again, which RabbitMQ refuses where it is durable.
        return all(self._lets("exchange_declare", exchange, passive=passive, **topic) for passive in (True, False))

    def _lets(self, what: str, *args: Any, **kwargs: Any) -> bool:
        try:
            getattr(self._to_ask, what)(*args, **kwargs)
        except self._connection.channel_errors as exc:
            LOG.debug("notifications: %s: %s", self.url, exc)
            return False
        return True

    @property
    def _to_ask(self) -> Any:
        """A channel for questions that may be refused, which ends it."""
        if self._asking is None or not self._asking.is_open:
            self._asking = self._amqp.channel()
        return self._asking

    @contextlib.contextmanager
    def _telling(self, doing: str) -> Iterator[None]:
        with self._lock:
            if self.lost is not None:
                raise self.lost
            try:
                yield
            except errors_of(self._connection) as exc:
                self.lost = failed(f"notifications: cannot {doing} {self.url}", exc)
                with contextlib.suppress(*errors_of(self._connection)):
                    self._connection.collect()
                raise self.lost from exc
