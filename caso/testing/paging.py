"""Pages of a listing, as Nova, Cinder and Neutron give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from caso.sources import LostMarkerError


def page_of(rows: Sequence[Mapping[str, Any]], key: str, params: Mapping[str, str], max_limit: int) -> dict[str, Any]:
    """The page that ``params`` ask for; a full one links the next, whether or not there is anything on it.

    LostMarkerError where the object that it starts after is gone.
    """
    size = min(max_limit, int(params.get("limit", max_limit)))
    ids = [row.get("id") for row in rows]
    marker = params.get("marker")
    if marker is not None and marker not in ids:
        raise LostMarkerError(f"{key}: marker [{marker}] not found (HTTP 400)")
    start = ids.index(marker) + 1 if marker is not None else 0
    page: dict[str, Any] = {key: list(rows[start : start + size])}
    if page[key] and len(page[key]) == size:
        query = urlencode({**params, "marker": str(page[key][-1].get("id"))})
        page[f"{key}_links"] = [{"rel": "next", "href": f"http://elsewhere.invalid/{key}?{query}"}]
    return page
