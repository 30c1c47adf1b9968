"""Code for helps: templates that are filled with pieces of the plan at hand."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import wraps
from itertools import count
from typing import ParamSpec

from superscalar.plan.evaluate.table import FUNCTIONS
from superscalar.plan.read.unparse import unparsed

P = ParamSpec("P")

_LONGEST = 400  # characters of code in a help: beyond, it says less than the form alone
_MOST_NODES = 300


class NoShortCode(Exception):
    """There is no code that is short, and sure to be what was meant."""


def tried(help: Callable[P, str]) -> Callable[P, str]:
    """The same help, empty where there is no code to write."""

    @wraps(help)
    def attempt(*args: P.args, **kwargs: P.kwargs) -> str:
        try:
            return help(*args, **kwargs)
        except (NoShortCode, RecursionError):
            return ""

    return attempt


def filled(template: str, **parts: ast.expr) -> ast.expr:
    """The expression of a template, in which names in capitals stand for `parts`."""
    [statement] = _filled(template, parts)
    assert isinstance(statement, ast.Expr)
    return statement.value


def write(template: str, **parts: ast.expr) -> str:
    """The code of a template on one line; statements are divided by `;`.

    Raises:
        Unwritable: it would be too long, or is more than one f-string can hold.
    """
    return "; ".join(map(written, _filled(template, parts)))


def written(node: ast.AST) -> str:
    """A piece of a plan on one line.

    Raises:
        Unwritable: it would be too long, or is more than one f-string can hold.
    """
    if not is_small(node):
        raise NoShortCode
    try:
        text = unparsed(node)
    except ValueError as error:
        raise NoShortCode from error
    if len(text) > _LONGEST or "\n" in text:
        raise NoShortCode
    return text


def shown_code(node: ast.expr) -> str:
    """A piece of a plan as a message shows it: `...` where it is too long."""
    return tried(written)(node) or "..."


def is_small(node: ast.AST) -> bool:
    """Whether a tree is so small that it may be copied and written."""
    inside: list[ast.AST] = [node]
    for each in inside:
        inside.extend(ast.iter_child_nodes(each))
        if len(inside) > _MOST_NODES:
            return False
    return True


def _filled(template: str, parts: Mapping[str, ast.expr]) -> list[ast.stmt]:
    tree = ast.parse(template)
    _Filling(parts).visit(tree)
    return tree.body


class _Filling(ast.NodeTransformer):
    """Puts expressions in the places of names; what it puts in is not looked through."""

    def __init__(self, parts: Mapping[str, ast.expr]) -> None:
        self._parts = parts

    def visit_Name(self, node: ast.Name) -> ast.expr:
        part = self._parts.get(node.id, node)
        return copy.copy(part)  # what writes it notes on each node whether it needs brackets where it stands


def replaced(node: ast.expr, meanings: Mapping[str, ast.expr]) -> ast.expr:
    """A copy of an expression in which names stand for other expressions.

    Raises:
        Unwritable: a name means something else inside.
    """
    if not meanings:
        return node
    if not is_small(node) or bound_in(node) & meanings.keys():
        raise NoShortCode
    made: ast.expr = _Filling(meanings).visit(copy.deepcopy(node))
    return made


def bound_in(node: ast.AST) -> set[str]:
    """The names that comprehensions and lambdas inside `node` give a meaning of their own."""
    bound: set[str] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.comprehension):
            bound |= mentioned_names(inner.target)
        elif isinstance(inner, ast.Lambda):
            bound |= {argument.arg for argument in inner.args.args}
    return bound


def mentioned_names(*nodes: ast.AST) -> set[str]:
    """Every name that is mentioned."""
    return {inner.id for node in nodes for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def name(id: str) -> ast.Name:
    """A name as an expression."""
    return ast.Name(id, ast.Load())


def fresh_name(base: str, taken: Collection[str]) -> str:
    """A name like `base` that is not taken."""
    return base if base not in taken else next(f"{base}{i}" for i in count(2) if f"{base}{i}" not in taken)


_LISTS = frozenset(name for name, row in FUNCTIONS.items() if row.gives.startswith("list"))


def as_list(node: ast.expr, is_list: Callable[[ast.expr], bool]) -> ast.expr:
    """An expression as one that is a list whatever it gives."""
    if isinstance(node, ast.GeneratorExp):
        return ast.ListComp(node.elt, node.generators)
    plain = isinstance(node, ast.List | ast.ListComp) or (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _LISTS
    )
    return node if plain or is_list(node) else filled("list(X)", X=node)


def added(parts: Iterable[ast.expr]) -> ast.expr:
    """`a + b + ...`."""
    first, *rest = parts
    for part in rest:
        first = ast.BinOp(first, ast.Add(), part)
    return first
