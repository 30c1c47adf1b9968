"""The `rewoo` front end: the syntax of the ReWOO paper (arXiv 2305.18323).

Plan: find the height of Everest
#E1 = search[Mount Everest]
Plan: halve it
#E2 = math[half of #E1]
"""

from __future__ import annotations

import re

from superscalar.plan.read.fronts.papers.calls import CallReader
from superscalar.plan.read.fronts.papers.dialect import Dialect
from superscalar.plan.read.program import Program

REWOO = Dialect(
    name="rewoo",
    header=re.compile(r"\s*(?P<bullet>[-*+•]\s+)?(?:Plan\s*\d*\s*:(?P<thought>.*?))?#E(?P<number>\d{1,9})\s*=\s*"),
    openings="[(",
    thought=re.compile(r"\s*(?:Plan|Thought)\s*\d*\s*:(?P<text>.*)"),
    variable="E",
    reference=r"#E\{(\d{1,9})\}|#E(\d{1,9})(?!\d)",
    sign="#",
    letter="E",
    quotes=False,
)


class RewooReader(CallReader):
    """Reads a plan of the ReWOO paper into a `Program`, where the result of `#E1` is called `E1`."""

    def __init__(self, program: Program) -> None:
        super().__init__(program, REWOO)
