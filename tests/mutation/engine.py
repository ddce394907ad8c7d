"""mutmut, with the mutations beside its own that caso's kind of code needs; run as a script, in the copy that it mutates."""

from collections.abc import Iterable

import libcst as cst
from libcst import matchers
from mutmut.__main__ import cli
from mutmut.mutation.mutators import mutation_operators

OPPOSITES = {"min": "max", "max": "min", "any": "all", "all": "any"}


def other_end(node: cst.Call) -> Iterable[cst.Call]:
    """Most of accounting is min and max."""
    if isinstance(node.func, cst.Name) and node.func.value in OPPOSITES:
        yield node.with_changes(func=cst.Name(OPPOSITES[node.func.value]))


def other_branch(node: cst.If) -> Iterable[cst.If]:
    """Where the condition is a comparison, or says not, mutmut does it."""
    if not matchers.matches(node.test, matchers.Comparison() | matchers.UnaryOperation()):
        yield node.with_changes(test=_turned(node.test))


def other_members(node: cst.CompIf) -> Iterable[cst.CompIf]:
    """Of a comprehension: all, and those that it leaves out."""
    yield node.with_changes(test=cst.Name("True"))
    yield node.with_changes(test=_turned(node.test))


def _turned(test: cst.BaseExpression) -> cst.UnaryOperation:
    return cst.UnaryOperation(cst.Not(), test.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()]))


# Declared a sequence; a list, that all of mutmut reads.
mutation_operators.extend([(cst.Call, other_end), (cst.If, other_branch), (cst.CompIf, other_members)])

if __name__ == "__main__":
    cli()
