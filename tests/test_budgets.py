"""What a run may spend: tokens of its models, money on models and tools."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from superscalar import (
    Failure,
    LLMCompiler,
    Observation,
    Prices,
    RateLimited,
    RunResult,
    ToolContext,
    Usage,
    UsageError,
    tool,
)
from superscalar.events import BudgetSpent, Charged
from superscalar.testing import ScriptedModel, run
from support.running import calls, executed


@tool(effect="read", cost=0.25)
async def dear(x: int) -> int:
    """A call that costs a quarter."""
    await asyncio.sleep(1.0)
    return x


@tool(effect="read")
async def free(x: int) -> int:
    """A call that costs nothing."""
    await asyncio.sleep(2.0)
    return x


def kinds(result: RunResult) -> dict[str, str]:
    found = {id: outcome for id, outcome in result.outcomes.items() if not isinstance(outcome, Observation)}
    found.pop("join()", None)  # the outcome of what it joins
    return {id: outcome.kind if isinstance(outcome, Failure) else "skipped" for id, outcome in found.items()}


FOUR = "a = dear(1)\nb = dear(2)\nc = free(3)\nd = dear(c)\njoin(a, b, d)\n"


def test_calls_beyond_the_cost_are_not_made_and_free_ones_are() -> None:
    result = executed(FOUR, [dear, free], max_cost=0.6)
    assert kinds(result) == {"d": "budget"}
    assert [tool for tool, _ in calls(result.events)] == ["dear", "dear", "free"]
    assert result.cost == 0.5
    assert str(result.outcomes["d"]) == "the run's max_cost=0.6 does not allow it: 0.5 used, and dear costs 0.25"
    assert [e for e in result.events if isinstance(e, BudgetSpent)] == [BudgetSpent(2.0, "max_cost", 0.5, 0.6)]


def test_a_budget_that_is_just_enough_is_enough() -> None:
    assert kinds(executed(FOUR, [dear, free], max_cost=0.75)) == {}


def test_calls_that_wait_for_a_slot_are_refused_as_their_turn_comes() -> None:
    result = executed("xs = [dear(i) for i in range(6)]\njoin(ok(xs))\n", [dear], max_cost=1.0, max_concurrency=2)
    assert result.answer == [0, 1, 2, 3]
    assert kinds(result) == {"xs": "items", "xs[4]": "budget", "xs[5]": "budget"}


def test_every_attempt_costs() -> None:
    tries: list[int] = []

    @tool(effect="read", cost=1.0)
    async def busy() -> int:
        """Refused at first."""
        tries.append(1)
        if len(tries) < 4:
            raise RateLimited(retry_after=1.0)
        return 1

    result = executed("a = busy()\njoin(a)\n", [busy], max_cost=2.0)
    assert (len(tries), kinds(result), result.cost) == (2, {"a": "budget"}, 2.0)


def test_a_refused_write_is_in_doubt_only_if_an_earlier_attempt_may_have_landed() -> None:
    @tool(effect="write", cost=1.0, idempotent=True, timeout=1.0, retry=3)
    async def pay() -> None:
        """Never answers."""
        await asyncio.sleep(100.0)

    result = executed("a = pay()\njoin(a)\n", [pay], max_cost=1.0)
    failure = result.outcomes["a"]
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.in_doubt) == ("budget", True)
    result = executed("a = pay()\njoin(a)\n", [pay], max_cost=0.5)
    failure = result.outcomes["a"]
    assert isinstance(failure, Failure)
    assert (failure.kind, failure.in_doubt) == ("budget", False)


def test_a_batch_that_may_not_start_gives_its_slot_back_once() -> None:
    @tool(effect="read", cost=1.0)
    async def quote(ticker: str) -> int:
        """A quote."""
        await asyncio.sleep(1.0)
        return len(ticker)

    @quote.batch
    async def quotes(tickers: list[str]) -> list[int]:
        await asyncio.sleep(1.0)
        return [len(ticker) for ticker in tickers]

    async def main() -> tuple[int, int]:
        agent = LLMCompiler(tools=[quote, free], max_concurrency=1, max_cost=0.5)
        outcomes = await agent.execute("f = free(1)\nboth = first(2, [quote(t) for t in ['A', 'B']])\njoin(f, both)\n")
        assert isinstance(outcomes["both"], Failure)
        told = agent.limits.statistics()["max_concurrency"]
        return told.running, told.waiting

    assert run(main()) == (0, 0)


@pytest.mark.parametrize("is_async", [True, False])
def test_a_tool_says_what_a_call_has_cost(is_async: bool) -> None:
    if is_async:

        @tool(effect="read")
        async def ask(x: int, run: ToolContext[None]) -> int:
            """Ask a model of its own."""
            run.charge(0.4, tokens=100)
            return x
    else:

        @tool(effect="read")
        def ask(x: int, run: ToolContext[None]) -> int:
            """Ask a model of its own."""
            run.charge(0.4, tokens=100)
            return x

    source = "a = ask(1)\nb = ask(a)\nc = ask(b)\nd = ask(c)\njoin(d)\n"
    result = executed(source, [ask], max_tokens=250)
    assert kinds(result) == {"d": "budget"}
    assert result.cost == pytest.approx(1.2)
    assert [(e.id, e.cost, e.tokens) for e in result.events if isinstance(e, Charged)] == [
        ("a", 0.4, 100),
        ("b", 0.4, 100),
        ("c", 0.4, 100),
    ]


def test_a_charge_below_zero_is_the_tools_mistake() -> None:
    @tool(effect="read")
    async def ask(run: ToolContext[None]) -> int:
        """Charge nonsense."""
        run.charge(-1.0)
        return 1

    result = executed("a = ask()\njoin(a)\n", [ask], max_cost=1.0)
    assert kinds(result) == {"a": "error"}


class Counting(ScriptedModel):
    """Counts each reply as 100 tokens, for a price."""

    def __init__(self, *replies: str, prices: Prices | None = None) -> None:
        super().__init__(*replies)
        self._price = prices

    async def stream(self, request: Any) -> Any:
        from dataclasses import replace

        async for chunk in super().stream(request):
            usage = Usage(60, 20, 40, 1)
            if self._price is not None:
                usage = replace(usage, cost=self._price.of(usage))
            yield replace(chunk, usage=usage) if chunk.usage is not None else chunk


PLAN = "a = dear(1)\njoin(a)\n"
MORE = "b = dear(2)\njoin(b)\n"


def test_no_replan_is_asked_for_once_the_tokens_are_spent() -> None:
    model = Counting(PLAN, "REPLAN: more", MORE, "Both.")
    agent = LLMCompiler(model, tools=[dear], max_tokens=1_000)
    result = run(agent.run("what?"))
    assert (result.answer, result.rounds, len(model.requests)) == ("Both.", 2, 4)

    model = Counting(PLAN, "One.")
    result = run(LLMCompiler(model, tools=[dear], max_tokens=100).run("what?"))
    assert (result.answer, result.rounds) == ("One.", 1)
    assert [e for e in result.events if isinstance(e, BudgetSpent)] == [BudgetSpent(1.0, "max_tokens", 100, 100)]
    assert "replan" not in model.requests[1].messages[0].text.lower()


def test_a_faulty_plan_is_not_repaired_once_the_tokens_are_spent_and_writes_nothing() -> None:
    written: list[str] = []

    @tool(effect="write")
    async def send(text: str) -> None:
        """Send it."""
        written.append(text)

    model = Counting("a = dear(1)\nsend('x')\nb = nothing(2)\njoin(a)\n", "As far as it got: 1.")
    result = run(LLMCompiler(model, tools=[dear, send], max_tokens=100).run("what?"))
    assert (result.answer, written, len(model.requests)) == ("As far as it got: 1.", [], 2)
    assert result.outcomes["a"] == Observation(1)


def test_a_reply_of_the_planner_is_cut_where_the_tokens_end() -> None:
    model = Counting(PLAN, "One.")
    run(LLMCompiler(model, tools=[dear], max_tokens=500).run("what?"))
    assert model.requests[0].max_tokens == 500


def test_models_and_tools_share_the_cost() -> None:
    prices = Prices(input=10_000.0, output=5_000.0, cached=0.0)  # 0.40 read, 0.20 written: 0.60 a reply
    model = Counting("a = dear(1)\nb = dear(a)\njoin(b)\n", "None.", prices=prices)
    result = run(LLMCompiler(model, tools=[dear], max_cost=1.0).run("what?"))
    assert kinds(result) == {"b": "budget"}  # 0.60 for the plan and 0.25 for the first call were spent
    assert result.answer == "None."
    assert [result.cost, result.usage.cost] == pytest.approx([1.45, 1.2])


def test_a_model_that_does_not_count_is_estimated() -> None:
    class Silent(ScriptedModel):
        async def stream(self, request: Any) -> Any:
            from dataclasses import replace

            async for chunk in super().stream(request):
                yield replace(chunk, usage=None)

    model = Silent("a = dear(1)\njoin(a)\n", "One.")
    result = run(LLMCompiler(model, tools=[dear], max_tokens=50).run("what?"))
    assert result.answer == "One."
    assert len([e for e in result.events if isinstance(e, BudgetSpent)]) == 1
    assert result.usage == Usage(result.usage.input_tokens, 0, 6, 2, estimated=True)
    assert result.usage.input_tokens > 50


def test_what_makes_no_sense_is_refused_when_the_agent_is_made() -> None:
    with pytest.raises(UsageError, match="max_cost=0"):
        LLMCompiler(tools=[dear], max_cost=0.0)
    with pytest.raises(UsageError, match="max_tokens=-1"):
        LLMCompiler(tools=[dear], max_tokens=-1)
    with pytest.raises(UsageError, match="cost=-1"):
        tool(cost=-1.0)(lambda: 1)

    class Unpriced(ScriptedModel):
        prices = None

    with pytest.raises(UsageError, match=r"prices=Prices\(input=0.25"):
        LLMCompiler(Unpriced("x"), tools=[dear], max_cost=1.0)


def test_prices_count_cached_tokens_apart() -> None:
    assert Prices(input=1.0, output=2.0).of(Usage(1_000_000, 400_000, 500_000)) == 2.0
    assert Prices(input=1.0, output=2.0, cached=0.5).of(Usage(1_000_000, 400_000, 500_000)) == pytest.approx(1.8)
