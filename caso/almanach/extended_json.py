"""MongoDB's extended JSON: what mongoexport writes where JSON has no word for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

from caso.window import BEGINNING


def plain(value: Any) -> Any:
    """What MongoDB's extended JSON means, of both of its versions, and as ``--jsonFormat=canonical`` writes it.

    >>> plain({"$date": {"$numberLong": "1451606400000"}}).isoformat()
    '2016-01-01T00:00:00+00:00'
    """
    if isinstance(value, list):
        return [plain(held) for held in value]
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        return {key: plain(held) for key, held in value.items()}
    ((key, held),) = value.items()
    match key:
        case "$date":
            return _date(plain(held))
        case "$numberLong" | "$numberInt":
            return int(held)
        case "$numberDouble" | "$numberDecimal":
            return float(held) if isfinite(float(held)) else None
        case "$oid" | "$symbol":
            return held
        case "$undefined":
            return None
    return {key: plain(held)}


def _date(held: Any) -> datetime:
    """Of milliseconds since 1970, or a text; ValueError for anything else."""
    try:
        if isinstance(held, int):
            return BEGINNING + timedelta(milliseconds=held)
        instant = datetime.fromisoformat(held)
    except (OverflowError, TypeError, ValueError) as exc:
        raise ValueError(f"{held!r} is no date") from exc
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
