"""Batches: calls that are ready together go out as one request, and nothing waits for company. In virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from random import Random
from threading import Event as Flag
from threading import get_ident
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from superscalar import Failure, Limit, LLMCompiler, Observation, RateLimited, Retry, RunResult, Tool, ToolContext, tool
from superscalar.events import Event, Failed, Progressed, Retrying, Started, Waiting
from superscalar.executors.runners import Runners
from superscalar.observe.timing import Timing, lower_bound, span
from superscalar.plan.ir import Call, Literal, Task
from superscalar.schedule.limits import Limits
from superscalar.schedule.unit import Surroundings, TaskFetchingUnit
from superscalar.testing import run
from superscalar.tools import Toolset
from support.promises import (
    PROFILE,
    check_that_each_task_settles_once,
    moments,
    shape_of_value,
    shapes,
    worlds,
)
from support.random_plans import RATE, READS, Settings, plans
from support.running import Gauge, Paced, calls, ends, executed, starts

NINE = "xs = [price(t) for t in range(9)]\njoin(xs)"


class Exchange:
    """A tool and its batched form, and what they were asked: one number for a call, a list for a batch, and when."""

    def __init__(self, seconds: float = 2.0, max_batch: int = 100, **terms: Any) -> None:
        self.asked: list[tuple[float, Any]] = []
        self.gauge = Gauge()

        @tool(effect="read", **terms)
        async def price(ticker: int, currency: str = "USD") -> str:
            self.note(ticker)
            with self.gauge:
                await asyncio.sleep(seconds)
            return f"{ticker} {currency}"

        @price.batch(max_batch=max_batch)
        async def prices(tickers: list[int], currency: str) -> Any:
            self.note(tickers)
            with self.gauge:
                await asyncio.sleep(seconds)
            return self.answer(tickers, currency)

        self.price = price

    def note(self, what: Any) -> None:
        self.asked.append((asyncio.get_running_loop().time(), what))

    def answer(self, tickers: list[int], currency: str) -> Any:
        return [f"{ticker} {currency}" for ticker in tickers]

    @property
    def requests(self) -> list[Any]:
        return [what for _, what in self.asked]


def of(result: RunResult, kind: type[Event]) -> list[Any]:
    return [found for found in result.events if isinstance(found, kind)]


# ------------------------------------------------------------------------------------------------------- who goes along


def test_nine_calls_of_one_comprehension_are_one_request() -> None:
    """With one slot; each has its own events, and all are of one batch."""
    exchange = Exchange(limit="quotes")
    result = executed(NINE, [exchange.price], limits={"quotes": Limit(concurrency=1, rate=1, per=60.0)})
    assert exchange.asked == [(0.0, list(range(9)))]
    assert result.answer == [f"{n} USD" for n in range(9)]
    assert calls(result.events) == [("price", {"ticker": n, "currency": "USD"}) for n in range(9)]
    assert [(e.id, e.attempt, e.batch) for e in of(result, Started)] == [(f"xs[{n}]", 1, 1) for n in range(9)]
    assert ends(result.events)["xs[8]"] == 2.0
    assert not of(result, Waiting)


def test_a_call_that_is_alone_is_made_in_the_single_form() -> None:
    exchange = Exchange()
    assert executed("x = price(7)\njoin(x)", [exchange.price]).answer == "7 USD"
    assert exchange.requests == [7]


def test_more_than_max_batch_are_several_requests_at_once() -> None:
    exchange = Exchange(max_batch=4)
    executed(NINE, [exchange.price])
    assert exchange.asked == [(0.0, 8), (0.0, [0, 1, 2, 3]), (0.0, [4, 5, 6, 7])]


def test_calls_that_differ_in_another_argument_go_apart() -> None:
    """A default that is left out and the same value given are equal; values are told apart by their types too."""
    exchange = Exchange()
    source = """\
a = price(1)
b = price(2, currency="EUR")
c = price(3, "USD")
d = price(4, "EUR")
join(a, b, c, d)
"""
    assert executed(source, [exchange.price]).answer == ["1 USD", "2 EUR", "3 USD", "4 EUR"]
    assert exchange.requests == [[1, 3], [2, 4]]

    asked: list[Any] = []

    @tool(effect="read")
    async def look(place: str, key: Any) -> None: ...

    @look.batch
    async def looks(places: list[str], key: Any) -> list[None]:
        asked.append((places, key))
        return [None] * len(places)

    keys = "[1, True, 1.0, [1], [1.0], {'k': 1}, {'k': 1.0}, {1}, (1,), 0.0, -0.0]"
    executed(f"xs = [look(p, k) for k in {keys} for p in ['a', 'b']]\njoin(xs)", [look])
    assert len(asked) == 11
    assert all(places == ["a", "b"] for places, _ in asked)


def test_whatever_an_argument_is_calls_with_equal_ones_go_together() -> None:
    """A handle is equal to itself only."""
    handle = object()
    asked: list[Any] = []

    @tool(effect="pure")
    def given() -> Any:
        return handle

    @tool(effect="read")
    async def look(place: str, key: Any) -> str:
        asked.append(place)
        return place

    @look.batch
    async def looks(places: list[str], key: Any) -> list[str]:
        asked.append(places)
        return places

    executed("h = given()\nxs = [look(p, h) for p in ['a', 'b']]\njoin(xs)", [look, given])
    assert asked == [["a", "b"]]


def test_nothing_waits_for_company() -> None:
    """A call that can start when it is planned does, though more of its kind come a moment later."""
    exchange = Exchange()
    agent = LLMCompiler(
        Paced("a = price(1)\nb = price(2)\n", 0.001, "c = price(3)\n", 0.001, "join(a, b, c)\n"),
        [exchange.price],
        joiner=None,
    )
    result = run(agent.run("?"))
    assert exchange.asked == [(0.0, [1, 2]), (0.001, 3)]
    assert starts(result.events) == {"a": 0.0, "b": 0.0, "c": 0.001}


def test_what_waits_for_the_same_limit_is_taken_along_when_it_is_granted() -> None:
    """The first call goes at once and takes the only slot; what comes in the meantime is one request."""
    exchange = Exchange(limit="quotes")
    model = Paced("a = price(1)\n", 0.5, "b = price(2)\n", 0.5, "c = price(3)\nd = price(4, 'EUR')\njoin(a, b, c, d)\n")
    agent = LLMCompiler(model, [exchange.price], joiner=None, limits={"quotes": Limit(concurrency=1)})
    result = run(agent.run("?"))
    assert exchange.asked == [(0.0, 1), (2.0, [2, 3]), (4.0, 4)]
    assert [(e.at, e.id, e.limits) for e in of(result, Waiting)] == [
        (0.5, "b", ("quotes",)),
        (1.0, "c", ("quotes",)),
        (1.0, "d", ("quotes",)),
    ]
    assert [(e.at, e.id, e.batch) for e in of(result, Started)] == [
        (0.0, "a", 1),
        (2.0, "b", 2),
        (2.0, "c", 2),
        (4.0, "d", 3),
    ]


def test_what_follows_a_batch_is_a_batch_too() -> None:
    """The calls that the parts of one answer make ready are ready together."""
    exchange, asked = Exchange(), []

    @tool(effect="pure")
    async def lower(text: str) -> str:
        return text

    @lower.batch
    async def lowers(texts: list[str]) -> list[str]:
        asked.append(texts)
        return [text.lower() for text in texts]

    assert executed("xs = [lower(price(t)) for t in range(2)]\njoin(xs)", [exchange.price, lower]).answer == [
        "0 usd",
        "1 usd",
    ]
    assert asked == [["0 USD", "1 USD"]]


def test_every_item_is_validated_as_the_call_would_be() -> None:
    """One that does not fit fails alone and is not asked for; the others are what the annotation says."""
    exchange = Exchange()
    result = executed("ts = ['1', 'x', 3.0]\nxs = [price(t) for t in ts]\njoin(ok(xs))", [exchange.price])
    assert exchange.requests == [[1, 3]]
    assert result.answer == ["1 USD", "3 USD"]
    failure = result.outcomes["xs[1]"]
    assert isinstance(failure, Failure)
    assert failure.kind == "arguments"


def test_a_sync_form_runs_in_a_thread_and_sees_the_callers_variables() -> None:
    threads: list[int] = []

    @tool(effect="read")
    async def price(ticker: str) -> str:
        return ticker

    @price.batch
    def prices(tickers: Sequence[str]) -> dict[str, str]:
        threads.append(get_ident())
        return {ticker: ticker.lower() for ticker in tickers}

    assert executed("xs = [price(t) for t in 'AAB']\njoin(xs)", [price]).answer == ["a", "a", "b"]
    assert threads != [get_ident()]
    assert len(threads) == 1


def test_a_batch_gets_a_context_whose_progress_is_that_of_all() -> None:
    seen: list[tuple[Any, str, int]] = []

    @tool(effect="read")
    async def price(ticker: int, run: ToolContext[str]) -> int:
        return ticker

    @price.batch
    async def prices(tickers: list[int], call: ToolContext[str]) -> list[int]:
        seen.append((call.context, call.task_id, call.attempt))
        call.progress("half", 0.5)
        await asyncio.sleep(1)
        return tickers

    result = executed("xs = [price(t) for t in range(2)]\njoin(xs)", [price], context="me")
    assert seen == [("me", "xs[0]", 1)]
    assert [(e.id, e.message) for e in of(result, Progressed)] == [("xs[0]", "half"), ("xs[1]", "half")]


# ---------------------------------------------------------------------------------------------------- failures, retries


def failing(exchange: Exchange, *answers: Any) -> Exchange:
    """What its requests for many are answered with, in turn; then truly."""
    left = list(answers)
    truly = exchange.answer

    def answer(tickers: list[int], currency: str) -> Any:
        if not left:
            return truly(tickers, currency)
        found = left.pop(0)
        if isinstance(found, BaseException):
            raise found
        return found

    exchange.answer = answer  # type: ignore[method-assign]
    return exchange


THREE = "xs = [price(t) for t in range(3)]\njoin(xs)"


def test_an_item_that_failed_fails_alone() -> None:
    exchange = failing(Exchange(), ["a", LookupError("no such ticker"), "c"])
    result = executed(THREE, [exchange.price])
    assert result.outcomes["xs[1]"] == Failure("error", "no such ticker", "LookupError")
    assert [result.outcomes[f"xs[{n}]"] for n in (0, 2)] == [Observation("a"), Observation("c")]


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (RuntimeError("down"), Failure("error", "down", "RuntimeError")),
        (KeyboardInterrupt(), Failure("error", "KeyboardInterrupt", "KeyboardInterrupt")),
        (asyncio.CancelledError(), Failure("cancelled", "price cancelled itself", "CancelledError")),
        (
            ["a"],
            Failure(
                "error",
                "prices returned 1 results for 3 items; it must return one for each, in their order",
                "ValueError",
            ),
        ),
    ],
)
def test_a_request_that_failed_fails_all_its_calls(answer: Any, failure: Failure) -> None:
    result = executed(THREE, [failing(Exchange(), answer).price])
    assert [result.outcomes[f"xs[{n}]"] for n in range(3)] == [failure] * 3


def test_only_what_failed_is_tried_again_and_together() -> None:
    """At one moment, though each attempt of a call is its own event."""
    exchange = failing(Exchange(retry=Retry(attempts=2)), [ConnectionError("x"), "b", ConnectionError("x")])
    result = executed(THREE, [exchange.price])
    assert exchange.requests == [[0, 1, 2], [0, 2]]
    assert result.answer == ["0 USD", "b", "2 USD"]
    assert [(e.id, e.attempt) for e in of(result, Retrying)] == [("xs[0]", 1), ("xs[2]", 1)]
    assert len({e.delay for e in of(result, Retrying)}) == 1
    assert [(e.id, e.attempt, e.batch) for e in of(result, Started)][3:] == [("xs[0]", 2, 2), ("xs[2]", 2, 2)]


def test_one_that_is_left_is_tried_again_in_the_single_form() -> None:
    exchange = failing(Exchange(retry=Retry(attempts=2)), ["a", ConnectionError("x"), ValueError("never")])
    result = executed(THREE, [exchange.price])
    assert exchange.requests == [[0, 1, 2], 1]
    assert result.outcomes["xs[1]"] == Observation("1 USD")
    assert isinstance(result.outcomes["xs[2]"], Failure)


def test_a_refusal_pauses_the_limit_and_brings_all_back_together() -> None:
    exchange = failing(Exchange(limit="quotes"), RateLimited(retry_after=7))
    result = executed(THREE, [exchange.price], limits={"quotes": Limit(concurrency=2)})
    (first, asked), (second, again) = exchange.asked
    assert (first, asked, again) == (0.0, [0, 1, 2], [0, 1, 2])
    assert 9.0 <= second <= 9.7
    assert result.answer == ["0 USD", "1 USD", "2 USD"]


def test_a_batch_has_one_timeout_and_is_tried_again_as_one() -> None:
    waits = [100.0, 0.0]
    cancelled: list[float] = []

    @tool(effect="read", timeout=5, retry=Retry(attempts=2, initial=0.0))
    async def price(ticker: int) -> int:
        return ticker

    @price.batch
    async def prices(tickers: list[int]) -> list[int]:
        try:
            await asyncio.sleep(waits.pop(0))
        except asyncio.CancelledError:
            cancelled.append(asyncio.get_running_loop().time())
            raise
        return tickers

    result = executed(THREE, [price])
    assert result.answer == [0, 1, 2]
    assert cancelled == [5.0]
    assert [(e.at, e.failure.kind) for e in of(result, Retrying)] == [(5.0, "timeout")] * 3


# ------------------------------------------------------------------------------------------------------------- stopping


@pytest.mark.parametrize("deaf", [False, True])
def test_a_deadline_cancels_the_request_and_waits_for_its_end(deaf: bool) -> None:
    """Or names its calls abandoned, when it does not end within the grace period."""
    heard: list[float] = []

    @tool(effect="read")
    async def price(ticker: int) -> int:
        return ticker

    @price.batch
    async def prices(tickers: list[int]) -> list[int]:
        for _ in range(2):
            try:
                await asyncio.sleep(100)
            except asyncio.CancelledError:
                heard.append(asyncio.get_running_loop().time())
                if not deaf:
                    await asyncio.sleep(0.25)
                    raise
        return tickers

    result = executed(THREE, [price], deadline=3.0, grace=0.5)
    failures = [result.outcomes[f"xs[{n}]"] for n in range(3)]
    assert [(f.kind, f.abandoned) for f in failures if isinstance(f, Failure)] == [("deadline", deaf)] * 3
    assert ends(result.events)["xs[2]"] == (3.5 if deaf else 3.25)
    assert heard[0] == 3.0


def test_a_run_that_is_stopped_while_a_batch_waits_gives_its_place_back() -> None:
    """The next run of the agent gets the slot, and nothing was asked for what had only waited."""
    exchange = Exchange(limit="quotes")
    agent = LLMCompiler(tools=[exchange.price], limits={"quotes": Limit(concurrency=1)})

    async def main() -> Any:
        long = asyncio.ensure_future(agent.execute("x = price(0)\njoin(x)"))
        await asyncio.sleep(0.5)
        waiting = asyncio.ensure_future(agent.execute("xs = [price(t) for t in [1, 2]]\njoin(xs)", deadline=0.5))
        last = asyncio.ensure_future(agent.execute("xs = [price(t) for t in [3, 4]]\njoin(xs)"))
        return [(await outcomes).joined for outcomes in (long, waiting, last)]

    long, waiting, last = run(main())
    assert (long, last) == ("0 USD", ["3 USD", "4 USD"])
    assert [failure.message for failure in waiting.items] == ["the run's deadline passed before it started"] * 2
    assert exchange.asked == [(0.0, 0), (2.0, [3, 4])]


def test_a_call_that_is_cancelled_alone_ends_alone_and_the_last_one_cancels_the_request() -> None:
    """The others still want their answer; when nobody does, the request is cancelled, and has ended when they have."""
    cancelled: list[float] = []

    @tool(effect="read")
    async def price(ticker: int) -> int:
        return ticker

    @price.batch
    async def prices(tickers: list[int]) -> list[int]:
        try:
            await asyncio.sleep(9)
        except asyncio.CancelledError:
            cancelled.append(asyncio.get_running_loop().time())
            await asyncio.sleep(0.25)
            raise
        return tickers

    async def main(*stops: tuple[float, str]) -> tuple[list[Any], list[float]]:
        seen: list[Event] = []
        unit = TaskFetchingUnit(
            Surroundings(run="run", tools=Toolset([price]), limits=Limits(), runners=Runners(), record=seen.append)
        )

        def stop(id: str) -> None:
            unit.calls.cancel(next(attempt for attempt in unit.calls.live if attempt.cell.id == id), "cancelled")

        for when, id in stops:
            unit.calls.loop.call_at(when, stop, id)
        tasks = [Task(f"x{n}", Call("price", (("ticker", Literal(n)),))) for n in range(3)]
        outcomes = await unit.run(tasks)
        return list(outcomes.values()), list(ends(seen).values())

    failed = Failure("cancelled", "the run was cancelled", "CancelledError")
    assert run(main((1.0, "x1"))) == ([Observation(0), failed, Observation(2)], [1.0, 9.0, 9.0])
    assert cancelled == []
    assert run(main((1.0, "x1"), (2.0, "x0"), (3.0, "x2"))) == ([failed] * 3, [1.0, 2.0, 3.25])
    assert cancelled == [3.0]


def test_a_batch_that_blocks_its_thread_is_abandoned_and_gives_its_slot_back() -> None:
    """All of its calls at the end of the grace period, and then the next one starts."""
    released = Flag()

    @tool(effect="read", timeout=1)
    def price(ticker: int) -> int:
        return ticker

    @price.batch
    def prices(tickers: list[int]) -> list[int]:
        released.wait()
        return tickers

    try:
        model = Paced("xs = [price(t) for t in range(3)]\n", 0.5, "y = price(3)\njoin(xs, y)\n")
        agent = LLMCompiler(model, [price], joiner=None, max_concurrency=1)
        result = run(agent.run("?"), wait_for_threads=False)
    finally:
        released.set()
    failures = [result.outcomes[f"xs[{n}]"] for n in range(3)]
    assert [isinstance(f, Failure) and f.abandoned for f in failures] == [True] * 3
    assert starts(result.events)["y"] == 1.5


def test_a_thread_with_a_batch_that_asks_learns_that_it_is_no_longer_wanted() -> None:
    """It has the grace period to end in: telling every call to stop is telling the request once."""
    running, asked = Flag(), Flag()

    @tool(effect="read")
    def price(ticker: int) -> int:
        return ticker

    @price.batch
    def prices(tickers: list[int], call: ToolContext[None]) -> list[int]:
        call.raise_if_cancelled()
        running.set()
        assert asked.wait(10)
        call.raise_if_cancelled()
        return tickers

    async def main() -> list[Any]:
        async with LLMCompiler(tools=[price]).stream_plan(THREE) as stream:
            while not running.is_set():  # noqa: ASYNC110 -- the clock stands still while the thread is at work
                await asyncio.sleep(0)
            stopping = asyncio.create_task(stream.cancel())
            for _ in range(10):
                await asyncio.sleep(0)
            asked.set()
            await stopping
            return [event.failure for event in stream.events if isinstance(event, Failed) and event.id != "xs"]

    assert run(main())[:3] == [Failure("cancelled", "the run was cancelled", "ToolCancelled")] * 3


# --------------------------------------------------------------------------------------------------------------- timing


def test_a_batch_is_one_interval_of_its_limit() -> None:
    exchange = Exchange(limit="quotes", max_batch=3)
    result = executed(NINE, [exchange.price], limits={"quotes": Limit(concurrency=2)})
    timing = Timing.of(result.events)
    assert (timing.calls, timing.tools, timing.one_after_another) == (9, 4.0, 6.0)
    assert span(result.events) == lower_bound(result.events, 2) == 4.0


def test_the_time_of_a_batch_ends_with_its_last_call() -> None:
    """And a batch that is tried again is a further one, ready when it began to wait."""
    events: list[Event] = [
        Waiting(0.0, "a", ("quotes",)),
        *(Started(1.0, id, "price", {}, batch=1) for id in "abc"),
        Failed(2.0, "a", Failure("cancelled", "not needed")),
        Retrying(4.0, "b", 1, Failure("error", "no"), 1.0),
        Retrying(4.0, "c", 1, Failure("error", "no"), 1.0),
        *(Started(6.0, id, "price", {}, 2, 2) for id in "bc"),
        Failed(7.0, "b", Failure("error", "no")),
    ]
    timing = Timing.of([*events, Failed(7.5, "c", Failure("error", "no"))])
    assert (timing.calls, timing.tools, timing.one_after_another) == (3, 6.5, 4.5)
    assert Timing.of(events).one_after_another == 4.0


# ----------------------------------------------------------------------------------------------------------- properties


class BatchedTools:
    """The tools of the random plans, whose results depend on their arguments alone, with a batched form each or none.

    `sizes`: how many calls each request was for. The limits are watched from inside of the requests.
    """

    def __init__(self, chosen: Settings, max_batch: int | None) -> None:
        self.chosen = chosen
        self.sizes: list[int] = []
        self.all, self.named = Gauge(), Gauge()
        self.rated: list[float] = []
        self.tools = [self.made(name, max_batch) for name in (*READS, "look")]

        @tool(effect="write", resource="store")
        async def post(site: int, value: Any) -> int:
            with self.all:
                return site

        self.tools.append(post)

    def made(self, name: str, max_batch: int | None) -> Tool[..., Any]:
        limits = {"named": ["named"], "rated": ["rated"], "both": ["named", "rated"]}.get(name, [])

        @tool(name=name, effect="read", resource="store", limit=limits, timeout=5, retry=Retry(50, initial=0.5))
        async def one(site: int, value: Any, run: ToolContext[None]) -> int:
            (result,) = await self.request(limits, site, [value], run)
            if isinstance(result, Exception):
                raise result
            return int(result)

        async def many(site: int, values: list[Any], run: ToolContext[None]) -> Any:
            return await self.request(limits, site, values, run)

        if max_batch is not None:
            one.batch(max_batch=max_batch)(many)
        return one

    async def request(self, limits: list[str], site: int, values: list[Any], run: ToolContext[None]) -> list[Any]:
        self.sizes.append(len(values))
        if "rated" in limits:
            self.rated.append(asyncio.get_running_loop().time())
        with self.all, self.named if "named" in limits else Gauge():
            takes = Random(f"{self.chosen.times} {site} {values}")
            await asyncio.sleep(takes.choice([0.0, 0.25, 0.5, 1.0]))
        if run.attempt == 1 and takes.random() < 0.2:
            raise RateLimited(retry_after=takes.choice([None, 0.1, 2.0]))
        return [self.result(site, value) for value in values]

    def result(self, site: int, value: Any) -> Any:
        fate = Random(f"{self.chosen.results} {site} {value}")
        return ValueError("made up") if fate.random() < self.chosen.failing else fate.randrange(4)


def played(plan: tuple[str, ...], world: BatchedTools) -> RunResult:
    return executed(
        "\n".join(plan),
        world.tools,
        limits=world.chosen.limits,
        max_concurrency=world.chosen.cap,
        random=Random(world.chosen.times),
    )


@st.composite
def plans_with_lists(draw: st.DrawFn) -> tuple[str, ...]:
    """Random plans after two lists of calls, of which one waits for the items of the other."""
    count = draw(st.integers(0, 6))
    source = draw(st.sampled_from(["b0", "ok(b0)"]))
    lists = (f"b0 = [named(7, i) for i in range({count})]", f"b1 = [both(8, x) for x in {source}]")
    return (*lists, *draw(plans()))


@PROFILE
@given(plans_with_lists(), worlds, st.integers(1, 4))
def test_a_plan_comes_to_the_same_with_and_without_batches(
    plan: tuple[str, ...], chosen: Settings, max_batch: int
) -> None:
    """And no request is for more than `max_batch` calls, nor are there more at once than the limits allow."""
    world, alone = BatchedTools(chosen, max_batch), BatchedTools(chosen, None)
    result = played(plan, world)
    assert shapes(result) == shapes(played(plan, alone))
    check_that_each_task_settles_once(list(result.events))
    assert set(alone.sizes) <= {1}
    assert all(size <= max_batch for size in world.sizes)
    assert world.all.most <= chosen.cap
    assert world.named.most <= chosen.named
    assert all(later - earlier >= 1 / RATE - 1e-6 for earlier, later in pairwise(world.rated))
    event(f"a batch: {any(size > 1 for size in world.sizes)}")


@PROFILE
@given(plans_with_lists(), worlds, moments)
def test_a_run_with_batches_that_is_stopped_at_any_time_settles(
    plan: tuple[str, ...], chosen: Settings, at: float
) -> None:
    """Within the grace period, and the limits are as free as before: a second run of the agent goes through."""
    world = BatchedTools(chosen, 3)
    agent = LLMCompiler(
        tools=world.tools, limits=chosen.limits, max_concurrency=chosen.cap, random=Random(0), grace=0.5
    )
    source = "\n".join(plan)

    async def main() -> tuple[float, list[Event], Any]:
        async with agent.stream_plan(source) as running:
            await asyncio.sleep(at)
            await running.cancel()
            seen = list(running.events)
        return seen[-1].at, seen, (await agent.execute(source)).joined

    ended, seen, joined = run(main())
    check_that_each_task_settles_once(seen)
    assert ended <= at + 0.75
    assert shape_of_value(joined) == shape_of_value(played(plan, BatchedTools(chosen, 3)).answer)
    assert (world.all.now, world.named.now) == (0, 0)
