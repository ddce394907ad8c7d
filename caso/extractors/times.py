"""Clocks that differ: how far back to ask, and which times cannot be true."""

from __future__ import annotations

from datetime import datetime, timedelta

from caso.window import BEGINNING, Window

OVERLAP = timedelta(minutes=5)
"""The services' times have whole seconds, and their clocks differ from ours: what changed shortly before is asked for again."""
CLOCK_SKEW = timedelta(hours=1)


class UnreadableError(Exception):
    """The row cannot be true; its text says why."""


def listed_since(window: Window) -> datetime:
    """From when on changes are asked for, for a window."""
    return max(BEGINNING, window.start - OVERLAP)


def require_created(created: datetime, arrived_at: datetime) -> None:
    """UnreadableError for what was made later than any clock may be ahead."""
    if created > arrived_at + CLOCK_SKEW:
        raise UnreadableError(f"it was created in the future ({created:%FT%TZ}); check the clocks")
