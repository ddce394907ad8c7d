"""The intervals of a project's servers and volumes, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from caso.api.errors import RefusedError
from caso.api.v2.asking import Asked, Operation
from caso.api.v2.documents import Page, ResourcePage, ServerPage, VolumePage
from caso.api.v2.intervals import Period, intervals_of
from caso.api.v2.parameters import CLIP, END, LIMIT, MARKER, PROJECT_ID, START, marker_of
from caso.store import Mark
from caso.store.lives import EVENTFUL

END_OF_TIME = datetime.max.replace(tzinfo=UTC)


def _lister(answers: type[Page], kinds: Collection[str]) -> Callable[[Asked], Page]:
    def listed(asked: Asked) -> Page:
        project_id, period = asked.sent["project_id"], _period(asked)
        asked.require_readable(project_id)
        until = END_OF_TIME if period.end is None else period.end
        found = asked.store.lives.between(project_id, period.start, until, kinds, after=asked.sent["marker"])
        page = list(islice(found, asked.sent["limit"]))
        more = next(found, None) is not None
        intervals = [one for lived in page for one in intervals_of(lived, project_id, period, clip=asked.sent["clip"])]
        following = _following(asked, Mark(page[-1].entity.created, page[-1].entity.uuid)) if more else None
        values: dict[str, Any] = {"intervals": intervals, "next": following}
        return answers(**values)

    return listed


def _period(asked: Asked) -> Period:
    period = Period(asked.sent["start"], asked.sent["end"], asked.now)
    if period.end is not None and period.end < period.start:
        raise RefusedError("end: it lies before start; swap the two")
    return period


def _following(asked: Asked, mark: Mark) -> str:
    """The same question from there on."""
    return f"{asked.path}?{urlencode({**asked.query, 'marker': marker_of(mark)})}"


def _operation(name: str, what: str, answers: type[Page], kinds: Collection[str]) -> Operation:
    return Operation(
        id=f"list_{name}",
        path=f"/projects/{{project_id}}/{name}",
        summary=f"The intervals of the {what} of a project, of the time in which it owned them",
        answers=answers,
        answer=_lister(answers, kinds),
        path_parameters=(PROJECT_ID,),
        query=(START, END, CLIP, LIMIT, MARKER),
    )


OPERATIONS = (
    _operation("servers", "servers", ServerPage, ("server",)),
    _operation("volumes", "volumes", VolumePage, ("volume",)),
    _operation("resources", "servers and volumes", ResourcePage, EVENTFUL),
)
