"""Models that nobody has any more, in an event loop that goes on: what they had open is closed there."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from superscalar.models import Message, OpenAIModel, Request
from superscalar.models.clients import OwnConnections
from superscalar.models.lives import closed_without
from support.fake_openai import replying, serving

REQUEST = Request((Message("user", "What?"),), max_tokens=9)


async def gone(owner: weakref.ref[Any]) -> None:
    """Wait until the collector has taken the owner, and the loop what that left behind."""
    gc.collect()
    assert owner() is None
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_model_that_is_dropped_closes_its_connections() -> None:
    pytest.importorskip("openai", reason="needs the extra: pip install 'superscalar[openai]'")

    async def test() -> None:
        async with serving(replying(["Hello."])) as server:
            model = OpenAIModel("m", base_url=server.url, api_key="k")
            assert [chunk.text async for chunk in model.stream(REQUEST) if chunk.text] == ["Hello."]
            sdk = await model._client()
            owner = weakref.ref(model)
            del model
            await gone(owner)
            assert sdk.is_closed()

    asyncio.run(test())


class Opened:
    """A model of pydantic-ai, as far as it is open."""

    def __init__(self) -> None:
        self.did: list[str] = []

    async def __aenter__(self) -> Opened:
        self.did.append("open")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.did.append("closed")


def test_connections_of_a_loop_are_closed_with_their_owner() -> None:
    made = Opened()

    async def test() -> None:
        connections = OwnConnections(lambda: made)
        async with connections.open() as model:
            assert model is made
        owner = weakref.ref(connections)
        del connections
        await gone(owner)
        assert made.did == ["open", "closed"]

    asyncio.run(test())
    assert made.did == ["open", "closed"]


class Owner:
    """Somebody who has something open."""


@asynccontextmanager
async def owned(closed: list[str]) -> AsyncIterator[Owner]:
    async def close() -> None:
        closed.append("closed")

    owner = Owner()
    call_off = closed_without(owner, close)
    try:
        yield owner
    finally:
        call_off()


def test_what_was_closed_already_is_not_closed_again() -> None:
    closed: list[str] = []

    async def test() -> None:
        async with owned(closed) as owner:
            reference = weakref.ref(owner)
        del owner
        await gone(reference)

    asyncio.run(test())
    assert closed == []


def test_an_owner_that_outlives_the_loop_closes_nothing_in_it() -> None:
    closed: list[str] = []

    async def close() -> None:
        closed.append("closed")

    async def test(owner: Owner) -> None:
        closed_without(owner, close)

    owner = Owner()
    asyncio.run(test(owner))
    reference = weakref.ref(owner)
    del owner
    gc.collect()
    assert (reference(), closed) == (None, [])
