"""What Nova and Cinder notified of servers and volumes: taken from a queue, and acknowledged once it is kept."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from threading import Event
from time import monotonic
from typing import ClassVar, Self

from oslo_config import cfg

from caso.errors import CasoError, ConfigError, SourceError
from caso.extractors.base import NOTHING, Ask, Extractor, Memory, Page
from caso.extractors.flavors import ACCELERATOR_OPTIONS, BENCHMARK_OPTIONS, AcceleratorKeys, BenchmarkKeys, FlavorReader
from caso.extractors.reading import MessageReader, again
from caso.findings import Finding, note, of_error, ok
from caso.sources import Sources
from caso.sources.compute import utc_now
from caso.sources.notifications import Batch, Inbox
from caso.sources.notifications_url import BrokerUrl

LOG = logging.getLogger(__name__)

KINDS = frozenset({"server", "volume"})
SAFE_WITHIN = 600.0
"""Seconds in which a page is kept, or something else is wrong: the messages then come again."""


@dataclasses.dataclass(frozen=True)
class Queues:
    """Where messages come from, and how many are taken at a time."""

    urls: tuple[str, ...]
    names: tuple[str, ...]
    prefetch: int = 1000
    batch: int = 500
    seconds: float = 1800.0

    def inbox(self) -> Inbox:
        return Inbox(self.urls, self.names, prefetch=self.prefetch)


class NotificationsExtractor(Extractor):
    """Takes what is in the queues when it is asked, and says for which projects it is not all where they are not empty then.

    Without ``sources`` no service is asked what messages leave open: properties of flavors, names of volume types and users.
    Where others tell of servers or volumes too, what those used is accounted for with what they tell: this makes it exact.
    """

    cloud_wide: ClassVar[bool] = True
    observes: frozenset[str] = KINDS
    options: ClassVar[tuple[cfg.Opt, ...]] = (
        cfg.ListOpt(
            "transport_url",
            default=[],
            secret=True,
            deprecated_opts=[cfg.DeprecatedOpt("transport_url", group="collector"), cfg.DeprecatedOpt("url", group="RABBITMQ")],
            help="URL of the services' message bus, as their own option of this name: rabbit://USER:PASSWORD@HOST:5672/VHOST. "
            "Several, for several, are separated by commas.",
        ),
        cfg.StrOpt(
            "topic",
            default="caso",
            deprecated_opts=[cfg.DeprecatedOpt("topic", group="collector")],
            help="Topic that is caso's alone: it stands in topics of [oslo_messaging_notifications] of Nova and Cinder, and with "
            "_versioned behind it in versioned_notifications_topics of [notifications] of Nova.",
        ),
        cfg.ListOpt(
            "queue",
            default=[],
            deprecated_opts=[cfg.DeprecatedOpt("queue", group="RABBITMQ")],
            help="Queues to read. Not set: TOPIC.info, TOPIC.error and the same of TOPIC_versioned.",
        ),
        cfg.IntOpt("prefetch", default=1000, min=1, help="Messages that a broker hands out before any is acknowledged."),
        cfg.IntOpt("batch_size", default=500, min=1, max=5000, help="Messages that are kept, and acknowledged, together."),
        cfg.IntOpt(
            "time_limit",
            default=1800,
            min=1,
            help="Seconds after which a run takes no more messages: what is left in the queue is for the next one.",
        ),
        cfg.IntOpt(
            "keep_days",
            default=35,
            min=1,
            help="Days that is known which messages were taken, so that one that comes again is told.",
        ),
        cfg.StrOpt("region_name", help="Region that the messages are of. Not set: the only one of the run."),
    )
    shared_options: ClassVar[Mapping[str, tuple[cfg.Opt, ...]]] = {
        "benchmark": BENCHMARK_OPTIONS,
        "accelerator": ACCELERATOR_OPTIONS,
    }

    def __init__(
        self,
        sources: Sources | None,
        queues: Queues,
        *,
        benchmark: BenchmarkKeys | None = None,
        accelerator: AcceleratorKeys | None = None,
        region: str | None = None,
        messages_known: timedelta = timedelta(days=35),
    ) -> None:
        self.region = region
        self.messages_known = messages_known
        self._sources = sources
        self._clock = sources.now if sources else utc_now
        self._queues = queues
        self._flavors = FlavorReader(benchmark or BenchmarkKeys(), accelerator or AcceleratorKeys())
        self._is_rehearsal = False

    @classmethod
    def from_conf(cls, conf: cfg.ConfigOpts.GroupAttr, sources: Sources | None, **shared: cfg.ConfigOpts.GroupAttr) -> Self:
        return cls(
            sources,
            queues_from(conf),
            benchmark=BenchmarkKeys.from_conf(shared["benchmark"]),
            accelerator=AcceleratorKeys.from_conf(shared["accelerator"]),
            region=conf.region_name,
            messages_known=timedelta(days=conf.keep_days),
        )

    def beside(self, kinds: frozenset[str]) -> None:
        self.observes, self.mentions = KINDS - kinds, KINDS & kinds

    def rehearse(self) -> None:
        self._is_rehearsal = True

    def examine(self) -> Iterator[Finding]:
        for url in self._queues.urls:
            try:
                yield _examined(dataclasses.replace(self._queues, urls=(url,)))
            except CasoError as exc:
                why = "what is notified there is not known until it can be reached; polls go on without it"
                yield of_error(exc, why, "correct [notifications] transport_url")

    def extract(self, ask: Ask) -> Iterator[Page]:
        if not ask.windows:
            return
        if self._is_rehearsal:
            LOG.info("notifications: nothing is taken from the queue in a dry run: what is in it counts in the next run")
            return
        inbox = self._queues.inbox()
        try:
            yield from self.pages(inbox, ask.region, ask.memory, next(iter(ask.windows)))
            left = inbox.backlog()
        finally:
            inbox.close()
        if left:
            reason = f"notifications: {left} messages are still in the queue after {self._queues.seconds:g} s (time_limit)"
            yield Page(unfinished=dict.fromkeys(ask.windows, reason))

    @property
    def seconds(self) -> float:
        """For so long messages are taken at a time, unless they are followed."""
        return self._queues.seconds

    def inbox(self) -> Inbox:
        """The queues; nothing is connected yet. To be closed."""
        return self._queues.inbox()

    def pages(
        self,
        inbox: Inbox,
        region: str,
        memory: Memory = NOTHING,
        project_id: str | None = None,
        *,
        follow: bool = False,
        stop: Callable[[], bool] = lambda: False,
    ) -> Iterator[Page]:
        """What the messages tell, those first that waited. A page's messages are acknowledged once ``on_commit`` was called.

        To ``follow`` is to wait for more until told to ``stop``. ``project_id`` is one to ask the services about, None: nobody.
        """
        reader = self._reader(region, project_id)
        reader.knows(memory.volume_types())
        if waiting := list(memory.waiting()):
            yield reader.page(again(waiting), self._clock())
        over = monotonic() + self._queues.seconds

        def is_over() -> bool:
            return stop() or (not follow and monotonic() > over)

        for batch in inbox.batches(self._queues.batch, until_empty=not follow, stop=is_over):
            page = reader.page(batch.messages, self._clock())
            try:
                yield from _kept(page, batch)
            except SourceError as exc:
                if not follow:
                    raise
                LOG.warning("%s", exc)
            if page.volume_types and (waiting := list(memory.waiting())):
                yield reader.page(again(waiting), self._clock())

    def _reader(self, region: str, project_id: str | None) -> MessageReader:
        sources = self._sources
        if project_id is None or sources is None:
            return MessageReader(self._flavors)
        scope = sources.shared_scope([project_id])

        def specs(flavor: str) -> Mapping[str, str] | None:
            try:
                found = sources.flavors(region).find(flavor, scope)
            except SourceError as exc:
                LOG.debug("flavors count without their properties: %s", exc)
                return None
            return None if found is None else found.extra_specs

        return MessageReader(
            self._flavors,
            specs=specs,
            ask_for_types=lambda: sources.volumes(region, scope).types(),
            user_name=sources.users.name,
        )


def _examined(queues: Queues) -> Finding:
    """What is to be said of the one broker of these queues; ConfigError or SourceError where it cannot be reached."""
    (broker,) = (str(BrokerUrl.parse(url)) for url in queues.urls)
    inbox = queues.inbox()
    try:
        there, waiting = inbox.there(), inbox.backlog()
    finally:
        inbox.close()
    if not there:
        return note(
            f"{broker} answers, and has none of the queues {', '.join(queues.names)}",
            "a queue comes with the first notification; until then nothing is told",
            "see topics in nova.conf and cinder.conf, and [notifications] topic and the virtual host here",
        )
    return ok(f"{broker} answers: {waiting} messages wait in {', '.join(there)}")


def queues_from(conf: cfg.ConfigOpts.GroupAttr) -> Queues:
    """The queues of the group [notifications]."""
    topics = (conf.topic, f"{conf.topic}_versioned")
    usual = [f"{topic}.{priority}" for topic in topics for priority in ("info", "error")]
    urls = tuple(_urls(conf.transport_url))
    if not urls:
        raise ConfigError(
            "[notifications] transport_url is not set; set it to that of the services, like rabbit://USER:PASSWORD@HOST:5672/"
        )
    return Queues(
        urls=urls,
        names=tuple(conf.queue or usual),
        prefetch=max(conf.prefetch, conf.batch_size),
        batch=conf.batch_size,
        seconds=conf.time_limit,
    )


def _urls(pieces: Sequence[str]) -> list[str]:
    """The URLs of a list that was cut at its commas: a URL may have several hosts, with commas between them, too.

    >>> _urls(["rabbit://u:p@a:5672", "u:p@b:5672/v", "rabbit://u:p@c"])
    ['rabbit://u:p@a:5672,u:p@b:5672/v', 'rabbit://u:p@c']
    """
    urls: list[str] = []
    for piece in (piece.strip() for piece in pieces):
        if "://" in piece or not urls:
            urls.append(piece)
        else:
            urls[-1] = f"{urls[-1]},{piece}"
    return [url for url in urls if url]


def _kept(page: Page, batch: Batch) -> Iterator[Page]:
    """The page, and once it is kept, the acknowledgement of its messages: here, in the thread of their connection."""
    safe = Event()
    yield dataclasses.replace(page, on_commit=safe.set)
    if not safe.wait(SAFE_WITHIN):
        raise SourceError(f"notifications: {len(batch.messages)} messages were not kept in {SAFE_WITHIN:g} s; they come again")
    batch.acknowledge()
