"""From the revisions of an instance in Gnocchi to what was seen of a server: pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from caso.extractors.metered_sizes import Sized
from caso.extractors.times import CLOCK_SKEW, UnreadableError, require_created
from caso.lifecycle.server import ServerSeen, ServerState
from caso.lifecycle.timeline import Evidence
from caso.sources.gnocchi_rows import ResourceRow

ACTIVE = "ACTIVE"
"""Gnocchi does not tell whether a server was switched off, or suspended: it counts as running."""


def see(
    revisions: Sequence[ResourceRow], sizes: Sequence[Sized], owner: str, arrived_at: datetime, user_name: str | None
) -> ServerSeen:
    """What the revisions, oldest first, tell of a server; ``sizes`` are those of their flavors, ``owner`` is its project.

    Whatever Ceilometer knows has run. It began when it was made, or, where that is not told, when Gnocchi first had it.
    """
    last = revisions[-1]
    created, ended = born(last), last.ended_at
    require_lived(created, ended, arrived_at)
    seen_at = max(arrived_at, created)
    states = [ServerState(ACTIVE, row.project_id or owner, sized.flavor) for row, sized in zip(revisions, sizes, strict=True)]
    return ServerSeen(
        uuid=last.id,
        seen_at=seen_at,
        created=created,
        launched=True,
        unchanged_since=min(max(created, last.revision_start), seen_at),
        ended=ended,
        state=states[-1],
        name=last.display_name,
        user_id=last.user_id,
        user_name=user_name,
        image_id=_id_of(last.image_ref),
        properties_known=sizes[-1].known,
        told=tuple(_earlier(revisions, states, created, seen_at)),
    )


def born(row: ResourceRow) -> datetime:
    """When it was made, as well as that is told."""
    return min(row.created_at or row.started_at, row.started_at)


def require_lived(created: datetime, ended: datetime | None, arrived_at: datetime) -> None:
    """UnreadableError for a life that cannot have been."""
    if ended is not None and ended < created:
        raise UnreadableError(f"it ended ({ended:%FT%TZ}) before it was created ({created:%FT%TZ})")
    require_created(created, arrived_at)
    if ended is not None and ended > arrived_at + CLOCK_SKEW:
        raise UnreadableError(f"it ended in the future ({ended:%FT%TZ}); check the clocks")


def _earlier(
    revisions: Sequence[ResourceRow], states: Sequence[ServerState], created: datetime, seen_at: datetime
) -> Iterator[Evidence[ServerState]]:
    """What it was until each of its revisions but the last one was replaced."""
    ended = revisions[-1].ended_at
    for (row, following), state in zip(pairwise(revisions), states, strict=False):
        since, until = max(created, row.revision_start), following.revision_start
        until = until if ended is None else min(until, ended)
        if since < until:
            yield Evidence(state, since, until, seen_at)


def _id_of(image_ref: str | None) -> str | None:
    """The image's id: of a notification it is the last part of a URL.

    >>> _id_of("http://glance.example.org:9292/images/7f1c")
    '7f1c'
    """
    return (image_ref or "").rstrip("/").rpartition("/")[2] or None
