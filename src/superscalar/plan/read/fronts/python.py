"""The `python` front end: text in any chunks, tasks out as soon as their statement is complete (rule L29)."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import Final, Literal

from superscalar.plan.evaluate.bounds import MAX_SOURCE
from superscalar.plan.ir import Span
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.print.program import print_plan
from superscalar.plan.read.calls_in_json import plan_in_json
from superscalar.plan.read.draft import Draft, may_begin_program, says_more_than_a_value
from superscalar.plan.read.fronts.front import Front
from superscalar.plan.read.fronts.json_steps import StepsReader
from superscalar.plan.read.fronts.lessons import PROMPT
from superscalar.plan.read.fronts.reader import MAX_PROSE, Tail, TextReader
from superscalar.plan.read.lines import Lines, Statement, complete_lines
from superscalar.plan.read.loosely import understood
from superscalar.plan.read.lowered import Lowered
from superscalar.plan.read.program import Program, ProgramStep, Retirement
from superscalar.plan.read.source import SourceText, parsed
from superscalar.plan.read.spelling import join_of
from superscalar.plan.read.statement_reader import StatementReader

MAX_MISTAKES = 500
"""Errors of a plan, after which it is not read any further (rule L25)."""

_MAY_END: Final = re.compile(r"^(?:\ufeff?join\b|```)", re.MULTILINE)
_MAX_LOOK_AHEAD = 4
_FENCES: Final = ("```", "~~~")
_JSON_BEHIND: Final = "a plan in JSON stands behind another program"
_SHOWN = 200  # characters of what was said instead of a plan


class PythonReader:
    """Reads one round of a plan into a `Program`. Never raises for what the text says: problems are diagnostics.

    `feed` returns the tasks and diagnostics that the text completed, `finish` the rest. Any chunking gives the same.
    Of several programs, those behind the first in code fences, the last one with a `join` is the plan: then what the
    one before it gave is taken back. `tail` says what came behind a complete `join`, `joins` how many were complete,
    and `ended` that nothing more is read; `whole`, once `finish` was called: the plan is, however the text ended.

    `prose`: how many characters of prose are read behind a `join`; None for all.
    """

    def __init__(self, program: Program, *, prose: int | None = MAX_PROSE) -> None:
        self.program = program
        self.ended = self.whole = False
        self.tail: Tail = ""
        self.joins = 0
        self._prose = prose
        self._used = 0  # of it
        self._size = 0
        self._beginning = ""  # of the text, to be shown if there is no plan in it
        self._return = ""
        self._finished = False
        self._mistakes = 0
        self._lines = Lines()
        self._line = 0
        self._fenced = False
        self._reading = StatementReader(program)  # the program that is the plan, as far as can be seen
        self._draft: Draft | None = None  # one that is being written and may become the plan in its stead
        self._mended: Draft | None = None  # in a repair, the program that has the corrections
        self._between: list[str] | None = None  # outside of programs, the line that is being written
        self._bare = False  # only blank lines came behind a program in no fence, whose first fence may not have come
        self._closed = False  # the fence around the last program has closed
        self._behind: tuple[Lines, Draft] | None = None  # what stands behind that and may become the plan in its stead
        self._names: set[str] = set()  # that programs before the plan assign
        self._given_up = False  # there is no plan, and nothing completes it
        self._noted = False  # that something behind a `join` is not run
        self._stray = ""  # why it cannot be told what the plan is, unless another program with a `join` comes
        self._ahead: tuple[str, Lowered] | None = None
        self._ahead_tries = 0

    # --------------------------------------------------------------------------------------------------------- text

    def feed(self, text: str) -> list[ProgramStep]:
        """Take the next piece of the plan."""
        if self.ended or not text:
            return []
        if not self._size:
            text = text.removeprefix("\ufeff")
            if self.program.repairing:  # one reply is an edit or the whole round: which one shows at its end
                self._draft = Draft(self.program.signatures)
        room = MAX_SOURCE - self._size
        self._size += len(text)
        if text == "\n" and room and self._ahead is not None and self._lines.end_line(self._ahead[0]):
            return self._commit(self._ahead[1])
        if len(self._beginning) < _SHOWN:
            self._beginning = (self._beginning + text).lstrip()[:_SHOWN]
        steps = list(self._counted(self._read(text[:room])))
        if self._size > MAX_SOURCE and not self.ended:
            steps.extend(self._give_up(too_long(self._lines.line + 1)))
        self._look_ahead(text)
        return steps

    def finish(self, reason: Literal["stop", "cut"] = "stop") -> list[ProgramStep]:
        """The text has ended: as it should, or `cut` by a limit or an error, and then nothing more is completed."""
        steps: list[ProgramStep] = []
        if not self._finished:
            self._finished = True
            steps = list(self._counted(self._end(reason)))
        self.ended = True
        return steps

    def _read(self, text: str) -> Iterator[ProgramStep]:
        if self._return or "\r" in text:
            text = self._return + text
            self._return = "\r" if text.endswith("\r") else ""  # a line feed may follow, which belongs to it
            text = text.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n")
        while text and not self.ended:
            text = yield from self._read_program(text) if self._between is None else self._read_between(text)

    def _read_program(self, text: str) -> Generator[ProgramStep, None, str]:
        """Text of a program; returns what is to be read in another way."""
        for statement in self._lines.feed(text):
            self._ahead_tries = 0
            yield from self._take(statement)
            if self._between is not None or self.ended:
                return self._lines.left()
        return ""

    def _read_between(self, text: str) -> Generator[ProgramStep, None, str]:
        """Text in no program, or behind the `join` of one, line by line."""
        assert self._between is not None
        while text:
            end = text.find("\n") + 1
            piece = text[:end] if end else text
            if self.tail == "prose":
                self._used += len(piece)
                if self._prose is not None and self._used > self._prose:
                    self.ended = True
                    return ""
            self._between.append(piece)
            text = text[len(piece) :]
            if not end:
                return ""
            whole = "".join(self._between)
            line = whole.strip()
            self._between.clear()
            self._line += 1
            if line.startswith(_FENCES):
                yield from self._fence(line)
                if self._between is None:
                    return text
            elif line:
                self._bare = False
                if says_more_than_a_value(line):
                    yield from self._more(line)
                yield from self._read_behind(whole)
        return ""

    def _read_behind(self, line: str) -> Iterator[ProgramStep]:
        """A line behind a program that stood in a fence: it may be one of another program, in none."""
        if self._behind is None:
            if not (self.tail and self._closed and may_begin_program(line)):
                return
            self._behind = Lines(self._line - 1), Draft(self.program.signatures)
        lines, draft = self._behind
        for statement in lines.feed(line):
            draft.add(statement)
            if draft.joined:
                yield from self._becomes_the_plan(draft)
                self._behind_join()
                return

    def _end_behind(self) -> Iterator[ProgramStep]:
        """The text has ended as it should, in no fence."""
        last = "".join(self._between or ())
        if last.strip() and not last.strip().startswith(_FENCES):
            yield from self._read_behind(last + "\n")
        if self._behind is None:
            return
        lines, draft = self._behind
        for statement in lines.finish():
            draft.add(statement)
        if draft.is_json:
            self._stray = _JSON_BEHIND
        elif draft.joined or draft.means_to_join:
            yield from self._becomes_the_plan(draft)
            self._behind_join()

    def _more(self, line: str) -> Iterator[ProgramStep]:
        """A statement stands behind a program, or between two."""
        if not self.tail:
            self._stray = "statements stand outside of the program"
            return
        self.tail = "more"
        if not self._noted:
            self._noted = True
            span = Span(self._line, 0, self._line, len(line))
            help = "`join(...)` is the last line of a plan"
            yield Diagnostic("W506", "what stands behind `join(...)` is not run", span, line, help=help)

    # ----------------------------------------------------------------------------------------------------- programs

    def _take(self, statement: Statement) -> Iterator[ProgramStep]:
        """A statement of the program that is being written, or a line that begins or ends one."""
        if statement.text.startswith(_FENCES):
            yield from self._fence(statement.text)
        elif self._draft is not None:
            self._draft.add(statement)
            if self._draft.joined:
                draft, self._draft = self._draft, None
                yield from self._becomes_the_plan(draft)
                self._behind_join()
        else:
            yield from self._reading.take(statement)
            if self._reading.joined:
                self._behind_join()
            elif self._reading.mixed:
                yield from self._mixed()
            self.ended = self.ended or (self._reading.ended and not self._reading.joined)

    def _behind_join(self) -> None:
        self.joins += 1
        self._closed, self._behind = False, None
        self._bare = not self._fenced
        self._stray = ""
        self._used = 0
        self.tail = "prose" if not self.tail else "more"
        self._begin_between()

    def _begin_between(self) -> None:
        self._between = []
        self._line = self._lines.line

    def _fence(self, line: str) -> Iterator[ProgramStep]:
        named = bool(line.strip("`~ \t"))
        closes = self._fenced or (self._bare and not named)
        self._bare = False
        if closes:
            yield from self._end_program()
            self._fenced, self._closed = False, True
        if named or not closes:
            yield from self._begin_program()

    def _end_program(self) -> Iterator[ProgramStep]:
        """A fence closes."""
        if self._between is not None:
            return  # it was closed by its `join`
        if self._draft is not None:
            yield from self._end_draft()
        else:
            yield from self._reading.end()
            if not self._reading.begun and self._json() is None:
                self._reading = StatementReader(self.program)  # there was no program in it
                return
        self._begin_between()

    def _end_draft(self) -> Iterator[ProgramStep]:
        """A program has ended that has no `join`, or none that can be read: only a correction is anything without."""
        draft, self._draft = self._draft, None
        if draft is None or not (draft.acts or draft.is_json):
            return
        if self._fenced and draft.means_to_join:
            yield from self._becomes_the_plan(draft)
            self._behind_join()
            return
        self._names |= draft.names
        if self.program.repairing and self._mended is None:
            self._mended = draft
        elif draft.is_json:
            self._stray = _JSON_BEHIND
        elif self.tail:
            self._stray = "there are several programs, and the last one does not end with join(...)"
        else:
            self._stray = "there are several programs, and none of them ends with join(...)"

    def _begin_program(self) -> Iterator[ProgramStep]:
        """A fence opens."""
        first = self._between is None and not self._reading.begun and self._json() is None
        if self._draft is not None:
            first = not self._draft.acts
            yield from self._end_draft()
        self._fenced = True
        self._closed, self._behind = False, None
        if self.tail:
            self.tail = "more"
        if self._between is not None:
            self._lines = Lines(self._line)
            self._between = None
        if self.program.repairing or not first:
            yield from self._reading.end()
            self._draft = Draft(self.program.signatures)
        else:
            self._reading = StatementReader(self.program)  # what stood before was prose

    def _becomes_the_plan(self, draft: Draft) -> Iterator[ProgramStep]:
        """A program has its `join`: it is the plan, unless another one comes."""
        before = self._reading
        self._given_up = False
        if self.program.repairing:
            self._mended, earlier = draft, self._mended
            self._names |= set() if earlier is None else earlier.names
        else:
            yield from self.program.retract("another program came behind it")
            self._names |= before.names
            self._reading = StatementReader(self.program)
        used = draft.uses({name for name in self._names if not self.program.defines(name)})
        if used is not None:
            name, statement, node = used
            source = SourceText(statement.text, statement.line, statement.column)
            message = f"`{name}` is assigned by an earlier program only, and the last one is the plan"
            help = "write one program, with all that it needs"
            self._mended = None
            yield from self._refused(source.problem("E004", message, help, source.span(node)))
        elif self.program.repairing:
            return
        elif before.idle and not before.begun:
            yield from self._mixed()
        else:
            yield from self._replay(draft)

    def _replay(self, draft: Draft) -> Iterator[ProgramStep]:
        for statement in draft.statements:
            yield from self._reading.take(statement)
        if self._reading.mixed:
            yield from self._mixed()

    # --------------------------------------------------------------------------------------------------- the end

    def _end(self, reason: Literal["stop", "cut"]) -> Iterator[ProgramStep]:
        if reason == "stop" and self._between is None and not self.ended:
            for statement in self._lines.finish():
                yield from self._take(statement)
        elif reason == "stop" and not self.ended:
            yield from self._end_behind()
        second = self._draft
        if self._between is not None:
            second = self._behind[1] if self._behind is not None and self._behind[1].acts else None
        opens = reason == "cut" and self._opens()
        cut = reason == "cut" and (not self.tail or opens or second is not None)
        self.whole = not cut
        if opens or (cut and second is not None and (self._mended is not None or not self.program.repairing)):
            yield from self._begun_anew(None if opens else second)
        elif self.program.repairing:
            yield from self._end_repair(second)
        else:
            yield from self._end_draft()
        if cut:
            yield from self._reading.cut()
            self.program.cut()
            return
        yield from self._reading.end()
        if self._stray:
            yield from self._no_plan(self._stray, "write one program, with join(...) at its end")
        elif self._given_up:
            pass
        elif not (self.tail or self._reading.acts) and (self.program.repairing or not self.program.broken):
            yield from self._end_without_statement()
        else:
            yield from self._reading.join_arms()
            yield from self.program.finish()

    def _begun_anew(self, open: Draft | None) -> Iterator[ProgramStep]:
        """The text was cut in a program that was to take the place of the one before: that is none any more."""
        self.tail = "more"
        self._draft = self._mended = None
        if self.program.repairing:
            return  # a part of a correction behind another one says too little
        yield from self.program.retract("another program came behind it")
        self._reading = StatementReader(self.program)
        if open is not None:
            yield from self._replay(open)

    def _end_repair(self, open: Draft | None) -> Iterator[ProgramStep]:
        """The reply with corrections has ended: hand them over."""
        if open is not None and self._mended is not None:
            yield from self._end_draft()
        self._draft = None
        mended = self._mended or open
        if mended is not None and not self._stray:
            yield from self._replay(mended)

    def _opens(self) -> bool:
        """Whether the line that was being written may be the fence of a program behind another one."""
        if self.ended or (self._between is None and self._fenced):
            return False
        line = (self._lines.pending if self._between is None else "".join(self._between)).strip()
        if not line.strip("`~") and (self._fenced or self._bare):
            return False  # it closes the one before
        if self.tail and self._closed and may_begin_program(line):
            return True
        return bool(line) and any(line.startswith(fence) or fence.startswith(line) for fence in _FENCES)

    def _json(self) -> str | None:
        """The plan in JSON, if all that was read comes to that."""
        return plan_in_json(self._reading.unread, self.program.signatures)

    def _end_without_statement(self) -> Iterator[ProgramStep]:
        plan = self._json()
        if plan is not None:
            reader = TextReader(self.program, StepsReader(self.program, notes=("a plan in JSON",)))
            yield from reader.feed(plan)
            yield from reader.finish()
        elif not self.program.repairing:
            said = " ".join(self._beginning.split())
            only = f', only "{said}"' if said else ""
            help = "write name = tool(...) on a line, and join(...) at the end; if no tool is needed, only join()"
            yield from self._no_plan(f"there is no statement here{only}", help)

    def _mixed(self) -> Iterator[ProgramStep]:
        help = "write one program, with all calls in it"
        yield from self._no_plan("a tool call in JSON stands beside statements", help)

    def _no_plan(self, message: str, help: str) -> Iterator[ProgramStep]:
        if not self.program.repairing:
            yield from self.program.retract("there is no plan in it")
        yield from self._refused(Diagnostic("E004", message, SourceText("", 1).span(None), help=help))

    def _refused(self, problem: Diagnostic) -> Iterator[ProgramStep]:
        self._given_up = True
        return self.program.unreadable(SourceText("", problem.span.line), problem)

    # ------------------------------------------------------------------------------------------------------- bounds

    def _counted(self, found: Iterator[ProgramStep]) -> Iterator[ProgramStep]:
        """What was found, up to the mistake that is one too many: a plan is not read to its end at any price."""
        for step in found:
            yield step
            if isinstance(step, Retirement):
                self._mistakes = 0
            elif isinstance(step, Diagnostic) and step.severity == "error":
                self._mistakes += 1
                if self._mistakes > MAX_MISTAKES:
                    yield from self._give_up(too_wrong(self._lines.line))
                    return

    def _give_up(self, problem: Diagnostic) -> Iterator[ProgramStep]:
        """Read no further."""
        self.ended = self._finished = True
        return self._refused(problem)

    # --------------------------------------------------------------------------------------------------- look ahead

    def _look_ahead(self, text: str) -> None:
        """Read a line that may be complete while its line end is still being written: then its calls start sooner."""
        self._ahead = None
        if not text.endswith(")") or self._ahead_tries >= _MAX_LOOK_AHEAD or self.ended:
            return
        if (
            self._draft is not None
            or self._between is not None
            or self._reading.inside
            or self._reading.idle
            or self._reading.notes
        ):
            return
        pending = self._lines.pending
        if pending[:1].isspace() or "#" in pending:
            return
        self._ahead_tries += 1
        try:
            module = parsed(pending)
            notes = understood(module, pending, self.program.signatures)
            trees = module.body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
        if len(trees) == 1 and not notes and join_of(trees[0], self.program.signatures) is None:
            lowered = self.program.prepare(trees[0], SourceText(pending, self._lines.line + 1))
            self._ahead = None if lowered is None else (pending, lowered)

    def _commit(self, lowered: Lowered) -> list[ProgramStep]:
        self._ahead, self._ahead_tries = None, 0
        thought = self._reading.passed(lowered.slot.targets)
        return list(self.program.commit(lowered, thought=thought))


def _hopeless(text: str) -> Diagnostic | None:
    return too_long(1) if len(text) > MAX_SOURCE + 1 and not _MAY_END.search(text) else None


def too_long(line: int) -> Diagnostic:
    """What to say of a plan that is too long to be read; `line`: as far as it was read."""
    message = f"a plan has at most {MAX_SOURCE // 1024} KB of text"
    return Diagnostic("E403", message, Span(line, 0, line, 1), help="write less, or let a tool make what is long")


def too_wrong(line: int) -> Diagnostic:
    """What to say of a plan with too much wrong in it to go on; `line`: as far as it was read."""
    message = "there is too much wrong above: nothing behind this line was read"
    return Diagnostic("E404", message, Span(line, 0, line, 1), help="write a shorter plan")


_PYTHON_LINE: Final = re.compile(
    r"\s*(?:\d+[.)]\s*|[-*+•]\s+)?(?:[^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*\s*(?:[-+*/%&|^@]|//|\*\*|<<|>>)?=(?!=)|(?:if|for)\b.*:\s*(?:#|$)|join\s*\()"
)

PYTHON: Final = Front(
    name="python",
    looks_like=_PYTHON_LINE.match,
    reader=lambda program, prose: PythonReader(program, prose=prose),
    writer=print_plan,
    prompt=PROMPT,
    kept=complete_lines,
    hopeless=_hopeless,
)
