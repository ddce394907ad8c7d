"""Lives of volumes, and of each the row that Cinder would show at any time.

>>> from datetime import UTC, timedelta
>>> born = datetime(2024, 1, 10, tzinfo=UTC)
>>> life = VolumeHistory("v", "p1", born, 10).then("extend", born + timedelta(days=1), size_gib=20)
>>> life.row(born + timedelta(days=2))["size"]
20
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from caso.testing.volumes import a_volume

VERBS = ("extend", "retype", "transfer", "touch", "delete")
"""What can be done to a volume; ``touch`` changes its row and nothing that counts (it is attached, or renamed)."""


class VolumeStep(NamedTuple):
    """One thing done to a volume, and what it is from then on."""

    verb: str
    at: datetime
    size_gib: int
    volume_type: str
    project_id: str


class VolumeStretch(NamedTuple):
    """A part of a life with one size, type and owner; ``end`` is None where it goes on."""

    start: datetime
    end: datetime | None
    size_gib: int
    volume_type: str
    project_id: str


@dataclasses.dataclass(frozen=True)
class VolumeHistory:
    """The true life of a volume."""

    volume_id: str
    project_id: str
    created: datetime
    size_gib: int
    volume_type: str = "standard"
    steps: tuple[VolumeStep, ...] = ()

    @property
    def newest(self) -> VolumeStep:
        """What it is once all has been done."""
        beginning = VolumeStep("create", self.created, self.size_gib, self.volume_type, self.project_id)
        return self.steps[-1] if self.steps else beginning

    @property
    def ended(self) -> datetime | None:
        return self.newest.at if self.newest.verb == "delete" else None

    def then(
        self,
        verb: str,
        at: datetime,
        *,
        size_gib: int | None = None,
        volume_type: str | None = None,
        project_id: str | None = None,
    ) -> VolumeHistory:
        """The same life with one thing more done to it; ValueError after its end, or before what was done last."""
        now = self.newest
        if self.ended or at < now.at or verb not in VERBS:
            raise ValueError(f"{self.volume_id}: no {verb} at {at}, after {now.verb} at {now.at}")
        step = VolumeStep(verb, at, size_gib or now.size_gib, volume_type or now.volume_type, project_id or now.project_id)
        return dataclasses.replace(self, steps=(*self.steps, step))

    def stretches(self) -> tuple[VolumeStretch, ...]:
        """What it truly was, from its creation on; a stretch ends with whatever was done to it."""
        beginning = VolumeStep("create", self.created, self.size_gib, self.volume_type, self.project_id)
        steps = (beginning, *self.steps)
        ends = [*(step.at for step in self.steps), None]
        told = [VolumeStretch(step.at, end, *step[2:]) for step, end in zip(steps, ends, strict=True) if step.verb != "delete"]
        return tuple(stretch for stretch in told if stretch.start != stretch.end)

    def changed(self, at: datetime) -> datetime:
        """When its row last changed before ``at``."""
        return max([self.created, *(step.at for step in self.steps if step.at <= at)])

    def row(self, at: datetime) -> dict[str, Any] | None:
        """What Cinder shows of it at a time: nothing before it was made, and once it is deleted."""
        if at < self.created or (self.ended and self.ended <= at):
            return None
        done = [step for step in self.steps if step.at <= at]
        now = done[-1] if done else VolumeStep("create", self.created, self.size_gib, self.volume_type, self.project_id)
        return a_volume(
            self.volume_id,
            now.project_id,
            size=now.size_gib,
            volume_type=now.volume_type,
            created_at=_plain(self.created),
            updated_at=_plain(self.changed(at)),
        )


def volumes_at(histories: Sequence[VolumeHistory], at: datetime) -> list[dict[str, Any]]:
    """What Cinder has of all of them at a time."""
    return [row for row in (history.row(at) for history in histories) if row]


def _plain(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%S.%f}"
