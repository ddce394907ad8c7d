"""Code in the shape that mutmut mutates: it leaves functions with a decorator alone, and properties make numbers."""

import libcst as cst
from libcst import matchers

PROPERTY = matchers.FunctionDef(decorators=[matchers.Decorator(matchers.Name("property"))])


class _Plain(cst.CSTTransformer):
    def leave_FunctionDef(
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.BaseStatement | cst.FlattenSentinel[cst.BaseStatement]:
        if not matchers.matches(updated_node, PROPERTY):
            return updated_node
        name = updated_node.name.value
        plain = updated_node.with_changes(decorators=())
        return cst.FlattenSentinel([plain, cst.parse_statement(f"{name} = property({name})")])


def with_plain_properties(code: str) -> str:
    """The same classes, each property made by a call: ``name = property(name)`` below a method."""
    return cst.parse_module(code).visit(_Plain()).code
