"""Reading on behind the end of a plan that is not written in Python: whether it is the last word (rules L18, L27)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.read.fronts.reader import Tail, TextReader
from superscalar.plan.read.program import ProgramStep
from superscalar.plan.read.source import SourceText

_FENCES = ("```", "~~~")
_LINES = re.compile(r"(?<=\n)")
_ANOTHER = "another program stands behind the plan"
_HELP = "write one program, and nothing behind it"


class ReadOn:
    """A `PlanReader` that looks at what comes behind the plan of another one, and makes nothing of that.

    At most `prose` characters are read there, or all for None, unless a fence opens, or a line begins as another plan
    `begins`: then it cannot be told which program is meant, and none is.
    """

    def __init__(self, reader: TextReader, *, begins: str | None = None, prose: int | None) -> None:
        self.program = reader.program
        self.ended = self.whole = False
        self.tail: Tail = ""
        self.joins = 0
        self._reader = reader
        self._begins = begins
        self._prose = prose
        self._used = 0
        self._number = 1  # of the line that is being written
        self._line: list[str] = []
        self._fenced = False  # the fence around the plan is open
        self._behind = False  # the line that is being written begins behind the plan
        self._other = 0  # the line at which another program begins

    def feed(self, text: str) -> list[ProgramStep]:
        """Take the next piece of the plan; any chunking gives the same tasks."""
        steps: list[ProgramStep] = []
        for piece in _LINES.split(text):
            if self.ended or not piece:
                break
            if not self._reader.ended:
                steps += self._reader.feed(piece)
                if self._reader.ended:
                    self.tail, self.joins = "prose", 1
            elif self.tail == "prose":
                self._used += len(piece)
                self.ended = self._prose is not None and self._used > self._prose
            self._line.append(piece)
            if piece.endswith("\n"):
                self._end_line()
        return steps

    def _end_line(self) -> None:
        line = "".join(self._line).strip()
        self._line.clear()
        fence = line.startswith(_FENCES)
        opens = (fence and not self._fenced) or (self._begins is not None and line.startswith(self._begins))
        if self._behind and opens and not self._other:
            self.tail, self._other = "more", self._number
        self._fenced = self._fenced is not fence
        self._behind = self.tail != ""
        self._number += 1

    def finish(self, reason: Literal["stop", "cut"] = "stop") -> list[ProgramStep]:
        """The text has ended, as it should or `cut`; what that completed."""
        if self._line:
            self._end_line()
        if not self._other or self.whole:
            steps = self._reader.finish(reason)
            self.whole = self._reader.whole
        else:
            steps = [*self._reader.finish("cut"), *self._none_is_meant()]
            self.whole = reason == "stop"
        self.ended = True
        return steps

    def _none_is_meant(self) -> Iterator[ProgramStep]:
        if self.program.repairing:
            self.program.begin_repair()  # and nothing of this reply is one
        else:
            yield from self.program.retract("another program came behind it")
        source = SourceText("", self._other)
        yield from self.program.unreadable(source, Diagnostic("E004", _ANOTHER, source.span(None), help=_HELP))
