"""A run in one line of JSON, for the log: its keys are documented, and are not renamed or taken away in later releases."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from caso.report import Report, class_of


def line_of(report: Report) -> str:
    """One line, ASCII: whatever a name holds, it can neither begin a line nor draw on a terminal."""
    return json.dumps(members_of(report))


def members_of(report: Report) -> dict[str, Any]:
    """What a run did, in numbers; their count does not grow with the cloud."""
    return {
        "began": _instant(report.began),
        "ended": _instant(report.ended),
        "seconds": round(report.seconds, 3),
        "exit_status": report.exit_status,
        "dry_run": report.dry_run,
        "scopes": report.outcomes,
        "records": _records(report),
        "vanished": dict(sorted(report.vanished.items())),
        "mended": dict(sorted(report.mended.items())),
        "odd": sum(scope.odd for scope in report.scopes),
        "held_up": report.held_up,
        "projects_without_vo": len(report.unmapped),
        "projects_missing": len(report.missing),
        "messengers": {
            delivery.name: {
                "sent": delivery.sent,
                "refused": delivery.refused,
                "due": delivery.tally.due,
                "set_aside": delivery.tally.set_aside,
                "error": class_of(delivery.error) if delivery.error else None,
            }
            for delivery in report.deliveries
        },
        "errors": dict(sorted(report.errors.items())),
        "calls": {
            api: {"requests": calls.requests, "failed": calls.failed, "seconds": round(calls.seconds, 3)}
            for api, calls in report.calls.items()
        },
    }


def _records(report: Report) -> dict[str, dict[str, int]]:
    """By kind, how many records are new, changed, the same, and so on: every outcome that the ledger has."""
    found: dict[str, dict[str, int]] = {}
    for (kind, outcome), count in sorted(report.changes.by_kind.items()):
        found.setdefault(kind, {"new": 0, "changed": 0, "retracted": 0})[outcome] = count
    return found


def _instant(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
