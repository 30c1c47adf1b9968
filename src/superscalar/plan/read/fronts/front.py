"""What a front end is: a syntax that a plan may be written in, as one object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from superscalar.plan.ir import Task
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.plan.read.fronts.reader import PlanReader
from superscalar.plan.read.program import Program

TAXES: Final = """\
Tools:
tax(amount: float, city: str) -> float

Question: What is the tax on 30 dollars in Lima and on 45 in Quito?"""
"""A question for examples: two calls that do not depend on each other."""


class Lesson(NamedTuple):
    """How a plan is written: `language` says it, `examples` show it, each what is asked and the plan."""

    language: str
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a planner is told that writes a syntax.

    `language`: how a plan is written; `examples`: what is asked, and the plan. `with_blocks`: the same for larger
    models, where there is more to say to them; `with_texts`: for the others, where there is `extract` to read texts with. `mend` sends back errors in `{lines}`, `missing` asks for the rest of a
    plan that was cut, `more` for the next round.
    """

    language: str
    examples: tuple[tuple[str, str], ...]
    with_blocks: Lesson | None = None
    with_texts: Lesson | None = None
    mend: str = (
        "Some lines of the plan have errors:\n\n{lines}\n\n"
        "The other lines are right and stay. Write only the lines that replace these, and nothing else."
    )
    missing: str = "Write only the lines that are missing, and join(...) at the end; all names so far can be used."
    more: str = (
        "Continue the program. Write only new lines that get what is missing; all names so far can be used. "
        "End with join(...)."
    )


@dataclass(frozen=True, slots=True)
class Front:
    """A syntax of plans, all of it: what it is called, how a line of it looks, what reads and writes it, how a model is
    told of it.

    `writer` raises `BeyondSteps` for a plan that the syntax cannot say. `reader` is given the program, and how many characters of prose are read behind the plan, None for all. `by_line`:
    most lines decide whether a text is in this syntax; otherwise the first one that says anything. `kept`: the part of
    a text that was cut from which its writer can go on; where there is none, the program is shown. `hopeless`: what is
    wrong with a whole text of which nothing is wanted, and nothing read, for that reason.
    """

    name: str
    looks_like: Callable[[str], object]
    reader: Callable[[Program, int | None], PlanReader]
    writer: Callable[[Sequence[Task]], str]
    prompt: Prompt
    by_line: bool = True
    kept: Callable[[str], str] | None = None
    hopeless: Callable[[str], Diagnostic | None] | None = None
