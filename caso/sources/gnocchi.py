"""Gnocchi: what was there, as resources with their history, and what was measured of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from caso.errors import SourceError
from caso.sources.api import LostMarkerError, Sender
from caso.sources.compute import utc_now
from caso.sources.gnocchi_asking import Sending, client
from caso.sources.gnocchi_measures import Question, parts
from caso.sources.gnocchi_rows import ArchivePolicy, Measures, ResourcePage, ResourceRow, read_policy, read_resource
from caso.sources.rows import OddRow, id_of
from caso.window import Window

PAGE_LIMIT = 1000
PROJECTS_AT_ONCE = 50
"""Gnocchi repeats the whole question in the Link header of its answer, and proxies refuse headers of 8 KiB."""
RESOURCES_AT_ONCE = 500
MAX_RESTARTS = 5

Filter = Mapping[str, Any]


class Gnocchi:
    """Gnocchi in one region, asked in one scope. gnocchiclient says how to ask; caso's API does the asking."""

    def __init__(self, api: Sender, clock: Callable[[], datetime] = utc_now, region: str = "") -> None:
        self.region = region
        self._api = api
        self._clock = clock
        self._metrics_of: dict[tuple[str, str], frozenset[str]] = {}

    def resources(
        self, resource_type: str, project_ids: Collection[str] | None, window: Window, *, history: bool = True
    ) -> Iterator[ResourcePage]:
        """The resources that lived in the window, of some projects or, with None, of all that this role may see.

        With ``history`` every revision that lasted into the window, and all of a resource whose end was written down
        in the window, though it ended before. A page has at least one row.
        """
        ids = sorted(project_ids or ())
        batches = [ids[at : at + PROJECTS_AT_ONCE] for at in range(0, len(ids), PROJECTS_AT_ONCE)]
        for batch in [None] if project_ids is None else batches:
            query = _lived(window, history=history)
            of = "all projects" if batch is None else f"project {batch[0]}" if len(batch) == 1 else f"{len(batch)} projects"
            if batch is not None:
                query = {"and": [{"in": {"project_id": batch}}, query]}
            yield from self._pages(resource_type, query, history, f"list the {resource_type} resources of {of}")

    def _pages(self, resource_type: str, query: Filter, history: bool, to: str) -> Iterator[ResourcePage]:
        """Pages cut between resources: the last one of an answer may go on in the next answer."""
        held: list[Mapping[str, Any]] = []
        asked, marker, restarts, last_id = query, None, 0, None
        while True:
            sending = Sending(self._api, to, expected=list)
            try:
                rows = client(sending).resource.search(
                    resource_type, asked, history=history, limit=PAGE_LIMIT, marker=marker, sorts=["id:asc"]
                )
            except LostMarkerError:
                restarts += 1
                if restarts > MAX_RESTARTS:
                    raise
                # The resource is gone with its history. What follows has larger ids: the order is theirs.
                asked, marker, held = {"and": [{">": {"id": last_id}}, query]} if last_id else query, None, []
                continue
            arrived_at, marker = self._clock(), sending.marker
            held += [row if isinstance(row, dict) else {"id": None, "odd": row} for row in rows]
            whole = held if marker is None else [row for row in held if row.get("id") != held[-1].get("id")]
            held = held[len(whole) :]
            if whole:
                last_id = id_of(whole[-1])
                yield ResourcePage(_typed(whole), arrived_at)
            if marker is None:
                return

    def measures(
        self,
        metric: str,
        aggregation: str,
        resource_type: str,
        resource_ids: Sequence[str],
        window: Window,
        granularity_seconds: float,
    ) -> Iterator[Measures | OddRow]:
        """The points whose time is in the window, of all the resources that have some; one call for 500 of them.

        A long window is asked for in parts, oldest first, and a resource comes once for each. An OddRow is a resource
        whose archive policy does not have what is asked for, and why; SourceError where that is so for all of the first 500.
        """
        question = Question(self._api, metric, aggregation, resource_type, granularity_seconds, self.policy)
        for at in range(0, len(resource_ids), RESOURCES_AT_ONCE):
            batch = resource_ids[at : at + RESOURCES_AT_ONCE]
            for part in parts(window, granularity_seconds, len(batch)):
                yield from question.answered(batch, part)

    def metrics_of(self, metric: str, policy_name: str) -> frozenset[str]:
        """The ids of the metrics of this name that have this archive policy, of all that this role may see.

        Asked for once, 1000 a call; SourceError where they cannot be listed.
        """
        if (metric, policy_name) not in self._metrics_of:
            self._metrics_of[metric, policy_name] = frozenset(self._list_metrics(metric, policy_name))
        return self._metrics_of[metric, policy_name]

    def _list_metrics(self, metric: str, policy_name: str) -> Iterator[str]:
        query = {"name": metric, "archive_policy_name": policy_name, "limit": str(PAGE_LIMIT)}
        while True:
            # gnocchiclient lists without a filter.
            sending = Sending(self._api, f"list the metrics {metric} with the archive policy {policy_name}", expected=list)
            rows = sending.get(f"v1/metric?{urlencode(query)}").body
            yield from (str(row["id"]) for row in rows if isinstance(row, dict) and "id" in row)
            if sending.marker is None:
                return
            query["marker"] = sending.marker

    def policy(self, metric_id: str) -> ArchivePolicy:
        """The archive policy of a metric (:attr:`ResourceRow.metrics` has its id): its granularities, how long they are kept."""
        to = f"show metric {metric_id}"
        try:
            return read_policy(client(Sending(self._api, to, expected=dict)).metric.get(metric_id)["archive_policy"])
        except (KeyError, TypeError, ValueError) as exc:
            raise SourceError(f"{self._api.name}: cannot {to}: no archive policy can be read from the answer ({exc})") from exc


def _lived(window: Window, *, history: bool) -> Filter:
    start, end = window.start.isoformat(), window.end.isoformat()
    still_there = {"or": [{"=": {"ended_at": None}}, {">=": {"ended_at": start}}]}
    born = {"<": {"started_at": end}}
    if not history:
        return {"and": [born, still_there]}
    # An old revision says of no resource that it ended; that is told by the present one, and may be told late.
    told_since = {"or": [*still_there["or"], {">=": {"revision_start": start}}]}
    present = {"and": [{"=": {"revision_end": None}}, told_since]}
    return {"and": [born, {"or": [{">=": {"revision_end": start}}, present]}]}


def _typed(raw: Sequence[Mapping[str, Any]]) -> tuple[ResourceRow | OddRow, ...]:
    rows: list[ResourceRow | OddRow] = []
    for _, revisions in groupby(map(read_resource, raw), key=lambda row: row.id):
        rows += sorted(revisions, key=lambda row: row.revision_start.timestamp() if isinstance(row, ResourceRow) else math.inf)
    return tuple(rows)
