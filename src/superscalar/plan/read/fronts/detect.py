"""Which syntax a text is written in, and its reader."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Literal, TypeAlias

from superscalar.plan.evaluate.bounds import MAX_SOURCE
from superscalar.plan.read.fronts.json_steps import StepsReader
from superscalar.plan.read.fronts.numbered import NUMBERED, NumberedReader
from superscalar.plan.read.fronts.python import MAX_PROSE, PythonReader
from superscalar.plan.read.fronts.reader import PlanReader, TextReader
from superscalar.plan.read.fronts.reading_on import ReadOn
from superscalar.plan.read.fronts.rewoo import REWOO, RewooReader
from superscalar.plan.read.program import Program

Syntax: TypeAlias = Literal["python", "numbered", "rewoo", "json"]

_TOOL = r"[*`]*[^\W\d][\w.:/-]*[*`]*\s*"
_NUMBERED = re.compile(rf"{NUMBERED.header.pattern}{_TOOL}\(")
_REWOO = re.compile(rf"{REWOO.header.pattern}{_TOOL}[\[(]")
_PYTHON = re.compile(
    r"\s*(?:\d+[.)]\s*|[-*+•]\s+)?(?:[^\W\d]\w*(?:\s*,\s*[^\W\d]\w*)*\s*(?:[-+*/%&|^@]|//|\*\*|<<|>>)?=(?!=)|(?:if|for)\b.*:\s*(?:#|$)|join\s*\()"
)
_JSON = re.compile(r'\s*(?:\{\s*(?:"|$|\})|\[\s*(?:\{|$))')


def detect(text: str) -> Syntax:
    """The syntax that most lines of a plan are written in; `python` where no line says so.

    Words before it, code fences and bullets do not matter. The first line of a plan in JSON begins with a bracket.
    """
    found: Counter[Syntax] = Counter()
    for line in re.split(r"\r\n|\r|\n", text[:MAX_SOURCE]):
        syntax = _syntax_of(line)
        if syntax == "json" and not found:
            return "json"
        if syntax is not None:
            found[syntax] += 1
    del found["json"]
    return max(found, key=lambda syntax: (found[syntax], syntax == "python"), default="python")


def _syntax_of(line: str) -> Syntax | None:
    if _JSON.match(line):
        return "json"
    if _NUMBERED.match(line):
        return "numbered"
    if _REWOO.match(line):
        return "rewoo"
    return "python" if _PYTHON.match(line) else None


def reader_of(syntax: Syntax, program: Program, *, prose: int | None = MAX_PROSE) -> PlanReader:
    """A reader of one round of a plan; `prose`: see `PythonReader`."""
    if syntax == "python":
        return PythonReader(program, prose=prose)
    readers: dict[Syntax, Callable[[Program], TextReader]] = {
        "numbered": NumberedReader,
        "rewoo": RewooReader,
        "json": StepsReader,
    }
    return ReadOn(readers[syntax](program), begins="{" if syntax == "json" else None, prose=prose)
