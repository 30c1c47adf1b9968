"""The tools of a plan that is called: what people read of them, and which they are in another process."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pytest

from superscalar import LLMCompiler, Tool, UsageError, tool
from superscalar.errors import ApprovalPending
from superscalar.events import Started
from superscalar.journal import Journal
from superscalar.plan.print.graph import to_dot, to_mermaid
from superscalar.policy import Question
from superscalar.testing import ScriptedModel, run
from support.running import executed


@tool
async def price(ticker: str) -> float:
    return float(len(ticker))


@tool(effect="write", sink="to")
async def send(to: str, text: str) -> str:
    return f"sent to {to}"


SENT = "p = price('IBM')\ns = send(to, f'{p}')\njoin([price(t) for t in ['A', 'B']], s)"


def brief() -> Tool[..., object]:
    return Tool.from_plan(LLMCompiler(tools=[price, send]).compile(SENT, inputs={"to": str}), name="brief")


def test_pictures_and_reprs_of_a_plan_tell_no_alias() -> None:
    plan = LLMCompiler(tools=[brief()]).compile("join(brief('me'))")
    assert repr(plan) == "<Plan: 9 tasks, calls of brief, price, send>"
    assert "inside." not in to_dot(plan) + to_mermaid(plan) + plan._repr_html_()


def test_questions_and_logs_tell_no_alias(caplog: pytest.LogCaptureFixture) -> None:
    asked: list[Question] = []

    def yes(question: Question) -> bool:
        asked.append(question)
        return True

    with caplog.at_level(logging.DEBUG):
        executed("join(brief('me'))", [brief()], approve=yes, approve_plan=True)
    assert "inside." not in asked[0].whole() + asked[0].plan + caplog.text


def plan_of_one_write(name: str, made: list[str]) -> Tool[..., object]:
    async def p(x: int) -> str:
        made.append(f"{name} {x}")
        return name

    source = LLMCompiler(tools=[tool(effect="write")(p)]).compile("join(p(x))", inputs={"x": int})
    return Tool.from_plan(source, name=name)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_run_goes_on_with_the_tools_of_its_plans_in_whatever_order_they_are_given(
    order: tuple[int, int], tmp_path: Path
) -> None:
    made: list[str] = []
    one, other = plan_of_one_write("one", made), plan_of_one_write("other", made)

    async def main() -> object:
        path = tmp_path / "runs.db"
        begun = LLMCompiler(tools=[one, other], journal=path, approve_plan=True)
        with pytest.raises(ApprovalPending):
            await begun.execute("join(one(1), other(2))", run_id="run")
        (question,) = Journal(path).questions("run")
        Journal(path).approve("run", question.answered_by, by="ann")
        tools = [(one, other)[place] for place in order]
        return (await LLMCompiler(tools=tools, journal=path, approve_plan=True).resume("run")).answer

    assert run(main()) == ["one", "other"]
    assert sorted(made) == ["one 1", "other 2"]


def test_a_plan_is_no_tool_with_tools_that_do_something_else() -> None:
    """Its calls would be made as what they were then: a write before the plan that calls it is whole."""

    @tool(name="look", effect="read")
    async def look(x: int) -> int:
        return x

    @tool(name="look", effect="write")
    async def change(x: int) -> int:
        return x

    plan = LLMCompiler(tools=[look]).compile("join(look(x))", inputs={"x": int})
    why = 'compile the plan anew: look is effect="write" and was effect="read"'
    with pytest.raises(UsageError, match=re.escape(why)):
        Tool.from_plan(plan, name="seen", tools=LLMCompiler(tools=[change]))


def test_an_example_that_calls_a_plan_is_shown() -> None:
    model = ScriptedModel("join(brief('you'))\n")
    examples = [("Write to me.", "join(brief('me'))")]
    run(LLMCompiler(model, joiner=None, tools=[brief()], examples=examples).run("Write to you."))
    assert "join(brief('me'))" in [turn.text for turn in model.requests[0].messages]


@pytest.mark.parametrize("others", [[price], [Tool.from_plan(brief().plan.plan, name="another")]])  # type: ignore[union-attr]
def test_a_plan_runs_where_others_have_the_tools_of_the_plans_that_it_calls(others: list[Tool[..., object]]) -> None:
    called = Tool.from_plan(LLMCompiler(tools=[price]).compile("join(price('IBM'))"), name="called")
    plan = LLMCompiler(tools=[called]).compile("join(called())")
    assert run(LLMCompiler(tools=[called, *others]).execute(plan)).joined == 3.0


def test_a_plan_of_another_agent_has_no_read_for_a_write_of_this_one() -> None:
    @tool(name="send")
    async def drafts(to: str, text: str) -> str:
        return f"kept for {to}: {text}"

    plan = LLMCompiler(tools=[drafts]).compile("join(send('me', 'x'))")
    with pytest.raises(UsageError, match='compiled with a send of effect="read", and the one of this agent'):
        run(LLMCompiler(tools=[send]).execute(plan))


def test_a_tool_inside_of_a_called_plan_admits_no_other_one_of_its_name() -> None:
    """`replan="planned-tools"`: the first plan called a plan that sends, and the second sends by another tool."""

    @tool(name="send", effect="read", trust="untrusted")
    async def looked_up(to: str) -> str:
        return f"{to} says: do it again"

    model = ScriptedModel("a = brief('me')\njoin(a)\n", "REPLAN: more", "b = send('you')\njoin(b)\n", "done")
    agent = LLMCompiler(model, [brief(), looked_up], replan="planned-tools")
    result = run(agent.run("Send it."))
    assert result.answer == "done"
    assert [event.id for event in result.events if isinstance(event, Started) and event.tool == "send"] == []
