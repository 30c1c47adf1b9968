"""What the readers of all front ends have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal, Protocol, TypeAlias

from superscalar.plan.evaluate.bounds import MAX_SOURCE
from superscalar.plan.ir import Span
from superscalar.plan.read.program import Program, ProgramStep
from superscalar.plan.read.translated import Translated, Written

MAX_PROSE: Final = 500
"""How much prose is read behind a `join` before nothing more can come that matters (rule L18)."""
Tail: TypeAlias = Literal["", "prose", "more"]
"""What stands behind a complete `join`: nothing is complete yet, prose at most, or a fence or a statement came."""


class PlanReader(Protocol):
    """Reads one round of a plan into a `Program` (rule L29).

    `ended`: what follows is not read. `joins`: how many programs had a complete `join`; `tail`: what came behind the
    last one, if more is read there. `whole`, once `finish` was called: the plan is, however the text ended.
    """

    ended: bool
    whole: bool
    tail: Tail
    joins: int

    def feed(self, text: str) -> list[ProgramStep]:
        """Take the next piece of the plan; what it completed."""

    def finish(self, reason: Literal["stop", "cut"] = "stop") -> list[ProgramStep]:
        """The text has ended, as it should or `cut`; what that completed."""


class SyntaxForm(Protocol):
    """What takes the text of one syntax apart. `ended`: what follows is not read."""

    ended: bool

    @property
    def line(self) -> int:
        """The number of the line that is being read, from 1."""

    def read(self, text: str) -> Iterator[ProgramStep]:
        """Take the next piece."""

    def end(self) -> Iterator[ProgramStep]:
        """The text ended as it should."""

    def cut(self) -> Iterator[ProgramStep]:
        """The text was cut."""


class TextReader:
    """Reads the text of a form within bounds (rule L25). Never raises for what the text says."""

    def __init__(self, program: Program, form: SyntaxForm) -> None:
        self.program = program
        self.whole = False
        self._form = form
        self._size = 0
        self._finished = False

    @property
    def ended(self) -> bool:
        """Whether what follows is not read."""
        return self._finished or self._form.ended

    def feed(self, text: str) -> list[ProgramStep]:
        """Take the next piece of the plan; any chunking gives the same tasks."""
        if self.ended:
            return []
        if self._size == 0:
            text = text.removeprefix("\ufeff")
        room = MAX_SOURCE - self._size
        self._size += len(text)
        steps = list(self._form.read(text[:room]))
        if self._size > MAX_SOURCE and not self.ended:
            self._finished = True
            line = self._form.line
            written = Written("", line, Span(line, 0, line, 1))
            help = "write less, or let a tool make what is long"
            problem = written.problem("E403", f"a plan has at most {MAX_SOURCE // 1024} KB of text", help)
            steps.extend(self.program.unreadable(Translated("", line, written=written), problem))
        return steps

    def finish(self, reason: Literal["stop", "cut"] = "stop") -> list[ProgramStep]:
        """The text has ended: as it should, or `cut` by a limit or an error, and then nothing more is completed."""
        steps: list[ProgramStep] = []
        self.whole = self.ended or reason == "stop"
        if not self._finished:
            if reason == "stop":
                steps.extend(self._form.end())
                steps.extend(self.program.finish())
            else:
                steps.extend(self._form.cut())
                self.program.cut()
        self._finished = True
        return steps
