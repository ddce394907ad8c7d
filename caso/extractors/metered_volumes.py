"""From the revisions of a volume in Gnocchi, and what its size was measured to be, to what was seen of it: pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from caso.extractors.metered_servers import born, require_lived
from caso.extractors.times import UnreadableError
from caso.lifecycle.volume import Volume, VolumeSeen, VolumeState
from caso.sources.gnocchi_rows import Point, ResourceRow

SIZE = "volume.size"


class _Step(NamedTuple):
    at: datetime
    state: VolumeState


def see(
    revisions: Sequence[ResourceRow],
    sizes: Sequence[Point],
    known: Volume | None,
    arrived_at: datetime,
    user_name: str | None,
) -> Iterator[VolumeSeen]:
    """What was seen of it, oldest first: it was as it was until it was another, and is as it is.

    ``sizes`` are measures of its size in GiB. Where there are none, it is as large as it was ``known`` to be.
    """
    last = revisions[-1]
    created, ended = born(last), last.ended_at
    require_lived(created, ended, arrived_at)
    steps = _steps(revisions, sorted(sizes), known, created)
    ends = [step.at for step in steps[1:]]
    for step, until in zip(steps, [*ends, None], strict=True):
        seen_at = max(arrived_at, created) if until is None else until
        yield VolumeSeen(
            uuid=last.id,
            seen_at=seen_at,
            created=created,
            unchanged_since=min(step.at, seen_at),
            ended=ended if until is None else None,
            state=step.state,
            name=last.display_name,
            user_id=last.user_id,
            user_name=user_name,
        )


def _steps(revisions: Sequence[ResourceRow], sizes: Sequence[Point], known: Volume | None, created: datetime) -> list[_Step]:
    """What it was, and since when."""
    # What is measured after the first reading, or told by a later revision, may be otherwise from then on.
    times = [max(created, row.revision_start) for row in revisions]
    times += [max(created, datetime.fromtimestamp(point.time, UTC)) for point in sizes[1:]]
    ended = revisions[-1].ended_at
    steps: list[_Step] = []
    for at in sorted(set(times)):
        if steps and ended is not None and at >= ended:
            break
        row = [row for row in revisions if row.revision_start <= at][-1:] or list(revisions[:1])
        state = VolumeState(_size(sizes, known, at), row[0].volume_type, row[0].project_id or "")
        if not steps or steps[-1].state != state:
            steps.append(_Step(at, state))
    return steps


def _size(sizes: Sequence[Point], known: Volume | None, at: datetime) -> int:
    """As measured last until then, else as measured first."""
    if sizes:
        until = [point for point in sizes if point.time <= at.timestamp()]
        return round((until[-1] if until else sizes[0]).value)
    if known is None:
        raise UnreadableError(f"the meter {SIZE} does not tell how large it is")
    return known.newest_claim.value.size_gib
