"""A model that is held to a grammar can write what its prompt shows."""

from __future__ import annotations

import pytest
from grammar_matcher import follows

from superscalar.plan import grammar
from superscalar.plan.grammars.rules import read
from test_prompted_plans import PLANS, toolset_of

SHOWN = {name: (asked, plan) for name, (asked, plan, syntax) in PLANS.items() if syntax == "python"}


@pytest.mark.parametrize(("asked", "plan"), SHOWN.values(), ids=map(str, SHOWN))
def test_every_plan_that_a_prompt_shows_follows_the_grammar_of_its_tools(asked: str, plan: str) -> None:
    """The larger ones too: GPT-5 is told of blocks and held to a grammar."""
    stubs = asked.rpartition("Question:")[0] if asked.startswith("Tools:") else ""
    assert follows(plan, read(grammar(toolset_of(stubs)).gbnf))
