"""Calls with numbers, as the papers write them, become statements of a program: what `numbered` and `rewoo` share.

A number in quoted text may refer to a step that comes later, which would be a mistake, or to none, and then it is text
(rule L26). Which it is shows at the end of the plan, so such a step is held until then, and with it what refers to it;
what does not goes on.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from superscalar.plan.ir import Span
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.read.fronts.papers.arguments import ArgumentReader, Found
from superscalar.plan.read.fronts.papers.cutting import CallText, Cutter, Fence, PlanEnd, PlanPiece, ThoughtLine, Words
from superscalar.plan.read.fronts.papers.dialect import PaperDialect
from superscalar.plan.read.fronts.reader import PlanReader, TextReader
from superscalar.plan.read.fronts.reading_on import ReadOn
from superscalar.plan.read.program import Program, ProgramStep
from superscalar.plan.read.slots import Slot
from superscalar.plan.read.translated import Translated, Written, give_place, made, statement

_CLOSING = {"(": ")", "[": "]"}
_JOINS = frozenset({"join", "finish"})
_REMARK = re.compile(
    r"(?!\s*\.\w)[\s.,;:*`]*(?:#.*|\([^()]*\)[\s.]*|(?:[–—>-]+\s*)?[^\W\d_][^()\[\]{}\"'$#]*)?$", re.DOTALL
)
_LIKE_CODE = re.compile(r"=|\w\(")


@dataclass(frozen=True, slots=True)
class _HeldStep:
    """A step that waits for the end of the plan. `order`: how many steps came before it. `slot`: its place."""

    call: CallText
    order: int
    thought: str
    notes: tuple[str, ...]
    slot: Slot


def reader_in(dialect: PaperDialect) -> Callable[[Program, int | None], PlanReader]:
    """What a `Front` reads plans in a dialect with."""
    return lambda program, prose: ReadOn(TextReader(program, CallReader(program, dialect)), prose=prose)


class CallReader:
    """Reads one round of a plan in a `dialect` into a `Program`. See `SyntaxForm`."""

    def __init__(self, program: Program, dialect: PaperDialect) -> None:
        self.program = program
        self.ended = False
        self._dialect = dialect
        self._own_tools = program.signatures.aliases()
        joins = _JOINS - self._own_tools.keys()
        self._own_tools |= dict.fromkeys(joins, "join")
        self._cutter = Cutter(dialect, self._own_tools.__contains__)
        self._orders: dict[int, int] = {}
        self._thoughts: list[str] = []
        self._thinking = False
        self._held: list[_HeldStep] = []
        self._seen = False
        self._last: int | None = None
        self._around: dict[str, None] = {}
        self._seen_carriage_returns = False

    @property
    def line(self) -> int:
        """The number of the line that is being read, from 1."""
        return self._cutter.line + 1

    def read(self, text: str) -> Iterator[ProgramStep]:
        """Take the next piece."""
        for piece in self._cutter.feed(text):
            yield from self._take(piece)

    def end(self) -> Iterator[ProgramStep]:
        """The text ended as it should."""
        if not self.ended:
            for piece in self._cutter.finish():
                yield from self._take(piece)
        yield from self._let_go()

    def cut(self) -> Iterator[ProgramStep]:
        """The text was cut."""
        yield from (held.slot.unread for held in self._held if held.slot.unread is not None)

    def _take(self, piece: PlanPiece) -> Iterator[ProgramStep]:
        if self.ended:
            return
        match piece:
            case CallText():
                yield from self._call(piece)
            case Words():
                yield from self._words(piece)
            case ThoughtLine(text):
                self._thoughts.append(text)
                self._thinking = True
            case Fence():
                self.ended = self._seen
                self._around["a code fence"] = None
            case PlanEnd():
                self.ended = True

    def _words(self, words: Words) -> Iterator[ProgramStep]:
        """Prose is part of the thought above it, if any; a numbered line that calls nothing is a mistake."""
        if words.number is None:
            if self._thinking:
                self._thoughts.append(words.text)
            else:
                self._around["words around the plan"] = None
        elif self._seen or _LIKE_CODE.search(words.text):
            opening = self._dialect.openings[0]
            help = f"write {self._dialect.step.format(words.number)} tool{opening}argument{_CLOSING[opening]}"
            problem = words.written.problem("E001", "this step calls no tool", help)
            yield from self._unreadable(self._name_of(words.number), "", words.written, problem)

    def _name_of(self, number: int | None) -> str:
        return "" if number is None else self._dialect.variable_of(number)

    def _thought(self) -> str:
        thought = "\n".join(text for text in self._thoughts if text)
        self._thoughts.clear()
        self._thinking = False
        return thought

    # -------------------------------------------------------------------------------------------------- one call

    def _call(self, call: CallText) -> Iterator[ProgramStep]:
        self._seen = True
        thought = self._thought()
        notes = tuple(self._notes(call))
        number = call.number
        repeated = number in self._orders
        if number is not None and not repeated:
            self._orders[number] = len(self._orders)
        if self._own_tools.get(call.tool) == "join":
            yield from self._let_go()
            self.ended = True
        order = len(self._orders) - (number is not None)
        problem = self._problem_of(call, repeated)
        if problem is not None:
            yield from self._unreadable(self._name_of(number), call.tool, call.written, problem)
            return
        found = self._arguments(call, order)
        if found.maybe and not found.problems and not self.ended:
            yield from self._hold(call, order, thought, notes, found)
        else:
            yield from self._put(call, thought, notes, found)
            yield from self._nowhere(call, found)

    def _nowhere(self, call: CallText, found: Found) -> Iterator[ProgramStep]:
        """Warnings of what is written as a reference, and is text, for there is no such step."""
        for number in dict.fromkeys(maybe.number for maybe in found.maybe if maybe.braced):
            spelled = self._dialect.spelled(number, braced=True)
            span = next(maybe.span for maybe in found.maybe if maybe.number == number)
            message = f"`{spelled}` is text here: there is no step {self._dialect.spelled(number)}"
            help = f"write the number of a step above; \\{spelled} is text"
            yield call.written.problem("W509", message, help, span)

    def _problem_of(self, call: CallText, repeated: bool) -> Diagnostic | None:
        """What is wrong with a call before its arguments are looked at."""
        written = call.written
        if repeated and call.number is not None:
            spelled = self._dialect.spelled(call.number)
            help = "give it the next number, and refer to it by that"
            return written.problem("E103", f"there is a step `{spelled}` already", help)
        if call.quote is not None:
            return written.problem("E001", "a string is never closed", "close it with the same quote", call.quote)
        if not _REMARK.match(call.rest):
            line, column = written.span[2:]
            end = Span(line, column, line, column + len(call.rest))
            message = "what stands behind the call cannot be read"
            return written.problem("E001", message, "write one call per step, and refer to its result in the next", end)
        return None

    def _arguments(self, call: CallText, order: int) -> Found:
        def meaning(number: int) -> bool | None:
            there = self._orders.get(number)
            if there is not None:
                return there < order
            return True if self.program.defines(self._dialect.variable_of(number)) else None

        alias = self._own_tools.get(call.tool, call.tool)
        signatures = self.program.signatures
        signature = signatures.get(alias)
        return ArgumentReader(call, self._dialect, signature, self._own_tools, meaning, self.program.inputs).read()

    def _put(self, call: CallText, thought: str, notes: tuple[str, ...], found: Found) -> Iterator[ProgramStep]:
        """Hand a step to the program."""
        problem, tree, source, notes = self._read_call(call, notes, found)
        if problem is not None:
            yield from self._unreadable(self._name_of(call.number), call.tool, call.written, problem)
        else:
            yield from self.program.statement(tree, source, thought=thought, notes=notes)

    def _read_call(
        self, call: CallText, notes: tuple[str, ...], found: Found
    ) -> tuple[Diagnostic | None, ast.stmt, Translated, tuple[str, ...]]:
        """A step as a statement, or what is wrong with it."""
        alias = self._own_tools.get(call.tool, call.tool)
        name = "" if alias == "join" else self._name_of(call.number)
        function = made(ast.Name(alias, ast.Load()), call.tool_span)
        value = ast.Call(function, found.arguments, found.keywords)
        give_place(value, call.written.span)
        problems = found.problems
        if (call.missing or _says_more(call)) and self._writes(value):
            problems = [_not_for_writes(call), *problems]
        tree, source = statement(name, value, call.written)
        return next(iter(problems), None), tree, source, (*notes, *found.notes)

    def _writes(self, value: ast.expr) -> bool:
        """Whether a tool that changes something is called in it."""
        functions = [node.func for node in ast.walk(value) if isinstance(node, ast.Call)]
        signatures = [self.program.signatures.get(f.id) for f in functions if isinstance(f, ast.Name)]
        return any(signature is not None and signature.effect == "write" for signature in signatures)

    def _notes(self, call: CallText) -> Iterator[str]:
        """What was tolerated about a call and what stands before it (rule L27)."""
        if self._cutter.carriage_returns and not self._seen_carriage_returns:
            self._seen_carriage_returns = True
            yield "carriage returns"
        yield from self._around
        self._around.clear()
        yield from call.notes
        if call.number is not None:
            if self._last is not None and call.number > self._last + 1:
                yield "a gap in the numbers"
            self._last = call.number
        if call.missing:
            yield f"`{call.missing}` was missing"
        if _says_more(call):
            yield "words behind the call"

    def _unreadable(self, name: str, tool: str, written: Written, problem: Diagnostic) -> Iterator[ProgramStep]:
        self._seen = True
        known, source = self._known(name, tool, written)
        yield from self.program.unreadable(source, problem, known)

    def _known(self, name: str, tool: str, written: Written) -> tuple[ast.stmt | None, Translated]:
        """What is known of a step that cannot be read, and its source."""
        alias = self._own_tools.get(tool, tool)
        text = f"{alias}()" if alias == "join" or not name else f"{name} = {alias or 'tool'}()"
        known = ast.parse(text).body[0] if name and alias in self.program.signatures else None
        return known, Translated(text, written.line, written=written)

    # ---------------------------------------------------------------------------------- steps that wait for the end

    def _hold(
        self, call: CallText, order: int, thought: str, notes: tuple[str, ...], found: Found
    ) -> Iterator[ProgramStep]:
        number, span, braced = found.maybe[0]
        spelled = self._dialect.spelled(number, braced=braced)
        message = f"`{spelled}` is text if there is no such step, which is open as long as the plan is"
        problem = call.written.problem("E003", message, f"write \\{spelled} for text", span)
        self._seen = True
        known, source = self._known(self._name_of(call.number), call.tool, call.written)
        slot = self.program.keep_place(source, problem, known)  # it is a problem only if the plan breaks off here
        self._held.append(_HeldStep(call, order, thought, notes, slot))
        yield from ()

    def _let_go(self) -> Iterator[ProgramStep]:
        """All numbers of the plan are known: hand over the steps that waited for that."""
        held, self._held = self._held, []
        if not held:
            return
        nowhere: list[ProgramStep] = []
        for step in held:
            call = step.call
            found = self._arguments(call, step.order)
            nowhere += self._nowhere(call, found)
            problem, tree, source, notes = self._read_call(call, step.notes, found)
            if problem is not None:
                known, source = self._known(self._name_of(call.number), call.tool, call.written)
                self.program.cannot_fill(step.slot, source, problem, known)
            else:
                self.program.fill(step.slot, tree, source, thought=step.thought, notes=notes)
        yield from self.program.filled()
        yield from nowhere


def _says_more(call: CallText) -> bool:
    """Whether words stand behind a call."""
    return any(map(str.isalnum, call.rest)) and not call.rest.startswith("#")


def _not_for_writes(call: CallText) -> Diagnostic:
    """Why a call that changes something is not taken as other calls are (rules L18, L27)."""
    if call.missing:
        message = f"`{call.missing[-1]}` is missing: nothing completes what changes something"
        return call.written.problem("E001", message, f"close it with `{call.missing}`")
    message = "words behind a call that changes something"
    return call.written.problem("E001", message, "leave them out, or put # before them")
