"""What models write out of habit and a plan has no use for: understood as what it comes to here (rule L5).

`await f()` is `f()`, `asyncio.gather(*[...])` the list, `import` nothing. `print(...)` goes, but the calls in it stay.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Container
from typing import Final

from superscalar.plan.evaluate.table import FUNCTIONS
from superscalar.plan.read.habits import straightened
from superscalar.plan.read.instead.code import fresh_name, mentioned_names
from superscalar.plan.read.lowering.body import is_tool_call, placed_at
from superscalar.plan.read.lowering.iterators import TAKES_ALL
from superscalar.plan.read.source import parsed

_WORDS: Final = tuple("await gather print import pass format map filter".split())
_MAY_BE: Final = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b|^\s*(?:async\s+)?for\b", re.MULTILINE)
_SOME: Final = (*_WORDS, "for")  # one of these stands in whatever may be; that none does is said sooner so


def understood(module: ast.Module, text: str, tools: Container[str]) -> tuple[str, ...]:
    """Rewrite what was read from `text`, and say what was understood; a tool of such a name is that tool."""
    if not any(map(text.__contains__, _SOME)) or _MAY_BE.search(text) is None:
        return ()
    reading = _LooseReading(tools)
    reading.visit(module)
    return tuple(dict.fromkeys(reading.notes))


def statement_again(text: str, tools: Container[str]) -> ast.stmt:
    """The statement of a text that was read before, as it was understood then."""
    module = parsed(text)
    understood(module, text, tools)
    return module.body[0]


def is_dropped(tree: ast.stmt) -> bool:
    """Whether a statement, once understood, is nothing at all."""
    return isinstance(tree, ast.Pass)


class _LooseReading(ast.NodeTransformer):
    def __init__(self, tools: Container[str]) -> None:
        self.notes: list[str] = []
        self._tools = tools
        self._loops = 0

    def visit_Await(self, node: ast.Await) -> ast.AST:
        self.notes.append("`await` left out: calls run as soon as they can")
        return self.visit(node.value)  # type: ignore[no-any-return]  # an expression becomes one

    def visit_For(self, node: ast.For) -> ast.AST:
        self._loops += 1
        self.generic_visit(node)
        self._loops -= 1
        node.body = straightened(node) or [ast.copy_location(ast.Pass(), node)]
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.Assign(targets=[ast.Name()], value=ast.Call() as value) if not self._loops:
                node.value = self._gone_through(value) or value
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Name(id="format"), args=[value, ast.Constant(value=str() as form)], keywords=[]) if (
                "format" not in self._tools
            ):
                return _formatted(value, form, node)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[ast.Call() as items, *rest]) if (
                name in TAKES_ALL and (whole := self._gone_through(items)) is not None
            ):
                node.args = [whole, *rest]
                return node
        if not self._gathers(node.func) or not all(_says_nothing(keyword) for keyword in node.keywords):
            return node
        self.notes.append("`gather(...)` for the list of its calls")
        match node.args:
            case [ast.Starred(value=ast.GeneratorExp(elt=element, generators=generators))]:
                made: ast.expr = ast.ListComp(element, generators)
            case [ast.Starred(value=only)]:
                made = only
            case calls:
                made = ast.List(calls, ast.Load())
        return made if hasattr(made, "lineno") else ast.copy_location(made, node)

    def _gone_through(self, call: ast.Call) -> ast.GeneratorExp | None:
        """`map(f, xs)` or `filter(f, xs)` as a comprehension; None where it is neither, or a tool may be called."""
        match call:
            case ast.Call(func=ast.Name(id="map" | "filter" as name), args=[function, items], keywords=[]):
                inner = self._gone_through(items) if isinstance(items, ast.Call) else None
                return None if name in self._tools else _gone_through(name, function, inner or items, call)
        return None

    def _gathers(self, function: ast.expr) -> bool:
        match function:
            case ast.Attribute(value=ast.Name(id="asyncio"), attr="gather"):
                return True
            case ast.Name(id="gather"):
                return "gather" not in self._tools
        return False

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> ast.AST:
        self.notes.append("`import` left out: everything that can be called is there already")
        return ast.copy_location(ast.Pass(), node)

    visit_ImportFrom = visit_Import  # noqa: N815 (as its base calls it)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        self.generic_visit(node)
        match node.value:
            case ast.Call(func=ast.Name(id="print"), args=[ast.Call(func=ast.Name(id="join" | "Join" | "finish"))]):
                return node
            case ast.Call(func=ast.Name(id="print"), args=shown, keywords=named) if "print" not in self._tools:
                pass
            case _:
                return node
        self.notes.append("`print(...)` left out: join(...) shows the results")
        values = [value.value if isinstance(value, ast.Starred) else value for value in shown]
        values += [keyword.value for keyword in named]
        calling = [value for value in values if any(map(is_tool_call, ast.walk(value)))]
        kept: list[ast.stmt] = [ast.copy_location(ast.Expr(value), value) for value in calling]
        return kept or ast.copy_location(ast.Pass(), node)


def _gone_through(name: str, function: ast.expr, items: ast.expr, node: ast.Call) -> ast.GeneratorExp | None:
    """`map(f, xs)` and `filter(f, xs)` as a comprehension; None where a tool may be called, or when is not clear."""
    x = ast.Name(fresh_name("x", mentioned_names(node)), ast.Load())
    match function:
        case ast.Lambda(args=ast.arguments(args=[argument], posonlyargs=[], kwonlyargs=[], vararg=None, kwarg=None)):
            x, made = ast.Name(argument.arg, ast.Load()), function.body
        case ast.Name(id=id) if id in FUNCTIONS:
            made = ast.Call(function, [x], [])
        case ast.Constant(value=None) if name == "filter":
            made = x
        case _:
            return None
    if any(map(is_tool_call, ast.walk(made))) or isinstance(items, ast.Starred):
        return None
    target = ast.Name(x.id, ast.Store())
    if name == "map":
        whole = ast.GeneratorExp(made, [ast.comprehension(target, items, [], 0)])
    else:
        whole = ast.GeneratorExp(x, [ast.comprehension(target, items, [made], 0)])
    placed_at(whole, node)
    return whole


def _formatted(value: ast.expr, form: str, node: ast.Call) -> ast.JoinedStr:
    """`format(x, ".2f")` as `f"{x:.2f}"`."""
    spec = ast.JoinedStr([ast.Constant(form)] if form else [])
    made = ast.JoinedStr([ast.FormattedValue(value, -1, spec)])
    for part in (spec, *spec.values, *made.values, made):
        ast.copy_location(part, node)
    return made


def _says_nothing(keyword: ast.keyword) -> bool:
    match keyword:
        case ast.keyword(arg="return_exceptions", value=ast.Constant(value=False)):
            return True
    return False
