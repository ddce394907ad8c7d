"""A Gnocchi without a network: resources with their revisions, points of their metrics, archive policies."""

from __future__ import annotations

import json
import operator
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from caso.errors import SourceError
from caso.sources.api import MissingError, Reply
from caso.sources.gnocchi_rows import read_policy

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
POLICY = {
    "name": "ceilometer-low-rate",
    "aggregation_methods": ["mean", "rate:mean"],
    "definition": [{"granularity": "0:05:00", "timespan": "30 days, 0:00:00", "points": 8640}],
}

Points = Mapping[tuple[str, str, str], Sequence[tuple[str, float]]]


def metric_id(resource_id: str, name: str) -> str:
    """The id that the metric of a resource has here."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{name} of {resource_id}"))


def a_resource(resource_id: str, project_id: str = "project-1", **changes: Any) -> dict[str, Any]:
    """One revision of an instance as the API has it, that has lived since 2024-01-01."""
    return {
        "id": resource_id,
        "original_resource_id": resource_id,
        "type": "instance",
        "project_id": project_id,
        "user_id": "user-1",
        "started_at": "2024-01-01T00:00:00+00:00",
        "ended_at": None,
        "revision_start": "2024-01-01T00:00:00+00:00",
        "revision_end": None,
        "display_name": f"name of {resource_id}",
        "host": "host-1",
        "flavor_name": "m1.small",
        "flavor_id": "1",
        "image_ref": "image-1",
        "metrics": {"cpu": metric_id(resource_id, "cpu")},
        **changes,
    }


class FakeGnocchi:
    """Gnocchi with these revisions of resources (as :func:`a_resource` makes them) and points.

    ``points`` maps (resource id, metric, aggregation) to pairs of a time (ISO) and a value, whatever the granularity asked for.
    ``policies`` are archive policies by the id of a metric; any other has POLICY. ``max_limit`` is the longest page.
    """

    def __init__(
        self,
        resources: Sequence[Mapping[str, Any]] = (),
        points: Points | None = None,
        *,
        policies: Mapping[str, Mapping[str, Any]] | None = None,
        max_limit: int = 1000,
    ) -> None:
        self.resources = [dict(row) for row in resources]
        self.points = dict(points or {})
        self.policies = dict(policies or {})
        self.max_limit = max_limit

    def answer(self, path: str, data: str | None, what: str) -> Reply:
        """What Gnocchi says to a GET or a POST; ``what`` begins the message of its error."""
        url = urlsplit(path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if url.path.startswith("/v1/search/resource/"):
            return self._search(url.path.rpartition("/")[2], json.loads(data or "{}"), query)
        if url.path == "/v1/aggregates":
            return Reply({"measures": self._measures(json.loads(data or "{}"), query, what)})
        if url.path == "/v1/metric":
            return self._metrics(query)
        if url.path.startswith("/v1/metric/"):
            metric = url.path.rpartition("/")[2]
            return Reply({"id": metric, "archive_policy": self.policies.get(metric, POLICY)})
        raise MissingError(f"{what}: {path} is not there (HTTP 404)")

    def versions(self) -> Mapping[str, Any]:
        """The version document."""
        return {"build": "4.7.1"}

    def _search(self, resource_type: str, question: Mapping[str, Any], query: Mapping[str, str]) -> Reply:
        rows = [row for row in self.resources if row["type"] == resource_type and _fits(row, question)]
        if query.get("history") != "true":
            rows = [row for row in rows if row["revision_end"] is None]
        # As Gnocchi numbers them: the present revision is number -1.
        rows.sort(key=lambda row: (row["id"], row["revision_end"] is not None, row["revision_start"]))
        begin = int(query.get("marker", "0"))
        end = begin + min(int(query.get("limit", self.max_limit)), self.max_limit)
        more = len(rows[begin:]) >= end - begin
        return Reply(rows[begin:end], f"http://gnocchi.test/?marker={end}" if more else None)

    def _metrics(self, query: Mapping[str, str]) -> Reply:
        """Listed by id; a last page that is full has a link to an empty one, as Gnocchi's."""
        all_ids = {row["metrics"][query["name"]] for row in self.resources if query["name"] in row["metrics"]}
        named = sorted(one for one in all_ids if self.policies.get(one, POLICY)["name"] == query["archive_policy_name"])
        rest = [one for one in named if one > query.get("marker", "")]
        page = rest[: min(int(query.get("limit", self.max_limit)), self.max_limit)]
        more = len(page) == self.max_limit
        return Reply([{"id": one} for one in page], f"http://gnocchi.test/?marker={page[-1]}" if more else None)

    def _measures(self, body: Mapping[str, Any], query: Mapping[str, str], what: str) -> dict[str, Any]:
        _, metric, aggregation = body["operations"]
        start, stop = (datetime.fromisoformat(query[name]).astimezone(UTC) for name in ("start", "stop"))
        known = {
            row["id"]: row["metrics"][metric] for row in self.resources if metric in row["metrics"] and _fits(row, body["search"])
        }
        if not known:
            raise MissingError(f"{what}: Metric ['{metric}'] does not exist (HTTP 404)")
        for one in known.values():
            if aggregation not in self.policies.get(one, POLICY)["aggregation_methods"]:
                raise MissingError(f"{what}: Metrics with unknown aggregation: [['{one}', '{aggregation}']] (HTTP 404)")
        granularity = float(query["granularity"])
        policies = [read_policy(self.policies.get(one, POLICY)) for one in known.values()]
        if any(granularity not in {level.granularity_seconds for level in policy.levels} for policy in policies):
            raise SourceError(f"{what}: Metrics cannot be aggregated: Granularities are missing (HTTP 400)")
        found: dict[str, Any] = {}
        for resource_id in known:
            points = self.points.get((resource_id, metric, aggregation), ())
            inside = [point for point in points if start <= datetime.fromisoformat(point[0]).replace(tzinfo=UTC) < stop]
            found[resource_id] = {metric: {aggregation: [[time, granularity, value] for time, value in inside]}}
        return found


def _fits(row: Mapping[str, Any], question: Mapping[str, Any]) -> bool:
    """Whether a row answers a question in Gnocchi's language; times are texts of one form, and sort as such."""
    if not question:
        return True
    ((sign, what),) = question.items()
    if sign in ("and", "or"):
        return (all if sign == "and" else any)(_fits(row, one) for one in what)
    ((name, value),) = what.items()
    if sign == "in":
        return row.get(name) in value
    if value is None or row.get(name) is None:
        return sign == "=" and value == row.get(name)
    return COMPARISONS[sign](row[name], value)
