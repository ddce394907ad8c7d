"""A small Almanach: it does with messages what Almanach 4 did, faults and all, and exports what it has as mongoexport did."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from caso.almanach.importing import File

NOON = datetime(2016, 1, 1, 12, tzinfo=UTC)


def minutes(count: float) -> datetime:
    return NOON + timedelta(minutes=count)


def instance(start: datetime, end: datetime | None = None, flavor: str = "small", **changes: Any) -> dict[str, Any]:
    """A document of an instance as Almanach 4.1 kept it."""
    common = {"entity_id": "s1", "project_id": "p1", "start": start, "end": end, "last_event": end or start, "name": "web"}
    kept = {"image_meta": {}, "os": {}, "metadata": {}, "processed": start}
    return {**common, "entity_type": "instance", "flavor": flavor, **kept, **changes}


def volume(start: datetime, end: datetime | None = None, size: Any = 10, **changes: Any) -> dict[str, Any]:
    """A document of a volume as Almanach 4.1 kept it."""
    common = {"entity_id": "v1", "project_id": "p1", "start": start, "end": end, "last_event": end or start, "name": "data"}
    kept = {"volume_type": "fast", "attached_to": [], "processed": start}
    return {**common, "entity_type": "volume", "size": size, **kept, **changes}


def exported(documents: Iterable[dict[str, Any]]) -> list[bytes]:
    """The lines that mongoexport writes of documents."""
    return [json.dumps(document, default=_extended).encode() + b"\n" for document in documents]


def a_file(documents: Iterable[dict[str, Any]], name: str = "entity.json") -> File:
    return File(name, BytesIO(b"".join(exported(documents))))


def _extended(value: object) -> object:
    if isinstance(value, datetime):
        return {"$date": f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03}Z"}
    raise TypeError(value)


@dataclasses.dataclass
class Almanach:
    """The collection ``entity`` of one instance."""

    documents: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def take(self, messages: Sequence[tuple[str, datetime, str]]) -> list[dict[str, Any]]:
        """The documents after messages: what they tell, when that was, and the flavor then."""
        for event, at, flavor in messages:
            getattr(self, event)(at, flavor)
        return self.documents

    @property
    def active(self) -> list[dict[str, Any]]:
        return [document for document in self.documents if document["end"] is None]

    def create(self, at: datetime, flavor: str) -> None:
        if not any(document["last_event"] > at for document in self.active):
            self.documents.append(instance(at, flavor=flavor))

    def resize(self, at: datetime, flavor: str) -> None:
        if self.active and self.active[0]["flavor"] != flavor:
            self._close(at)
            self.documents.append(instance(at, flavor=flavor))

    def delete(self, at: datetime, flavor: str) -> None:
        if len(self.active) == 1:
            self._close(at)

    def _close(self, at: datetime) -> None:
        self.active[0].update({"last_event": at, "end": at})
