"""What a database says it does to answer: PostgreSQL's plans of the statements that a block runs, and what they read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

READS_ROWS = ("Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan", "Tid Scan", "Sample Scan", "Foreign Scan")
"""Nodes that read rows of a table; a Bitmap Index Scan only finds those which a Bitmap Heap Scan reads."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """One statement as PostgreSQL did it."""

    root: dict[str, Any]
    milliseconds: float

    def nodes(self, node: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """All that were done at all."""
        node = node or self.root
        if node["Actual Loops"]:
            yield node
            for part in node.get("Plans", []):
                yield from self.nodes(part)

    @property
    def scans(self) -> dict[str, set[str]]:
        """The kinds of nodes that read rows, by table."""
        found: dict[str, set[str]] = {}
        for node in self.nodes():
            if node["Node Type"] in READS_ROWS:
                found.setdefault(node["Relation Name"], set()).add(node["Node Type"])
        return found

    @property
    def rows_read(self) -> int:
        """Rows that were read, whether they were given out or thrown away."""
        names = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
        return sum(
            round(sum(node.get(name, 0) for name in names) * node["Actual Loops"])
            for node in self.nodes()
            if node["Node Type"] in READS_ROWS
        )


@dataclasses.dataclass
class Asked:
    """The statements that were run, each with its parameters."""

    engine: Engine
    statements: list[tuple[str, Any]] = dataclasses.field(default_factory=list)

    def plans(self) -> list[Plan]:
        """Run each again, and take the time and the rows of each step."""
        told = [found for (found,) in self._explained("ANALYZE, BUFFERS, FORMAT JSON")]
        trees = [json.loads(one) if isinstance(one, str) else one for one in told]
        return [Plan(tree[0]["Plan"], tree[0]["Execution Time"] + tree[0]["Planning Time"]) for tree in trees]

    def texts(self) -> list[str]:
        """The same as people read it."""
        return ["\n".join(lines) for lines in self._explained("ANALYZE, BUFFERS, COSTS OFF")]

    def _explained(self, how: str) -> Iterator[list[Any]]:
        with self.engine.connect() as connection:
            for statement, parameters in self.statements:
                if statement.startswith("SET"):
                    connection.exec_driver_sql(statement)
                    continue
                answer = connection.exec_driver_sql(f"EXPLAIN ({how}) {statement}", parameters)
                yield [row[0] for row in answer]


@contextmanager
def asked(engine: Engine) -> Iterator[Asked]:
    """What the block asks of the database."""
    found = Asked(engine)

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if statement.startswith(("SELECT", "SET")):
            found.statements.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)
