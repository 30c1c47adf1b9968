"""A model that is held to a grammar can write what its prompt shows."""

from __future__ import annotations

import pytest
from grammar_matcher import follows

from superscalar.plan import grammar
from superscalar.plan.grammars.rules import read
from support.shown_plans import toolset_of
from test_prompted_plans import PLANS

SHOWN = {name: (tools, plan) for name, (tools, plan, syntax) in PLANS.items() if syntax == "python"}


@pytest.mark.parametrize(("tools", "plan"), SHOWN.values(), ids=map(str, SHOWN))
def test_every_plan_that_a_prompt_shows_follows_the_grammar_of_its_tools(tools: str, plan: str) -> None:
    """The larger ones too: GPT-5 is told of blocks and held to a grammar."""
    assert follows(plan, read(grammar(toolset_of(tools)).gbnf))
