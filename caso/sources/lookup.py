"""What is asked for once, and again only for what the others did not have."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Generic, TypeVar

from caso.errors import SourceError
from caso.sources.api import ScopeOrProject

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Once(Generic[K, V]):
    """What is found out once for each key. Who asks about one key waits for nobody who asks about another.

    >>> Once[str, int]().get("one", lambda: 1)
    1
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._finding: dict[K, threading.Lock] = {}
        self._known: dict[K, V] = {}

    def get(self, key: K, find: Callable[[], V]) -> V:
        """What ``find`` returned for this key; what it raises passes through, and the next call finds out anew."""
        with self._lock:
            finding = self._finding.setdefault(key, threading.Lock())
        with finding:
            if key not in self._known:
                self._known[key] = find()
            return self._known[key]


class Lookup(Generic[V]):
    """Things by name. What is public came with the first scope's listing; a project's own needs that project's."""

    def __init__(self, listing: Callable[[ScopeOrProject], Mapping[str, V]]) -> None:
        self._listing = listing
        self._lock = threading.Lock()
        self._known: dict[str, V] = {}
        self._asked: set[ScopeOrProject] = set()
        self._failed: dict[ScopeOrProject, SourceError] = {}

    def find(self, name: str, scope: ScopeOrProject) -> V | None:
        """The thing, or None; what ``listing`` raises passes through, for each who asks in this scope, and is asked for once."""
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
        if scope in self._failed:
            raise self._failed[scope]
        if scope not in self._asked:
            try:
                self._known.update(self._listing(scope))
            except SourceError as exc:
                self._failed[scope] = exc
                raise
            self._asked.add(scope)
