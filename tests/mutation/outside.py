"""What stands outside functions, which mutmut does not mutate: limits, tables, defaults."""

import importlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import libcst as cst
import pytest
from libcst import matchers

SLOW_TO_IMPORT = (
    "hypothesis",
    "keystoneauth1.session",
    "openstack",
    "oslo_config.cfg",
    "oslo_log.log",
    "pydantic",
    "requests",
    "sqlalchemy",
)
OPPOSITES = {"True": "False", "False": "True"}


class Mutant(NamedTuple):
    path: Path
    code: str
    """Of the whole module."""


class _Literals(cst.CSTVisitor):
    """The literals outside functions, and what stands in the place of each in a mutant."""

    def __init__(self) -> None:
        self.found: list[tuple[cst.CSTNode, cst.CSTNode]] = []

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        return False

    def visit_Annotation(self, node: cst.Annotation) -> bool:
        return False

    def visit_Decorator(self, node: cst.Decorator) -> bool:
        return False

    def visit_Expr(self, node: cst.Expr) -> bool:
        """A docstring."""
        return False

    def visit_Call(self, node: cst.Call) -> bool:
        return not matchers.matches(node.func, matchers.Name("TypeVar"))

    def visit_Integer(self, node: cst.Integer) -> None:
        self.found.append((node, node.with_changes(value=str(node.evaluated_value + 1))))

    def visit_Float(self, node: cst.Float) -> None:
        self.found.append((node, node.with_changes(value=repr(node.evaluated_value + 1))))

    def visit_SimpleString(self, node: cst.SimpleString) -> None:
        if " " not in node.value:  # a sentence is for people
            self.found.append((node, node.with_changes(value=repr(f"XX{node.evaluated_value}"))))

    def visit_Name(self, node: cst.Name) -> None:
        if node.value in OPPOSITES:
            self.found.append((node, node.with_changes(value=OPPOSITES[node.value])))

    def visit_Attribute(self, node: cst.Attribute) -> None:
        if matchers.matches(node.value, matchers.Name("Status")):
            other = "ERROR" if node.attr.value == "UNKNOWN" else "UNKNOWN"
            self.found.append((node, node.with_changes(attr=cst.Name(other))))


def mutants(path: Path) -> Iterator[Mutant]:
    """Each mutant of the module that differs from it outside its functions."""
    module, literals = cst.parse_module(path.read_text(encoding="utf-8")), _Literals()
    module.visit(literals)
    for old, new in literals.found:
        mutated = module.deep_replace(old, new)
        assert isinstance(mutated, cst.Module)
        yield Mutant(path, mutated.code)


def survivors(found: Iterable[Mutant], tests: Sequence[str]) -> Iterator[Mutant]:
    """Those that no test, run in this directory, minds."""
    for mutant in found:
        code = mutant.path.read_text(encoding="utf-8")
        mutant.path.write_text(mutant.code, encoding="utf-8")
        try:
            lives = _pass(tests)
        finally:
            mutant.path.write_text(code, encoding="utf-8")
        if lives:
            yield mutant


def _pass(tests: Sequence[str]) -> bool:
    """Whether the tests pass in a copy of this process, which has all imported that is slow to import and not caso."""
    for name in SLOW_TO_IMPORT:
        importlib.import_module(name)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = _run(tests)
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _run(tests: Sequence[str]) -> int:
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    # This program came from the tree; the tests, and caso, are those of this directory.
    sys.path.insert(0, str(Path.cwd()))
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]
    # Two versions of a module, written within one second and equally long, look alike to what caches bytecode.
    sys.dont_write_bytecode = True
    return int(pytest.main(["--exitfirst", "--quiet", "-p", "no:cacheprovider", *tests]))
