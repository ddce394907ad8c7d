"""The life of one server or volume."""

from __future__ import annotations

from caso.api.errors import NotFoundError
from caso.api.v2.asking import Asked, Operation
from caso.api.v2.documents import ResourceDocument, ResourceList, Telling, Writing
from caso.api.v2.intervals import document, name_at
from caso.api.v2.parameters import RESOURCE_ID
from caso.store import Lived


def resource(asked: Asked) -> ResourceList:
    asked.require_readable(None)
    resource_id = asked.sent["resource_id"]
    lives = [_document(lived, asked) for lived in asked.store.lives.by_id(resource_id)]
    found = [life for life in lives if life is not None]
    if not found:
        # Of another project's, too: that there is such a thing is nobody else's business.
        raise NotFoundError(f"no server or volume {resource_id} is known")
    return ResourceList(resources=found)


def _document(lived: Lived, asked: Asked) -> ResourceDocument | None:
    """The life as far as the caller may read it; None where that is nothing."""
    entity = lived.entity
    readable = [interval for interval in entity.intervals() if asked.caller.may_read(interval.value.project_id)]
    if not readable:
        return None
    last = readable[-1]
    whole = last == entity.intervals()[-1]
    return ResourceDocument(
        id=entity.uuid,
        kind=lived.kind,  # type: ignore[arg-type]  # the store has no others for us
        name=name_at(entity, last.end),
        region=lived.place.region,
        project_id=last.value.project_id,
        created=readable[0].start,
        ended=last.end,
        end_reason=entity.end_reason if whole else None,
        known_at=entity.known_at,
        intervals=[document(lived, interval, interval) for interval in readable],
        told=[
            Telling(source=one.source, since=one.since, until=one.until, told_at=one.told_at)
            for one in entity.evidence
            if asked.caller.may_read(one.value.project_id)
        ],
        written=[
            Writing(written_at=one.written_at, at=one.at, until=one.until, field=one.field, value=one.value_sent)
            for one in entity.written
            if any(i.start <= one.at and (i.end is None or one.at <= i.end) for i in readable)
        ],
    )


OPERATIONS = (
    Operation(
        id="show_resource",
        path="/resources/{resource_id}",
        summary="The life of one server or volume: its intervals, who told them, and what people wrote of it",
        answers=ResourceList,
        answer=resource,
        path_parameters=(RESOURCE_ID,),
        statuses={404: "Nothing is known under this id, or nothing that your token lets you read."},
    ),
)
