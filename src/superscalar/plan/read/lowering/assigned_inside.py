"""`:=` in the filter of a comprehension, as a clause of it (rule L5).

`[m for x in xs if (m := f(x)) and m > 1]` is `[m for x in xs for m in [f(x)] if m and m > 1]`, where nobody else has a
use for the name: in Python it stands for the last item's value behind the comprehension.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable
from typing import Any


def with_clauses(tree: ast.stmt, is_known: Callable[[str], bool]) -> ast.stmt:
    """The same statement, in which comprehensions have a clause for what they assign. `is_known`: names before it."""
    named = [node for node in ast.walk(tree) if isinstance(node, ast.NamedExpr)]
    inside = [each for node in ast.walk(tree) if isinstance(node, ast.comprehension) for each in ast.walk(node.target)]
    stored = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    passing = {node.id for node in inside if isinstance(node, ast.Name)}
    own = {node.target.id for node in named}
    free = {name for name in own - passing if stored.count(name) == 1 and not is_known(name)}
    if not free:
        return tree
    made = _Clauses(free).visit(copy.deepcopy(tree))
    assert isinstance(made, ast.stmt)
    return made


class _Clauses(ast.NodeTransformer):
    def __init__(self, names: set[str]) -> None:
        self._names = names

    def _visit(self, node: Any) -> Any:
        self.generic_visit(node)
        made: list[ast.comprehension] = []
        for clause in node.generators:
            made.append(clause)
            for place, test in enumerate(clause.ifs):
                found = _first(test)
                if found is not None and found.target.id in self._names:
                    items = ast.copy_location(ast.List([found.value], ast.Load()), found)
                    rest = [_Read(found).visit(test), *clause.ifs[place + 1 :]]
                    made[-1] = ast.comprehension(clause.target, clause.iter, clause.ifs[:place], clause.is_async)
                    made.append(ast.comprehension(found.target, items, rest, 0))
                    break
        if len(made) == len(node.generators):
            return node
        if isinstance(node, ast.DictComp):
            return ast.copy_location(ast.DictComp(node.key, node.value, made), node)
        return ast.copy_location(type(node)(node.elt, made), node)

    visit_ListComp = visit_SetComp = visit_GeneratorExp = visit_DictComp = _visit  # noqa: N815 (as its base calls them)


class _Read(ast.NodeTransformer):
    """Puts the name where it was assigned."""

    def __init__(self, assigned: ast.NamedExpr) -> None:
        self._assigned = assigned

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        if node is self._assigned:
            return ast.copy_location(ast.Name(node.target.id, ast.Load()), node)
        self.generic_visit(node)
        return node


def _first(test: ast.expr) -> ast.NamedExpr | None:
    """What is assigned in a test before anything else in it is looked at."""
    match test:
        case ast.NamedExpr():
            return test
        case ast.BoolOp(values=[first, *_]) | ast.UnaryOp(operand=first) | ast.BinOp(left=first):
            return _first(first)
        case ast.Compare(left=ast.Constant(), comparators=[first, *_]) | ast.Compare(left=first):
            return _first(first)
        case ast.Attribute(value=first) | ast.Subscript(value=first):
            return _first(first)
        case ast.Call(func=ast.Attribute(value=first)) | ast.Call(func=ast.Name(), args=[first, *_]):
            return _first(first)
    return None
