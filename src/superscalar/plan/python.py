"""The `python` front end: text in any chunks, tasks out as soon as their statement is complete (rule L29)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from superscalar.plan import ir
from superscalar.plan.diagnostics import Diagnostic
from superscalar.plan.lines import Lines, Statement
from superscalar.plan.lowered import Lowered
from superscalar.plan.program import MAX_NESTED, Program, Step
from superscalar.plan.slots import is_join
from superscalar.plan.source import Source, parsed
from superscalar.plan.unreadable import unclosed, unreadable

MAX_SOURCE = 256 * 1024
"""Characters of a plan (rule L25)."""

MAX_MISTAKES = 500
"""Errors of a plan, after which it is not read any further (rule L25)."""

_MAX_LOOK_AHEAD = 4
_MAX_DECORATORS = 100  # that are taken for one statement; all of them are refused
_BLOCK = re.compile(r"(?:for|while|def|class|with|try|async|elif|else|except|finally)\b|match\s+[^=\s].*:\s*(#|$)|@")
_IF = re.compile(r"if\b")
_ELSE = re.compile(r"(elif\b|else\s*:)")
_CONTINUES = re.compile(r"(?:elif|else|except|finally)\b")
_PROSE = re.compile(r"[A-Z][\w'’,-]*(?:[ :.!]|$)")
_CALLED = re.compile(r"([^\W\d]\w*)\s*\(")
_FENCE = "```"


@dataclass(slots=True)
class _OpenIf:
    """An `if` whose lines are being read. `body`: the column at which they begin, once one has come."""

    column: int
    header: Statement
    body: int | None = None
    empty: bool = True
    last: bool = False


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
        self._begun = False
        self._thought: list[str] = []
        self._block: list[Statement] = []
        self._before_block: list[str] = []
        self._ifs: list[_OpenIf] = []
        self._seen = False
        self._finished = False
        self._mistakes = 0
        self._ahead: tuple[str, Lowered] | None = None
        self._ahead_tries = 0

    def feed(self, text: str) -> list[Step]:
        """Take the next piece of the plan."""
        steps: list[Step] = []
        if self.ended:
            return steps
        if not self._begun and text:
            self._begun = True
            text = text.removeprefix("\ufeff")
        room = MAX_SOURCE - self._size
        self._size += len(text)
        if text == "\n" and room and self._ahead is not None and self._lines.end_line(self._ahead[0]):
            return self._commit(self._ahead[1])
        for statement in self._lines.feed(text[:room]):
            self._ahead_tries = 0
            steps.extend(self._counted(self._take(statement)))
            if self.ended:
                break
        if self._size > MAX_SOURCE and not self.ended:
            steps.extend(self._give_up(too_long(self._lines.line + 1)))
        self._look_ahead(text)
        return steps

    def finish(self, reason: Literal["stop", "cut"] = "stop") -> list[Step]:
        """The text has ended: as it should, or `cut` by a limit or an error, and then nothing more is completed."""
        steps: list[Step] = []
        if reason == "stop" and not self.ended:
            for statement in self._lines.finish():
                steps.extend(self._counted(self._take(statement)))
        if not self._finished:
            if reason == "stop":
                steps.extend(self._end_block())
            steps.extend(self._end_ifs(reason=reason))
            if reason == "stop":
                steps.extend(self.program.finish())
            else:
                self.program.cut()
        self.ended = self._finished = True
        return steps

    def _counted(self, found: Iterator[Step]) -> Iterator[Step]:
        """What was found, up to the mistake that is one too many: a plan is not read to its end at any price."""
        for step in found:
            yield step
            if isinstance(step, Diagnostic) and step.severity == "error":
                self._mistakes += 1
                if self._mistakes > MAX_MISTAKES:
                    yield from self._give_up(too_wrong(self._lines.line))
                    return

    def _give_up(self, problem: Diagnostic) -> Iterator[Step]:
        """Read no further."""
        self.ended = self._finished = True
        return self.program.unreadable(Source("", problem.span.line), problem)

    def _look_ahead(self, text: str) -> None:
        """Read a line that may be complete while its line end is still being written: then its calls start sooner."""
        self._ahead = None
        if not text.endswith(")") or self._ahead_tries >= _MAX_LOOK_AHEAD or self._block or self._ifs or self.ended:
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
            yield from self._end_ifs()
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
        continues = _ELSE.match(text) is not None
        yield from self._end_ifs(statement.column, continues=continues)
        self._thought.append(statement.comment)
        if continues and self._ifs and self._ifs[-1].column == statement.column:
            yield from self._else(statement)
            return
        if self._ifs and not self._fits(self._ifs[-1], statement):
            yield from self._misplaced(statement)
            return
        if _IF.match(text):
            yield from self._if(statement)
            return
        if _BLOCK.match(text) or (_ends_in_colon(statement) and not self._is_prose(text)):
            self._block = [statement]
            self._before_block, self._thought = self._thought, []
            return
        yield from self._read(statement, Source(text, statement.line, statement.column))

    # ------------------------------------------------------------------------------------------------------ `if`

    def _fits(self, around: _OpenIf, statement: Statement) -> bool:
        """Whether a line stands as far in as the others of its block."""
        if around.body is None:
            around.body = statement.column
        around.empty = False
        return around.body == statement.column

    def _if(self, statement: Statement, *, cut: int = 0) -> Iterator[Step]:
        """The line of an `if`, or of an `elif` whose first `cut` characters are left out, to its end."""
        source = Source(statement.text, statement.line, statement.column)
        if len(self._ifs) > 2 * MAX_NESTED:
            self.ended = self._finished = True  # the program has said that this is too deep
            return
        thought = self._take_thought()
        self._seen = True
        self._ifs.append(_OpenIf(statement.column, statement))
        if statement.problem is not None:
            yield from self.program.open_if(None, source, unclosed(source, statement.problem))
            return
        try:
            tree = _parsed_if(statement, cut)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            yield from self.program.open_if(None, source, unreadable(source, error))
            return
        yield from self.program.open_if(tree, source, thought=thought)
        yield from self._inline(tree.body, source)

    def _else(self, statement: Statement) -> Iterator[Step]:
        """The line of an `elif` or `else`."""
        opened = self._ifs[-1]
        source = Source(statement.text, statement.line, statement.column)
        if opened.last:
            span = source.span(None)
            help = "one `if` has one `else`, as its last block: write `elif condition:` before it"
            problem = Diagnostic("E001", "this `else` comes after another", span, source.line_text(span), help=help)
            yield from self.program.unreadable(source, problem)
            return
        if opened.empty:
            yield from self._has_no_block(opened)
        opened.body, opened.header = None, statement
        self.program.otherwise()
        if statement.text.startswith("elif"):
            opened.empty, opened.last = False, True
            yield from self._if(statement, cut=2)
            return
        opened.empty, opened.last = True, True
        try:
            module = parsed(f"if 0: 0\n{statement.text}" + (" 0" if _ends_in_colon(statement) else ""))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            yield from self._unreadable(source, unreadable(source, error))
            return
        match module.body:
            case [ast.If(orelse=inner)] if not _ends_in_colon(statement):
                for tree in inner:
                    ast.increment_lineno(tree, -1)
                yield from self._inline(inner, source)

    def _inline(self, statements: list[ast.stmt], source: Source) -> Iterator[Step]:
        """What stands behind the colon, on the same line."""
        for tree in statements:
            self._ifs[-1].empty = False
            yield from self.program.statement(tree, source)

    def _end_ifs(self, column: int = 0, *, continues: bool = False, reason: str = "stop") -> Iterator[Step]:
        """Every `if` ends to which a line that begins at `column` does not belong."""
        while self._ifs:
            last = self._ifs[-1]
            if last.column < column or (continues and last.column == column):
                return
            if last.empty and reason == "stop":
                yield from self._has_no_block(last)
            self._ifs.pop()
            yield from self.program.close_if()

    def _has_no_block(self, opened: _OpenIf) -> Iterator[Step]:
        header = opened.header
        source = Source(header.text, header.line, header.column)
        span = source.span(None)
        help = "write its lines below it, four spaces further in; `pass` where nothing is to be done"
        problem = Diagnostic("E001", "nothing stands in this block", span, source.line_text(span), help=help)
        yield from self.program.nothing_inside(source, problem)

    def _misplaced(self, statement: Statement) -> Iterator[Step]:
        source = Source(statement.text, statement.line, statement.column)
        span = source.span(None)
        help = f"begin it at column {self._ifs[-1].body} like the lines of its block above"
        problem = Diagnostic("E001", "this line stands in no block", span, source.line_text(span), help=help)
        yield from self.program.unreadable(source, problem)

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
        thoughts = _thoughts_in(block)
        yield from self._read(whole, Source(whole.text, first.line, first.column, first.column), thoughts)
        self._thought = after

    def _read(self, statement: Statement, source: Source, thoughts: dict[int, str] | None = None) -> Iterator[Step]:
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
            yield from self.program.statement(tree, source, thought=thought, thoughts=thoughts)
            if is_join(tree) and not self._ifs:
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


def too_long(line: int) -> Diagnostic:
    """What to say of a plan that is too long to be read; `line`: as far as it was read."""
    message = f"a plan has at most {MAX_SOURCE // 1024} KB of text"
    return Diagnostic("E403", message, ir.Span(line, 0, line, 1), help="write less, or let a tool make what is long")


def too_wrong(line: int) -> Diagnostic:
    """What to say of a plan with too much wrong in it to go on; `line`: as far as it was read."""
    message = "there is too much wrong above: nothing behind this line was read"
    return Diagnostic("E404", message, ir.Span(line, 0, line, 1), help="write a shorter plan")


def _parsed_if(statement: Statement, cut: int) -> ast.If:
    """The syntax tree of the line of an `if`, or of an `elif` cut to one; its body is what stands on the line."""
    ends = _ends_in_colon(statement)
    module = parsed(statement.text[cut:] + ("\n 0" if ends else ""))
    match module.body:
        case [ast.If() as tree]:
            tree.body = [] if ends else tree.body
            for node in ast.walk(tree) if cut else ():
                if isinstance(node, ast.expr | ast.stmt | ast.keyword | ast.arg) and node.lineno == 1:
                    node.col_offset += cut
                    if node.end_lineno == 1 and node.end_col_offset is not None:
                        node.end_col_offset += cut
            return tree
    raise SyntaxError("expected an `if` and its condition")


def _thoughts_in(block: list[Statement]) -> dict[int, str]:
    """The comments of a block, by the line (from 1) of the statement that they belong to."""
    thoughts: dict[int, str] = {}
    waiting: list[str] = []
    for part in block:
        waiting.append(part.comment)
        if part.text and not part.text.startswith("#"):
            thoughts[part.line - block[0].line + 1] = "\n".join(comment for comment in waiting if comment)
            waiting.clear()
    return thoughts


def _belongs(statement: Statement, block: list[Statement]) -> bool:
    """Whether a line is part of the block above it."""
    first = block[0]
    if statement.column > first.column:
        return True
    decorated = block[-1].column == first.column and block[-1].text.startswith("@") and len(block) < _MAX_DECORATORS
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
