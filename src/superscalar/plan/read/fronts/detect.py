"""Which syntax a text is written in, and its reader."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final, TypeAlias

from superscalar.errors import UsageError
from superscalar.plan.evaluate.bounds import MAX_SOURCE
from superscalar.plan.read.fronts import FRONTS
from superscalar.plan.read.fronts.front import Front
from superscalar.plan.read.fronts.reader import MAX_PROSE, PlanReader
from superscalar.plan.read.program import Program
from superscalar.short import short

Syntax: TypeAlias = str
"""The name of one of `FRONTS`."""
AUTO: Final = "auto"
"""Find out which."""
SYNTAXES: Final[tuple[Syntax, ...]] = tuple(front.name for front in FRONTS)

_DEFAULT: Final = SYNTAXES[0]


def front_of(syntax: Syntax) -> Front:
    """Return the front end of this name.

    Raises:
        UsageError: there is none.
    """
    for front in FRONTS:
        if front.name == syntax:
            return front
    raise UsageError(f"syntax={short(syntax)}: write one of {', '.join(map(repr, SYNTAXES))}")


def detect(text: str) -> Syntax:
    """The syntax that most lines of a plan are written in; `python` where no line says so.

    Words before it, code fences and bullets do not matter. The first line of a plan in JSON begins with a bracket.
    """
    found: Counter[Syntax] = Counter()
    for line in re.split(r"\r\n|\r|\n", text[:MAX_SOURCE]):
        front = next((front for front in reversed(FRONTS) if front.looks_like(line)), None)
        if front is None:
            continue
        if front.by_line:
            found[front.name] += 1
        elif not found:
            return front.name
    return max(found, key=lambda syntax: (found[syntax], syntax == _DEFAULT), default=_DEFAULT)


def reader_of(syntax: Syntax, program: Program, *, prose: int | None = MAX_PROSE) -> PlanReader:
    """A reader of one round of a plan; `prose`: how many characters of it are read behind the plan, None for all."""
    return front_of(syntax).reader(program, prose)
