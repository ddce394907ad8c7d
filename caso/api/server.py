"""Answering requests over HTTP, until a signal ends it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any
from wsgiref.types import WSGIApplication

import waitress.server

from caso.errors import ConfigError

BEYOND = 16
"""Bodies that are too large are read up to so many times what is allowed: their senders are told so in JSON."""


@dataclasses.dataclass(frozen=True, slots=True)
class Listening:
    """Where, and how many requests are answered at a time; port 0 is any that is free."""

    host: str
    port: int
    threads: int
    max_body_bytes: int


def serve(app: WSGIApplication, listening: Listening, ready: Callable[[str], None]) -> None:
    """Answer until KeyboardInterrupt, then what is being answered, for some seconds at most; ``ready`` gets the URL.

    ConfigError where nobody can listen there.
    """
    try:
        server = waitress.server.create_server(
            app,
            host=listening.host,
            port=listening.port,
            threads=listening.threads,
            max_request_body_size=listening.max_body_bytes * BEYOND,
            ident="caso-api",
        )
    except (OSError, ValueError) as exc:
        raise ConfigError(
            f"cannot listen at {listening.host}, port {listening.port}: {exc}; see bind_ip and bind_port in [api]"
        ) from exc
    ready(", ".join(f"http://{_in_url(host)}:{port}" for host, port in _addresses(server)))
    # It ends by KeyboardInterrupt: nothing more is accepted, and what is being answered gets some seconds.
    server.run()
    server.close()


def _addresses(server: Any) -> Sequence[tuple[str, int]]:
    """Where it listens: at several addresses where the name of a host has several."""
    several: Sequence[tuple[str, int]] | None = getattr(server, "effective_listen", None)
    return several or [(server.effective_host, server.effective_port)]


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
