"""A statement of another syntax as the statement of Python that it comes to, which knows where it was written."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from superscalar.plan.ir import NOWHERE, Span
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.read.source import SourceText
from superscalar.plan.read.unparse import unparsed

_WIDEST = 10_000  # no more is set before a line to put a caret where it belongs


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in the plan at `span`. `text` begins `column` signs into the line of number `line`."""

    text: str
    line: int
    span: Span
    column: int = 0

    def line_text(self, span: Span) -> str:
        """The line of the plan on which a part of it begins."""
        index = span.line - self.line
        lines = self.text.split("\n")
        margin = " " * self.column if index <= 0 and self.column <= _WIDEST else ""
        return margin + lines[min(max(index, 0), len(lines) - 1)]

    def problem(self, code: str, message: str, help: str, span: Span | None = None, label: str = "") -> Diagnostic:
        """A diagnostic about it, or about a part of it."""
        where = span or self.span
        return Diagnostic(code, message, where, self.line_text(where), label, help)


@dataclass(slots=True)
class Translated(SourceText):
    """The source of a statement whose `text` is what it comes to in Python, and whose places are in what was `written`.

    Its nodes carry their places in the plan: lines from 1 and columns in characters.
    """

    written: Written | None = None

    def span(self, node: ast.AST | None) -> Span:
        """The place of a node in the plan; of the whole statement for None."""
        if isinstance(node, ast.expr | ast.stmt | ast.keyword | ast.arg):
            return span_of(node)
        return NOWHERE if self.written is None else self.written.span

    def of(self, _node: ast.stmt) -> str:
        """The text of the statement: it stands alone."""
        return self.text

    def line_text(self, span: Span) -> str:
        """The line of the plan on which a span begins."""
        return "" if self.written is None else self.written.line_text(span)


def span_of(node: ast.expr | ast.stmt | ast.keyword | ast.arg) -> Span:
    """The place that a node of a translated statement carries."""
    end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset
    return Span(node.lineno, node.col_offset, end_line, node.col_offset + 1 if end_column is None else end_column)


def give_place(node: ast.AST, span: Span) -> None:
    """Give a node a place in the plan."""
    node.lineno, node.col_offset, node.end_lineno, node.end_col_offset = span  # type: ignore[attr-defined]


def settle(tree: ast.AST, source: SourceText) -> None:
    """Turn the places that Python's parser gave, in the text of `source`, into places in the plan."""
    inside: list[ast.AST] = [tree]
    while inside:
        node = inside.pop()
        if isinstance(node, ast.JoinedStr):  # the places inside an f-string are wrong before Python 3.12
            made(node, source.span(node))
            continue
        inside.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.expr | ast.keyword):
            give_place(node, source.span(node))


def made(node: ast.expr, span: Span) -> ast.expr:
    """A new expression, all of it at one place of the plan."""
    if isinstance(node, ast.Name | ast.Constant):
        give_place(node, span)
        return node
    for inner in ast.walk(node):
        if isinstance(inner, ast.expr | ast.keyword):
            give_place(inner, span)
    return node


def statement(name: str, value: ast.expr, written: Written) -> tuple[ast.stmt, Translated]:
    """`name = value`, or `value` alone for an empty name, and its source."""
    tree: ast.stmt
    if name:
        target = ast.Name(name, ast.Store())
        give_place(target, written.span)
        tree = ast.Assign([target], value, lineno=0)
    else:
        tree = ast.Expr(value)
    give_place(tree, written.span)
    return tree, Translated(_text(tree, name), written.line, written=written)


def _text(tree: ast.stmt, name: str) -> str:
    """The statement in Python. What has no text there (quotes and backslashes in holes) keeps name and
    calls: a repair that repeats it does it again.
    """
    try:
        return unparsed(tree)
    except (ValueError, RecursionError):
        functions = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        calls = ", ".join(f"{function.id}()" for function in functions if isinstance(function, ast.Name))
        return f"{name} = [{calls}]" if name else f"[{calls}]"
