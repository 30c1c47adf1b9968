"""A provider that lets nothing through for longer than a call waits: it fails at once, in the provider's words."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from math import inf, nan
from random import Random
from threading import Event, Thread
from types import SimpleNamespace
from typing import Any

import pytest

from superscalar import Failure, Limit, LLMCompiler, RateLimited, Retry, RunResult, Tool, tool
from superscalar.events import Retrying, Started, Throttled, Waiting
from superscalar.testing import run
from support.running import executed

DAY = 86_400.0
WORDS = "daily quota is used up"
HOUR = "lets nothing through for 3,600 s, more than Retry(longest=300) waits, as another call was told:"
OTHERS = f"quota {HOUR} {WORDS}"
AWAIT_ALL = 'a = ask("a")\nb = ask("b")\nc = ask("c")\njoin(a, b, c)\n'


def asking(*ends: float | Exception, served: list[str] | None = None, **terms: Any) -> Tool[..., Any]:
    """A tool of the limit "quota" whose first calls take so long, or end so; from then on they take a second."""
    left = list(ends)
    told: list[str] = [] if served is None else served

    @tool(**{"effect": "read", "limit": "quota", **terms})
    async def ask(who: str) -> str:
        told.append(who)
        end = left.pop(0) if left else 1.0
        if isinstance(end, Exception):
            raise end
        await asyncio.sleep(end)
        return who

    return ask


def refusal(seconds: Any = DAY) -> RateLimited:
    return RateLimited(WORDS, retry_after=seconds)


def took(result: RunResult) -> float:
    return max(event.at for event in result.events)


def failures(result: Any) -> dict[str, str]:
    return {id: outcome.message for id, outcome in result.outcomes.items() if isinstance(outcome, Failure)}


@pytest.mark.parametrize(
    ("seconds", "longest", "waits"),
    [(DAY, 300.0, False), (299.0, 300.0, True), (6.0, 5.0, False), (600.0, 4_000, True)],
)
def test_a_call_waits_for_as_long_as_its_tool_says(seconds: float, longest: float, waits: bool) -> None:
    ask = asking(refusal(seconds), retry=Retry(longest=longest, on=(RateLimited,)))
    result = executed('a = ask("a")\njoin(a)\n', [ask], limits={"quota": Limit()}, random=Random(1))
    if waits:
        assert result.answer == "a"
        assert took(result) >= seconds
    else:
        assert failures(result)["a"] == WORDS
        assert (took(result), [e for e in result.events if isinstance(e, Retrying)]) == (0.0, [])


def test_a_date_a_day_ahead_is_as_far() -> None:
    headers = {"Retry-After": formatdate(DAY, usegmt=True), "Date": formatdate(0, usegmt=True)}
    error = ConnectionError(WORDS)
    error.response = SimpleNamespace(status_code=429, headers=headers)  # type: ignore[attr-defined]
    result = executed('a = ask("a")\njoin(a)\n', [asking(error)], limits={"quota": Limit()})
    assert (failures(result)["a"], took(result)) == (WORDS, 0.0)


@pytest.mark.parametrize("seconds", [0.0, -5.0, nan, inf, -inf, None, "tomorrow", 10**400])
def test_a_time_that_is_none_is_a_pause_of_ours(seconds: Any) -> None:
    result = executed('a = ask("a")\njoin(a)\n', [asking(refusal(seconds))], limits={"quota": Limit()})
    assert result.answer == "a"
    assert took(result) < 3.0


def test_a_refused_write_did_nothing() -> None:
    result = executed('a = ask("a")\n', [asking(refusal(), effect="write")], limits={"quota": Limit()})
    failed = result.outcomes["a"]
    assert isinstance(failed, Failure)
    assert (failed.message, failed.in_doubt) == (WORDS, False)


def test_those_that_wait_for_the_same_limit_fail_too_and_nobody_asks_for_them() -> None:
    served: list[str] = []
    ask = asking(refusal(), served=served)
    result = executed(AWAIT_ALL, [ask], limits={"quota": Limit(concurrency=1)})
    assert failures(result) == {"a": WORDS, "b": OTHERS, "c": OTHERS} | _joined(result)
    assert (served, took(result)) == (["a"], 0.0)
    assert [(event.limit, event.delay) for event in result.events if isinstance(event, Throttled)] == [
        ("quota", 3600.0)
    ]


def _joined(result: Any) -> dict[str, str]:
    return {id: text for id, text in failures(result).items() if id.startswith("join")}


def test_a_later_run_fails_at_once_until_it_is_time_to_ask_again() -> None:
    served: list[str] = []
    ask = asking(refusal(), refusal(), served=served)

    async def main() -> list[Any]:
        agent = LLMCompiler(tools=[ask], limits={"quota": Limit(rate=100)})
        clock = asyncio.get_running_loop().time
        told = []
        for moment in (0.0, 1800.0, 3601.0, 3602.0, 8000.0, 8000.5):
            await asyncio.sleep(moment - clock())
            outcomes = await agent.execute('a = ask("a")\njoin(a)\n')
            told.append((round(clock()), getattr(outcomes["a"], "message", "served")))
        return told

    assert run(main()) == [
        (0, WORDS),
        (1800, OTHERS.replace("3,600", "1,800")),
        (3601, WORDS),  # an hour is believed; then somebody asks again
        (3602, OTHERS.replace("3,600", "3,599")),
        (8001, "served"),
        (8002, "served"),
    ]
    assert len(served) == 4


def test_calls_under_way_are_not_cut_off() -> None:
    result = executed(AWAIT_ALL, [asking(5.0, refusal(), 7.0)], limits={"quota": Limit()})
    assert failures(result) == {"b": WORDS} | _joined(result)
    assert result.outcomes["a"].unwrap() == "a"


def test_a_tool_that_waits_longer_waits_while_others_of_its_limit_fail() -> None:
    @tool(effect="read", limit="quota", retry=Retry(longest=2 * DAY))
    async def patient(before: Any = None) -> int:
        return 1

    plan = 'a = ask("a")\nb = patient(1)\nc = ask("c")\njoin(a, b, c)\n'
    result = executed(plan, [asking(refusal()), patient], limits={"quota": Limit(concurrency=1)})
    assert failures(result) == {"a": WORDS, "c": OTHERS} | _joined(result)
    assert result.outcomes["b"].unwrap() == 1
    assert took(result) == pytest.approx(3600.0, abs=1)


def test_a_quota_teaches_nothing_of_how_fast_calls_may_come() -> None:
    ask = asking(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, refusal())

    async def main() -> float:
        agent = LLMCompiler(tools=[ask])
        await agent.execute("a = [ask(str(i)) for i in range(6)]\nb = ask(a[0])\njoin(b)\n")
        await asyncio.sleep(3601.0)
        begun = asyncio.get_running_loop().time()
        outcomes = await agent.execute("a = [ask(str(i)) for i in range(20)]\njoin(len(a))\n")
        assert outcomes.joined == 20
        return asyncio.get_running_loop().time() - begun

    ask = tool(effect="read")(ask.function)
    assert run(main()) == 1.0


def test_refusals_between_which_nothing_gets_through_add_up() -> None:
    ask = asking(*[refusal(200.0)] * 9, retry=Retry(attempts=9, on=(RateLimited,)))
    result = executed('a = ask("a")\njoin(a)\n', [ask], limits={"quota": Limit()}, random=Random(1))
    assert failures(result)["a"] == WORDS
    assert 200.0 <= took(result) <= 202.0


def test_those_that_wait_meanwhile_fail_with_them() -> None:
    ask = asking(*[refusal(200.0)] * 9)
    result = executed(AWAIT_ALL, [ask], limits={"quota": Limit(concurrency=1)}, random=Random(1))
    both = OTHERS.replace("3,600", "401")  # 200 s of each, and a little that we wait longer than was asked for
    assert failures(result) == {"a": WORDS, "b": both, "c": both} | _joined(result)
    assert took(result) <= 203.0


def test_they_do_not_where_something_gets_through_between_them() -> None:
    turns = iter(range(100))

    @tool(effect="read", limit="quota", retry=Retry(attempts=2, on=(RateLimited,)))
    async def ask(who: str) -> str:
        if next(turns) % 2 == 0:
            raise refusal(200.0)
        return who

    plan = "a = [ask(str(i)) for i in range(6)]\njoin(len(a))\n"
    result = executed(plan, [ask], limits={"quota": Limit(concurrency=1)}, random=Random(1))
    assert result.answer == 6
    assert took(result) > 600.0


def test_a_call_that_is_under_way_for_long_may_yet_get_through() -> None:
    """The provider serves one at a time: others are refused until it is done. What else ends has them asked for."""
    asked: list[str] = []

    @tool(effect="read", limit="clock")
    async def tick(number: int) -> int:
        await asyncio.sleep(10.0)
        return number

    @tool(effect="read", limit="quota", timeout=None, retry=Retry(attempts=30, on=(RateLimited,)))
    async def ask(who: str) -> str:
        asked.append(who)
        if who == "a":
            await asyncio.sleep(900.0)
        elif asyncio.get_running_loop().time() < 900.0:
            raise refusal(60.0)
        return who

    plan = f"t = [tick(i) for i in range(90)]\n{AWAIT_ALL.replace('join(', 'join(len(t), ')}"
    limits = {"quota": Limit(), "clock": Limit(concurrency=1)}
    assert executed(plan, [ask, tick], limits=limits, random=Random(1)).answer == [90, "a", "b", "c"]
    assert len(asked) > 10


def test_refusals_of_calls_that_their_pace_keeps_apart_add_up() -> None:
    """Nobody could have asked in the time between them."""
    ask = asking(*[refusal(200.0)] * 9, retry=Retry(attempts=9, on=(RateLimited,)))
    limits = {"quota": Limit(rate=1, per=280.0)}
    result = executed('a = ask("a")\njoin(a)\n', [ask], limits=limits, random=Random(1))
    assert failures(result)["a"] == WORDS
    assert [event.attempt for event in result.events if isinstance(event, Started)] == [1, 2]


def test_what_is_refused_for_less_afterwards_opens_nothing() -> None:
    """Both were under way together. It is said once that the limit is closed."""

    async def main() -> list[Any]:
        ask = asking(refusal(), RateLimited("in a moment", retry_after=400.0))
        agent = LLMCompiler(tools=[ask], limits={"quota": Limit()})
        async with agent.stream_plan(AWAIT_ALL.replace('c = ask("c")', "c = 1")) as running:
            result = await running.result()
        await asyncio.sleep(1000.0)
        outcomes = await agent.execute('a = ask("a")\njoin(a)\n')
        throttled = [event.delay for event in result.events if isinstance(event, Throttled)]
        return [throttled, failures(result)["b"], getattr(outcomes["a"], "message", "served")]

    assert run(main()) == [[3600.0], "in a moment", OTHERS.replace("3,600", "2,600")]


def test_every_call_of_a_batch_fails() -> None:
    @tool(effect="read", limit="quota")
    async def ask(who: str) -> str:
        return who

    asked: list[list[str]] = []

    @ask.batch(max_batch=2)
    async def asks(whos: list[str]) -> list[str]:
        asked.append(whos)
        raise refusal()

    plan = 'a = [ask(w) for w in ["a", "b", "c", "d", "e"]]\njoin(a)\n'
    result = executed(plan, [ask], limits={"quota": Limit(concurrency=1)})
    assert [failures(result)[f"a[{i}]"] for i in range(5)] == [WORDS, WORDS, OTHERS, OTHERS, OTHERS]
    assert (asked, took(result)) == ([["a", "b"]], 0.0)


def test_a_run_in_another_thread_is_told() -> None:
    served, waits = Event(), Event()
    found: list[Any] = []

    @tool(effect="read", limit="quota in threads")
    async def ask(who: str) -> str:
        served.set()
        await asyncio.to_thread(waits.wait, 10.0)
        raise RateLimited(f"{who}: {WORDS}", retry_after=DAY)

    agent = LLMCompiler(tools=[ask], limits={"quota in threads": Limit(concurrency=1)})

    async def second() -> Any:
        async with agent.stream_plan('b = ask("b")\njoin(b)\n') as running:
            async for event in running:
                if isinstance(event, Waiting):
                    waits.set()
            return (await running.result()).outcomes["b"]

    async def first() -> Any:
        other = Thread(target=lambda: found.append(asyncio.run(second())))
        going = asyncio.create_task(agent.execute('a = ask("a")\njoin(a)\n'))
        await asyncio.to_thread(served.wait, 10.0)
        other.start()
        outcomes = await going
        await asyncio.to_thread(other.join, 10.0)
        return outcomes["a"]

    assert asyncio.run(first()).message == f"a: {WORDS}"
    assert found[0].message == f"quota in threads {HOUR} a: {WORDS}"


def test_a_call_that_was_stopped_meanwhile_is_told_nothing() -> None:
    async def main() -> float:
        agent = LLMCompiler(tools=[asking(3.0, refusal())], limits={"quota": Limit(concurrency=1)})
        outcomes = await agent.execute(AWAIT_ALL, deadline=3.0)
        assert {getattr(outcomes[id], "kind", "done") for id in "bc"} == {"deadline"}
        return asyncio.get_running_loop().time()

    assert run(main()) == 3.0


def test_what_the_call_keeps_secret_is_not_told_to_others() -> None:
    @tool(effect="read", limit="quota", secret="key")
    async def ask(key: str) -> str:
        raise RateLimited(f"{key} has no quota", retry_after=DAY)

    plan = 'a = ask("s3cr3t-k3y")\nb = ask("t0p-s3cr3t")\njoin(a, b)\n'
    result = executed(plan, [ask], limits={"quota": Limit(concurrency=1)})
    assert [event.id for event in result.events if isinstance(event, Started)] == ["a"]
    assert "has no quota" in failures(result)["b"]
    assert not any("s3cr3t" in text for text in failures(result).values())


def test_refusals_of_runs_that_nobody_waited_between_do_not_add_up() -> None:
    async def main() -> list[float]:
        agent = LLMCompiler(
            tools=[asking(*[refusal(200.0)] * 2, refusal(10.0))], limits={"quota": Limit()}, random=Random(1)
        )
        ended = []
        for moment in (0.0, 5000.0):
            await asyncio.sleep(moment)
            await agent.execute('a = ask("a")\njoin(a)\n')
            ended.append(round(asyncio.get_running_loop().time(), -1))
        return ended

    assert run(main()) == [200.0, 5210.0]


@pytest.mark.parametrize(
    ("terms", "heard", "other"),
    [
        ({}, True, {}),
        ({}, False, {"trust": "trusted"}),
        ({}, False, {"effect": "pure"}),
        ({"trust": "trusted"}, True, {"trust": "trusted"}),
        ({"readers": ("finance",)}, False, {}),
        ({"readers": ("finance",), "trust": "trusted"}, False, {"readers": ("finance",)}),
    ],
)
def test_words_go_to_no_tool_whose_failures_may_not_have_them(
    terms: dict[str, Any],
    heard: bool,
    other: dict[str, Any],
) -> None:
    @tool(**{"effect": "read", "limit": "quota", **other})
    async def look(number: int) -> int:
        return number

    plan = 'a = ask("a")\nb = look(1)\nc = ask("c")\njoin(a, b, c)\n'
    result = executed(plan, [asking(refusal(), **terms), look], limits={"quota": Limit(concurrency=1)})
    unsaid = f"quota {HOUR.replace('3,600 s, more', 'longer')} to come back later"
    assert failures(result) == {"a": WORDS, "b": OTHERS if heard else unsaid, "c": OTHERS} | _joined(result)
