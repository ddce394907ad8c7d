"""What ``--json`` prints: one list of objects on standard output, for scripts. The manual pages document their members."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from caso.differences import Difference
from caso.lagging import lag_of
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


def project(
    one: Project,
    checkpoints: Sequence[Checkpoint],
    extractors: Sequence[str],
    now: datetime,
    kept: Mapping[str, timedelta] = MappingProxyType({}),
) -> dict[str, Any]:
    """A project, its VO, and how far each of ``extractors`` is in each region.

    ``kept``: how long the services of extractors tell of what was deleted.
    """
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
                "reliable_until": instant(_reliable_until(mark, kept)),
                "lag": lag_of(mark.until, kept.get(mark.scope.extractor), now),
            }
            for mark in mine
        ],
    }


def _reliable_until(mark: Checkpoint, kept: Mapping[str, timedelta]) -> datetime | None:
    return mark.until + kept[mark.scope.extractor] if mark.scope.extractor in kept else None


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


def difference(one: Difference) -> dict[str, Any]:
    """A record that is due to a messenger and differs from what it accepted last."""
    line = one.compared.line
    return {
        "messenger": one.messenger,
        "what": one.what.value,
        "key": line.key,
        "kind": line.kind,
        "month": line.month,
        "region": line.region,
        "project_id": one.project_id,
        "vo": one.vo or None,
        "accepted_revision": one.compared.accepted,
        "before_known": one.known,
        "fields": {field.name: {"before": field.before, "after": field.after} for field in one.fields},
    }


def refusal(messenger: str, one: Entry) -> dict[str, Any]:
    """A record set aside, as :func:`entry`, but with what this one messenger says of it."""
    standing = one.standings[messenger]
    return {"messenger": messenger, **entry(one), "at": instant(standing.at), "reason": standing.reason}


def _standing(standing: Standing) -> dict[str, Any]:
    return standing._asdict() | {"at": instant(standing.at)}
