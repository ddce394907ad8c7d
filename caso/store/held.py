"""A record as it is held: as its row has it, or, of one that goes on by time alone, as it is up to where its course has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, false, func, true

from caso.records.pace import at_pace, gone_on, pace_text
from caso.store.book import Line, members_of, pace_of, text_from
from caso.store.columns import Utc
from caso.store.schema import accounted, records
from caso.window import RESOLUTION

WITH_COURSE = records.outerjoin(accounted, records.c.course == accounted.c.course)
"""What the columns below are to be selected from."""

MEASURED_AT = func.coalesce(accounted.c.until, records.c.measured_at, type_=Utc()).label("measured_at")
REVISION = func.coalesce(accounted.c.revision, records.c.revision).label("revision")
OFFERED = case((records.c.offered, true()), (accounted.c.offered >= records.c.revision, true()), else_=false()).label("offered")

_NUMBER = records.c.revision.label("number")
_AS_THEY_ARE = {"measured_at": MEASURED_AT, "revision": REVISION, "offered": OFFERED, "number": _NUMBER}
COLUMNS: Sequence[Any] = [
    *(_AS_THEY_ARE.get(field, records.c.get(field)) for field in Line._fields),
    records.c.measured_at.label("since"),
]
"""What :func:`line_of` and :func:`content_of` need of a row."""

ALONG: Sequence[Any] = [
    *(records.c.key, _NUMBER, records.c.known_at, records.c.content, records.c.pace),
    records.c.measured_at.label("since"),
]
"""What :func:`content_along` needs of a row whose course is known."""


def line_of(row: Any) -> Line:
    """The record of a row that begins with COLUMNS."""
    line = Line(*row[: len(Line._fields)])
    if line.pace is None:
        return line
    pace = pace_of(line.pace)
    elapsed = (line.measured_at - row.since) // RESOLUTION
    content = gone_on(members_of(line.kind, line.content), pace, row.since, line.measured_at)
    return line._replace(content=text_from(content), pace=pace_text(at_pace(pace, elapsed)))


def content_of(row: Any, at: datetime | None = None) -> Mapping[str, Any]:
    """The content of a row that has COLUMNS, of one that goes on as it is now, or was at another time of its course."""
    members = members_of(row.kind, row.content)
    return members if row.pace is None else gone_on(members, pace_of(row.pace), row.since, at or row.measured_at)


def content_along(row: Any, kind: str, at: datetime) -> Mapping[str, Any]:
    """The content of a row that has ALONG, as it is when its course has come to ``at``."""
    return gone_on(members_of(kind, row.content), pace_of(row.pace), row.since, at)
