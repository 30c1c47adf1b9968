"""The `numbered` front end: the syntax of the LLMCompiler paper (arXiv 2312.04511).

Thought: I need both heights.
1. search("Mount Everest")
2. math("half of it in m", [$1])
3. join()<END_OF_PLAN>
"""

from __future__ import annotations

import re

from superscalar.plan.read.fronts.papers.calls import CallReader
from superscalar.plan.read.fronts.papers.dialect import Dialect
from superscalar.plan.read.program import Program

NUMBERED = Dialect(
    name="numbered",
    header=re.compile(r"\s*(?P<bullet>[-*+•]\s+)?(?:\*\*)?\$?(?P<number>\d{1,9})\s*(?P<style>[.):=])\s*(?:\*\*)?"),
    openings="(",
    thought=re.compile(r"\s*(?:(?:Thought|Plan)\s*\d*\s*:|#)(?P<text>.*)"),
    variable="step",
    reference=r"\$\{(\d{1,9})\}|\$(\d{1,9})(?!\d)",
    sign="$",
    style=".",
)


class NumberedReader(CallReader):
    """Reads a numbered plan into a `Program`, where the result of step 1 is called `step1` (and in the plan `$1`)."""

    def __init__(self, program: Program) -> None:
        super().__init__(program, NUMBERED)
