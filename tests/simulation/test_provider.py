"""A simulated provider refuses, fails and hangs as it is told to, and its record is the truth."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from superscalar import Limit, LLMCompiler, Observation, RateLimited, Retry, ToolContext, UsageError, tool
from superscalar.testing import (
    Deadlock,
    Faults,
    Latency,
    Provider,
    ServiceError,
    ServiceRequest,
    Slowdown,
    constant,
    heavy_tail,
    lognormal,
    run,
    simulate,
    uniform,
)


@tool(effect="write")
def send(to: str) -> str:
    """Send a message."""
    return f"sent to {to}"


@tool(effect="read")
async def double(n: int) -> int:
    """Twice the number."""
    return 2 * n


async def outcome(call: Any) -> tuple[Any, float]:
    """What a call returned or raised, and when."""
    results = await asyncio.gather(call, return_exceptions=True)
    return results[0], asyncio.get_running_loop().time()


def seen(provider: Provider) -> list[tuple[float, float | None, str, int]]:
    return [(r.start, r.end, r.ended, r.effects) for r in provider.requests]


def test_a_call_takes_its_time_and_is_written_down() -> None:
    async def main() -> Any:
        mail = Provider("mail", Random(1), constant(2.0))
        assert await mail.wrap(send)(to="Ann") == "sent to Ann"
        assert await mail.wrap(double)(n=4) == 8
        return mail

    mail = run(main())
    assert [(r.tool, r.arguments) for r in mail.requests] == [("send", {"to": "Ann"}), ("double", {"n": 4})]
    assert seen(mail) == [(0.0, 2.0, "answered", 1), (2.0, 4.0, "answered", 1)]
    assert (mail.effects("send", to="Ann"), mail.effects("send", to="Bob"), mail.at_once, mail.most_at_once) == (
        1,
        0,
        0,
        1,
    )


def test_a_sliding_window_refuses_what_comes_too_often_and_says_when_to_come_back() -> None:
    async def main() -> list[Any]:
        quotes = Provider("quotes", Random(1), constant(0.0), rate=2, per=10.0)
        ask = quotes.wrap(double)
        found: list[Any] = []
        for at in (0.0, 4.0, 5.0, 10.0, 13.0, 14.0):
            await asyncio.sleep(at - asyncio.get_running_loop().time())
            try:
                found.append(await ask(n=1))
            except RateLimited as refused:
                found.append(refused.retry_after)
        return found

    assert run(main()) == [2, 2, 5.0, 2, 1.0, 2]


def test_more_than_its_concurrency_is_refused() -> None:
    async def main() -> tuple[Counter[str], int]:
        quotes = Provider("quotes", Random(1), constant(1.0), concurrency=3, retry_after=False)
        found = [result for result, _ in await asyncio.gather(*(outcome(quotes.wrap(double)(n=1)) for _ in range(5)))]
        assert all(result.retry_after is None for result in found if isinstance(result, RateLimited))
        return Counter(type(result).__name__ for result in found), quotes.most_at_once

    assert run(main()) == (Counter({"int": 3, "RateLimited": 2}), 4)


def test_in_a_slowdown_limits_are_narrower_and_answers_slower() -> None:
    async def main() -> list[Any]:
        quotes = Provider("quotes", Random(1), constant(1.0), rate=4, per=1.0, slowdowns=(Slowdown(10.0, 20.0, 0.5),))
        found: list[Any] = []
        for start in (0.0, 10.0, 20.0):
            await asyncio.sleep(start - asyncio.get_running_loop().time())
            ends = await asyncio.gather(*(outcome(quotes.wrap(double)(n=1)) for _ in range(5)))
            found.append([end - start for result, end in ends if result == 2])
        return found

    assert run(main()) == [[1.0] * 4, [2.0] * 2, [1.0] * 4]


@pytest.mark.parametrize(
    ("faults", "lands", "ended", "error"),
    [
        (Faults(error=1.0), 0, "failed", ServiceError),
        (Faults(refusal=1.0), 0, "refused", RateLimited),
        (Faults(reset=1.0, lands=0.0), 0, "reset", ConnectionResetError),
        (Faults(reset=1.0, lands=1.0), 1, "reset", ConnectionResetError),
        (Faults(deaf=1.0, lands=0.0), 0, "reset", ConnectionResetError),
    ],
)
def test_faults_say_one_thing_and_the_record_what_happened(
    faults: Faults, lands: int, ended: str, error: type[BaseException]
) -> None:
    async def main() -> list[ServiceRequest]:
        mail = Provider("mail", Random(1), faults=faults)
        with pytest.raises(error):
            await mail.wrap(send)(to="Ann")
        return mail.requests

    assert [(request.ended, request.effects) for request in run(main())] == [(ended, lands)]


def test_a_hang_never_ends_by_itself() -> None:
    async def main() -> None:
        await Provider("mail", Random(1), faults=Faults(hang=1.0)).wrap(send)(to="Ann")

    with pytest.raises(Deadlock):
        run(main())


def test_a_deaf_request_ignores_cancellations_and_answers_in_the_end() -> None:
    async def main() -> Any:
        mail = Provider("mail", Random(1), constant(0.0), faults=Faults(deaf=1.0, lands=1.0, deaf_seconds=100.0))
        call = asyncio.create_task(mail.wrap(send)(to="Ann"))
        for _ in range(3):
            await asyncio.sleep(10)
            call.cancel()
        return await call, asyncio.get_running_loop().time()

    assert run(main()) == ("sent to Ann", 100.0)


@pytest.mark.parametrize("lands", [0.0, 1.0])
def test_a_request_that_is_cancelled_on_its_way_may_take_effect_all_the_same(lands: float) -> None:
    async def main() -> list[ServiceRequest]:
        mail = Provider("mail", Random(1), constant(100.0), faults=Faults(lands=lands))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(mail.wrap(send)(to="Ann"), 0.001)
        return mail.requests

    assert [(request.ended, request.effects) for request in run(main())] == [("cancelled", lands)]


def test_what_the_function_raises_is_what_the_caller_gets_and_took_no_effect() -> None:
    @tool(effect="write")
    def refuse(to: str) -> None:
        raise KeyError(to)

    async def main() -> list[ServiceRequest]:
        mail = Provider("mail", Random(1))
        with pytest.raises(KeyError):
            await mail.wrap(refuse)(to="Ann")
        return mail.requests

    assert [(request.ended, request.effects) for request in run(main())] == [("failed", 0)]


def test_a_wrapped_tool_keeps_its_terms_its_context_and_its_batched_form() -> None:
    @tool(limit="quotes", retry=Retry(attempts=7), timeout=3.0, resource=lambda n: f"n:{n}")
    async def one(n: int, run: ToolContext[str]) -> str:
        return f"{run.context} {n}"

    @one.batch(over="n")
    async def many(ns: list[int], run: ToolContext[str]) -> list[str]:
        return [f"{run.context} {n} of {len(ns)}" for n in ns]

    async def main() -> tuple[Any, list[Any]]:
        quotes = Provider("quotes", Random(1))
        wrapped = quotes.wrap(one)
        assert (wrapped.limits, wrapped.retry, wrapped.timeout, wrapped.signature) == (
            one.limits,
            one.retry,
            one.timeout,
            one.signature,
        )
        agent = LLMCompiler(tools=[wrapped], limits={"quotes": Limit(concurrency=1)})
        outcomes = await agent.execute("a = one(1)\nb = one(2)\njoin(a, b)", context="hello")
        return outcomes.joined, [dict(request.arguments) for request in quotes.requests]

    assert run(main()) == (["hello 1 of 2", "hello 2 of 2"], [{"ns": [1, 2]}])


def test_a_plain_function_becomes_a_tool_and_runs_in_no_thread() -> None:
    def triple(n: int) -> int:
        """Three times the number."""
        return 3 * n

    async def main(random: Random) -> Any:
        outcomes = await LLMCompiler(tools=[Provider("p", random).wrap(triple)]).execute("a = triple(5)\njoin(a)")
        return outcomes["a"]

    assert simulate(main, seed=0) == Observation(15)


@pytest.mark.parametrize(
    ("latency", "least", "median", "most"),
    [
        (constant(2.0), 2.0, (2.0, 2.0), 2.0),
        (uniform(1.0, 3.0), 1.0, (1.9, 2.1), 3.0),
        (lognormal(0.5, 1.0, most=9.0), 0.0, (0.45, 0.55), 9.0),
        (heavy_tail(0.1, 1.5, most=50.0), 0.1, (0.14, 0.18), 50.0),
    ],
)
def test_latencies_are_distributed_as_they_say(
    latency: Latency, least: float, median: tuple[float, float], most: float
) -> None:
    random = Random(1)
    drawn = sorted(latency(random) for _ in range(5_000))
    assert least <= drawn[0]
    assert median[0] <= drawn[2_500] <= median[1]
    assert drawn[-1] <= most


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Faults(error=1.5),
        lambda: Faults(error=0.6, hang=0.6),
        lambda: Faults(lands=-1.0),
        lambda: Faults(deaf_seconds=float("inf")),
        lambda: Slowdown(2.0, 1.0),
        lambda: Slowdown(1.0, 2.0, 0.0),
        lambda: Provider("p", Random(1), rate=0),
        lambda: Provider("p", Random(1), latency=0.2),  # type: ignore[arg-type]
        lambda: Provider("p", Random(1), concurrency=0),
        lambda: constant(-1.0),
        lambda: lognormal(float("nan")),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(UsageError):
        wrong()
