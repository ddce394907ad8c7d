"""Who may ask caso-api, and for what."""

from __future__ import annotations

import dataclasses
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from caso.errors import ConfigError

TOKEN = "HTTP_X_AUTH_TOKEN"  # noqa: S105 (the header's name in a WSGI environment)
ALMANACHS = "secret"
"""The key that Almanach has where nobody chose one: everybody knows it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: ``everything`` of whom all is open, to read and to write; else who may read one project, or nothing at all.

    >>> Caller(project_id="p").may_read("p"), Caller(project_id="p").may_read("q"), Caller().may_read(None)
    (True, False, False)
    """

    everything: bool = False
    project_id: str | None = None

    def may_read(self, project_id: str | None) -> bool:
        """``project_id`` is None for what has no owner, volume types: who may read anything may read it."""
        if self.everything or self.project_id is None:
            return self.everything
        return project_id is None or project_id == self.project_id

    def may_write(self) -> bool:
        return self.everything


ALL = Caller(everything=True)


class Access(Protocol):
    """Tells who asks. ``environ`` is the WSGI environment of the request."""

    def caller(self, environ: dict[str, Any]) -> Caller | None:
        """None for who is nobody (401). SourceError where that cannot be found out now, but may be later (503)."""


class PrivateKey:
    """Who has the key may do everything.

    ConfigError for a key that is none, or is the one that everybody knows.
    """

    def __init__(self, key: str | None) -> None:
        if not key:
            raise ConfigError("[auth] private_key is not set; set it to a long random text, or set strategy to keystone")
        if key == ALMANACHS:
            raise ConfigError("[auth] private_key: everybody knows the word secret; set it to a long random text")
        self._key = key.encode()

    def caller(self, environ: Mapping[str, Any]) -> Caller | None:
        # A server hands on the bytes of a header as Latin-1, whatever they were.
        sent = str(environ.get(TOKEN, "")).encode("latin-1", "replace")
        return ALL if hmac.compare_digest(sent, self._key) else None


class FirstOf:
    """Whoever is somebody to one of several, asked in turn."""

    def __init__(self, ways: Sequence[Access]) -> None:
        self._ways = tuple(ways)

    def caller(self, environ: dict[str, Any]) -> Caller | None:
        return next((caller for way in self._ways if (caller := way.caller(environ)) is not None), None)


PRIVATE_KEY, KEYSTONE = "private_key", "keystone"


def access_of(strategy: str, ways: Mapping[str, Callable[[], Access]]) -> Access:
    """What [auth] strategy says; ``ways`` make each way that it names. The key is asked first: Keystone is never told it.

    Almanach looks for two words in it: ``token``, which is the key, and ``keystone``.
    """
    named = {PRIVATE_KEY if word == "token" else word for word in re.findall(r"\w+", strategy)}
    if not named or named - {PRIVATE_KEY, KEYSTONE}:
        raise ConfigError(f"[auth] strategy: {strategy!r} is none; choose private_key, keystone, or private_key,keystone")
    return FirstOf([ways[way]() for way in (PRIVATE_KEY, KEYSTONE) if way in named])
