"""caso-api behind a WSGI server of the site's own: ``gunicorn 'caso.cli.wsgi:application()'``."""

from __future__ import annotations

from contextlib import ExitStack
from wsgiref.types import WSGIApplication

from caso import config
from caso.cli.api import PROG
from caso.errors import ConfigError, StoreError
from caso.printing import printable


def application(*arguments: str) -> WSGIApplication:
    """What answers requests; ``arguments`` are those of caso-api, such as ``--config-file=/etc/caso/caso.conf``.

    Each process that answers calls it for itself: a store is not for two. It leaves with SystemExit and a sentence where
    caso-api could not be started either.
    """
    from caso.cli.base import tell_oddities
    from caso.cli.logs import set_up_logging
    from caso.wiring import api

    try:
        conf = config.build(arguments, PROG)
        set_up_logging(conf)
        tell_oddities(conf)
        # The store stays open as long as the process lives.
        return ExitStack().enter_context(api.application(conf))
    except (ConfigError, StoreError) as exc:
        raise SystemExit(printable(f"{PROG}: {exc}")) from exc
