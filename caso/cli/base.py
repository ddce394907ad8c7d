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

from oslo_config import cfg

from caso import config
from caso.cli.logs import set_up_logging
from caso.errors import CasoError, ConfigError, StoreError
from caso.printing import printable

LOG = logging.getLogger(__name__)


def command(
    prog: str,
    act: Callable[[config.Configuration], int],
    argv: Sequence[str] | None = None,
    subcommands: cfg.SubCommandOpt | None = None,
    *,
    told_by_act: bool = False,
) -> int:
    """Do ``act`` with the configuration that ``argv`` and the files give; the exit status, 2 where nothing was started.

    ``told_by_act``: what is odd about the configuration, ``act`` itself tells.
    """
    try:
        conf = config.build(sys.argv[1:] if argv is None else argv, prog, subcommands=subcommands)
    except ConfigError as exc:
        print(printable(f"{prog}: {exc}"), file=sys.stderr)
        return 2
    except SystemExit as exc:
        # argparse and oslo.config leave by it: with 0 after --help, else for arguments that they do not understand.
        return 2 if exc.code else 0
    try:
        set_up_logging(conf)
        if not told_by_act:
            tell_oddities(conf)
        with _ended_by_signals():
            return act(conf)
    except (ConfigError, StoreError) as exc:
        print(printable(f"{prog}: {exc}"), file=sys.stderr)
        return 2
    except CasoError as exc:
        print(printable(f"{prog}: {exc}"), file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Who read our output has seen enough, as head does; nothing is left to write when Python flushes it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt as exc:
        # Python's own says nothing; a command that leaves something behind says what becomes of it.
        print(f"{prog}: {str(exc) or 'interrupted'}", file=sys.stderr)
        return 1


def tell_oddities(conf: config.Configuration) -> None:
    from caso import declared  # every plug-in of this configuration is imported by now, and not before its --help

    for sentence in (*conf.remarks, *declared.unknown_options(conf)):
        LOG.warning("%s", sentence)


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
