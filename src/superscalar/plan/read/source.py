"""Where a statement stands in the text of a plan, to say where in it a problem is."""

from __future__ import annotations

import ast
import re
import warnings
from bisect import bisect_left
from dataclasses import dataclass, field

from superscalar.plan.ir import Span
from superscalar.plan.ir.diagnostics import Diagnostic

_PLACED = (ast.expr, ast.stmt, ast.keyword, ast.arg)
_MAY_WARN = re.compile(r"\\|\d\.?[a-zA-Z]")


@dataclass(slots=True)
class SourceText:
    """The text of a statement. `column`: what stood before its first line; `margin`: before each of the others."""

    text: str
    line: int = 1
    column: int = 0
    margin: int = 0
    _lines: list[str] | None = field(default=None, repr=False, compare=False)
    _wide: dict[int, list[int]] | None = field(default=None, repr=False, compare=False)

    def span(self, node: ast.AST | None) -> Span:
        """The place of a node in the whole source; of the whole statement for None."""
        if not isinstance(node, _PLACED):
            lines = self._split()
            last = len(lines) - 1
            return Span(self.line, self.column, self.line + last, self._before(last) + len(lines[-1].rstrip()))
        line, end = node.lineno, node.end_lineno or node.lineno
        start = self._characters(line, node.col_offset)
        stop = self._characters(end, node.end_col_offset or node.col_offset + 1)
        return Span(self.line + line - 1, start, self.line + end - 1, stop)

    def of(self, node: ast.stmt) -> str:
        """The text of one of several statements on a line."""
        span = self.span(node)
        first, last = span.line - self.line, span.end_line - self.line
        lines = self._split()[first : last + 1]
        if first == last:
            return lines[0][span.column - self._before(first) : span.end_column - self._before(first)]
        lines[-1] = lines[-1][: span.end_column - self._before(last)]
        lines[0] = lines[0][span.column - self._before(first) :]
        return "\n".join(lines)

    def at(self, line: int, column: int) -> Span:
        """One character, counted in this text: lines from 1, columns from 0."""
        lines = self._split()
        index = min(max(line - 1, 0), len(lines) - 1)
        length = len(lines[index])
        column = self._before(index) + min(max(column, 0), length)
        return Span(self.line + index, column, self.line + index, column + 1)

    def line_text(self, span: Span) -> str:
        """The line on which a span begins, as it was written."""
        lines = self._split()
        index = min(max(span.line - self.line, 0), len(lines) - 1)
        return " " * self._before(index) + lines[index]

    def problem(self, code: str, message: str, help: str, span: Span | None = None, label: str = "") -> Diagnostic:
        """What is wrong with the statement, or with the part of it at `span`."""
        where = span or self.span(None)
        return Diagnostic(code, message, where, self.line_text(where), label, help)

    def _characters(self, line: int, offset: int) -> int:
        """Columns count characters, the syntax tree counts UTF-8 bytes."""
        if not self.text.isascii():
            if self._wide is None:
                self._wide = {}
            wide = self._wide.get(line)
            if wide is None:
                wide = self._wide[line] = _continuations(self._split()[line - 1])
            offset -= bisect_left(wide, offset)
        return offset + self._before(line - 1)

    def _split(self) -> list[str]:
        if self._lines is None:
            self._lines = self.text.split("\n")
        return self._lines

    def _before(self, index: int) -> int:
        return self.margin if index else self.column


def parsed(text: str) -> ast.Module:
    """Python's syntax tree of a text, without the warnings that a program's author gets (`"\\d"`, `1if`)."""
    if not _MAY_WARN.search(text):
        return _syntax_tree(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def _syntax_tree(text: str) -> ast.Module:
    """What `ast.parse` gives, which takes a microsecond longer to ask for it."""
    tree = compile(text, "<unknown>", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree


def _continuations(line: str) -> list[int]:
    """Where in the UTF-8 bytes of a line those stand that begin no character."""
    return [place for place, byte in enumerate(line.encode()) if byte & 0xC0 == 0x80]
