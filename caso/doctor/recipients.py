"""What each messenger says of itself and of its recipient, and each extractor of whom it alone asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from caso.errors import ConfigError
from caso.extractors.base import Extractor
from caso.findings import Finding, error, of_error, ok
from caso.messengers.base import Messenger


def examine(name: str, built: Callable[[], Messenger]) -> Iterator[Finding]:
    try:
        messenger = built()
    except ConfigError as exc:
        yield of_error(exc, "no run starts", f"correct [{name}] or [messenger_{name}]")
        return
    found = list(_own_words(name, messenger, "nothing is known of its recipient"))
    yield from found
    if not found:
        yield ok(f"{name} is configured, and has nothing to say of its recipient")


def examine_source(name: str, extractor: Extractor) -> Iterator[Finding]:
    """Nothing of an extractor that only asks services of the catalog: these are examined by themselves."""
    return _own_words(name, extractor, "nothing is known of whom it asks")


def _own_words(name: str, plugin: Messenger | Extractor, unknown: str) -> Iterator[Finding]:
    try:
        found = list(plugin.examine())
    except Exception as exc:  # noqa: BLE001  # a third party's may raise anything, and the others are still to be examined
        found = [error(f"{name} cannot examine itself: {type(exc).__name__}: {exc}", unknown, "tell its author")]
    yield from found
