"""What ``--json`` prints: one list of objects on standard output, for scripts. The manual pages document their members."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from caso.projects import Project
from caso.store import Checkpoint, Entry, Standing, Totals


def write(objects: Iterable[dict[str, Any]]) -> None:
    """One JSON list, an object a line; everything beyond ASCII is escaped, so that no name can draw on a terminal."""
    separator = "[\n"
    for one in objects:
        sys.stdout.write(separator + json.dumps(one))
        separator = ",\n"
    sys.stdout.write("[]\n" if separator == "[\n" else "\n]\n")


def instant(at: datetime | None) -> str | None:
    """ISO 8601 in UTC.

    >>> from datetime import UTC
    >>> instant(datetime(2024, 2, 1, tzinfo=UTC))
    '2024-02-01T00:00:00Z'
    """
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def project(one: Project, checkpoints: Sequence[Checkpoint], extractors: Sequence[str], now: datetime) -> dict[str, Any]:
    """A project, its VO, and how far each of ``extractors`` is in each region."""
    mine = [mark for mark in checkpoints if mark.scope.project_id == one.id and mark.scope.extractor in extractors]
    return {
        "project_id": one.id,
        "name": one.name,
        "vo": one.vo,
        "vo_source": one.vo_source,
        "extracted": [
            {
                "extractor": mark.scope.extractor,
                "region": mark.scope.region,
                "until": instant(mark.until),
                "behind_seconds": int((now - mark.until).total_seconds()),
            }
            for mark in mine
        ],
    }


def total(totals: Totals) -> dict[str, Any]:
    times = {"oldest_due": instant(totals.oldest_due), "newest_accepted": instant(totals.newest_accepted)}
    return totals._asdict() | times


def entry(one: Entry) -> dict[str, Any]:
    line = one.line
    return {
        "key": line.key,
        "kind": line.kind,
        "month": line.month,
        "measured_at": instant(line.measured_at),
        "revision": line.revision,
        "retracted": line.retracted,
        "cloud": line.cloud,
        "region": line.region,
        "project_id": line.project_id,
        "messengers": {name: _standing(standing) for name, standing in one.standings.items()},
    }


def whole(one: Entry) -> dict[str, Any]:
    known = {"subject": one.line.subject, "known_at": instant(one.line.known_at)}
    return entry(one) | known | {"content": json.loads(one.line.content)}


def refusal(messenger: str, one: Entry) -> dict[str, Any]:
    """A record set aside, as :func:`entry`, but with what this one messenger says of it."""
    standing = one.standings[messenger]
    return {"messenger": messenger, **entry(one), "at": instant(standing.at), "reason": standing.reason}


def _standing(standing: Standing) -> dict[str, Any]:
    return standing._asdict() | {"at": instant(standing.at)}
