"""caso-collect: what the services notified of servers and volumes, from the queue into the store; and what is left of it."""

from __future__ import annotations

import logging
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import TYPE_CHECKING

from caso import config
from caso.cli.base import command
from caso.cli.garbage import collect_seldom
from caso.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from caso.lifecycle.notice import Fate
    from caso.store import Store

LOG = logging.getLogger(__name__)

PROG = "caso-collect"


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 all is done; 1 a broker was down, or messages were left; 2 nothing was started."""
    return command(PROG, lambda conf: _collect(conf, argv), argv)


def _collect(conf: config.Configuration, argv: Sequence[str] | None) -> int:
    if conf.dead and conf.follow:
        raise ConfigError("--dead and --follow are two things to do; choose one")
    if conf.only_message and not conf.dead:
        raise ConfigError("--only-message is about what --dead does; give it as well")
    if conf.dry_run:
        raise ConfigError("--dry-run: what is taken from a queue is not in it any more; leave it out")
    from caso import wiring

    if conf.dead:
        with wiring.open_configured_store(conf) as store:
            return _dead(conf, store)
    collect_seldom()
    if conf.follow:
        return _follow(conf, argv)
    with wiring.open_configured_store(conf) as store:
        return _tell(_take(conf, store))


def _now() -> datetime:
    return datetime.now(UTC)


def _take(conf: config.Configuration, store: Store, stop: Callable[[], bool] = lambda: False) -> Counter[Fate]:
    from caso.collecting import collect
    from caso.wiring.collecting import collector

    return collect(collector(conf, store), store, _now, follow=conf.follow, stop=stop)


def _tell(fates: Counter[Fate]) -> int:
    from caso.lifecycle.notice import Fate

    taken = ", ".join(f"{fates[fate]} {fate}" for fate in Fate)
    LOG.info("messages: %s", taken)
    if sys.stdout.isatty():
        print(f"{PROG}: messages: {taken}")
    return 1 if fates[Fate.DEAD] else 0


class _Wish:
    """What a signal asked for: to leave once all that was taken is kept, or the same and to begin anew."""

    def __init__(self) -> None:
        self.leave = self.reload = False

    def __bool__(self) -> bool:
        return self.leave or self.reload


@contextmanager
def _wished() -> Iterator[_Wish]:
    """SIGTERM and SIGHUP are wishes here; SIGINT ends at once, as everywhere: what was not kept comes again."""
    wish = _Wish()

    def leave(number: int, frame: FrameType | None) -> None:
        wish.leave = True

    def reload(number: int, frame: FrameType | None) -> None:
        wish.reload = True

    before = {number: signal.signal(number, handler) for number, handler in ((signal.SIGTERM, leave), (signal.SIGHUP, reload))}
    try:
        yield wish
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _follow(conf: config.Configuration, argv: Sequence[str] | None) -> int:
    from caso import wiring

    with _wished() as wish:
        while True:
            with wiring.open_configured_store(conf) as store:
                LOG.info("following the queues")
                fates = _take(conf, store, lambda: bool(wish))
            if wish.leave or not wish.reload:
                _tell(fates)
                return 0
            wish.reload = False
            conf = _reloaded(conf, argv)


def _reloaded(conf: config.Configuration, argv: Sequence[str] | None) -> config.Configuration:
    """The configuration as its files say now; one that cannot be read changes nothing."""
    try:
        found = config.build(sys.argv[1:] if argv is None else argv, PROG)
    except (ConfigError, SystemExit) as exc:
        LOG.error("the configuration was not read again, and stays as it was: %s", exc)
        return conf
    LOG.info("the configuration was read again")
    return found


def _dead(conf: config.Configuration, store: Store) -> int:
    from caso.cli import collect_tables, documents, screen

    ids = set(conf.only_message) or None
    if conf.dead == "list":
        held = [one for one in store.events.left() if ids is None or one.notice.id in ids]
        if conf.json:
            documents.write(map(collect_tables.document, held))
        else:
            collect_tables.show(held, screen.console())
        return 0
    done = store.events.retry(ids) if conf.dead == "retry" else store.events.drop(ids)
    if ids is not None and done < len(ids):
        raise SourceError(
            f"{len(ids) - done} of these messages are not waiting or dead; caso-collect --dead list shows which are"
        )
    what = "will be read again by the next run" if conf.dead == "retry" else "are never minded"
    print(f"{PROG}: {done} messages {what}")
    return 0
