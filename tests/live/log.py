"""What was done to a cloud, by the clock of who did it."""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

TIMES = ("started_at", "finished_at")
DELETED = "deleted"


@dataclasses.dataclass(frozen=True)
class Step:
    """One operation on one thing, and what the API then said that the thing is.

    What the operation changed changed after ``started_at``, before it was asked for, and before ``finished_at``, when
    the API was seen to say so; both are UTC. The notification of its end is stamped within that time or some tenths of
    a second later: Nova and Cinder say what is done before they notify of it. Where a field means nothing for a kind of
    thing it is None.
    """

    kind: str
    """``server``, ``volume`` or ``volume_type``."""
    id: str
    operation: str
    """As tests.live.lives names it: ``create``, ``resize``, ``confirm``, ``delete``, ..."""
    started_at: datetime
    finished_at: datetime
    life: int
    """The number of the life that it belongs to: the same with the same seed, as ids are not."""
    status: str
    """As the API says it, ``ACTIVE`` or ``in-use``; ``deleted`` where it says that there is no such thing."""
    name: str
    project_id: str | None = None
    flavor: str | None = None
    """The name of a server's flavor; while a resize waits for ``confirm`` or ``revert`` the new one."""
    image: str | None = None
    """The id of a server's image."""
    size_gib: int | None = None
    type: str | None = None
    """The name of a volume's type."""
    type_id: str | None = None
    attached_to: tuple[str, ...] = ()
    """The servers that a volume is attached to."""

    def to_json(self) -> str:
        values = dataclasses.asdict(self)
        return json.dumps({**values, **{name: values[name].isoformat() for name in TIMES}})

    @classmethod
    def from_json(cls, line: str) -> Self:
        values: dict[str, Any] = json.loads(line)
        times = {name: datetime.fromisoformat(values[name]).astimezone(UTC) for name in TIMES}
        return cls(**{**values, **times, "attached_to": tuple(values["attached_to"])})


def write(path: Path, steps: Iterable[Step]) -> None:
    """A line of JSON for each."""
    path.write_text("".join(f"{step.to_json()}\n" for step in steps), encoding="utf-8")


def read(path: Path) -> list[Step]:
    return [Step.from_json(line) for line in path.read_text(encoding="utf-8").splitlines()]


def by_id(steps: Iterable[Step], kind: str) -> dict[str, list[Step]]:
    """All that was done to each thing of a kind, in order."""
    found: dict[str, list[Step]] = defaultdict(list)
    for step in sorted(steps, key=lambda step: step.started_at):
        if step.kind == kind:
            found[step.id].append(step)
    return dict(found)


def now() -> datetime:
    return datetime.now(UTC)
