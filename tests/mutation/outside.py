"""What stands outside functions, which mutmut does not mutate: limits, tables, defaults."""

import ast
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

SLOW_TO_IMPORT = ("hypothesis", "keystoneauth1.session", "openstack", "oslo_config.cfg", "oslo_log.log", "pydantic", "sqlalchemy")


class Mutant(NamedTuple):
    path: Path
    code: str
    """Of the whole module."""


def mutants(path: Path) -> Iterator[Mutant]:
    """Each mutant of the module with another literal, or another Status, outside its functions."""
    code = path.read_text(encoding="utf-8")
    lines = code.encode().splitlines(keepends=True)
    for node in _values(ast.parse(code)):
        other = _other(node)
        if other is not None and node.lineno == node.end_lineno:
            line = lines[node.lineno - 1]
            changed = line[: node.col_offset] + other.encode() + line[node.end_col_offset :]
            yield Mutant(path, b"".join([*lines[: node.lineno - 1], changed, *lines[node.lineno :]]).decode())


def _values(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions outside functions that make values: no annotations, decorators, docstrings, type variables."""
    match node:
        case ast.FunctionDef() | ast.Expr(ast.Constant()) | ast.Call(ast.Name("TypeVar")):
            return
        case ast.ClassDef():
            within: Iterable[ast.AST | None] = node.body
        case ast.AnnAssign():
            within = [node.value]
        case _:
            within = ast.iter_child_nodes(node)
    if isinstance(node, ast.expr):
        yield node
    for child in within:
        if child is not None:
            yield from _values(child)


def _other(node: ast.expr) -> str | None:
    """What stands in the place of a value in a mutant; None where it has none."""
    match node:
        case ast.Constant(bool(value)):
            return repr(not value)
        case ast.Constant(int(value) | float(value)):
            return repr(value + 1)
        case ast.Constant(str(value)):
            return repr(f"XX{value}") if " " not in value else None  # a sentence is for people
        case ast.Attribute(ast.Name("Status"), status):
            return "Status.ERROR" if status == "UNKNOWN" else "Status.UNKNOWN"
    return None


def survivors(found: Iterable[Mutant], tests: Sequence[str]) -> Iterator[Mutant]:
    """Those that no test, run in this directory, minds."""
    for mutant in found:
        code = mutant.path.read_text(encoding="utf-8")
        _write(mutant.path, mutant.code)
        try:
            lives = _pass(tests)
        finally:
            _write(mutant.path, code)
        if lives:
            yield mutant


def _write(path: Path, code: str) -> None:
    path.write_text(code, encoding="utf-8")
    # Two versions that were written within one second, and are equally long, look alike to what caches bytecode.
    Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)


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
    return int(pytest.main(["--exitfirst", "--quiet", "-p", "no:cacheprovider", *tests]))
