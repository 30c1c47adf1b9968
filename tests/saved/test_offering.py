"""Approved plans as tools: a planner, and other plans, may call what a person has looked at, and nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from superscalar import LLMCompiler, Plan, PlanError, Tool, Toolset, UsageError, tool
from superscalar.saved.folder import PlanFolder
from superscalar.saved.offering import with_saved_plans
from superscalar.testing import ScriptedModel, run

BRIEF = "# input tickers: list[str]  # which shares\nprices = [price(t) for t in tickers]\njoin(prices)"


@tool(effect="read", trust="trusted")
async def price(ticker: str) -> float:
    """Latest price."""
    return float(len(ticker))


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., LLMCompiler]:
    """An agent as another process would make it."""
    return lambda *plans, tools=(price,): LLMCompiler(ScriptedModel(*plans), tools=tools, plans=tmp_path / "plans")


def approve(agent: LLMCompiler, name: str, source: str, description: str = "") -> None:
    saved = agent.save(name, source, description=description)
    agent.plans.approve(name, digest=saved.digest, by="ann")


def test_a_planner_calls_a_plan_that_was_approved(opened: Callable[..., LLMCompiler]) -> None:
    approve(opened(), "brief", BRIEF, "The prices of some shares.")
    agent = opened("x = brief(['IBM', 'AA'])\njoin(max(x))", "3.")
    assert [one.name for one in agent.plans.tools()] == ["brief"]
    assert agent.tools.describe("brief").startswith("brief(tickers: list[str]) -> list")
    assert "The prices of some shares." in agent.tools.describe("brief")
    result = run(agent.run("What is the highest?"))
    assert (result.answer, result.outcomes.joined) == ("3.", 3.0)


def test_a_plan_that_nobody_approved_is_offered_to_nobody(
    opened: Callable[..., LLMCompiler], caplog: pytest.LogCaptureFixture
) -> None:
    opened().save("brief", BRIEF)
    with caplog.at_level(logging.INFO, "superscalar.saved"):
        agent = opened()
    assert [tool.name for tool in agent.tools] == ["price"]
    assert agent.plans.tools() == ()
    assert caplog.messages == ["the saved plan brief is not offered: nobody has approved it"]
    with pytest.raises(PlanError, match="there is no tool `brief`"):
        agent.compile("join(brief(['IBM']))")


def test_a_plan_that_was_edited_is_offered_to_nobody(opened: Callable[..., LLMCompiler]) -> None:
    approve(opened(), "brief", BRIEF)
    file = opened().plans.get("brief").path
    file.write_text(file.read_text().replace("price(ticker=t)", "price(ticker=t + '!')"))
    assert [tool.name for tool in opened().tools] == ["price"]


def test_what_nobody_approved_is_not_even_compiled(opened: Callable[..., LLMCompiler]) -> None:
    """It may be as large as a plan can be, and whoever put it there have a start of each process wait for it."""
    approve(opened(), "brief", BRIEF)
    path = opened().save("waits", "join(price('IBM'))").path
    compiled: list[str] = []

    def compile(source: str, tools: Toolset) -> Plan:
        compiled.append(source)
        return LLMCompiler(tools=tools).compile(source)

    offered = with_saved_plans(PlanFolder(path.parent), Toolset([price]), compile)
    assert [one.name for one in offered] == ["price", "brief"]
    assert [source.count("tickers") for source in compiled] == [2]


def test_a_saved_plan_calls_another_one_and_is_looked_at_again_when_that_changes(
    opened: Callable[..., LLMCompiler],
) -> None:
    approve(opened(), "brief", BRIEF)
    approve(opened(), "a_week", "join(week=[brief([t]) for t in ['IBM', 'AA']])")
    assert run(opened().execute(opened().plans.get("a_week").plan)).joined == {"week": [[3.0], [2.0]]}
    assert opened().plans.get("a_week").text.tools[0].says[0] == "is read, content tickers"

    digest = opened().plans.get("brief").digest
    saved = opened().save("brief", BRIEF.replace("join(prices)", "join(prices[:1])"), over=digest)
    assert opened().plans.get("a_week").why_not()[1:] == [
        "`brief`: this saved plan is no tool now: it is not approved, or does not fit its own tools"
    ]
    opened().plans.approve("brief", digest=saved.digest, by="ann")
    changed = opened().plans.get("a_week").changes
    assert changed[0].startswith("`brief` now holds a plan ")


def test_plans_that_would_call_themselves_are_none(opened: Callable[..., LLMCompiler]) -> None:
    approve(opened(), "brief", BRIEF)
    approve(opened(), "other", "join(brief(['IBM']))")
    with pytest.raises(UsageError, match="which it would be itself"):
        opened().save("brief", "join(brief(['IBM']))", over=opened().plans.get("brief").digest)
    with pytest.raises(UsageError, match="which it would be itself"):
        opened().save("brief", "join(other())", over=opened().plans.get("brief").digest)


def test_a_tool_keeps_its_name(opened: Callable[..., LLMCompiler]) -> None:
    with pytest.raises(UsageError, match="'price' is a tool of the agent"):
        opened().save("price", "join(1)")
    approve(opened(tools=()), "price", "join(1)")
    agent = opened()
    assert run(agent.execute("join(price('IBM'))")).joined == 3.0


def test_plans_of_tools_that_are_listed_before_each_run_are_offered_when_these_are(
    opened: Callable[..., LLMCompiler], caplog: pytest.LogCaptureFixture
) -> None:
    approve(opened(), "brief", BRIEF)

    class Listed(Toolset):
        async def listed(self) -> list[Tool]:
            return [price]

    agent = opened("join(brief(['IBM'])[0])", "3.", tools=[Listed()])
    result = run(agent.run("How is IBM?"))
    assert (result.answer, result.outcomes.joined, caplog.messages) == ("3.", 3.0, [])
    assert run(agent.plans.function("brief")(["AA"])) == [2.0]
