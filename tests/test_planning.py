"""What a run does with the planner's stream: when it stops listening, what it counts, what it leaves."""

from __future__ import annotations

import asyncio

import pytest

from superscalar import LLMCompiler, ModelError, PlanError, tool
from superscalar.events import PlanWritten, Succeeded
from superscalar.plan import grammar
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


@pytest.mark.parametrize(("delay", "most"), [(1.0, 10 * 8), (0.01, 500)])
def test_what_a_talkative_planner_adds_is_waited_for_ten_seconds_and_500_characters(delay: float, most: int) -> None:
    """Rule L18."""
    model = ScriptedModel(PLAN + "Here is why I wrote it. " * 100, chunk=8, delay=delay, finish="length")
    result = run(LLMCompiler(model, [look], joiner=ScriptedModel("One.")).run("How many?"))
    written = "".join(event.text for event in result.events if isinstance(event, PlanWritten))
    assert len(PLAN) + most - 8 <= len(written) <= len(PLAN) + most + 8
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
    model = ScriptedModel(PLAN, chunk=4, finish=None)
    assert run(LLMCompiler(model, [look], joiner=ScriptedModel("One.")).run("How many?")).answer == "One."
    assert len(model.requests) == 1


# --------------------------------------------------------------------------------------------------------- repair


class Constrained(ScriptedModel):
    """A model that obeys grammars, as far as its script does."""

    constrains = True


def test_a_model_that_can_be_constrained_is_given_the_grammar_of_the_tools() -> None:
    model = Constrained("x = look(y)\njoin(x)\n", "x = look(2)\n", "Two.")
    assert run(LLMCompiler(model, [look]).run("How many?")).answer == "Two."
    made = grammar(LLMCompiler(tools=[look]).tools)
    assert [request.grammar for request in model.requests] == [made, made, None]


@pytest.mark.parametrize(("model", "wanted"), [(ScriptedModel, True), (Constrained, False)])
def test_no_grammar_is_given_to_a_model_that_cannot_follow_it_or_where_none_is_wanted(
    model: type[ScriptedModel], wanted: bool
) -> None:
    scripted = model(PLAN, "One.")
    run(LLMCompiler(scripted, [look], grammar=wanted).run("How many?"))
    assert [request.grammar for request in scripted.requests] == [None, None]


def test_a_planner_that_repeats_its_mistake_ends_the_round() -> None:
    """The diagnostics are shown, and the repairs that are left are not spent."""
    model = ScriptedModel("x = lok(1)\ny = look(2)\njoin(x, y)\n", "x = lok(1)\n")
    with pytest.raises(PlanError, match=r"after 1 repair: the planner repeated them") as raised:
        run(LLMCompiler(model, [look], max_repairs=5).run("How many?"))
    assert "E301 there is no tool `lok`" in str(raised.value)
    assert "did you mean `look`?" in str(raised.value)
    assert len(model.requests) == 2


def test_a_planner_that_makes_another_mistake_is_asked_again() -> None:
    model = ScriptedModel("x = lok(1)\njoin(x)\n", "x = luk(1)\n", "x = look(1)\n", "One.")
    assert run(LLMCompiler(model, [look]).run("How many?")).answer == "One."


@pytest.mark.parametrize(
    ("reply", "only"),
    [
        ("", ""),
        ("I am sorry, I cannot look anything up.", ', only "I am sorry, I cannot look anything up."'),
        ("# let me see\n", ', only "# let me see"'),
    ],
)
def test_a_reply_without_a_statement_is_asked_for_again(reply: str, only: str) -> None:
    """It is not a plan that joins nothing: `join()` is."""
    model = ScriptedModel(reply, PLAN, "One.")
    result = run(LLMCompiler(model, [look]).run("How many?"))
    assert result.answer == "One."
    assert [task.id for task in result.plan.tasks] == ["x", "join()"]
    assert model.requests[1].messages[-1].text == (
        f"That was no plan: there is no statement here{only}; write name = tool(...) on a line, and join(...) at the "
        "end; if no tool is needed, only join()."
    )


def test_a_plan_that_needs_no_tool_joins_nothing() -> None:
    model = ScriptedModel("join()\n", "Hello.")
    assert run(LLMCompiler(model, [look]).run("Thank you!")).answer == "Hello."


def test_a_planner_that_never_writes_a_plan_fails_the_round() -> None:
    model = ScriptedModel("No.", "No!")
    with pytest.raises(PlanError, match="there is no statement here"):
        run(LLMCompiler(model, [look]).run("How many?"))


# ---------------------------------------------------------------------------------------------------- plans in JSON


class Structured(Constrained):
    """A model that writes nothing but JSON."""

    writes = "json"


def test_a_model_that_writes_json_is_asked_for_json_and_read_as_such() -> None:
    """Rule L28: the same tasks, repaired in the same way."""
    steps = '{"steps": [{"id": "x", "tool": "lok", "arguments": {"n": 1}}], "join": {"$ref": "x"}}'
    model = Structured(steps, steps.replace("lok", "look"), "One.")
    result = run(LLMCompiler(model, [look]).run("How many?"))
    assert (result.answer, [task.id for task in result.plan.tasks]) == ("One.", ["x", "join()"])
    asked = model.requests[0].messages
    assert all(message.text.startswith('{"steps": ') for message in asked if message.role == "assistant")
    assert "A plan is a JSON object" in asked[0].text


def test_a_plan_in_json_may_need_no_tool() -> None:
    model = Structured('{"steps": [], "join": []}', "Hello.")
    assert run(LLMCompiler(model, [look]).run("Thank you!")).answer == "Hello."


# ----------------------------------------------------------------------------------------------- behind a join (L18)

SECOND = "No, rather:\n```python\ny = look(2)\n"


@pytest.mark.parametrize("word", ["length", "content_filter", None])
def test_whatever_the_provider_says_a_plan_is_whole_behind_its_join(word: str | None) -> None:
    model = ScriptedModel(PLAN + "That was it", finish=word)
    assert run(LLMCompiler(model, [look], joiner=None).run("How many?")).answer == 1


def test_time_counts_anew_behind_a_join_where_more_than_prose_comes() -> None:
    """The planner's timeout: here 20 s behind a join that came after 18 s, until a second program is whole."""
    late = "# hm\n" * 8 + PLAN + SECOND + "# so\n" * 5 + "join(y)\n```\n"
    model = ScriptedModel(late, chunk=5, delay=1.0)
    assert run(LLMCompiler(model, [look], joiner=None, planner_timeout=25).run("How many?")).answer == 2


def test_where_time_is_up_in_a_second_program_that_is_a_cut() -> None:
    model = ScriptedModel(PLAN + SECOND + "# hm\n" * 50, "join(y)\n", chunk=5, delay=1.0)
    agent = LLMCompiler(model, [look], joiner=None, planner_timeout=20)
    assert run(agent.run("How many?")).answer == 2
    assert len(model.requests) == 2


def test_where_tokens_are_spent_behind_a_join_the_plan_is_whole() -> None:
    model = ScriptedModel(PLAN + "y = look(2)\n" + "and so on. " * 10_000, chunk=1_000)
    result = run(LLMCompiler(model, [look], joiner=None).run("How many?"))
    written = "".join(event.text for event in result.events if isinstance(event, PlanWritten))
    assert (result.answer, len(model.requests)) == (1, 1)
    assert 4 * 4_096 < len(written) < 4 * 4_096 + 2_000
