"""The `rewoo` front end: the syntax of the ReWOO paper (arXiv 2305.18323).

Plan: find the height of Everest
#E1 = search[Mount Everest]
Plan: halve it
#E2 = math[half of #E1]

In the program the result of `#E1` is called `E1`.
"""

from __future__ import annotations

import re
from typing import Final

from superscalar.plan.print.steps import rewoo_steps
from superscalar.plan.read.fronts.front import TAXES, Front, Prompt
from superscalar.plan.read.fronts.papers.calls import reader_in
from superscalar.plan.read.fronts.papers.dialect import TOOL, PaperDialect

_DIALECT: Final = PaperDialect(
    header=re.compile(r"\s*(?P<bullet>[-*+•]\s+)?(?:Plan\s*\d*\s*:(?P<thought>.*?))?#E(?P<number>\d{1,9})\s*=\s*"),
    openings="[(",
    step="#E{} =",
    thought=re.compile(r"\s*(?:Plan|Thought)\s*\d*\s*:(?P<text>.*)"),
    variable="E",
    reference=r"#E\{(\d{1,9})\}|#E(\d{1,9})(?!\d)",
    sign="#",
    letter="E",
    quotes=False,
)

_LANGUAGE: Final = """\
You write plans. A plan is a list of steps, which call tools to find out what a question asks for. Someone else reads their results and answers.

- Each step is two lines: Plan: with what it is for, and #E1 = tool[arguments], with a number of its own. The last is join[...] with all that the answer needs.
- #E1 stands for the result of that step, as an argument or in text. Nothing else is computed.
- Write a step for every single thing that is asked for: steps run in parallel.
- Arguments come from the question or from results, never made up. Leave out optional ones that the question does not mention.
- If no tool is needed, write only #E1 = join[]."""

REWOO: Final = Front(
    name="rewoo",
    looks_like=re.compile(rf"{_DIALECT.header.pattern}{TOOL}[\[(]").match,
    reader=reader_in(_DIALECT),
    writer=rewoo_steps,
    prompt=Prompt(
        _LANGUAGE,
        (
            (
                TAXES,
                """\
Plan: find the tax in Lima
#E1 = tax[30, Lima]
Plan: find the tax in Quito
#E2 = tax[45, Quito]
Plan: both are the answer
#E3 = join[#E1, #E2]""",
            ),
            ("Question: Thank you!", "#E1 = join[]"),
        ),
    ),
)
