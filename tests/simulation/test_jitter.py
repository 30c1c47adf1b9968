"""A simulated provider that is a way off: what starts evenly does not arrive so."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from superscalar import RateLimited, UsageError, tool
from superscalar.testing import Provider, ServiceRequest, constant, run


@tool(effect="write")
async def send(to: str) -> str:
    """Send a message."""
    return f"sent to {to}"


def seen(jitter: float) -> list[Any]:
    """When each of three requests was begun and over, and what chance had left."""

    async def main() -> list[Any]:
        mail = Provider("mail", Random(4), constant(1.0), jitter=jitter)
        ask = mail.wrap(send)
        await asyncio.gather(*(ask(to="Ann") for _ in range(3)))
        return [(request.start, request.end) for request in mail.requests]

    return run(main())


def test_a_request_takes_time_there_and_back_as_the_seed_decides() -> None:
    assert seen(0.0) == [(0.0, 1.0)] * 3
    assert seen(0.5) == seen(0.5)
    assert len({start for start, _ in seen(0.5)}) == 3
    for start, end in seen(0.5):
        assert 0.0 < start < 0.5
        assert 1.0 < end - start < 1.5


def test_a_refusal_comes_back_as_late_as_an_answer() -> None:
    async def main() -> tuple[float, float]:
        mail = Provider("mail", Random(1), constant(1.0), rate=1, per=10.0, jitter=0.5)
        await mail.wrap(send)(to="Ann")
        with pytest.raises(RateLimited):
            await mail.wrap(send)(to="Bob")
        _, refused = mail.requests
        assert refused.ended == "refused"
        assert refused.end is not None
        return refused.end, refused.start

    over, arrived = run(main())
    assert 0.0 < over - arrived < 0.5


def test_how_many_are_there_at_once_leaves_out_who_is_on_the_way() -> None:
    async def main() -> int:
        mail = Provider("mail", Random(1), constant(0.001), concurrency=3, jitter=10.0)
        await asyncio.gather(*(mail.wrap(send)(to="Ann") for _ in range(5)))
        return mail.most_at_once

    assert run(main()) == 1


@pytest.mark.parametrize(("after", "effects"), [(0.0001, []), (1.9, [("cancelled", 1)])])
def test_who_is_cancelled_on_the_way_there_never_came_and_on_the_way_back_did(after: float, effects: list[Any]) -> None:
    async def main() -> list[ServiceRequest]:
        mail = Provider("mail", Random(25), constant(0.0), jitter=2.0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(mail.wrap(send)(to="Ann"), after)
        return mail.requests

    assert [(request.ended, request.effects) for request in run(main())] == effects


@pytest.mark.parametrize("jitter", [-0.1, float("inf"), float("nan")])
def test_jitter_is_a_number_of_seconds(jitter: float) -> None:
    with pytest.raises(UsageError, match="jitter="):
        Provider("mail", Random(1), jitter=jitter)
