"""Glance: the properties of images; Nova tells none that are a site's own (see ``compute.NEWEST``)."""

from __future__ import annotations

from caso.sources.api import Api
from caso.sources.paging import everything
from caso.sources.rows import text_or_none


class Images:
    """Glance in one region with the token of one scope."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def with_property(self, name: str) -> dict[str, str]:
        """The value of a property, by image id; images without it are in it with an empty text."""
        # Catalogs name Glance with its version or without; v2 is the only one since Rocky (2018).
        rows = everything(self._api, "/v2/images", "images", {"limit": "1000"}, to="list images")
        return {str(row.get("id")): text_or_none(row.get(name)) or "" for row in rows}
