"""The servers of the benchmark over the wire: their rules, and that what they answer is understood."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from benchmarks.real_provider import RealRow, Terms, missed
from benchmarks.real_servers import (
    SERVERS,
    AtOnce,
    AtRandom,
    FixedWindow,
    HttpError,
    Rule,
    Server,
    SlidingWindow,
    TokenBucket,
    get,
    rule,
)

from superscalar import Limit, LLMCompiler, tool
from superscalar.schedule.refusal import Refusal, refusal_of


def waits(rule: Rule, times: list[float]) -> list[float | None]:
    """What it says to requests at these times."""
    found = [rule.admit(at, busy=0) for at in times]
    return [None if wait is None else round(wait, 6) for wait in found]


def test_a_fixed_window_begins_when_the_server_says() -> None:
    assert waits(FixedWindow(2, begins=0.25), [0.0, 0.1, 0.2, 0.25, 0.3, 1.0, 1.25]) == [
        None,
        None,
        0.05,
        None,
        None,
        0.25,
        None,
    ]


def test_a_sliding_window_opens_when_its_first_call_leaves_it() -> None:
    assert waits(SlidingWindow(2), [0.0, 0.4, 0.5, 1.0, 1.3, 1.5]) == [None, None, 0.5, None, 0.1, None]


def test_a_bucket_keeps_so_many_tokens_and_gets_one_after_the_other() -> None:
    assert waits(TokenBucket(2, size=3), [9.0, 9.0, 9.0, 9.0, 9.5, 9.75, 20.0]) == [
        None,
        None,
        None,
        0.5,
        None,
        0.25,
        None,
    ]


def test_so_many_at_once_and_one_in_a_hundred() -> None:
    assert [AtOnce(2).admit(0.0, busy) for busy in range(4)] == [None, None, 1.0, 1.0]
    refused = [AtRandom(Random(seed)).admit(0.0, 0) for seed in range(2_000)]
    assert 10 <= sum(wait is not None for wait in refused) <= 40


def test_every_server_has_a_rule_and_a_bound_and_its_limit_is_declared() -> None:
    assert len({type(rule(server, 8, 3, Random(1))) for server in SERVERS}) == len(SERVERS)
    assert [Terms(server, 30).declared for server in SERVERS] == [
        Limit(rate=10),
        Limit(rate=10),
        Limit(rate=10, burst=3),
        Limit(concurrency=3),
        Limit(rate=10),
    ]
    assert [round(Terms(server, 30).bound, 2) for server in SERVERS] == [3.09, 3.09, 2.89, 1.9, 3.09]


async def served(allows: Rule, calls: int, limit: Limit) -> list[int]:
    """What a plan gets from a server on a socket; it lives in this process."""
    listening = await asyncio.start_server(Server(allows, Random(1)).serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]

    @tool(effect="read", limit="api")
    async def ask(number: int) -> int:
        assert await get(port, Random(number), jitter=0.001) == "ok"
        return number

    async with listening:
        outcomes = await LLMCompiler(tools=[ask], limits={"api": limit}).execute(
            f"xs = [ask(i) for i in range({calls})]\njoin(xs)"
        )
    answered = outcomes.joined
    assert isinstance(answered, list)
    return answered


def test_a_plan_is_served_over_the_wire() -> None:
    assert asyncio.run(served(AtOnce(3), 3, Limit(concurrency=3))) == [0, 1, 2]


@pytest.mark.parametrize(
    ("allows", "expected"),
    [
        (TokenBucket(1, size=0), Refusal(1.0, nothing_done=True)),
        (AtOnce(0), Refusal(1.0, nothing_done=False)),
    ],
)
def test_what_a_server_refuses_is_a_refusal_to_us(allows: Rule, expected: Refusal) -> None:
    async def main() -> Refusal | None:
        listening = await asyncio.start_server(Server(allows, Random(1)).serve, "127.0.0.1", 0)
        async with listening:
            with pytest.raises(HttpError) as raised:
                await get(listening.sockets[0].getsockname()[1], Random(1), jitter=0.0)
        return refusal_of(raised.value)

    assert asyncio.run(main()) == expected


def test_goals_are_of_medians_and_the_random_server_has_none() -> None:
    def row(server: str, ratio: float, refused: int, lost: int = 0) -> RealRow:
        return RealRow(server, 500, 1, 1, 10.0, ratio, refused, 0, lost)

    assert missed([[row("fixed", 1.1, 0), row("fixed", 1.14, 9), row("fixed", 9.0, 5)], [row("random", 3.0, 9)]]) == []
    assert missed([[row("bucket", 1.2, 6, 1)], []]) == [
        "bucket, 500 calls of 1: 1 lost",
        "bucket, 500 calls of 1: 1.20 x the bound",
        "bucket, 500 calls of 1: 6 refused",
        "1 took too long",
    ]
