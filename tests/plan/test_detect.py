"""What a plan is written in shows in its lines."""

from __future__ import annotations

import pytest

from superscalar.plan import AnySyntax, check, compile_plan, detect
from support.fronts import TOOLS

PLANS: dict[str, AnySyntax] = {
    "": "python",
    "join()": "python",
    "x = search('a')\njoin(x)\n": "python",
    "send('a')\nsend('b')\n": "python",
    "Sure, here is the plan:\n```python\nx = search('a')\n```": "python",
    "1. First, find (both) heights.\n2. Then halve.\nx = search('a')\ny = math(x)\njoin(y)": "python",
    "# 1. search it\nx = search('1. search(a)')\njoin(x)": "python",
    "x = search('''\n1. search(a)\n''')\ny = 1\njoin(x)": "python",
    "1. x = search('a')\n2. join(x)": "python",
    "for t in ['a', 'b']:\n    send(t)\n": "python",
    "x = {\n 'a': [\n{}]}\njoin(x)": "python",
    "1. search('a')\n2. join()": "numbered",
    "1. google('a')": "numbered",
    "Thought: x = 1\n1. search(a)\n2. join()<END_OF_PLAN>": "numbered",
    "```\n1) search (a)\n```": "numbered",
    "  - 1. my-tool('a')": "numbered",
    "**1. search(a)**": "numbered",
    "$1 = search('a')\n$2 = finish()": "numbered",
    "1. email('x = 1')\n2. join()": "numbered",
    "1. search('a')\r\n2. join()": "numbered",
    "#E1 = search[a]": "rewoo",
    "Plan: find it\n#E1 = search[a]\nPlan: x\n#E2 = math[#E1]": "rewoo",
    "Plan: find it #E1 = search[a]": "rewoo",
    '{"steps": []}': "json",
    'Here:\n```json\n{\n  "steps": []\n}\n```': "json",
    '[{"tool": "search"}]': "json",
    "{}": "json",
    "\n\n{": "json",
}


@pytest.mark.parametrize(("text", "syntax"), PLANS.items())
def test_a_plan_is_known_by_its_lines(text: str, syntax: AnySyntax) -> None:
    assert detect(text) == syntax


def test_a_plan_is_read_as_what_it_is_unless_that_is_said() -> None:
    """The plan says what it was read as."""
    text = "1. search('a')\n2. join($1)\n"
    plan = compile_plan(text, TOOLS)
    assert (plan.syntax, len(plan.tasks)) == ("numbered", 2)
    assert [found.code for found in check(text, TOOLS, "python")] == ["E001"]  # that of `$1`
    assert compile_plan("x = search('a')\n", TOOLS).syntax == "python"
