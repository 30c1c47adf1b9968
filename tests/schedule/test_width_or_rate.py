"""What a refusal is about: how many calls come at once, how many in a window, or a provider that is down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from random import Random

import pytest

from superscalar import Limit, LLMCompiler, RateLimited, tool
from superscalar.errors import ModelError
from superscalar.models.base import Chunk, Request
from superscalar.schedule.gate import NANO, LimitStatistics
from superscalar.schedule.probing import Probe
from superscalar.testing import run
from support.driven_gate import Driven


class Narrow:
    """Serves `width` calls at once from second `up` on, and `rate` in any second; each takes `takes` seconds."""

    def __init__(
        self, width: int = 1_000, rate: int = 1_000, takes: float = 0.15, after: float | None = None, up: float = 0.0
    ) -> None:
        self.width, self.rate, self.takes, self.after, self.up = width, rate, takes, after, up
        self.busy = 0
        self.starts = list[float]()
        self.random = Random(1)

    async def ask(self) -> None:
        await asyncio.sleep(self.random.uniform(0.0, 0.03))
        now = asyncio.get_running_loop().time()
        if now < self.up or self.busy >= self.width or sum(at > now - 1.0 for at in self.starts) >= self.rate:
            raise RateLimited(retry_after=self.after)
        self.starts.append(now)
        self.busy += 1
        try:
            await asyncio.sleep(self.takes * self.random.uniform(0.7, 1.3))
        finally:
            self.busy -= 1


def seen_of_tools(provider: Narrow, calls: int, declared: Limit | None) -> tuple[float, LimitStatistics]:
    """Seconds that so many calls take, all of which are answered, and what their limit is then."""

    @tool(effect="read", limit=() if declared is None else "api")
    async def ask(number: int) -> int:
        await provider.ask()
        return number

    async def main() -> tuple[float, LimitStatistics]:
        limits = {} if declared is None else {"api": declared}
        agent = LLMCompiler(tools=[ask], limits=limits, random=Random(1))
        outcomes = await agent.execute(f"xs = [ask(i) for i in range({calls})]\njoin(len(xs))")
        assert outcomes.joined == calls
        name = "ask()" if declared is None else "api"
        return asyncio.get_running_loop().time(), agent.limits.statistics()[name]

    return run(main())


class Busy:
    """A model behind such a provider."""

    constrains, name = False, "busy"

    def __init__(self, provider: Narrow, status: int) -> None:
        self.provider, self.status = provider, status

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        try:
            await self.provider.ask()
        except RateLimited as refused:
            raise ModelError("busy", retryable=True, retry_after=refused.retry_after, status=self.status) from None
        yield Chunk("join(1)\n")
        yield Chunk(finish="stop")


def seconds_of_runs(provider: Narrow, runs: int, status: int = 429) -> float:
    """How long so many runs at once take, all of which are answered."""

    async def main() -> float:
        agent = LLMCompiler(Busy(provider, status), tools=[], joiner=None, random=Random(1))
        results = await asyncio.gather(*(agent.run("?") for _ in range(runs)))
        assert [result.answer for result in results] == [1] * runs
        return asyncio.get_running_loop().time()

    return run(main())


# ------------------------------------------------------------------------------------------------------ width or rate


@pytest.mark.parametrize("after", [None, 1.0])
@pytest.mark.parametrize("declared", [Limit(concurrency=10), None], ids=["declared wider", "undeclared"])
def test_a_provider_that_serves_so_many_at_once_teaches_no_rate(declared: Limit | None, after: float | None) -> None:
    seconds, limit = seen_of_tools(Narrow(width=5, after=after), 200, declared)
    assert limit.rate is None
    assert limit.concurrency is not None
    assert 4 <= limit.concurrency <= 7
    assert seconds <= 1.9 * 200 * 0.165 / 5  # a pause is a second, and the bound of all this is seven


def test_one_at_a_time_is_learned_too() -> None:
    seconds, limit = seen_of_tools(Narrow(width=1, after=1.0), 60, Limit(concurrency=10))
    assert (limit.rate, limit.concurrency) == (None, 1)
    assert seconds <= 2.0 * 60 * 0.165


@pytest.mark.parametrize("rate", [5, 50])
def test_a_provider_that_counts_in_time_teaches_a_rate_though_only_a_width_is_declared(rate: int) -> None:
    seconds, limit = seen_of_tools(Narrow(rate=rate, after=1.0), 20 * rate, Limit(concurrency=40))
    assert limit.rate == pytest.approx(rate, rel=0.15)
    assert seconds <= 1.3 * 20


def test_calls_that_are_all_under_way_are_evidence_of_the_width() -> None:
    driven = Driven(Limit(concurrency=10))
    started = driven.start(10)
    for at in started[5:]:
        driven.refuse(at, after=1.0)
    assert (driven.rate, driven.concurrency) == (None, 5)


def test_a_refusal_where_as_many_are_served_at_once_as_before_is_about_the_width_again() -> None:
    driven = Driven(Limit(concurrency=10))
    started = driven.start(10)
    for at in started[5:]:
        driven.refuse(at, after=1.0)
    driven.wait(2)
    for _ in range(12):
        driven.end(driven.gate.running)
        driven.start(5)
    (sixth,) = driven.start()
    driven.refuse(sixth, after=1.0)
    assert (driven.rate, driven.concurrency) == (None, 5)


def test_a_refusal_where_fewer_are_served_at_once_than_before_is_about_a_rate() -> None:
    driven = Driven(Limit(concurrency=10))
    started = driven.start(10)
    for at in started[5:]:
        driven.refuse(at, after=1.0)
    driven.end(5)
    driven.now = driven.gate.opens
    driven.start(5, every=0.1)
    driven.end(5)
    (sixth,) = driven.start()
    driven.refuse(sixth, after=0.5)
    assert driven.rate == pytest.approx(5 * 0.98, rel=0.05)


def test_a_rate_that_was_learned_wrongly_is_forgotten_as_calls_get_through() -> None:
    driven = Driven()
    driven.start(5, every=0.18)
    driven.end(5)
    (refused,) = driven.start()
    driven.refuse(refused, after=0.2)
    first = driven.rate
    assert first is not None
    until = driven.now + 60 * NANO
    while driven.now < until:
        driven.start()
        driven.end()
    assert driven.rate is not None
    assert driven.rate > 10 * first


def test_of_a_burst_what_is_refused_last_says_what_it_was_about() -> None:
    driven = Driven()
    driven.start(8, every=0.1)
    driven.end(8)
    first, last = driven.start(2)
    driven.refuse(first, after=1.0)
    assert driven.rate is not None
    driven.refuse(last)
    assert driven.rate is None


# ----------------------------------------------------------------------------------- providers that are down


@pytest.mark.parametrize("left", [0, 1])
def test_a_burst_that_is_refused_whole_teaches_no_rate(left: int) -> None:
    """Nor does one of which the last call is still under way."""
    driven = Driven()
    for at in driven.start(50)[left:]:
        driven.refuse(at, after=99.5)
    assert driven.rate is None


@pytest.mark.parametrize(("after", "most"), [(1.0, 112.0), (5.0, 145.0), (99.99, 112.0), (None, 131.0)])
def test_runs_on_a_model_that_was_down_for_long_are_answered_soon_after(after: float | None, most: float) -> None:
    assert seconds_of_runs(Narrow(after=after, up=100.0), 50, 503) <= most


def test_a_declared_rate_is_soon_back_after_a_time_in_which_nothing_got_through() -> None:
    driven = Driven(Limit(rate=50))
    for _ in range(8):
        (refused,) = driven.start()
        driven.refuse(refused, after=5.0)
    assert driven.rate == pytest.approx(12.5, rel=0.1)  # it says nothing of how fast calls may come
    driven.now = driven.gate.opens
    until = driven.now + 6 * NANO
    while driven.now < until:
        driven.start()
        driven.end()
    assert driven.rate == 50


def test_where_nothing_gets_through_few_ask_until_something_does() -> None:
    driven = Driven(Limit(concurrency=40))
    for _ in range(4):
        (refused,) = driven.start()
        driven.refuse(refused)
    driven.now = driven.gate.opens
    driven.wait(60)
    assert driven.concurrency == 3
    driven.start()
    driven.end()
    driven.wait(60)
    assert driven.concurrency == 40


def test_a_short_wait_that_is_asked_for_again_and_again_is_made_longer_while_nothing_gets_through() -> None:
    driven = Driven()
    waits = []
    for _ in range(9):
        (at,) = driven.start()
        driven.refuse(at, after=1.0)
        waits.append((driven.gate.opens - driven.now) / NANO)
    assert all(1.0 <= wait <= 1.1 for wait in waits[:2])
    assert all(later > earlier for earlier, later in pairwise(waits[1:6]))
    assert all(10.0 <= wait <= 11.0 for wait in waits[6:])


# ----------------------------------------------------------------------------------- what is under way is alive


@pytest.mark.parametrize(("status", "after"), [(429, None), (503, None), (429, 1.0)])
def test_a_model_that_serves_one_long_call_at_a_time_serves_all(status: int, after: float | None) -> None:
    assert seconds_of_runs(Narrow(width=1, takes=20.0, after=after), 30, status) <= 1.1 * 30 * 20


def test_a_tool_that_serves_one_long_call_at_a_time_serves_all() -> None:
    seconds, limit = seen_of_tools(Narrow(width=1, takes=20.0), 40, None)
    assert seconds <= 1.1 * 40 * 20
    assert limit.refused <= 400


def test_a_call_under_way_is_progress_and_a_refused_one_is_none() -> None:
    driven = Driven()
    served, refused = driven.start(2)
    driven.refuse(refused)
    assert driven.gate.barren == 2
    (another,) = driven.start()
    driven.refuse(another)
    assert driven.gate.barren == 0
    driven.refuse(served)
    (last,) = driven.start()
    driven.refuse(last)
    assert driven.gate.barren == 1


# ----------------------------------------------------------------------------------- how it settles


@pytest.mark.parametrize(("declared", "real"), [(100, 50), (7, 5), (20, 5)])
def test_a_rate_that_is_declared_too_high_settles_near_the_providers(declared: int, real: int) -> None:
    seconds, _ = seen_of_tools(Narrow(rate=real, after=1.0), 20 * real, Limit(rate=declared))
    assert seconds <= 1.3 * 20


def test_a_place_that_refuses_again_is_approached_more_and_more_warily() -> None:
    probe = Probe()
    steps = []
    for _ in range(5):
        probe.begin()
        probe.refused(10.0)
        steps.append(probe.step(9.0, 1.0, 5.0))
    assert steps == [1.0, 1 / 4, 1 / 16, 1 / 16, 1 / 16]
    assert probe.step(12.5, 1.0, 5.0) == 5.0  # nothing is known of what is past it
    probe.begin()
    probe.refused(5.0)
    assert probe.step(4.0, 1.0, 5.0) == 1.0  # another place


def test_a_place_on_the_way_down_says_nothing_of_how_often_to_try() -> None:
    probe = Probe()
    for place in (10.0, 9.5, 9.0, 8.5):
        probe.begin()
        probe.refused(place)
    assert probe.step(8.0, 1.0, 5.0) == 1.0


def test_one_step_leads_no_further_than_just_past_the_place() -> None:
    probe = Probe(1.0)
    probe.refused(4.0)
    assert probe.step(3.0, 500.0, 0.0) == 3.0


def test_a_part_of_a_slot_is_no_new_one() -> None:
    driven = Driven(Limit(concurrency=10))
    started = driven.start(10)
    for at in started[1:]:
        driven.refuse(at)
    driven.now = driven.gate.opens
    before = driven.concurrency
    driven.wait(0.5)
    assert driven.concurrency == before
