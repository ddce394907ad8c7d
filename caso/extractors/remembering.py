"""What is remembered well need not be listed: how long a memory is built on, before all is looked at again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import timedelta

from oslo_config import cfg

from caso.extractors.base import Ask, CannotShareError, Listing
from caso.window import BEGINNING, Window

FULL_LISTING_HOURS = cfg.IntOpt(
    "full_listing_every",
    default=24,
    min=0,
    help="Hours after which everything is listed once more, to check what caso remembers; in between it asks for what has "
    "changed. 0: everything is listed in each run. What the service does not mark as a change (the properties of a "
    "private flavor or of an image, the name of a user) is noticed when all is listed.",
)


EARLY = timedelta(minutes=10)
"""No two runs of a cron job begin after exactly so long: one that comes a little early is not to leave it to the next."""


@dataclasses.dataclass(frozen=True)
class Trust:
    """How far the memory is built on: not longer than ``every`` after a full listing."""

    every: timedelta

    def in_whole(self, ask: Ask) -> Mapping[str, Listing]:
        """The last full listing of each project, where changes will do for all of them; empty where all are to be listed.

        CannotShareError where it is some and some: each part has a listing of its own.
        """
        fresh = self.fresh(ask)
        if fresh and len(fresh) < len(ask.windows):
            due = [project_id for project_id in ask.windows if project_id not in fresh]
            raise CannotShareError(
                f"{ask.region}: {len(due)} projects are listed in full, {len(fresh)} are asked for changes",
                [ask.about(fresh), ask.about(due)],
            )
        return fresh

    def fresh(self, ask: Ask) -> Mapping[str, Listing]:
        """The last full listing of each project that was listed not too long ago."""
        listings = {project_id: ask.memory.listing(project_id) for project_id in ask.windows}
        return {
            project_id: listing
            for project_id, listing in listings.items()
            # One from the future is of a clock that was wrong.
            if listing is not None and abs(ask.windows[project_id].end - listing.at) < self.every - EARLY
        }


DAILY = Trust(timedelta(days=1))
"""For services that tell by other means than changes what is no more."""


def reaching_back(ask: Ask) -> Ask:
    """The question with windows since each project's last full listing.

    What changed in a cell that was down is in no listing of changes meanwhile, and only an administrator is told that one is.
    """
    windows = {project_id: _since(ask.memory.listing(project_id), window) for project_id, window in ask.windows.items()}
    return dataclasses.replace(ask, windows=windows)


def _since(listing: Listing | None, window: Window) -> Window:
    start = window.start if listing is None else max(BEGINNING, min(window.start, listing.at))
    return Window(start, window.end)
