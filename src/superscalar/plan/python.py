"""The `python` front end: text in any chunks, tasks out as soon as their statement is complete (rule L29)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Literal

from superscalar.plan import ir
from superscalar.plan.diagnostics import Diagnostic
from superscalar.plan.lines import Lines, Statement
from superscalar.plan.program import Lowered, Program, Step
from superscalar.plan.slots import is_join
from superscalar.plan.source import Source, parsed
from superscalar.plan.unreadable import unclosed, unreadable

MAX_SOURCE = 256 * 1024
"""Characters of a plan (rule L25)."""

_MAX_LOOK_AHEAD = 4
_BLOCK = re.compile(r"(?:if|for|while|def|class|with|try|async|elif|else|except|finally)\b|match\s+[^=\s].*:\s*(#|$)|@")
_CONTINUES = re.compile(r"(?:elif|else|except|finally)\b")
_PROSE = re.compile(r"[A-Z][\w'’,-]*(?:[ :.!]|$)")
_CALLED = re.compile(r"([^\W\d]\w*)\s*\(")
_FENCE = "```"


class PythonReader:
    """Reads one round of a plan into a `Program`. Never raises for what the text says: problems are diagnostics.

    `feed` returns the tasks and diagnostics that the text completed, `finish` the rest. Any chunking gives the same.
    `ended`: the plan is whole, and what follows is not read.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.ended = False
        self._lines = Lines()
        self._size = 0
        self._thought: list[str] = []
        self._block: list[Statement] = []
        self._before_block: list[str] = []
        self._seen = False
        self._finished = False
        self._ahead: tuple[str, Lowered] | None = None
        self._ahead_tries = 0

    def feed(self, text: str) -> list[Step]:
        """Take the next piece of the plan."""
        steps: list[Step] = []
        if self.ended:
            return steps
        if self._size == 0:
            text = text.removeprefix("\ufeff")
        room = MAX_SOURCE - self._size
        self._size += len(text)
        if text == "\n" and room and self._ahead is not None and self._lines.end_line(self._ahead[0]):
            return self._commit(self._ahead[1])
        for statement in self._lines.feed(text[:room]):
            self._ahead_tries = 0
            steps.extend(self._take(statement))
        if self._size > MAX_SOURCE and not self.ended:
            self.ended = self._finished = True
            line = self._lines.line + 1
            where = ir.Span(line, 0, line, 1)
            help = "write less, or let a tool make what is long"
            problem = Diagnostic("E403", f"a plan has at most {MAX_SOURCE // 1024} KB of text", where, help=help)
            steps.extend(self.program.unreadable(Source("", line), problem))
        self._look_ahead(text)
        return steps

    def finish(self, reason: Literal["stop", "cut"] = "stop") -> list[Step]:
        """The text has ended: as it should, or `cut` by a limit or an error, and then nothing more is completed."""
        steps: list[Step] = []
        if reason == "stop" and not self.ended:
            for statement in self._lines.finish():
                steps.extend(self._take(statement))
        if not self._finished:
            steps.extend(self._end_block())
            if reason == "stop":
                steps.extend(self.program.finish())
            else:
                self.program.cut()
        self.ended = self._finished = True
        return steps

    def _look_ahead(self, text: str) -> None:
        """Read a line that may be complete while its line end is still being written: then its calls start sooner."""
        self._ahead = None
        if not text.endswith(")") or self._ahead_tries >= _MAX_LOOK_AHEAD or self._block or self.ended:
            return
        pending = self._lines.pending
        if pending[:1].isspace() or "#" in pending:
            return
        self._ahead_tries += 1
        try:
            trees = parsed(pending).body
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
        if self.ended:
            return
        text = statement.text
        if text.startswith(_FENCE):
            yield from self._end_block()
            self.ended = self._seen
            return
        if self._block and text and _belongs(statement, self._block):
            self._block.append(statement)
            return
        if not text or text.startswith("#"):
            self._thought.append(statement.comment)
            return
        yield from self._end_block()
        if self.ended:
            return
        self._thought.append(statement.comment)
        if _BLOCK.match(text) or (_ends_in_colon(statement) and not self._is_prose(text)):
            self._block = [statement]
            self._before_block, self._thought = self._thought, []
            return
        yield from self._read(statement, Source(text, statement.line, statement.column))

    def _end_block(self) -> Iterator[Step]:
        """A whole `if`, `for` or other block, which is handled as one statement."""
        if not self._block:
            return
        block, self._block = self._block, []
        first = block[0]
        lines: list[str] = []
        for part in block:
            lines += [""] * (part.line - first.line - len(lines))  # comments and blank lines keep their place
            lines += (" " * (part.column - first.column) + part.text).split("\n")
        problem = next((part.problem for part in block if part.problem), None)
        whole = Statement("\n".join(lines), first.line, first.column, problem)
        after, self._thought = self._thought, self._before_block
        yield from self._read(whole, Source(whole.text, first.line, first.column, first.column))
        self._thought = after

    def _read(self, statement: Statement, source: Source) -> Iterator[Step]:
        if statement.problem is not None:
            yield from self._unreadable(source, unclosed(source, statement.problem))
            return
        try:
            module = parsed(statement.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            yield from self._unreadable(source, unreadable(source, error))
            return
        if self._is_prose(statement.text) and _says_nothing(module):
            return
        thought = self._take_thought()
        for tree in module.body:
            self._seen = True
            yield from self.program.statement(tree, source, thought=thought)
            if is_join(tree):
                self.ended = True  # rule L27: what follows the join is ignored
                return

    def _unreadable(self, source: Source, problem: Diagnostic) -> Iterator[Step]:
        if self._is_prose(source.text):
            return
        self._seen = True
        self._thought.clear()
        yield from self.program.unreadable(source, problem)

    def _is_prose(self, text: str) -> bool:
        """Whether this may be a sentence that leads up to the plan (rule L27)."""
        if self._seen or not _PROSE.match(text) or "=" in text:
            return False
        return not any(name in self.program.signatures for name in _CALLED.findall(text))


def _belongs(statement: Statement, block: list[Statement]) -> bool:
    """Whether a line is part of the block above it."""
    first = block[0]
    if statement.column > first.column:
        return True
    decorated = all(part.text.startswith("@") for part in block)
    return statement.column == first.column and (decorated or _CONTINUES.match(statement.text) is not None)


def _ends_in_colon(statement: Statement) -> bool:
    """Whether lines that belong to it must follow, whatever it is."""
    text = statement.text.rstrip()
    if statement.comment and text.endswith(statement.comment):
        text = text.removesuffix(statement.comment).rstrip().removesuffix("#").rstrip()
    return text.endswith(":")


def _says_nothing(module: ast.Module) -> bool:
    """Whether something that can be read is but a word, or a word and a remark (`Plan: as follows`)."""
    match module.body:
        case [ast.Expr(value=ast.Name())] | [ast.AnnAssign(value=None)]:
            return True
    return False
