"""The `python` front end: text in any chunks, tasks out as soon as their statement is complete (rule L29)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Literal

from superscalar.plan import ir
from superscalar.plan.diagnostics import Diagnostic
from superscalar.plan.lines import Lines, Statement
from superscalar.plan.lower import Source
from superscalar.plan.program import Lowered, Program, Step

MAX_SOURCE = 256 * 1024
"""Characters of a plan (rule L25)."""

_MAX_LOOK_AHEAD = 4
_BLOCK = re.compile(r"(?:if|for|while|def|class|with|try|async|match|elif|else|except|finally)\b|@")
_CONTINUES = re.compile(r"(?:elif|else|except|finally)\b")
_PROSE = re.compile(r"[A-Z][\w'’,-]*(?:[ :.!]|$)")
_FENCE = "```"


class PythonReader:
    """Reads one round of a plan into a `Program`. Never raises for what the text says: problems are diagnostics.

    `feed` returns the tasks and diagnostics that the text completed, `finish` the rest. Any chunking gives the same.
    `ended`: the plan is whole, and what follows is not read.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._lines = Lines()
        self._size = 0
        self._thought: list[str] = []
        self._block: list[Statement] = []
        self._fenced = False
        self.ended = False
        self._seen = False
        self._ahead: tuple[str, Lowered] | None = None
        self._ahead_tries = 0

    def feed(self, text: str) -> list[Step]:
        """Take the next piece of the plan."""
        if self.ended:
            return []
        self._size += len(text)
        if text == "\n" and self._ahead is not None and self._lines.end_line(self._ahead[0]):
            return self._commit(self._ahead[1])
        if self._size > MAX_SOURCE:
            self.ended = True
            problem = Diagnostic("E403", f"a plan has at most {MAX_SOURCE // 1024} KB", ir.Span(1, 0, 1, 1))
            return list(self.program.unreadable(Source(""), problem))
        steps: list[Step] = []
        for statement in self._lines.feed(text):
            self._ahead_tries = 0
            steps.extend(self._take(statement))
        self._look_ahead(text)
        return steps

    def finish(self, reason: Literal["stop", "cut"] = "stop") -> list[Step]:
        """The text has ended: as it should, or `cut` by a limit or an error, and then nothing more is completed."""
        steps: list[Step] = []
        if not self.ended:
            if reason == "stop":
                for statement in self._lines.finish():
                    steps.extend(self._take(statement))
            steps.extend(self._end_block())
            if reason == "stop":
                steps.extend(self.program.finish())
        self.ended = True
        return steps

    def _look_ahead(self, text: str) -> None:
        """Read a line that may be complete while its line end is still being written: then its calls start sooner."""
        self._ahead = None
        if not text.endswith(")") or self._ahead_tries >= _MAX_LOOK_AHEAD or self._block:
            return
        pending = self._lines.pending
        if pending[:1].isspace() or "#" in pending:
            return
        self._ahead_tries += 1
        try:
            trees = ast.parse(pending).body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        if len(trees) == 1:
            lowered = self.program.prepare(trees[0], Source(pending, self._lines.line + 1))
            self._ahead = None if lowered is None else (pending, lowered)

    def _commit(self, lowered: Lowered) -> list[Step]:
        self._ahead, self._ahead_tries, self._seen = None, 0, True
        return list(self.program.commit(lowered, thought=self._take_thought()))

    def _take_thought(self) -> str:
        thought = "\n".join(t for t in self._thought if t)
        self._thought.clear()
        return thought

    def _take(self, statement: Statement) -> Iterator[Step]:
        text = statement.text
        if text.startswith(_FENCE):
            if self._fenced or self._seen:
                self.ended = self._seen
            self._fenced = not self._fenced
            return
        if self.ended:
            return
        if statement.comment:
            self._thought.append(statement.comment)
        indented = statement.column > 0 or text[:1] in " \t"
        if not text.strip() or text.lstrip().startswith("#"):
            return
        if self._block and (indented or _CONTINUES.match(text)):
            self._block.append(statement)
            return
        yield from self._end_block()
        if _BLOCK.match(text) and _opens_block(text):
            self._block = [statement]
            return
        yield from self._read(statement)

    def _end_block(self) -> Iterator[Step]:
        """A whole `if`, `for` or other block, which is handled as one statement."""
        if not self._block:
            return
        first, self._block = self._block, []
        text = "\n".join(" " * s.column + s.text for s in first)
        problem = next((s.problem for s in first if s.problem), "")
        yield from self._read(Statement(text, first[0].line, 0, problem))

    def _read(self, statement: Statement) -> Iterator[Step]:
        source = Source(statement.text, statement.line, statement.column)
        if statement.problem:
            yield from self._unreadable(source, statement.problem)
            return
        try:
            module = ast.parse(statement.text)
        except SyntaxError as error:
            yield from self._unreadable(source, _plainly(error), error)
            return
        except (ValueError, RecursionError, MemoryError) as error:
            yield from self._unreadable(source, f"it is too deeply nested or too large ({type(error).__name__})")
            return
        thought = self._take_thought()
        for tree in module.body:
            self._seen = True
            yield from self.program.statement(tree, source, thought=thought)
            if self.program.joined:
                self.ended = True  # rule L27: what follows the join is ignored

    def _unreadable(self, source: Source, why: str, error: SyntaxError | None = None) -> Iterator[Step]:
        if not self._seen and _PROSE.match(source.text) and "=" not in source.text:
            return  # a leading sentence
        span = source.span(None)
        if error is not None and error.lineno and error.offset:
            line = source.line + error.lineno - 1
            column = error.offset - 1 + (source.column if error.lineno == 1 else 0)
            span = ir.Span(line, max(column, 0), line, max(column, 0) + 1)
        help = "write one complete statement: name = tool(argument, option=value)"
        problem = Diagnostic("E001", f"this cannot be read: {why}", span, source.line_text(span), "", help)
        self._thought.clear()
        yield from self.program.unreadable(source, problem)


def _opens_block(text: str) -> bool:
    return text.split("#")[0].rstrip().endswith(":") or text.startswith("@") or ":" in text


def _plainly(error: SyntaxError) -> str:
    """CPython's reason without what only makes sense in a file."""
    return re.sub(r" \(<unknown>, line \d+\)", "", error.msg or "invalid syntax")
