"""Listings, page by page, to their real end."""

from __future__ import annotations

import dataclasses
from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from caso.errors import SourceError
from caso.sources.api import Api, LostMarkerError, MissingError, TruncatedError

MAX_RESTARTS = 5
STEPS_BACK = 3


@dataclasses.dataclass(frozen=True)
class RawPage:
    """Objects as the API gave them; ``more``: a next page is there; ``truncated``: there is more, and no way to get it."""

    rows: tuple[Mapping[str, Any], ...]
    more: bool
    truncated: bool


def follow(
    api: Api,
    path: str,
    key: str,
    params: Mapping[str, str] | None = None,
    *,
    to: str,
    microversion: str | None = None,
    first: Mapping[str, str] | None = None,
) -> Iterator[RawPage]:
    """The pages of a listing, each object once; the end is where the API links no next page, never a short page.

    ``key`` names the list in the answer. ``params`` are sent with each request, ``first`` instead of them with
    the first one. ``to`` is "list the servers of project X".

    Where the object that a page starts after is gone, the page is asked for after the object before it, at last
    from the start of the listing. The order is fixed (by creation in Nova and Cinder, by id in Neutron), so what follows
    the lost one follows these too: nothing is left out, and what was had already is dropped by its id. Of floating IPs
    Neutron itself begins again at the start, without a word.
    """
    query = dict(params or {}) if first is None else dict(first)
    path_of = _Path(dict(params or {}))
    while True:
        try:
            body = api.get(path, query, to=to, microversion=microversion)
        except (LostMarkerError, MissingError) as exc:
            # Cinder and Neutron answer 404 where the marker is gone; without a marker it is the listing that is not there.
            if "marker" not in query:
                raise
            query = path_of.back(exc)
            continue
        following = _next_query(body, key)
        rows = path_of.walked(_rows(body, key, api.name, to), query, following, f"{api.name}: cannot {to}")
        page = RawPage(rows, following is not None, bool(body.get("truncated")) and following is None)
        # A page takes megabytes: who reads it lets go of it, and so must this before the next one comes.
        del body, rows
        yield page
        del page
        if following is None:
            return
        query = {**(params or {}), **following}


def everything(
    api: Api,
    path: str,
    key: str,
    params: Mapping[str, str] | None = None,
    *,
    to: str,
    microversion: str | None = None,
) -> list[Mapping[str, Any]]:
    """All objects of a listing; TruncatedError where the API keeps some back."""
    rows: list[Mapping[str, Any]] = []
    for page in follow(api, path, key, params, to=to, microversion=microversion):
        rows += page.rows
        if page.truncated:
            raise TruncatedError(
                f"{api.name}: cannot {to}: the list is cut off after {len(rows)}; ask its operator to raise list_limit"
            )
    return rows


class _Path:
    """The way through a listing: what was had, and where to go back to."""

    def __init__(self, start: Mapping[str, str]) -> None:
        self._start = dict(start)
        self._had = array("q")
        self._recent: set[str] = set()
        self._before: set[int] | None = None
        self._markers: set[str] = set()
        self._last_ids: list[str] = []
        self._restarts = 0

    def walked(
        self,
        rows: Sequence[Mapping[str, Any]],
        query: Mapping[str, str],
        following: Mapping[str, str] | None,
        what: str,
    ) -> tuple[Mapping[str, Any], ...]:
        """The rows not had before; SourceError where the next page is one that was had."""
        if following is not None:
            marker = following.get("marker", "")
            if marker in self._markers:
                # The listing has begun again, as Neutron's does where a marker is gone, or it goes in a circle.
                self._restarts += 1
                self._markers.clear()
            if following == query or self._restarts > MAX_RESTARTS:
                raise SourceError(
                    f"{what}: the API links a page as its own successor (marker {marker}); see the log of the service"
                )
            self._markers.add(marker)
        self._last_ids = [row["id"] for row in rows if isinstance(row.get("id"), str)] or self._last_ids
        last, self._recent = self._recent, set()
        return tuple(row for row in rows if self._is_new(row.get("id"), last))

    def _is_new(self, object_id: Any, last: Collection[str]) -> bool:
        """Not on this page or the one before it, nor, once the listing has begun again, on any."""
        if not isinstance(object_id, str):
            return True
        number = hash(object_id)
        if self._restarts and self._before is None:
            self._before = set(self._had)
        known = object_id in self._recent or object_id in last or (self._before is not None and number in self._before)
        self._recent.add(object_id)
        # Eight bytes for each: of a listing of a whole cloud, the ids themselves would be what memory grows by.
        self._had.append(number)
        if self._before is not None:
            self._before.add(number)
        return not known

    def back(self, exc: SourceError) -> dict[str, str]:
        """The query that reaches the lost page from further in front."""
        self._restarts += 1
        if self._restarts > MAX_RESTARTS:
            raise exc
        self._markers.clear()
        if self._restarts <= STEPS_BACK and len(self._last_ids) > self._restarts:
            return {**self._start, "marker": self._last_ids[-1 - self._restarts]}
        return self._start


def _rows(body: Mapping[str, Any], key: str, name: str, to: str) -> list[Mapping[str, Any]]:
    rows = body.get(key)
    if not isinstance(rows, list):
        raise SourceError(f"{name}: cannot {to}: the answer has no list {key!r}; is this endpoint really {name}?")
    return [row if isinstance(row, dict) else {"id": None, "odd": row} for row in rows]


def _next_query(body: Mapping[str, Any], key: str) -> dict[str, str] | None:
    """The query of the next page; of the link nothing else is used, since hosts in links are often wrong behind a proxy."""
    links = body.get(f"{key}_links") or ()
    found = [link.get("href") for link in links if isinstance(link, dict) and link.get("rel") == "next"]
    if isinstance(body.get("links"), dict):
        found.append(body["links"].get("next"))
    found.append(body.get("next"))
    href = next((link for link in found if isinstance(link, str) and link), None)
    return None if href is None else dict(parse_qsl(urlsplit(href).query, keep_blank_values=True))
