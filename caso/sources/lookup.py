"""Listings that are asked for once, and again only for what the others did not have."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from typing import Generic, TypeVar

from caso.sources.api import ScopeOrProject

V = TypeVar("V")


class Lookup(Generic[V]):
    """Things by name. What is public came with the first scope's listing; a project's own needs that project's."""

    def __init__(self, listing: Callable[[ScopeOrProject], Mapping[str, V]]) -> None:
        self._listing = listing
        self._lock = threading.Lock()
        self._known: dict[str, V] = {}
        self._asked: set[ScopeOrProject] = set()

    def find(self, name: str, scope: ScopeOrProject) -> V | None:
        """The thing, or None; what ``listing`` raises passes through, and the next call asks again."""
        with self._lock:
            if name not in self._known:
                self._ask(scope)
            return self._known.get(name)

    def listed(self, scope: ScopeOrProject) -> Collection[V]:
        """The things that were listed so far; where none were, what the scope's listing has."""
        with self._lock:
            if not self._asked:
                self._ask(scope)
            return list(self._known.values())

    def _ask(self, scope: ScopeOrProject) -> None:
        if scope not in self._asked:
            self._known.update(self._listing(scope))
            self._asked.add(scope)
