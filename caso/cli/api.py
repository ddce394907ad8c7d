"""caso-api: what is known of servers and volumes over HTTP, and what people write of them."""

from __future__ import annotations

from collections.abc import Sequence

from caso.cli.base import command
from caso.config import Configuration

PROG = "caso-api"


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status: 0 it was ended by a signal; 2 nothing was started."""
    return command(PROG, _serve, argv)


def _serve(conf: Configuration) -> int:
    from caso.api.server import serve
    from caso.wiring.api import application, listening

    try:
        with application(conf) as app:
            serve(app, listening(conf), _tell)
    except KeyboardInterrupt:
        # SIGTERM and SIGINT are how a service ends.
        pass
    return 0


def _tell(url: str) -> None:
    print(f"{PROG}: listening at {url}", flush=True)
