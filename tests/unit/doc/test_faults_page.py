"""The fault table names tests, and they are there."""

import ast
import re
from pathlib import Path

from tests.unit.doc.pages import SOURCE

ROOT = Path(__file__).parents[3]
NAMED = re.compile(r"``(tests/[\w/]+\.py)::(test_\w+)``")


def test_every_row_of_the_fault_table_names_tests_that_are_there():
    page = (SOURCE / "faults.rst").read_text(encoding="utf-8")
    named = NAMED.findall(page)
    rows = len(re.findall(r"^   \* - ", page, re.MULTILINE))
    heads = page.count(":header-rows: 1")

    missing = [f"{path}::{name}" for path, name in named if name not in _tests_of(path)]

    assert missing == []
    assert len(named) >= rows - heads > 40


def _tests_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
