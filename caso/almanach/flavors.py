"""Almanach knew flavors by name only: what size they have is looked up where it is known."""

from __future__ import annotations

import json
from collections.abc import Callable

from caso.almanach.documents import Row
from caso.errors import SourceError
from caso.lifecycle.server import Flavor, Server
from caso.lifecycle.timeline import Source
from caso.store import Store

Ask = Callable[[str], Flavor | None]
"""Who else may know a flavor of a name."""


class FlavorBook:
    """Flavors by name, each found once: in the store, else by ``ask``.

    ``trouble`` is why ``ask`` could not say.
    """

    def __init__(self, store: Store, ask: Ask = lambda name: None) -> None:
        self.trouble: SourceError | None = None
        self._store = store
        self._ask = ask
        self._found: dict[str, Flavor | None] = {}

    @property
    def unknown(self) -> list[str]:
        """The names of which nobody knows the size."""
        return sorted(name for name, flavor in self._found.items() if flavor is None)

    def of(self, row: Row, known: Server | None) -> Flavor:
        """The flavor of a server from the start of a row: as this server is known to have had it, else as any has, else by name.

        Of a server that others told of, what they told stays where the size of a flavor is not known: without it, it would
        make no record any more.
        """
        name = row.flavor or ""
        flavor = _own(row, name, known) or self._find(name)
        if flavor is not None:
            return flavor
        if known is not None and any(piece.source is not Source.ALMANACH for piece in known.evidence):
            return next((i for i in reversed(known.intervals()) if i.start <= row.start), known.intervals()[0]).value.flavor
        return Flavor(name, 0, 0, 0)

    def _find(self, name: str) -> Flavor | None:
        if name not in self._found:
            self._found[name] = self._of_another(name) or self._asked(name)
        return self._found[name]

    def _asked(self, name: str) -> Flavor | None:
        try:
            return self._ask(name)
        except SourceError as exc:
            self.trouble = exc
            return None

    def _of_another(self, name: str) -> Flavor | None:
        """The flavor of this name that a server had last."""
        for server in self._store.lives.newest("server", f'"name":{json.dumps(name, ensure_ascii=False)}'):
            alike = [piece for piece in server.evidence if _is_sized(piece.value.flavor, name)]
            if alike:
                flavor: Flavor = max(alike, key=lambda piece: (piece.until, piece.since)).value.flavor
                return flavor
        return None


def _own(row: Row, name: str, known: Server | None) -> Flavor | None:
    """The flavor of this name that the server had at the start of the row, else nearest to it."""
    alike = [piece for piece in known.evidence if _is_sized(piece.value.flavor, name)] if known else []
    if not alike:
        return None
    before = [piece for piece in alike if piece.since <= row.start]
    nearest = max(before, key=lambda piece: piece.since) if before else min(alike, key=lambda piece: piece.since)
    return nearest.value.flavor


def _is_sized(flavor: Flavor, name: str) -> bool:
    return flavor.name == name and flavor.vcpus > 0
