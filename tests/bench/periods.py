"""What a list of one project's month costs, out of millions of intervals: milliseconds, and rows that the database reads."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from typing import Any

from caso.store import Store, open_store
from caso.window import Month
from tests.databases import SERVERS
from tests.databases.plans import asked
from tests.long_lives import BEGIN, fill, project, touching

MONTHS = {"the oldest": Month.of(BEGIN), "in the middle": Month(2024, 6), "the newest": Month(2025, 12)}
PROJECTS = {"the largest": project(0), "of middle size": project(9), "the smallest": project(99)}
SHOWN = ("of middle size", "in the middle")
"""The one whose plan is kept."""
ROUNDS = 5


def measure_periods(count: int) -> Iterator[dict[str, Any]]:
    """A line for each project and month, of a store of so many servers and volumes; SHOWN has the plan of its first page."""
    server = SERVERS["postgresql"]()
    try:
        with server.database() as connection, open_store(connection) as store:
            began = time.monotonic()
            intervals = fill(store, count)
            filled = time.monotonic() - began
            with store.database.engine.connect() as vacuuming:
                vacuuming.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
            for project_name, project_id in PROJECTS.items():
                for month_name, month in MONTHS.items():
                    found = _listed(store, project_id, month, with_plan=(project_name, month_name) == SHOWN)
                    line = {"intervals": intervals, "entities": count, "filled_seconds": round(filled)}
                    yield line | {"project": project_name, "month": f"{month_name}, {month}"} | found
    finally:
        server.stop()


def _listed(store: Store, project_id: str, month: Month, *, with_plan: bool) -> dict[str, Any]:
    def listed() -> list[Any]:
        return [lived.entity for lived in store.lives.between(project_id, month.start, month.end)]

    with asked(store.database.engine) as statements:
        found = listed()
    plans = statements.plans()
    return {
        "milliseconds": round(statistics.median(_milliseconds(listed) for _ in range(ROUNDS)), 1),
        "database_milliseconds": round(sum(plan.milliseconds for plan in plans), 1),
        "statements": len(plans),
        "rows_returned": sum(touching(one, project_id, month.start, month.end) for one in found),
        "resources_returned": len(found),
        "rows_read": sum(plan.rows_read for plan in plans),
        "scans": sorted({f"{scan} of {table}" for plan in plans for table, those in plan.scans.items() for scan in those}),
        "plan": statements.texts()[0] if with_plan else "",
    }


def _milliseconds(what: Any) -> float:
    began = time.perf_counter()
    what()
    return (time.perf_counter() - began) * 1000
