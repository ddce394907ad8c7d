"""What caso remembers, for an extractor that asks for less, or for more, because of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from caso.extractors.base import Listing, Seen
from caso.lifecycle.notice import Notice
from caso.store.kinds import KINDS, kind_of


class Remembered:
    """A :class:`caso.extractors.base.Memory` of these entities, by kind; ``listings`` are by project.

    >>> from caso.testing.entities import hours, seen_volume
    >>> memory = Remembered.of([seen_volume(at=hours(1), uuid="v"), seen_volume(at=hours(2), uuid="v", size_gib=20)])
    >>> [volume.known_at == hours(2) for volume in memory.living("volume", "project-1")]
    [True]
    >>> sorted(memory.known("volume", ["v", "never seen"]))
    ['v']
    """

    def __init__(self, *, listings: Mapping[str, Listing] | None = None, **entities: Iterable[Any]) -> None:
        self._listings = listings or {}
        self._entities = {kind: {KINDS[kind].id_of(one): one for one in known} for kind, known in entities.items()}

    @classmethod
    def of(cls, seen: Iterable[Seen], listings: Mapping[str, Listing] | None = None) -> Self:
        """The memory of who was told this, in this order."""
        lives: dict[str, dict[str, Any]] = {}
        for one in seen:
            kind = kind_of(one)
            of_kind = lives.setdefault(kind.name, {})
            of_kind[kind.id_of(one)] = kind.observe(of_kind.get(kind.id_of(one)), one)
        return cls(listings=listings, **{kind: of_kind.values() for kind, of_kind in lives.items()})

    def listing(self, project_id: str) -> Listing | None:
        return self._listings.get(project_id)

    def living(self, kind: str, project_id: str) -> Sequence[Any]:
        of_kind = sorted(self._entities.get(kind, {}).items())
        return [known for _, known in of_kind if known.project_id == project_id and known.ended is None]

    def lived(self, kind: str, project_id: str, since: datetime) -> Sequence[Any]:
        of_kind = sorted(self._entities.get(kind, {}).items())
        return [one for _, one in of_kind if one.project_id == project_id and (one.ended is None or one.ended >= since)]

    def known(self, kind: str, ids: Collection[str]) -> Mapping[str, Any]:
        return {thing_id: known for thing_id, known in self._entities.get(kind, {}).items() if thing_id in ids}

    def volume_types(self) -> Mapping[str, str]:
        return {}

    def waiting(self) -> Sequence[Notice]:
        return ()

    def forget(self, thing_id: str) -> None:
        """As if it had never been told of it."""
        for known in self._entities.values():
            known.pop(thing_id, None)
