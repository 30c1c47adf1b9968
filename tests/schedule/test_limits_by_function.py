"""A limit per tenant, key or city: a function of a call's arguments, or of the run's context, names it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from pydantic import Field

from superscalar import Failure, Limit, LLMCompiler, RateLimited, Retry, Secret, Tool, ToolContext, UsageError, tool
from superscalar import events as ev
from superscalar.events import Started, Throttled, Waiting
from superscalar.schedule.gate import NANO, Gate
from superscalar.schedule.limits import Limits
from superscalar.schedule.named import ComingAndGoing
from superscalar.testing import run
from superscalar.tools import Toolset
from superscalar.tools.limiting import OwnLimit
from superscalar.values import WITHHELD
from support.got_again import got_again_of
from support.running import executed

ONE = Limit(concurrency=1)
CITIES = 'a = look("Rome")\nb = look("Rome")\nc = look("Oslo")\njoin(a, b, c)\n'


def looking(limit: Any, **terms: Any) -> Tool[..., Any]:
    @tool(effect="read", limit=limit, **terms)
    async def look(city: str, days: int = 3) -> str:
        await asyncio.sleep(10.0)
        return f"{city} {days}"

    return look


def starts(result: Any) -> dict[str, float]:
    return {event.id: event.at for event in result.events if isinstance(event, Started)}


def test_calls_of_one_name_share_what_is_declared_for_it() -> None:
    result = executed(CITIES, [looking(lambda city: f"weather:{city}")], limits={"weather:Rome": ONE})
    assert starts(result) == {"a": 0.0, "c": 0.0, "b": 10.0}
    assert [(e.id, e.limits) for e in result.events if isinstance(e, Waiting)] == [("b", ("weather:Rome",))]


def test_arguments_are_those_that_the_tool_gets() -> None:
    seen: list[tuple[str, int]] = []

    def limit(days: int, city: str) -> str:
        seen.append((city, days))
        return "x"

    executed('a = look("Rome")\nb = look(days=9, city="Oslo")\njoin(a, b)\n', [looking(limit)])
    assert seen == [("Rome", 3), ("Oslo", 9)]


def test_what_no_name_was_declared_for_is_learned_for_that_name_alone() -> None:
    refused: list[str] = []

    @tool(effect="read", limit=lambda city: city)
    async def look(city: str, again: str = "") -> str:
        if city == "Rome" and not refused:
            refused.append(city)
            raise RateLimited(retry_after=60)
        return city

    plan = 'a = look("Rome")\nb = look("Oslo")\nc = look("Rome", b)\nd = look("Oslo", b)\njoin(a, b, c, d)\n'
    result = executed(plan, [look], random=Random(1))
    begun = starts(result)
    assert (begun["b"], begun["d"]) == (0.0, 0.0)
    assert begun["a"] >= 60.0
    assert begun["c"] >= 60.0
    assert [event.limit for event in result.events if isinstance(event, Throttled)] == ["Rome"]


def test_two_tools_share_a_name_only_where_it_is_declared() -> None:
    def made(name: str) -> Tool[..., Any]:
        @tool(effect="read", name=name, limit=lambda key: key)
        async def ask(key: str) -> str:
            if name == "one" and not refused:
                refused.append(key)
                raise RateLimited(retry_after=60)
            return key

        return ask

    for limits, together in (({}, False), ({"k": Limit()}, True)):
        refused: list[str] = []

        async def main(limits: Any) -> tuple[float, set[str]]:
            agent = LLMCompiler(tools=[made("one"), made("two")], limits=limits, random=Random(1))
            result, later = await asyncio.gather(
                agent.execute('a = one("k")\njoin(a)\n'), _later(agent, 'b = two("k")\njoin(b)\n')
            )
            assert result.joined == "k"
            return later, set(agent.limits.statistics())

        at, names = run(main(limits))
        assert (at >= 60.0) is together
        assert names - {"max_concurrency"} == ({"k"} if together else {"k", "k (2)"})


async def _later(agent: LLMCompiler, plan: str) -> float:
    await asyncio.sleep(1.0)
    await agent.execute(plan)
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize(
    "limit",
    [
        lambda ctx: ctx.context.tenant,
        lambda ctx: ctx.tenant,
        lambda ctx: ctx.deps.tenant,
        lambda context: context.tenant,
        lambda run: run.context.tenant,
        lambda run, city: f"{run.context.tenant}",
    ],
)
def test_a_function_of_the_context_names_a_limit_per_tenant(limit: Callable[..., str]) -> None:
    @tool(effect="read", limit=limit)
    async def look(city: str, run: ToolContext[Any]) -> str:
        await asyncio.sleep(10.0)
        return f"{run.context.tenant} {city}"

    async def main() -> tuple[float, ...]:
        agent = LLMCompiler(tools=[look], limits={"ann": ONE, "bob": ONE})

        async def ended(tenant: str) -> float:
            await agent.execute('a = look("Rome")\njoin(a)\n', context=SimpleNamespace(tenant=tenant))
            return asyncio.get_running_loop().time()

        return tuple(await asyncio.gather(ended("ann"), ended("bob"), ended("ann")))

    assert run(main()) == (10.0, 10.0, 20.0)


def _raises(city: str) -> str:
    raise KeyError(city)


async def _coroutine() -> str:
    return "x"


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (_raises, "KeyError: 'Rome'"),
        (lambda city: None, "it gave None, which is no name"),
        (lambda city: b"rome", "it gave b'rome', which is no name"),
        (lambda city: [city], "it gave ['Rome'], which is no name"),
        (lambda city: "", "it gave '', which is no name"),
        (lambda city: _coroutine(), "which is no name"),
        (lambda ctx: ctx.context.tenant, "has no attribute 'tenant'"),
    ],
)
def test_a_call_whose_limit_is_not_known_fails_before_anything_is_taken(limit: Any, said: str) -> None:
    calls: list[str] = []

    @tool(effect="write", limit=["q", limit])
    async def put(city: str) -> str:
        calls.append(city)
        return city

    @tool(effect="read", limit="q")
    async def other() -> int:
        return 1

    result = executed('a = put("Rome")\nb = other()\njoin(a, b)\n', [put, other], limits={"q": Limit(rate=1, per=60.0)})
    failed = result.outcomes["a"]
    assert isinstance(failed, Failure)
    assert (failed.kind, failed.in_doubt, calls) == ("arguments", False, [])
    assert "put(): which limit it takes part in is not known" in failed.message
    assert said in failed.message
    assert starts(result) == {"b": 0.0}


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (lambda town: town, "takes town, but its parameters are city, days, ctx, by name"),
        (lambda *cities: "x", "takes cities, but"),
        (_coroutine, "is async"),
    ],
)
def test_a_function_of_what_no_call_has_is_refused_at_the_tool(limit: Any, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        looking(limit)
    assert said in str(raised.value)


def test_names_and_functions_stand_side_by_side() -> None:
    for most, begun in ((2, {"a": 0.0, "c": 0.0, "b": 10.0}), (1, {"a": 0.0, "b": 10.0, "c": 20.0})):
        limits = {"all": Limit(concurrency=most), "Rome": ONE}
        assert starts(executed(CITIES, [looking(["all", lambda city: city])], limits=limits)) == begun


def test_a_function_of_all_arguments_gets_them_by_name() -> None:
    result = executed(CITIES, [looking(lambda **given: "/".join(map(str, given.values())))], limits={"Rome/3": ONE})
    assert starts(result)["b"] == 10.0


def test_what_a_function_does_to_its_arguments_is_not_what_the_tool_gets() -> None:
    @tool(effect="read", limit=lambda cities: cities.pop())
    async def look(cities: list[str]) -> list[str]:
        return cities

    assert executed('a = look(["Rome", "Oslo"])\njoin(a)\n', [look]).answer == ["Rome", "Oslo"]


def test_parameters_have_the_names_of_the_tool_and_not_of_plans() -> None:
    @tool(effect="read", limit=lambda from_: from_)
    async def trains(from_: Annotated[str, Field(alias="class")]) -> str:
        await asyncio.sleep(10.0)
        return from_

    alias = trains.aliases["from_"]
    result = executed(
        f'a = trains({alias}="Rome")\nb = trains({alias}="Rome")\njoin(a, b)\n', [trains], limits={"Rome": ONE}
    )
    assert starts(result) == {"a": 0.0, "b": 10.0}


def test_items_of_a_batch_share_their_limits() -> None:
    asked: list[list[str]] = []

    @tool(effect="read", limit=lambda city: city[0])
    async def look(city: str) -> str:
        return city

    @look.batch
    async def looks(cities: list[str]) -> list[str]:
        asked.append(cities)
        return cities

    plan = 'a = [look(c) for c in ["Rome", "Oslo", "Riga", "Oran"]]\njoin(a)\n'
    result = executed(plan, [look], limits={"O": ONE})
    assert result.answer == ["Rome", "Oslo", "Riga", "Oran"]
    assert asked == [["Rome", "Riga"], ["Oslo", "Oran"]]


def test_a_secret_is_in_no_name() -> None:
    refusals = iter([RateLimited(retry_after=1)])

    @tool(effect="read", limit=lambda key: f"api:{key}")
    async def ask(key: Annotated[str, Secret]) -> int:
        for refusal in refusals:
            raise refusal
        return 1

    async def main() -> str:
        agent = LLMCompiler(tools=[ask])
        async with agent.stream_plan(
            'a = ask("tell-nobody")\nb = ask("tell-nobody")\nc = ask("else")\njoin(a)\n'
        ) as go:
            await go.result()
        told = [event for event in go.events if isinstance(event, Throttled | Waiting)]
        assert any(isinstance(event, Throttled) for event in told)
        return f"{told} {agent.limits.statistics()}"

    assert "tell-nobody" not in run(main())


def test_a_name_that_is_long_is_told_in_short_and_is_no_other_one() -> None:
    plan = f'a = look("{"x" * 501}")\nb = look("{"x" * 250}y{"x" * 250}")\njoin(a, b)\n'

    async def main() -> list[int]:
        agent = LLMCompiler(tools=[looking(lambda city: city)])
        await agent.execute(plan)
        return [len(name) for name in agent.limits.statistics() if name != "max_concurrency"]

    first, second = run(main())
    assert first <= 200
    assert second <= 204


def test_however_many_names_there_are_few_limits_are_kept() -> None:
    async def main() -> tuple[int, int]:
        agent = LLMCompiler(tools=[looking(lambda city: city)], max_fan_out=10_000)
        await agent.execute("a = [look(str(i)) for i in range(900)]\njoin(len(a))\n")
        clock = agent.limits.on(asyncio.get_running_loop()).clock
        return len(agent.limits.statistics()), len(clock._gates)

    named, gates = run(main())
    assert named < 300
    assert gates < 300


def test_what_was_refused_last_is_remembered_for_longest() -> None:
    named = ComingAndGoing()

    def make(city: str) -> OwnLimit:
        name = OwnLimit(city, "tool")
        named.add(name, Gate(city, Limit()))
        return name

    def refuse(prefix: str, count: int) -> None:
        for number in range(count):
            named.refused([make(f"{prefix}{number}")])

    rome, oslo = make("Rome"), make("Oslo")
    named.refused([rome, oslo])
    refuse("early", 200)
    named.refused([rome])
    refuse("late", 200)
    for number in range(300):
        make(f"served{number}")
    assert [named.find(name) is not None for name in (rome, oslo)] == [True, False]


def test_a_call_that_is_tried_again_keeps_its_limit() -> None:
    made: list[str] = []

    def limit(city: str) -> str:
        made.append(city)
        return f"{city}{len(made)}"

    tries = iter([ConnectionError("down")])

    @tool(effect="read", limit=limit, retry=Retry(attempts=2))
    async def look(city: str) -> str:
        for error in tries:
            raise error
        return city

    assert executed('a = look("Rome")\njoin(a)\n', [look]).answer == "Rome"
    assert made == ["Rome"]


def test_a_method_may_have_one() -> None:
    class Shop:
        @tool(effect="read", limit=lambda city: city)
        async def look(self, city: str) -> str:
            """Look."""
            await asyncio.sleep(10.0)
            return city

    assert starts(executed(CITIES, [Shop().look], limits={"Rome": ONE}))["b"] == 10.0


def test_a_call_whose_arguments_are_long_has_its_own_too() -> None:
    """They are bound over several turns of the event loop."""

    @tool(effect="read", limit=lambda texts: texts[0])
    async def count(texts: list[str]) -> int:
        await asyncio.sleep(10.0)
        return len(texts)

    plan = 'xs = [str(i) for i in range(20000)]\na = count(xs)\nb = count(xs)\nc = count(["1"] + xs)\njoin(a, b, c)\n'
    begun = starts(executed(plan, [count], limits={"0": ONE}, max_fan_out=20_000))
    assert sorted(begun.values()) == [0.0, 0.0, 10.0]


def test_what_is_read_again_takes_part_in_the_same() -> None:
    """A value that was secret is in no journal, so it is read before a run goes on."""
    at: list[float] = []

    @tool(effect="read", limit=lambda ctx: f"vault of {ctx.context}")
    async def fetch(key: int) -> int:
        at.append(asyncio.get_running_loop().time())
        return key

    happened: list[ev.Event] = [ev.Started(0.0, "a", "fetch", {"key": 1}), ev.Succeeded(0.0, "a", [WITHHELD])]

    async def main() -> Any:
        limits = Limits({"vault of ann": Limit(rate=1, per=100.0)}).on(asyncio.get_running_loop())
        limits.gate("vault of ann").close(50 * NANO)
        again = await got_again_of("a = fetch(1)\njoin(a)", happened, Toolset([fetch]), limits, "ann")
        return [event.value for event in again.recorded if isinstance(event, ev.Succeeded)]

    assert run(main()) == [1]
    assert [round(moment) for moment in at] == [50]


def test_a_run_that_is_gone_on_with_asks_for_the_same(tmp_path: Path) -> None:
    named: list[str] = []

    def limit(city: str) -> str:
        named.append(city)
        return city

    @tool(effect="read", limit=limit)
    async def look(city: str) -> str:
        if len(named) == 1:
            raise RateLimited(retry_after=5)
        return city

    agent = LLMCompiler(tools=[look], journal=tmp_path / "runs.db", limits={"Rome": ONE})

    async def main() -> Any:
        async with agent.stream_plan('a = look("Rome")\njoin(a)\n', run_id="r") as running:
            async for event in running:
                if isinstance(event, ev.Retrying):
                    running.suspend()
        return (await agent.resume("r")).answer

    assert run(main()) == "Rome"
    assert named == ["Rome", "Rome"]
