"""Sixty plans as models write them are read at the first try or after one repair, and do what CPython does."""

from __future__ import annotations

from typing import Any

import pytest

from superscalar import LLMCompiler, PlanError
from superscalar.testing import ScriptedModel
from support.written_plans import Written, done, in_python, plain, plans

PLANS = list(plans())


@pytest.mark.parametrize("plan", [p for p in PLANS if not p.repair], ids=lambda plan: plan.name)
def test_a_plan_does_at_the_first_try_what_it_does_in_python(plan: Written) -> None:
    expected = in_python(plan.text, plan.tools), done()
    assert _answered(plan, plan.text) == expected


@pytest.mark.parametrize("plan", [p for p in PLANS if p.repair], ids=lambda plan: plan.name)
def test_a_plan_that_is_refused_does_what_was_meant_once_its_help_was_followed(plan: Written) -> None:
    with pytest.raises(PlanError, match="help: "):
        _answered(plan, plan.text)
    assert done() == []
    expected = in_python(_meant(plan), plan.tools), done()
    assert _answered(plan, plan.text, plan.repair) == expected


def test_so_many_of_the_sixty_are_right_at_the_first_try() -> None:
    sixty = [plan for plan in PLANS if not plan.name.startswith("later")]
    assert len(sixty) == 60
    assert sum(not plan.repair for plan in sixty) == 58


def test_so_many_of_the_twenty_that_were_written_later_are_right() -> None:
    later = [plan for plan in PLANS if plan.name.startswith("later")]
    assert len(later) == 20
    assert sum(not plan.repair for plan in later) == 18


def _meant(plan: Written) -> str:
    """A plan with its repair: the whole of it, or the line that takes the place of the one that begins alike."""
    if plan.repair.count("\n") > 2:
        return plan.repair
    begins = plan.repair.split("=")[0].split("(")[0]
    return "".join(plan.repair if line.startswith(begins) else line for line in plan.text.splitlines(keepends=True))


def _answered(plan: Written, *replies: str) -> tuple[Any, Any]:
    done()
    agent = LLMCompiler(ScriptedModel(*replies), tools=plan.tools, joiner=None, max_repairs=len(replies) - 1)
    result = agent.run_sync(plan.question)
    return plain(result.answer), done()
