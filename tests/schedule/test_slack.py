"""A declared rate is paced a little below, since calls do not arrive as evenly as they start."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from random import Random

import pytest

from superscalar import Limit, LLMCompiler, tool
from superscalar.schedule.gate import NANO
from superscalar.testing import Provider, VirtualLoop, constant, run
from support.driven_gate import Driven
from support.running import executed


def gaps(started: list[int]) -> list[float]:
    """The seconds between one start and the next."""
    return [(later - earlier) / NANO for earlier, later in pairwise(started)]


def gap_of(driven: Driven) -> float:
    """How far apart calls start now."""
    return gaps(driven.start(3))[-1]


@pytest.mark.parametrize(
    ("limit", "gap"),
    [
        (Limit(rate=5), 0.22),
        (Limit(rate=50), 0.022),
        (Limit(rate=5, per=10.0), 2.02),
        (Limit(rate=1, per=60.0), 60.1),
        (Limit(rate=5_000, per=3_600.0), 0.72002),
        (Limit(rate=4, per=0.2), 0.0575),
    ],
)
def test_a_window_is_stretched_by_a_tenth_of_a_second_and_a_short_one_by_less(limit: Limit, gap: float) -> None:
    driven = Driven(limit)
    assert gaps(driven.start(4)) == pytest.approx([gap] * 3)
    assert driven.rate == pytest.approx((limit.rate or 0) / limit.per)  # it is what was declared all the same


@pytest.mark.parametrize(("rate", "per", "jitter"), [(5, 1.0, 0.06), (5, 1.0, 0.09), (8, 2.0, 0.06), (40, 1.0, 0.06)])
def test_a_provider_that_counts_strictly_refuses_nothing_though_ways_differ(
    rate: int, per: float, jitter: float
) -> None:
    async def main(seed: int) -> tuple[int, float]:
        provider = Provider("quotes", Random(seed), constant(0.1), rate=rate, per=per, jitter=jitter)

        @provider.wrap
        @tool(effect="read", limit="quotes")
        async def quote(number: int) -> int:
            return number

        limits = {"quotes": Limit(rate=rate, per=per)}
        outcomes = await LLMCompiler(tools=[quote], limits=limits).execute(
            "xs = [quote(i) for i in range(40)]\njoin(xs)"
        )
        assert outcomes.joined == list(range(40))
        return sum(request.ended == "refused" for request in provider.requests), asyncio.get_running_loop().time()

    for seed in range(5):
        refused, seconds = run(main(seed))
        assert refused == 0
        assert seconds <= 1.1 * 39 * per / rate + 0.1 + 2 * jitter


def test_there_is_less_slack_as_calls_get_through_and_never_none() -> None:
    driven = Driven(Limit(rate=10))
    seen = [gap_of(driven)]
    for _ in range(8):
        driven.end(driven.gate.running)
        driven.start(80)
        driven.end(80)
        seen.append(gap_of(driven))
    assert seen == sorted(seen, reverse=True)
    assert seen[:3] == pytest.approx([0.11, 0.1075, 0.105625], abs=1e-6)
    assert seen[-1] == pytest.approx(0.105)


def test_calls_that_are_under_way_are_no_evidence() -> None:
    driven = Driven(Limit(rate=10))
    driven.start(200)
    assert gap_of(driven) == pytest.approx(0.11)


def lone(driven: Driven, after: float | None = 1.0) -> None:
    """One refusal, when twenty calls have got through."""
    driven.start(20)
    driven.end(20)
    (refused,) = driven.start()
    driven.refuse(refused, after=after)
    driven.now = driven.gate.opens


@pytest.mark.parametrize("after", [None, 0.3, 1.0, 3.0, 30.0])
def test_a_lone_refusal_narrows_by_a_twentieth_however_long_it_says_to_wait(after: float | None) -> None:
    """The wait that is still to come is no time in which nothing got through."""
    driven = Driven(Limit(rate=5))
    lone(driven, after)
    assert driven.rate == pytest.approx(4.75)
    assert driven.concurrency is None


def test_a_lone_refusal_makes_for_more_slack_that_lasts() -> None:
    driven = Driven(Limit(rate=5))
    lone(driven)
    driven.wait(60)
    assert driven.rate == 5
    assert gap_of(driven) == pytest.approx((1.0 + 0.125) / 5)
    driven.end(driven.gate.running)
    driven.start(64)
    driven.end(64)
    assert gap_of(driven) == pytest.approx((1.0 + 0.125) / 5)  # it wants twice as many calls now
    driven.end(driven.gate.running)
    driven.start(64)
    driven.end(64)
    assert gap_of(driven) == pytest.approx((1.0 + 0.09375) / 5)


def test_what_is_refused_long_after_its_like_makes_for_no_less_slack() -> None:
    driven = Driven(Limit(rate=5))
    driven.start(20)
    driven.end(20)
    under_way, refused = driven.start(2)
    driven.refuse(refused, after=1.0)
    driven.wait(60)
    driven.start(128)
    driven.end(128)
    assert gap_of(driven) == pytest.approx((1.0 + 0.09375) / 5)
    driven.refuse(under_way, after=1.0)
    driven.end(driven.gate.running)
    driven.wait(600)
    driven.start()
    driven.end()
    driven.wait(600)  # the rate is as declared again
    assert gap_of(driven) == pytest.approx((1.0 + 0.09375) / 5)


def test_slack_has_an_end() -> None:
    driven = Driven(Limit(rate=5))
    for _ in range(20):
        lone(driven)
        driven.wait(600)
    assert gap_of(driven) == pytest.approx(1.2 / 5)


def test_a_refusal_soon_after_another_narrows_to_what_got_through() -> None:
    driven = Driven(Limit(rate=100))
    lone(driven)
    begin = driven.now
    driven.start(60)
    driven.end(60)
    (refused,) = driven.start()
    assert driven.now - begin < NANO
    driven.refuse(refused, after=1.0)
    assert driven.rate == pytest.approx(60 / 1.125, rel=0.02)  # in a window and its slack


def test_what_got_through_widens_faster_than_time_alone() -> None:
    def rate_after(calls: int) -> float:
        driven = Driven(Limit(rate=10))
        for at in driven.start(3):
            driven.refuse(at)
        assert driven.rate == 5.0
        driven.now = driven.gate.opens
        until = driven.now + 20 * NANO
        for _ in range(calls):
            driven.start()
            driven.end()
        driven.wait((until - driven.now) / NANO)
        assert driven.rate is not None
        return driven.rate

    assert rate_after(0) == pytest.approx(7.0)
    assert rate_after(60) > 8.0


def test_what_the_event_loop_is_late_is_made_good_by_a_part_of_the_slack() -> None:
    driven = Driven(Limit(rate=10))
    (first,) = driven.start()
    driven.gate.awaited = True
    driven.now = driven.gate.opens + int(0.02 * NANO)
    driven.start()
    assert (driven.gate.opens - first) / NANO == pytest.approx(0.22)
    driven.gate.awaited = True
    driven.now = driven.gate.opens + int(0.5 * NANO)  # which is more than that
    (late,) = driven.start()
    assert (driven.gate.opens - late) / NANO == pytest.approx(0.11 - 0.025)
    driven.now = driven.gate.opens + int(0.02 * NANO)  # and nobody waited
    (idle,) = driven.start()
    assert (driven.gate.opens - idle) / NANO == pytest.approx(0.11)


def test_a_burst_that_was_not_sent_in_time_is_not_followed_by_what_was_due_meanwhile() -> None:
    """The event loop was blocked, and all of it would arrive together."""
    driven = Driven(Limit(rate=10, burst=5))
    begin = driven.start(5)
    driven.gate.awaited = True
    driven.now += NANO
    assert gaps(begin + driven.start(3)) == pytest.approx([0.0] * 4 + [1.0, 0.11 - 0.025, 0.11])


def test_a_run_that_waits_is_what_makes_lateness_good() -> None:
    starts = list[float]()

    @tool(effect="read", limit="api")
    async def ask(number: int) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        starts.append(loop.time())
        if number < 3:
            loop.advance(0.12)  # the next one is due at 0.11

    executed("xs = [ask(i) for i in range(6)]", [ask], limits={"api": Limit(rate=10)})
    assert starts == pytest.approx([0.0, 0.12, 0.24, 0.36, 0.445, 0.555], abs=1e-4)


def test_after_a_burst_the_next_call_comes_a_slack_later() -> None:
    """A bucket of tokens is filled from when the first of them was taken, which may have been on its way for longer."""
    driven = Driven(Limit(rate=10, burst=5))
    assert gaps(driven.start(8)) == pytest.approx([0.0] * 4 + [0.21, 0.11, 0.11])


@pytest.mark.parametrize("jitter", [0.02, 0.08])
def test_a_bucket_of_tokens_refuses_nothing_after_a_burst(jitter: float) -> None:
    async def arrivals(seed: int) -> list[float]:
        random, found = Random(seed), list[float]()

        @tool(effect="read", limit="quotes")
        async def quote(number: int) -> int:
            await asyncio.sleep(random.uniform(0.0, jitter))
            found.append(asyncio.get_running_loop().time())
            return number

        limits = {"quotes": Limit(rate=10, burst=5)}
        await LLMCompiler(tools=[quote], limits=limits).execute("xs = [quote(i) for i in range(30)]\njoin(xs)")
        return found

    for seed in range(5):
        tokens, before = 5.0, 0.0
        for at in run(arrivals(seed)):
            tokens, before = min(5.0, tokens + 10 * (at - before)) - 1.0, at
            assert tokens >= 0.0


def test_a_lone_refusal_of_a_limit_on_concurrency_teaches_no_rate() -> None:
    driven = Driven(Limit(concurrency=3))
    for _ in range(20):
        driven.start(3, every=0.05)
        driven.end(3)
    started = driven.start(3)
    driven.refuse(started[-1], after=1.0)
    assert driven.rate is None
    driven.end(2)
    driven.wait(10)
    assert (driven.concurrency, driven.gate.narrowed, driven.gate.paced) == (3, False, False)
