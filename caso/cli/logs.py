"""Where the log goes, and what of foreign words gets into it."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from typing import Any, TextIO

from oslo_config import cfg
from oslo_log import log

from caso.errors import ConfigError
from caso.printing import printable, without_credentials


class Harmless(logging.Filter):
    """Lets every message pass, as one line without anything that a terminal would obey: the cloud's users choose their names."""

    def filter(self, record: logging.LogRecord) -> bool:
        # Each handler has it pass by, and what was made of it for the first one has lines of its own.
        if not getattr(record, "harmless", False):
            record.msg, record.args, record.harmless = printable(without_credentials(record.getMessage())), (), True
            if record.exc_info:
                # Into the message: oslo.log's formatter makes a text of the exception itself, without asking anybody.
                record.msg += "".join(f"\n    {line}" for line in _trace(record.exc_info))
                record.exc_info = record.exc_text = None
        return True


def _trace(exc_info: tuple[Any, Any, Any]) -> Iterator[str]:
    for line in "".join(traceback.format_exception(*exc_info)).splitlines():
        yield printable(without_credentials(line))


HARMLESS = Harmless()


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


def set_up_logging(conf: cfg.ConfigOpts) -> None:
    """oslo.log as configured. Where it has no file, standard error: cron mails that, so only what is wrong is said."""
    try:
        log.setup(conf, "caso")
    except (OSError, RuntimeError, TypeError, ValueError, log.LogConfigError) as exc:
        raise ConfigError(f"there is no log as it is configured: {exc}; correct its options in [DEFAULT]") from exc
    _provide_standard_error(conf)
    for handler in logging.getLogger().handlers:
        handler.addFilter(HARMLESS)


def _provide_standard_error(conf: cfg.ConfigOpts) -> None:
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
