"""What each messenger says of itself and of its recipient."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from caso.errors import ConfigError
from caso.findings import Finding, error, of_error, ok
from caso.messengers.base import Messenger


def examine(name: str, built: Callable[[], Messenger]) -> Iterator[Finding]:
    try:
        messenger = built()
    except ConfigError as exc:
        yield of_error(exc, "no run starts", f"correct [{name}] or [messenger_{name}]")
        return
    try:
        found = list(messenger.examine())
    except Exception as exc:  # noqa: BLE001  # a third party's may raise anything, and the others are still to be examined
        yield error(
            f"{name} cannot examine itself: {type(exc).__name__}: {exc}", "nothing is known of its recipient", "tell its author"
        )
        return
    yield from found
    if not found:
        yield ok(f"{name} is configured, and has nothing to say of its recipient")
