"""The statements of one program in Python, as they are cut from its text, handed to a `Program` one after the other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.read.arms import JoiningArms, Ways
from superscalar.plan.read.calls_in_json import FORMS
from superscalar.plan.read.draft import does_something
from superscalar.plan.read.lines import Statement
from superscalar.plan.read.loosely import is_dropped, understood
from superscalar.plan.read.program import MAX_NESTED, Program, ProgramStep
from superscalar.plan.read.remarks import Remarks
from superscalar.plan.read.slots import names_given, targets_of_text
from superscalar.plan.read.source import SourceText, parsed
from superscalar.plan.read.spelling import join_of, join_spelled, may_join
from superscalar.plan.read.translated import Translated, Written, give_place, settle
from superscalar.plan.read.unreadable import unclosed, unreadable

_MAX_DECORATORS = 100  # that are taken for one statement; all of them are refused
_BLOCK = re.compile(r"(?:for|while|def|class|with|try|async|elif|else|except|finally)\b|match\s+[^=\s].*:\s*(#|$)|@")
_IF = re.compile(r"if\b")
_ELSE = re.compile(r"(elif\b|else\s*:)")
_HEADS = re.compile(r"(?:if|elif|else|for|while|def|class|with|try|async|except|finally|match)\b|@")  # of the three
_CONTINUES = re.compile(r"(?:elif|else|except|finally)\b")
_PROSE = re.compile(r"(?:\d{1,3}[.)]\s+|[-*•]\s+)?[A-Z][\w'’,-]*(?:[ :.!]|$)")
_TAG = re.compile(r"<(?!tool_call\b)[a-z]\w*>")
_CALLED = re.compile(r"([^\W\d]\w*)\s*\(")
_CALLS = re.compile(r"\w\(")
_MAY_BE_JSON = re.compile(r"\{\s*\"(?!.*\w\()|</?tool_call>", re.DOTALL)
_WORDS = re.compile(r"[\W_]*[^\W\d][\w'’]*(?:[.!?…:]+[\W_]*$|\S*\s+\S)")


@dataclass(slots=True)
class _OpenIf:
    """An `if` whose lines are being read. `body`: the column at which they begin, once one has come."""

    column: int
    header: Statement
    body: int | None = None
    empty: bool = True
    last: bool = False
    ways: Ways = field(default_factory=Ways)


class StatementReader:
    """Hands the statements of one program to a `Program`. Never raises for what they say: problems are diagnostics.

    `take` is given one after the other, `end` closes the blocks that are open. `ended`: nothing more is read. `joined`:
    that is so because of a `join`. `begun`: a statement came that calls, assigns or joins, or was meant to; what came
    before it and does nothing of that was held, and is prose if nothing follows. `acts`: something called or assigned.
    `mixed`: tool calls in JSON stand among statements. `names`: what was assigned.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.ended = self.joined = self.begun = self.acts = self.mixed = False
        self.names: set[str] = set()
        self._thought: list[str] = []
        self._notes: list[str] = []  # for the next statement
        self._block: list[Statement] = []
        self._before_block: list[str] = []
        self._ifs: list[_OpenIf] = []
        self._seen = False
        self._idle: list[Iterator[ProgramStep]] = []  # what does nothing, so far
        self._unread: list[str] | None = []  # its text
        self._has_calls_in_json = False
        self._arms = JoiningArms(program)
        self._remarks = Remarks(program.signatures)

    @property
    def inside(self) -> bool:
        """Whether a block is open."""
        return bool(self._block or self._ifs)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be noted at the next statement."""
        return tuple(self._notes)

    @property
    def idle(self) -> bool:
        """Whether something is held since it does nothing."""
        return bool(self._idle) or self._has_calls_in_json

    @property
    def unread(self) -> str:
        """What the program consists of, if nothing of it was read and there is no prose in it."""
        return "" if self.begun else "\n".join(self._unread or ())

    def _rests(self, text: str, steps: Iterable[Iterator[ProgramStep]]) -> None:
        """Hold what does nothing."""
        self._idle.extend(steps)
        if self._unread is not None:
            self._unread.append(text)

    def end(self) -> Iterator[ProgramStep]:
        """The program has ended as it should."""
        yield from self._end_block()
        yield from self._end_ifs()

    def join_arms(self) -> Iterator[ProgramStep]:
        """The whole text has ended as it should: what its last arms join is the answer."""
        return self._arms.end(self.names)

    def cut(self) -> Iterator[ProgramStep]:
        """The program was cut: nothing more is completed."""
        yield from self._end_ifs(reason="cut")
        if self._arms:
            yield from self._arms.refuse()

    def passed(self, names: Iterable[str]) -> str:
        """A statement that assigns these was taken past this reader: what was thought before it."""
        self._seen = self.begun = self.acts = True
        self.names.update(names)
        return self._take_thought()

    def _take_thought(self) -> str:
        if self._thought == [""]:  # of most statements
            self._thought.clear()
            return ""
        thought = "\n".join(t for t in self._thought if t)
        self._thought.clear()
        return thought

    def take(self, statement: Statement) -> Iterator[ProgramStep]:
        """Take the next statement, or line of a block."""
        if self.ended:
            return
        text = statement.text
        if self._block and text and _belongs(statement, self._block):
            self._block.append(statement)
            return
        if not text or text.startswith("#"):
            self._thought.append(statement.comment)
            return
        if self._block:
            yield from self._end_block()
            if self.ended:
                return
        heads = _HEADS.match(text) is not None
        continues = heads and _ELSE.match(text) is not None
        if self._ifs:
            yield from self._end_ifs(statement.column, continues=continues)
        self._thought.append(statement.comment)
        if continues and self._ifs and self._ifs[-1].column == statement.column:
            yield from self._else(statement)
            return
        if self._arms and not (self._ifs and self._ifs[-1].ways.open):
            yield from self._arms.refuse()
        if self._ifs and not self._fits(self._ifs[-1], statement):
            yield from self._misplaced(statement)
            return
        if heads and _IF.match(text):
            yield from self._if(statement)
            return
        if (heads and _BLOCK.match(text)) or (_ends_in_colon(statement) and not self._is_prose(text)):
            self._block = [statement]
            self._before_block, self._thought = self._thought, []
            return
        yield from self._read(statement, SourceText(text, statement.line, statement.column))

    # ------------------------------------------------------------------------------------------------------ `if`

    def _fits(self, around: _OpenIf, statement: Statement) -> bool:
        """Whether a line stands as far in as the others of its block."""
        if around.body is None:
            around.body = statement.column
        around.empty = False
        return around.body == statement.column

    def _if(self, statement: Statement, *, cut: int = 0) -> Iterator[ProgramStep]:
        """The line of an `if`, or of an `elif` whose first `cut` characters are left out, to its end."""
        source = SourceText(statement.text, statement.line, statement.column)
        if len(self._ifs) > 2 * MAX_NESTED:
            self.ended = True  # the program has said that this is too deep
            return
        yield from self._begin()
        thought = self._take_thought()
        self._ifs.append(_OpenIf(statement.column, statement))
        if statement.problem is not None:
            yield from self.program.open_if(None, source, unclosed(source, statement.problem))
            return
        try:
            tree = _parsed_if(statement, cut)
            self._understand(ast.Module([tree], []), statement.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            yield from self.program.open_if(None, source, unreadable(source, error))
            return
        self.acts = self.acts or any(isinstance(node, ast.Call) for node in ast.walk(tree.test))
        yield from self.program.open_if(tree, source, thought=thought)
        yield from self._inline(tree.body, source)

    def _else(self, statement: Statement) -> Iterator[ProgramStep]:
        """The line of an `elif` or `else`."""
        opened = self._ifs[-1]
        source = SourceText(statement.text, statement.line, statement.column)
        if opened.last:
            help = "one `if` has one `else`, as its last block: write `elif condition:` before it"
            yield from self.program.unreadable(source, source.problem("E001", "this `else` comes after another", help))
            return
        if opened.empty:
            yield from self._has_no_block(opened)
        opened.body, opened.header = None, statement
        opened.ways.otherwise()
        self.program.otherwise()
        if statement.text.startswith("elif"):
            opened.empty, opened.last = False, True
            yield from self._if(statement, cut=2)
            return
        opened.empty, opened.last = True, True
        try:
            module = parsed(f"if 0: 0\n{statement.text}" + (" 0" if _ends_in_colon(statement) else ""))
            self._understand(module, statement.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            yield from self._unreadable(source, unreadable(source, error))
            return
        match module.body:
            case [ast.If(orelse=inner)] if not _ends_in_colon(statement):
                for tree in inner:
                    ast.increment_lineno(tree, -1)
                yield from self._inline(inner, source)

    def _inline(self, statements: list[ast.stmt], source: SourceText) -> Iterator[ProgramStep]:
        """What stands behind the colon, on the same line."""
        for tree in statements:
            self._ifs[-1].empty = False
            if not self._joins_here(tree, source):
                self._note(tree, source)
                yield from self.program.statement(tree, source, notes=self._understood())

    def _joins_here(self, tree: ast.stmt, source: SourceText, thought: str = "") -> bool:
        """Whether a statement is the `join(...)` of an arm, for which a place is kept."""
        may_join = self._ifs and not isinstance(tree, ast.Return)
        joining = join_of(tree, self.program.signatures) if may_join else None
        match joining:
            case ast.Expr(value=ast.Call() as call) if self._arms.take(call, source, thought, self.names):
                self._ifs[-1].ways.join()
                self.acts = True
                return True
        return False

    def _end_ifs(self, column: int = 0, *, continues: bool = False, reason: str = "stop") -> Iterator[ProgramStep]:
        """Every `if` ends to which a line that begins at `column` does not belong."""
        while self._ifs:
            last = self._ifs[-1]
            if last.column < column or (continues and last.column == column):
                return
            if last.empty and reason == "stop":
                yield from self._has_no_block(last)
            self._ifs.pop()
            yield from self.program.close_if()
            if last.ways.joined and reason == "stop":
                yield from self._joined_in(last)

    def _joined_in(self, closed: _OpenIf) -> Iterator[ProgramStep]:
        """An `if` has ended in some ways through which something is joined: is it in all?"""
        if not (closed.last and closed.ways.all and not closed.ways.open):
            yield from self._arms.refuse()
        elif self._ifs:
            self._ifs[-1].ways.join()

    def _has_no_block(self, opened: _OpenIf) -> Iterator[ProgramStep]:
        header = opened.header
        source = SourceText(header.text, header.line, header.column)
        help = "write its lines below it, four spaces further in; `pass` where nothing is to be done"
        yield from self.program.nothing_inside(source, source.problem("E001", "nothing stands in this block", help))

    def _misplaced(self, statement: Statement) -> Iterator[ProgramStep]:
        source = SourceText(statement.text, statement.line, statement.column)
        help = f"begin it at column {self._ifs[-1].body} like the lines of its block above"
        yield from self.program.unreadable(source, source.problem("E001", "this line stands in no block", help))

    def _end_block(self) -> Iterator[ProgramStep]:
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
        yield from self._read(whole, SourceText(whole.text, first.line, first.column, first.column), thoughts)
        self._thought = after

    def _read(
        self, statement: Statement, source: SourceText, thoughts: dict[int, str] | None = None
    ) -> Iterator[ProgramStep]:
        if statement.problem is not None:
            yield from self._unreadable(source, unclosed(source, statement.problem))
            return
        try:
            module = parsed(statement.text)
            self._understand(module, statement.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            yield from self._unreadable(source, unreadable(source, error))
            return
        if not self._ifs and any(map(is_dropped, module.body)):
            module.body = [tree for tree in module.body if not is_dropped(tree)]
        if not module.body:
            return
        if self._is_prose(statement.text) and _says_nothing(module):
            self._unread = None
            return
        if isinstance(module.body[0], ast.Expr) and _names_alone(module) and self._leaves_out(statement.text):
            return
        if isinstance(module.body[0], ast.Expr) and _is_call_in_json(module):
            self._has_calls_in_json = True
            if self.begun:
                self._mix()
            else:
                self._rests(source.text, ())
            return
        if not self.begun and not any(map(does_something, module.body)):
            self._rests(source.text, (self.program.statement(tree, source) for tree in module.body))
            return
        if not self.begun or self._idle or self._has_calls_in_json:
            yield from self._begin()
        thought = self._take_thought()
        joining = may_join(statement.text)
        for tree in () if self.mixed else module.body:
            if joining and self._joins_here(tree, source, thought):
                continue
            self._note(tree, source)
            joins = join_of(tree, self.program.signatures) if joining and not self._ifs else None
            notes, where = (*statement.notes, *self._understood()), source
            if joins is not None and joins is not tree:
                notes, where = (*notes, f"`{join_spelled(tree)}` for `join(...)`"), _translated(joins, source)
            made = joins or tree
            yield from self.program.statement(
                made, where, thought=thought, notes=notes, thoughts=thoughts, number=statement.number
            )
            if joins is not None:
                self.ended = self.joined = True
                return

    def _understand(self, module: ast.Module, text: str) -> None:
        """Rewrite what was understood in another way than it is written; a note says so at what comes of it."""
        self._notes += understood(module, text, self.program.signatures)

    def _understood(self) -> tuple[str, ...]:
        if not self._notes:
            return ()
        notes, self._notes = tuple(dict.fromkeys(self._notes)), []
        return notes

    def _note(self, tree: ast.stmt, source: SourceText) -> None:
        names = names_given(tree, source.text)
        self.names.update(names)
        self.acts = self.acts or bool(names) or any(isinstance(node, ast.Call) for node in ast.walk(tree))

    def _begin(self) -> Iterator[ProgramStep]:
        """A statement comes that does something: so what was held before it is a part of the plan."""
        self._seen = self.begun = True
        idle, self._idle = self._idle, []
        for steps in idle:
            yield from steps
        if self._has_calls_in_json:
            self._mix()

    def _mix(self) -> None:
        """Calls in JSON and statements: which of them is the plan cannot be told."""
        self.ended = self.mixed = True

    def _unreadable(self, source: SourceText, problem: Diagnostic) -> Iterator[ProgramStep]:
        if self._is_prose(source.text):
            self._unread = None
            return
        if self._leaves_out(source.text):
            return
        steps = self.program.unreadable(source, problem)
        if not self.begun and (is_prose(source.text) or _MAY_BE_JSON.match(source.text)):
            self._rests(source.text, [steps])
            return
        yield from self._begin()
        self.names.update(targets_of_text(source.text) or ())
        self._thought.clear()
        yield from steps

    def _leaves_out(self, text: str) -> bool:
        """Whether a line is a remark, of which a note is all that stays. In a block something may be meant by it."""
        if self._ifs or not self._remarks.take(text, self._is_name):
            return False
        self._notes.append(f"`{text.strip()}` left out: a remark")
        if not self.begun:
            self._unread = None
        return True

    def _is_name(self, name: str) -> bool:
        return name in self.names or self.program.defines(name)

    def _is_prose(self, text: str) -> bool:
        """Whether this may be a sentence that leads up to the plan, or the tag around it (rule L27)."""
        if not self._seen and _TAG.fullmatch(text):
            return True
        if self._seen or not _PROSE.match(text) or "=" in text:
            return False
        return not any(name in self.program.signatures for name in _CALLED.findall(text))


def _translated(tree: ast.stmt, source: SourceText) -> Translated:
    """The source of a statement that was written in another way."""
    written = Written(source.text, source.line, source.span(None), source.column)
    text = ast.unparse(tree)
    settle(tree, source)
    give_place(tree, written.span)
    return Translated(text, source.line, written=written)


def _is_call_in_json(module: ast.Module) -> bool:
    """Whether this is an object that names a tool and its arguments."""
    match module.body:
        case [ast.Expr(value=ast.List(elts=[ast.Dict(keys=keys), *_]) | ast.Dict(keys=keys))]:
            words = {key.value for key in keys if isinstance(key, ast.Constant)}
            return any(words >= set(form) for form in FORMS)
    return False


def is_prose(text: str) -> bool:
    """Whether a text that is no statement looks like a sentence, and not like a statement with a mistake."""
    words = _WORDS.match(text) is not None and _BLOCK.match(text) is None
    return words and "=" not in text and _CALLS.search(text) is None


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
    if ":" not in statement.text:
        return False
    text = statement.text.rstrip()
    if statement.comment and text.endswith(statement.comment):
        text = text.removesuffix(statement.comment).rstrip().removesuffix("#").rstrip()
    return text.endswith(":")


def _names_alone(module: ast.Module) -> bool:
    """Whether something that can be read is a name or several, of which nothing comes (`Done`; `Fine, thanks`)."""
    nodes = (node for tree in module.body for node in ast.walk(tree))
    return all(isinstance(node, ast.Expr | ast.Tuple | ast.Name | ast.Load) for node in nodes)


def _says_nothing(module: ast.Module) -> bool:
    """Whether something that can be read is but a word, or a word and a remark (`Plan: as follows`)."""
    match module.body:
        case [ast.Expr(value=ast.Name())] | [ast.AnnAssign(value=None)]:
            return True
    return False
