"""What a run does with the planner's stream: when it stops listening, what it counts, what it leaves."""

from __future__ import annotations

import asyncio

import pytest

from superscalar import LLMCompiler, ModelError, tool
from superscalar.events import PlanWritten, Succeeded
from superscalar.testing import ScriptedModel, run

PLAN = "x = look(1)\njoin(x)\n"


@tool(effect="read")
async def look(n: int) -> int:
    """Look."""
    await asyncio.sleep(2)
    return n


@pytest.mark.parametrize("chunk", [None, 1, 5])
def test_a_plan_that_ends_with_a_newline_is_counted(chunk: int | None) -> None:
    """What the provider says of its cost comes behind the last text."""
    model = ScriptedModel(PLAN, "One.", chunk=chunk)
    result = run(LLMCompiler(model, [look]).run("How many?"))
    assert result.usage.requests == 2


def test_what_a_talkative_planner_adds_is_not_waited_for() -> None:
    model = ScriptedModel(PLAN + "Here is why I wrote it. " * 100, "One.", chunk=8, delay=1.0)
    result = run(LLMCompiler(model, [look]).run("How many?"))
    written = "".join(event.text for event in result.events if isinstance(event, PlanWritten))
    assert len(written) <= len(PLAN) + 2 * 8
    assert result.answer == "One."


def test_a_planner_that_takes_too_long_is_reported_when_what_it_planned_has_settled() -> None:
    model = ScriptedModel("x = look(1)\n" + "# thinking\n" * 50, chunk=12, delay=1.0)

    async def main() -> None:
        async with LLMCompiler(model, [look], planner_timeout=1.5).stream("How many?") as running:
            with pytest.raises(ModelError, match=r"within 1\.5 s"):
                await running.result()
            assert [event.value for event in running.events if isinstance(event, Succeeded)] == [1]

    run(main())


def test_a_stream_that_breaks_off_behind_a_complete_join_has_given_a_whole_plan() -> None:
    """Rule L18: the plan seals at a complete join line; nothing is sent back."""
    model = ScriptedModel(PLAN, "One.", chunk=4, finish=None)
    assert run(LLMCompiler(model, [look]).run("How many?")).answer == "One."
    assert len(model.requests) == 2
