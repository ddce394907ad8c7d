"""What a site calls its images: a property that it gives them, by which they are published in place of Nova's ids."""

from __future__ import annotations

import logging

from caso.errors import DeniedError, SourceError
from caso.sources import MissingError, ScopeOrProject, Sources

LOG = logging.getLogger(__name__)


class ImageNames:
    """Asks Glance once in each region; with an empty ``property_name`` never. Threads may share it."""

    def __init__(self, sources: Sources, property_name: str) -> None:
        self._sources = sources
        self._property_name = property_name
        self._doubts: dict[str, str | None] = {}

    def find(self, image_id: str, region: str, scope: ScopeOrProject) -> str | None:
        """The name of the image; None where it has none, or Glance does not tell."""
        if not self._property_name or region in self._doubts:
            return None
        try:
            return self._sources.images(region, self._property_name).find(image_id, scope) or None
        except SourceError as exc:
            # A server's use is worth more than the name of its image: it is accounted for at once.
            LOG.warning("%s: images are published by their ids: %s", region, exc)
            # The role, or a catalog without Glance, is the same in the next run.
            self._doubts[region] = None if isinstance(exc, DeniedError | MissingError) else str(exc)
            return None

    def list(self, region: str, scope: ScopeOrProject) -> None:
        """Ask for all names, as the first one does; SourceError where Glance does not tell."""
        if self._property_name and region not in self._doubts:
            self._sources.images(region, self._property_name).listed(scope)

    def doubt(self, region: str) -> str | None:
        """Why names may be missing that Glance would have told; None where none is."""
        return self._doubts.get(region)
