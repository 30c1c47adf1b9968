"""What refusals do to a limit: it pauses, narrows by what was measured, and widens again."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from superscalar import Failure, Limit, LLMCompiler, RateLimited, Retry, tool
from superscalar.events import Retrying, Started, Throttled
from superscalar.schedule.gate import NANO, UNBOUNDED
from superscalar.testing import run
from support.driven_gate import Driven
from support.running import executed


def test_a_burst_of_refusals_is_one_signal() -> None:
    """As of TCP: ten calls that were under way together say the same thing."""
    driven = Driven(Limit(concurrency=40))
    started = driven.start(20)
    assert [driven.refuse(at) for at in started] == [True] + [False] * 19
    assert driven.concurrency == 20  # half, though nothing got through
    assert driven.gate.refused == 20


def test_a_refusal_of_a_call_that_began_after_the_signal_is_another() -> None:
    driven = Driven(Limit(concurrency=40))
    (first,) = driven.start()
    assert driven.refuse(first, after=1.0)
    (second,) = driven.start()
    assert second >= NANO
    assert driven.refuse(second, after=1.0)


def test_concurrency_narrows_to_what_got_through() -> None:
    driven = Driven(Limit(concurrency=32))
    started = driven.start(32)
    for at in started[20:]:
        driven.refuse(at)
    assert driven.concurrency == 20


def test_a_limit_that_nobody_declared_narrows_from_what_was_under_way() -> None:
    driven = Driven()
    assert driven.gate.capacity == UNBOUNDED
    started = driven.start(32)
    for at in started[:22]:
        driven.refuse(at)
    assert driven.concurrency == 16
    assert driven.rate is None  # without a time to wait nothing tells what window the provider counts in


def test_an_undeclared_rate_is_what_got_through_in_the_window_that_the_wait_ends() -> None:
    driven = Driven()
    driven.start(50, every=0.005)
    driven.end(50)
    (refused,) = driven.start()
    driven.refuse(refused, after=1.0 - driven.now / NANO)
    assert driven.rate == pytest.approx(50 * 0.98)


def test_a_rate_per_minute_is_learned_from_a_longer_wait() -> None:
    driven = Driven()
    driven.start(600, every=0.01)  # more than it remembers
    driven.end(600)
    driven.start()
    driven.refuse(driven.now, after=54.0)
    driven.wait(60)
    driven.start(600, every=0.01)
    driven.refuse(driven.now, after=60.0 - (driven.now / NANO) % 60.0)
    first = driven.rate
    assert first is not None
    for _ in range(20):
        begin = driven.now
        driven.start(600)
        driven.end(600)
        driven.now = max(driven.now, begin + 60 * NANO)
    assert first <= 101


@pytest.mark.parametrize(("got_through", "expected"), [(0, 50.0), (30, 50.0), (70, 70.0), (90, 90.0), (99, 95.0)])
def test_refusals_on_end_narrow_to_half_at_the_most_and_by_a_twentieth_at_least(
    got_through: int, expected: float
) -> None:
    driven = Driven(Limit(rate=100))
    before: float | None = None
    for _ in range(2):
        before, begin = driven.rate, driven.now
        driven.start(got_through)
        driven.end(got_through)
        (refused,) = driven.start()
        driven.refuse(refused, after=max(1.0 - (driven.now - begin) / NANO, 0.001))
        driven.now = driven.gate.opens
    assert before is not None
    assert driven.rate == pytest.approx(max(expected * before / 100, before / 2), rel=0.06)


def test_recovery_is_additive_and_ends_at_what_was_declared() -> None:
    driven = Driven(Limit(concurrency=10, rate=100, burst=5))
    for at in driven.start(8):
        driven.refuse(at)
    assert (driven.rate, driven.concurrency) == (50.0, 5)
    driven.now = driven.gate.opens
    rates, widths = [], []
    for _ in range(4):
        driven.wait(1)
        rates.append(driven.rate)
        widths.append(driven.concurrency)
    assert rates == pytest.approx([51.0, 52.0, 53.0, 54.0])
    assert widths == [6, 7, 8, 9]
    driven.wait(1_000)
    assert (driven.rate, driven.concurrency) == (100.0, 10)
    assert not driven.gate.narrowed
    begin = driven.start(6)
    assert [at - begin[0] for at in begin[:5]] == [0] * 5  # the burst is back too
    assert begin[5] > begin[0]


def test_nothing_comes_in_a_burst_while_a_limit_is_narrowed() -> None:
    driven = Driven(Limit(rate=10, burst=10))
    for at in driven.start(10):
        driven.refuse(at, after=0.7)
    begin = driven.start(5)
    gaps = [later - earlier for earlier, later in pairwise(begin)]
    assert min(gaps) >= NANO / 10


def test_a_pause_is_never_shorter_than_asked_and_a_tenth_longer_at_most() -> None:
    waits = set()
    for seed in range(50):
        driven = Driven()
        driven.random = Random(seed)
        (at,) = driven.start()
        driven.refuse(at, after=4.0)
        waits.add(driven.gate.opens / NANO)
    assert all(4.0 <= wait <= 4.4 for wait in waits)
    assert len(waits) == 50  # so that not all clients come back at once


def test_pauses_double_while_nothing_gets_through_and_are_short_again_after() -> None:
    driven = Driven()
    waits = []
    for _ in range(12):
        (at,) = driven.start()
        driven.refuse(at)
        waits.append((driven.gate.opens - driven.now) / NANO)
    assert all(2.0**n / 8 <= wait <= min(2.0**n / 2, 30.0) or wait >= 15 for n, wait in enumerate(waits))
    assert waits[-1] <= 30.0
    assert driven.gate.barren > 1
    driven.start()
    driven.end()
    (at,) = driven.start()
    driven.refuse(at)
    assert driven.gate.barren == 0
    assert driven.gate.opens - driven.now <= NANO / 4


# ------------------------------------------------------------------------------------------------------------ in runs


class Window:
    """A provider with a sliding window of a second, which says when its oldest call leaves it."""

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self.times: list[float] = []
        self.refused: list[float] = []

    def ask(self) -> None:
        now = asyncio.get_running_loop().time()
        recent = [at for at in self.times if at > now - 1.0]
        if len(recent) >= self.allowed:
            self.refused.append(now)
            raise RateLimited(retry_after=recent[0] + 1.0 - now)
        self.times.append(now)


def test_no_storm_comes_when_a_sliding_window_begins_to_open() -> None:
    """A wait of 0.7 s ends when one place is free, not ten."""
    provider = Window(10)

    @tool(effect="read")
    async def ask(number: int) -> int:
        await asyncio.sleep(0.03 * number if number < 10 else 0.3)
        provider.ask()
        return number

    result = executed("xs = [ask(i) for i in range(60)]\njoin(xs)", [ask], max_concurrency=20, random=Random(1))
    assert result.answer == list(range(60))
    first = [at for at in provider.refused if at < 0.5]
    assert first  # what was under way together
    assert len(provider.refused) - len(first) <= 6
    later = sorted(at for at in provider.times + provider.refused if at > 0.5)
    assert max(sum(at <= other < at + 0.1 for other in later) for at in later) <= 3  # ten come in a second


def test_the_limit_of_one_tool_is_not_that_of_another() -> None:
    provider = Window(2)
    free: list[float] = []

    @tool(effect="read")
    async def ask(number: int) -> None:
        provider.ask()

    @tool(effect="read")
    async def other(number: int) -> None:
        free.append(asyncio.get_running_loop().time())

    executed("xs = [ask(i) for i in range(9)]\nys = [other(i) for i in range(9)]", [ask, other])
    assert free == [0.0] * 9


def test_attempts_that_others_got_through_beside_do_not_count() -> None:
    """A limit that is being learned costs no call its attempts, of which there are five."""
    turned_away = 0

    @tool(effect="read")
    async def ask(number: int) -> int:
        nonlocal turned_away
        await asyncio.sleep(0.1)
        if number == 0 and turned_away < 6:
            turned_away += 1
            raise RateLimited(retry_after=0.5)
        return number

    result = executed("xs = [ask(i) for i in range(200)]\njoin(xs)", [ask], max_concurrency=4, random=Random(1))
    assert result.answer == list(range(200))
    assert max(e.attempt for e in result.events if isinstance(e, Started)) == 7


def test_a_call_that_is_refused_for_ever_fails_in_the_end() -> None:
    """Alone after its attempts; beside others after ten times as many."""

    @tool(effect="read", retry=Retry(attempts=3, on=(RateLimited,), initial=0.1))
    async def ask(number: int) -> int:
        await asyncio.sleep(0.1)
        if number == 0:
            raise RateLimited(retry_after=0.1)
        return number

    alone = executed("a = ask(0)", [ask])
    assert isinstance(alone.outcomes["a"], Failure)
    assert len([e for e in alone.events if isinstance(e, Started)]) == 3
    beside = executed("xs = [ask(i) for i in range(900)]\njoin(xs)", [ask], max_concurrency=4, random=Random(1))
    tries = [e.attempt for e in beside.events if isinstance(e, Started) and e.id == "xs[0]"]
    assert 3 <= max(tries) <= 30
    assert isinstance(beside.outcomes["xs[0]"], Failure)


def test_a_run_says_which_limit_narrowed_and_how_far() -> None:
    @tool(effect="read", limit=("quotes", "company"))
    async def ask(number: int) -> int:
        await asyncio.sleep(0.1)
        if asyncio.get_running_loop().time() < 1:
            raise RateLimited(retry_after=2)
        return number

    limits = {"quotes": Limit(concurrency=8), "company": Limit(rate=600, per=60.0)}
    result = executed("xs = [ask(i) for i in range(4)]\njoin(xs)", [ask], limits=limits)
    assert result.answer == [0, 1, 2, 3]
    said = [e for e in result.events if isinstance(e, Throttled)]
    assert [e.limit for e in said] == ["quotes", "company"]
    assert said[0].concurrency == 4  # nothing got through that tells how many calls come in a window
    assert said[1].rate is not None
    assert said[1].rate < 10
    order = [type(e) for e in result.events if isinstance(e, Throttled | Retrying)]
    assert order.index(Retrying) == 2


def test_a_batch_that_was_refused_is_one_refusal() -> None:
    asked = 0

    @tool(effect="read", limit="api")
    async def price(ticker: int) -> int:
        return ticker

    @price.batch
    async def prices(tickers: list[int]) -> list[int]:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise RateLimited(retry_after=1)
        return tickers

    async def main() -> Any:
        agent = LLMCompiler(tools=[price], limits={"api": Limit(concurrency=3)})
        outcomes = await agent.execute("xs = [price(i) for i in range(9)]\njoin(xs)")
        return outcomes.joined, agent.limits.statistics()["api"]

    joined, seen = run(main())
    assert joined == list(range(9))
    assert (seen.granted, seen.refused, seen.running) == (2, 1, 0)


# --------------------------------------------------------------------------------------------------------- statistics


def test_statistics_say_what_a_limit_has_seen_beside_what_was_declared() -> None:
    @tool(effect="read", limit="api")
    async def ask(number: int) -> int:
        if number == 2:
            raise RateLimited(retry_after=5)
        await asyncio.sleep(3)
        return number

    async def main() -> Any:
        agent = LLMCompiler(tools=[ask], limits={"api": Limit(concurrency=4, rate=600, per=60.0, burst=4)})
        running = asyncio.create_task(agent.execute("xs = [ask(i) for i in range(9)]"))
        await asyncio.sleep(1)
        seen = agent.limits.statistics()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return seen, agent.limits.statistics()

    seen, after = run(main())
    api = seen["api"]
    assert (api.running, api.waiting, api.granted, api.refused) == (3, 5, 4, 1)
    assert 4.0 <= api.paused <= 4.5
    assert (api.declared_concurrency, api.declared_rate) == (4, 10.0)
    assert api.rate is not None
    assert api.rate < 10.0
    assert (seen["max_concurrency"].running, seen["max_concurrency"].declared_concurrency) == (3, 256)
    assert (after["api"].running, after["api"].waiting) == (0, 0)
    assert json.loads(json.dumps(dataclasses.asdict(api)))["refused"] == 1


def test_statistics_can_be_asked_for_without_an_event_loop() -> None:
    agent = LLMCompiler(limits={"api": Limit(rate=2)})
    assert agent.limits.statistics()["api"].declared_rate == 2.0
