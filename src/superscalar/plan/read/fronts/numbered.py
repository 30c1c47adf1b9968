"""The `numbered` front end: the syntax of the LLMCompiler paper (arXiv 2312.04511).

Thought: I need both heights.
1. search("Mount Everest")
2. math("half of it in m", [$1])
3. join()<END_OF_PLAN>

In the program the result of step 1 is called `step1`.
"""

from __future__ import annotations

import re
from typing import Final

from superscalar.plan.print.steps import numbered_steps
from superscalar.plan.read.fronts.front import TAXES, Front, Prompt
from superscalar.plan.read.fronts.papers.calls import reader_in
from superscalar.plan.read.fronts.papers.dialect import TOOL, PaperDialect

_DIALECT: Final = PaperDialect(
    header=re.compile(r"\s*(?P<bullet>[-*+•]\s+)?(?:\*\*)?\$?(?P<number>\d{1,9})\s*(?P<style>[.):=])\s*(?:\*\*)?"),
    openings="(",
    step="{}.",
    thought=re.compile(r"\s*(?:(?:Thought|Plan)\s*\d*\s*:|#)(?P<text>.*)"),
    variable="step",
    reference=r"\$\{(\d{1,9})\}|\$(\d{1,9})(?!\d)",
    sign="$",
    style=".",
)

_LANGUAGE: Final = """\
You write plans. A plan is a list of numbered steps, which call tools to find out what a question asks for. Someone else reads their results and answers.

- Each step is a line: its number, a point, and one call. The last is join(...) with all that the answer needs.
- $1 stands for the result of step 1, as an argument, in a list, or in text. Nothing else is computed.
- Write a step for every single thing that is asked for: steps run in parallel.
- Arguments come from the question or from results, never made up. Leave out optional ones that the question does not mention.
- If no tool is needed, write only 1. join()."""

NUMBERED: Final = Front(
    name="numbered",
    looks_like=re.compile(rf"{_DIALECT.header.pattern}{TOOL}\(").match,
    reader=reader_in(_DIALECT),
    writer=numbered_steps,
    prompt=Prompt(
        _LANGUAGE,
        ((TAXES, '1. tax(30, "Lima")\n2. tax(45, "Quito")\n3. join($1, $2)'), ("Question: Thank you!", "1. join()")),
    ),
)
