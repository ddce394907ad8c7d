"""What follows from the figures of measured use: what is allowed, and what cASO's come to at another size."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from tests.bench.figures import OLD

Line = dict[str, Any]

RESOURCES_AT_ONCE = 500
COMPUTED = f"{OLD}, computed"


def measures_allowed(line: Line) -> int:
    """Questions to Gnocchi: one for 500 resources and meter; each server has as many of each meter as it has resources: one."""
    most: int = math.ceil(line["servers"] / RESOURCES_AT_ONCE) * line["meters"]
    return most


def queries_allowed(line: Line) -> int:
    """To Prometheus: one for each project and day."""
    most: int = line["projects"] * line["days"]
    return most


def computed(lines: Sequence[Line]) -> Iterator[Line]:
    """What cASO's runs come to for as many servers as caso has: what one more costs is what it costs, again and again.

    Of its first run at one server it is taken for known what a run costs without any.
    """
    days = sorted((line for line in lines if line["who"] == OLD and line["run"] == "a day"), key=lambda line: line["servers"])
    size = max((line["servers"] for line in lines), default=0)
    if len(days) < 2:
        return
    few, more = days[0], days[-1]
    each = (more["seconds"] - few["seconds"]) / (more["servers"] - few["servers"])
    fixed = max(0.0, few["seconds"] - each * few["servers"])
    yield _at(size, more, fixed + each * size, more["queries"] / more["servers"])
    for first in lines:
        if first["who"] == OLD and first["run"] == "first run":
            since_1970 = (first["seconds"] - fixed) / first["servers"]
            yield _at(size, first, fixed + since_1970 * size, first["queries"] / first["servers"])


def _at(size: int, line: Line, seconds: float, queries_each: float) -> Line:
    calls = line["calls"] | {"prometheus": round(queries_each * size)}
    return {**line, "who": COMPUTED, "servers": size, "seconds": seconds, "calls": calls, "records": 0, "peak_mib": ""}
