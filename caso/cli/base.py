"""What all commands share: argv to configuration, errors to exit status, logging for cron and for people."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TextIO

from oslo_config import cfg
from oslo_log import log

from caso import config
from caso.errors import CasoError, ConfigError, StoreError

LOG = logging.getLogger(__name__)


def command(
    prog: str,
    act: Callable[[config.Configuration], int],
    argv: Sequence[str] | None = None,
    subcommands: cfg.SubCommandOpt | None = None,
) -> int:
    """Do ``act`` with the configuration that ``argv`` and the files give; the exit status, 2 where nothing was started."""
    try:
        conf = config.build(sys.argv[1:] if argv is None else argv, prog, subcommands=subcommands)
    except ConfigError as exc:
        print(f"{prog}: {exc}", file=sys.stderr)
        return 2
    except SystemExit as exc:
        # argparse and oslo.config leave by it: with 0 after --help, else for arguments that they do not understand.
        return 2 if exc.code else 0
    try:
        _set_up_logging(conf)
        for sentence in (*conf.remarks, *config.unknown_options(conf)):
            LOG.warning("%s", sentence)
        for sentence in conf.left_out:
            LOG.error("%s", sentence)
        with _ended_by_signals():
            return act(conf)
    except (ConfigError, StoreError) as exc:
        print(f"{prog}: {exc}", file=sys.stderr)
        return 2
    except CasoError as exc:
        print(f"{prog}: {exc}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Who read our output has seen enough, as head does; nothing is left to write when Python flushes it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt as exc:
        # Python's own says nothing; a command that leaves something behind says what becomes of it.
        print(f"{prog}: {str(exc) or 'interrupted'}", file=sys.stderr)
        return 1


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does: what is half written is taken back, locks are given up.

    A second signal ends the process.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def printable(text: str) -> str:
    r"""Text from the cloud's users without what a terminal would obey.

    >>> printable("a\x1b[31m") == "a\ufffd[31m"
    True
    """
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what sys.stderr is at that moment: while a progress bar is drawn, rich puts lines above it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, stream: TextIO) -> None:
        raise AttributeError("it is always sys.stderr")


def _set_up_logging(conf: cfg.ConfigOpts) -> None:
    """oslo.log as configured. Where it has no file, standard error: cron mails that, so only what is wrong is said."""
    try:
        log.setup(conf, "caso")
    except (OSError, RuntimeError, TypeError, ValueError, log.LogConfigError) as exc:
        raise ConfigError(f"there is no log as it is configured: {exc}; correct its options in [DEFAULT]") from exc
    if conf.log_config_append or conf.log_file or conf.log_dir or conf.use_syslog or conf.use_journal:
        return
    if not conf.debug:
        # What it warns of, a failed login say, caso reports itself, with what to do.
        logging.getLogger("keystoneauth").setLevel(logging.ERROR)
        logging.getLogger("stevedore").setLevel(logging.CRITICAL)
    handler = _StandardError()
    handler.setLevel(logging.DEBUG if conf.debug else logging.WARNING)
    handler.setFormatter(logging.Formatter("caso: %(levelname)s: %(message)s"))
    logging.getLogger().handlers = [handler]
