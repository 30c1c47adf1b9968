"""Models are providers too: their calls take part in limits, and refusals are waited out by many runs at once."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest
from rich.console import Console

from superscalar import Limit, LLMCompiler, Retry, RunResult, ToolContext, tool
from superscalar.cli.frame import LiveFrame
from superscalar.errors import ModelError
from superscalar.events import Event, ModelAsked, ModelWaiting, RunStarted, Started, Throttled, Waiting
from superscalar.models import Chunk, OpenAIModel, Request
from superscalar.models.account import limit_of
from superscalar.observe.account import Account
from superscalar.observe.view import RunView
from superscalar.testing import ScriptedModel, run

JOIN = "join(1)\n"
DAY = 86_400.0


class Provider:
    """A model whose provider serves `most` requests in `window` seconds; one takes a second.

    `at`: when each was asked; `together`: the most at once. `says`: what it writes, in turn, and from then on the last.
    """

    constrains = False

    def __init__(self, *says: str, most: int = 1000, window: float = 10.0, name: str = "m") -> None:
        self.name = name
        self.says = list(says or (JOIN,))
        self.most, self.window = most, window
        self.at: list[float] = []
        self.served: list[float] = []
        self.now = self.together = 0

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        now = asyncio.get_running_loop().time()
        self.at.append(now)
        recent = [at for at in self.served if at > now - self.window]
        if len(recent) >= self.most:
            raise ModelError("m has too many", retryable=True, retry_after=recent[0] + self.window - now, status=429)
        self.served.append(now)
        self.now += 1
        self.together = max(self.together, self.now)
        try:
            await asyncio.sleep(1.0)
        finally:
            self.now -= 1
        yield Chunk(self.says.pop(0) if len(self.says) > 1 else self.says[0])
        yield Chunk(finish="stop")


def agent(model: Any, **options: Any) -> LLMCompiler:
    return LLMCompiler(model, **{"tools": [], "joiner": None, "random": Random(1), **options})


def told(result: RunResult, *kinds: type[Event]) -> list[Any]:
    return [event for event in result.events if isinstance(event, kinds)]


async def at_once(made: LLMCompiler, runs: int) -> list[Any]:
    ends = await asyncio.gather(*(made.run("?") for _ in range(runs)), return_exceptions=True)
    return list(ends)


def seconds() -> float:
    return asyncio.get_running_loop().time()


# ------------------------------------------------------------------------------------------------------- many at once


@pytest.mark.parametrize(("runs", "most", "window"), [(30, 5, 10.0), (40, 2, 4.0), (12, 1, 60.0), (60, 20, 30.0)])
def test_many_runs_at_once_are_all_served(runs: int, most: int, window: float) -> None:
    async def main() -> float:
        model = Provider(most=most, window=window)
        assert [getattr(result, "answer", result) for result in await at_once(agent(model), runs)] == [1] * runs
        assert len(model.at) < 3 * runs
        return seconds()

    assert run(main()) < 1.6 * ((runs / most - 1) * window + 1.0)


def test_a_reply_has_its_whole_time_from_when_it_is_asked_for() -> None:
    async def main() -> list[Any]:
        model = Provider(most=1, window=50.0)
        return await at_once(agent(model, planner_timeout=20.0), 6)

    assert [result.answer for result in run(main())] == [1] * 6


def test_one_that_is_always_refused_fails_in_its_words() -> None:
    class Closed(Provider):
        async def stream(self, request: Request) -> AsyncIterator[Chunk]:
            self.at.append(seconds())
            raise ModelError("no room", retryable=True, status=503)
            yield Chunk()

    model = Closed()
    with pytest.raises(ModelError, match="no room"):
        run(agent(model).run("?"))
    assert len(model.at) == 10
    assert model.at[-1] < 300.0


def test_one_that_is_refused_while_others_get_through_is_not_asked_for_ever() -> None:
    class Choosy(Provider):
        async def stream(self, request: Request) -> AsyncIterator[Chunk]:
            if "bad" in request.messages[-1].text:
                self.at.append(seconds())
                raise ModelError("not you", retryable=True, status=429)
            yield Chunk(JOIN)
            yield Chunk(finish="stop")

    async def main() -> int:
        model = Choosy()
        made = agent(model)

        async def others() -> None:
            while True:
                await made.run("good")
                await asyncio.sleep(30.0)

        going = asyncio.create_task(others())
        with pytest.raises(ModelError, match="not you"):
            await made.run("bad")
        going.cancel()
        return len(model.at)

    assert 10 < run(main()) <= 100  # of those while others get through every tenth counts


# ------------------------------------------------------------------------------------------------------------ declared


def test_what_is_declared_under_its_name_holds_for_all_roles_and_repairs() -> None:
    async def main() -> tuple[list[float], RunResult]:
        model = Provider("join(nothing)\n", "join(1)\n", "One.")
        made = agent(model, joiner="same", limits={"m": Limit(rate=1, per=100.0)})
        return model.at, await made.run("?")

    at, result = run(main())
    assert result.answer == "One."
    assert [round(moment, -2) for moment in at] == [0.0, 100.0, 200.0]
    assert [(e.role, e.model, e.limits) for e in told(result, ModelWaiting)] == [
        ("planner", "m", ("m",)),
        ("joiner", "m", ("m",)),
    ]


def test_runs_of_agents_that_declare_it_alike_share_it() -> None:
    async def main() -> int:
        one = Provider()
        limits = {"m": Limit(concurrency=3)}
        await asyncio.gather(*(agent(one, limits=limits).run("?") for _ in range(20)))
        return one.together

    assert run(main()) == 3


def test_a_call_of_a_model_takes_no_slot_of_the_cap() -> None:
    @tool(effect="read")
    async def slow() -> int:
        await asyncio.sleep(50.0)
        return 1

    async def main() -> float:
        made = agent(Provider(), tools=[slow], max_concurrency=1)
        long = asyncio.create_task(made.execute("a = slow()\njoin(a)\n"))
        await asyncio.sleep(1.0)
        await made.run("?")
        passed = seconds()
        await long
        return passed

    assert run(main()) == 2.0


def test_a_tool_that_names_it_takes_part() -> None:
    @tool(effect="read", limit="m")
    async def ask() -> int:
        await asyncio.sleep(10.0)
        return 1

    async def main() -> float:
        made = agent(Provider(), tools=[ask], limits={"m": Limit(concurrency=1)})
        first = asyncio.create_task(made.execute("a = ask()\njoin(a)\n"))
        await asyncio.sleep(1.0)
        await made.run("?")
        await first
        return seconds()

    assert run(main()) == 11.0


def test_an_agent_inside_a_call_asks_on_the_slot_of_that_call() -> None:
    model = Provider(JOIN)
    limits = {"m": Limit(concurrency=1)}

    @tool(effect="read", limit="m")
    async def delegate() -> Any:
        return (await agent(model, limits=limits).run("?")).answer

    async def main() -> Any:
        return (await agent(model, tools=[delegate], limits=limits).execute("a = delegate()\njoin(a)\n")).joined

    assert run(main()) == 1


# ------------------------------------------------------------------------------------------------------------- whose


def test_models_with_the_same_address_and_key_count_together() -> None:
    def of(name: str = "x", base_url: str = "http://127.0.0.1:1/v1", api_key: str = "key-of-a-tenant") -> OpenAIModel:
        return OpenAIModel(name, base_url=base_url, api_key=api_key)

    same = of()
    assert same.account == of().account
    assert same.account == of("y").account  # the name tells models of one account apart
    assert same.account != of(base_url="http://127.0.0.1:2/v1").account
    assert same.account != of(api_key="another").account
    assert "key-of-a-tenant" not in f"{same.account} {same!r} {vars(agent(same).limits)}"


class Kept(Provider):
    """One of an account."""

    def __init__(self, account: str, **terms: Any) -> None:
        super().__init__(**terms)
        self.account = account


@pytest.mark.parametrize("limits", [{}, {"m": Limit(rate=100)}])
def test_a_refusal_is_for_all_models_of_the_account_and_no_others(limits: dict[str, Limit]) -> None:
    async def main() -> list[float]:
        refused, others = Kept("ours", most=0, window=90.0), [Kept("ours"), Kept("theirs"), Provider()]
        refused.served.append(seconds())
        first = asyncio.create_task(agent(refused, limits=limits).run("?"))
        await asyncio.sleep(1.0)
        await asyncio.gather(*(agent(model, limits=limits).run("?") for model in others))
        first.cancel()
        return [round(model.at[0], -1) for model in others]

    assert run(main()) == [90.0, 0.0, 0.0]


def test_a_model_of_your_own_is_one_with_those_that_were_made_alike() -> None:
    class Mine(Provider):
        def __init__(self, key: str, client: object, **terms: Any) -> None:
            super().__init__(**terms)
            self.headers = {"key": key}
            self.client = client

    client = object()
    one = Mine("k-of-ann", client)
    found = limit_of(one)
    one.headers["key"] = "rotated"
    assert found == limit_of(one) == limit_of(Mine("k-of-ann", client))
    for other in (Mine("k-of-bob", client), Mine("k-of-ann", object()), Mine("k-of-ann", client, name="n"), Provider()):
        assert found != limit_of(other)
    assert "k-of-ann" not in repr((found, found.owner))


def test_many_runs_of_agents_of_their_own_are_served_as_those_of_one() -> None:
    class Alike:
        constrains, name = False, "m"

        def __init__(self, provider: Provider) -> None:
            self.provider = provider

        def stream(self, request: Request) -> AsyncIterator[Chunk]:
            return self.provider.stream(request)

    async def main() -> tuple[int, int]:
        provider = Provider(most=3, window=10.0)
        results = await asyncio.gather(*(agent(Alike(provider)).run("?") for _ in range(30)))
        return len(results), len(provider.at)

    served, asked = run(main())
    assert served == 30
    assert asked < 90


def test_two_models_of_one_name_in_an_agent_are_told_apart() -> None:
    async def main() -> set[str]:
        made = agent(Kept("one"), joiner=Kept("two"), tools=[])
        await made.run("?")
        return set(made.limits.statistics())

    assert run(main()) == {"m", "m (2)", "max_concurrency"}


def test_what_it_does_is_seen_beside_the_limits_of_tools() -> None:
    async def main() -> Any:
        made = agent(Provider(most=2))
        await at_once(made, 5)
        return made.limits.statistics()["m"]

    seen = run(main())
    assert seen.granted - seen.refused == 5
    assert seen.refused >= 1
    assert (seen.running, seen.waiting) == (0, 0)


# ------------------------------------------------------------------------------------------------------ ends of waits


def test_a_quota_of_the_day_fails_every_run_at_once_in_its_words() -> None:
    class Spent(Provider):
        async def stream(self, request: Request) -> AsyncIterator[Chunk]:
            self.at.append(seconds())
            await asyncio.sleep(1.0)
            raise ModelError("out of tokens for today", retryable=True, retry_after=DAY, status=429)
            yield Chunk()

    async def main() -> list[Any]:
        model = Spent()
        made = agent(model, limits={"m": Limit(concurrency=1)})
        ends = await at_once(made, 4)
        assert (len(model.at), seconds()) == (1, 1.0)
        with pytest.raises(ModelError, match=r"m is not asked: m lets nothing through.*out of tokens for today"):
            await made.run("?")
        assert (len(model.at), seconds()) == (1, 1.0)
        return ends

    ends = run(main())
    assert str(ends[0]) == "out of tokens for today"
    said = "m lets nothing through for 3,600 s, more than Retry(longest=300) waits, as another call was told"
    assert {str(end) for end in ends[1:]} == {f"m is not asked: {said}: out of tokens for today"}


@pytest.mark.parametrize("after", [0.0, -1.0, float("nan"), float("inf"), float("-inf"), None])
def test_a_time_that_is_none_is_a_pause_of_ours(after: float | None) -> None:
    model = ScriptedModel(ModelError("busy", retryable=True, retry_after=after, status=429), JOIN)

    async def main() -> float:
        await agent(model).run("?")
        return seconds()

    assert run(main()) < 3.0


@pytest.mark.parametrize(
    "error",
    [
        ModelError("no quota", retryable=False, status=429),
        ModelError("in an hour", retryable=True, retry_after=3_600.0),
    ],
)
def test_what_is_of_no_use_to_wait_for_is_not_waited_for(error: ModelError) -> None:
    async def main() -> float:
        with pytest.raises(ModelError, match=str(error)):
            await agent(ScriptedModel(error, JOIN)).run("?")
        return seconds()

    assert run(main()) == 0.0


def test_a_model_says_itself_for_how_long_it_is_waited_for() -> None:
    model = ScriptedModel(ModelError("in an hour", retryable=True, retry_after=3_600.0), JOIN)
    model.retry = Retry(longest=4_000.0)  # type: ignore[attr-defined]
    assert run(agent(model).run("?")).answer == 1


def test_an_error_that_is_no_refusal_narrows_nothing() -> None:
    model = ScriptedModel(ModelError("broke", retryable=True), ModelError("down", retryable=True, status=500), JOIN)
    result = run(agent(model).run("?"))
    assert (result.answer, told(result, Throttled, ModelWaiting)) == (1, [])


def test_one_that_is_refused_in_the_middle_of_its_reply_fails_and_the_others_wait() -> None:
    class Breaking(Provider):
        async def stream(self, request: Request) -> AsyncIterator[Chunk]:
            yield Chunk("a = 1\n")
            raise ModelError("cut", retryable=False, retry_after=30.0, status=429)

    async def main() -> float:
        model = Breaking()
        model.account = "one"  # type: ignore[attr-defined]
        first = agent(model, max_repairs=0)
        with pytest.raises(ModelError, match="cut"):
            await first.run("?")
        await agent(Kept("one")).run("?")
        return seconds()

    assert run(main()) == pytest.approx(32.0, abs=1.5)


def test_a_run_that_is_cancelled_while_it_waits_leaves_the_line() -> None:
    async def main() -> tuple[int, float]:
        model = Provider()
        made = agent(model, limits={"m": Limit(concurrency=1)})
        runs = [asyncio.create_task(made.run("?")) for _ in range(4)]
        await asyncio.sleep(0.5)
        runs[1].cancel()
        runs[0].cancel()
        ends = await asyncio.gather(*runs, return_exceptions=True)
        assert [isinstance(end, asyncio.CancelledError) for end in ends] == [True, True, False, False]
        return made.limits.statistics()["m"].running, seconds()

    assert run(main()) == (0, 2.5)


def test_a_deadline_passes_while_it_waits() -> None:
    @tool(effect="read", limit="m")
    async def hold() -> int:
        await asyncio.sleep(100.0)
        return 1

    async def main() -> tuple[float, list[Any]]:
        made = agent(Provider(), tools=[hold], limits={"m": Limit(concurrency=1)})
        long = asyncio.create_task(made.execute("a = hold()\njoin(a)\n"))
        await asyncio.sleep(1.0)
        async with made.stream("?", deadline=5.0) as running:
            happened = [event async for event in running]
        passed = seconds()
        long.cancel()
        return passed, [event.limits if isinstance(event, ModelWaiting) else type(event) for event in happened]

    passed, happened = run(main())
    assert passed == 6.0
    assert ("m",) in happened
    assert ModelAsked not in happened


# ------------------------------------------------------------------------------------------------------------- extract


def test_an_extraction_and_each_of_its_tries_takes_part() -> None:
    async def main() -> tuple[list[float], RunResult]:
        model = Provider("no", "neither", '{"value": 42}')
        made = LLMCompiler(
            None,
            tools=[],
            extractor=model,
            schemas={},
            limits={"m": Limit(rate=1, per=100.0, burst=1)},
            random=Random(1),
        )
        plan = 'a = extract("the answer is 42", "int", "the answer")\njoin(a)\n'
        async with made.stream_plan(plan) as running:
            return model.at, await running.result()

    at, result = run(main())
    assert result.answer == 42
    assert [round(moment, -2) for moment in at] == [0.0, 100.0, 200.0]


def test_extractions_wait_with_the_planner_and_say_so() -> None:
    async def main() -> RunResult:
        model = Provider('{"value": 42}')
        made = LLMCompiler(None, tools=[], extractor=model, schemas={}, limits={"m": Limit(concurrency=1)})
        plan = 'a = extract("it is 42", "int", "it")\nb = extract("is it 42?", "int", "it")\njoin(a, b)\n'
        async with made.stream_plan(plan) as running:
            return await running.result()

    result = run(main())
    assert result.answer == [42, 42]
    assert [event.limits for event in told(result, Waiting)] == [("m",)]


def test_an_extraction_does_not_wait_for_a_day() -> None:
    refused = ModelError("out of tokens for today", retryable=True, retry_after=DAY, status=429)

    async def main() -> tuple[Any, float]:
        made = LLMCompiler(None, tools=[], extractor=ScriptedModel(refused), schemas={})
        outcomes = await made.execute('a = extract("it is 42", "int", "it")\njoin(a)\n')
        return outcomes["a"], seconds()

    failed, took = run(main())
    assert "out of tokens for today" in failed.message
    assert took == 0.0


def test_a_refused_extraction_is_waited_out() -> None:
    async def main() -> Any:
        model = Provider('{"value": 42}', most=2, window=10.0)
        made = LLMCompiler(None, tools=[], extractor=model, schemas={}, random=Random(1))
        plan = 'xs = [str(i) for i in range(9)]\na = [extract(x, "int", "it") for x in xs]\njoin(a)\n'
        async with made.stream_plan(plan) as running:
            return (await running.result()).answer

    assert run(main()) == [42] * 9


# --------------------------------------------------------------------------------------------------------------- told


def test_who_waits_for_what_is_told_before_it_is_asked() -> None:
    async def main() -> list[RunResult]:
        return await at_once(agent(Provider(most=1, window=30.0)), 2)

    results = run(main())
    (refused,) = [result for result in results if told(result, Throttled)]
    order = told(refused, ModelAsked, Throttled, ModelWaiting)
    assert [(type(e).__name__, getattr(e, "attempt", None)) for e in order] == [
        ("ModelAsked", 1),
        ("Throttled", None),
        ("ModelWaiting", None),
        ("ModelAsked", 2),
    ]
    assert [e.limit for e in told(refused, Throttled)] == ["m"]
    assert [(e.role, e.model, e.limits, e.why) for e in told(refused, ModelWaiting)] == [
        ("planner", "m", ("m",), "m has too many")
    ]


def test_the_view_of_a_run_says_what_its_model_waits_for() -> None:
    view = RunView()
    account: list[tuple[str, str]] = []
    screen = LiveFrame(Console(file=io.StringIO(), width=80), "Why?")
    seen = []
    for event in (
        RunStarted(0.0, "r", "Why?"),
        ModelWaiting(0.0, "planner", "openai:x", ("openai:x",), "slow down"),
        ModelAsked(1.0, "planner", 1, "openai:x"),
    ):
        view.apply(event)
        account += Account(view).of(event)
        seen.append("\n".join(line.plain for line in screen.lines(view, 80, 24, 2.0)))
    assert ["waiting for openai:x" in picture for picture in seen] == [False, True, False]
    assert account == [("planner", "openai:x waits for openai:x: slow down")]


def test_a_tool_has_its_own_limit_still() -> None:
    @tool(effect="read")
    async def look(run: ToolContext[Any]) -> int:
        return 1

    result = run(agent(Provider("a = look()\njoin(a)\n"), tools=[look]).run("?"))
    assert [event.tool for event in told(result, Started)] == ["look"]
