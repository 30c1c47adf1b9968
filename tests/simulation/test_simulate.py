"""A simulation is decided by its seed alone, says how to replay it, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
from itertools import count
from random import Random
from typing import Any

import pytest

from superscalar import LLMCompiler, Retry, UsageError, tool
from superscalar.events import Event
from superscalar.testing import Deadlock, Endless, Faults, Provider, lognormal, seeds, simulate


@tool(effect="read", retry=Retry(attempts=3))
def price(ticker: str) -> float:
    """A price."""
    return float(len(ticker))


async def prices(random: Random) -> tuple[Event, ...]:
    quotes = Provider("quotes", random, lognormal(0.3), rate=4, faults=Faults(reset=0.2, refusal=0.1))
    agent = LLMCompiler(tools=[quotes.wrap(price)], random=random)
    async with agent.stream_plan("ps = [price(t) for t in ['a', 'b', 'c', 'd']]\njoin(ps)", run_id="run") as running:
        await running.result()
        return running.events


def test_one_seed_is_one_run_to_the_last_event_and_other_seeds_are_other_runs() -> None:
    runs = [simulate(prices, seed=seed) for seed in range(50)]
    assert runs == [simulate(prices, seed=seed) for seed in range(50)]
    assert len(set(map(repr, runs))) == 50


def test_what_is_due_at_once_comes_in_an_order_of_the_seeds() -> None:
    async def main(_random: Random) -> str:
        seen: list[str] = []

        async def come(name: str) -> None:
            await asyncio.sleep(1.0)
            seen.append(name)

        await asyncio.gather(*map(come, "abc"))
        return "".join(seen)

    orders = [simulate(main, seed=seed) for seed in range(100)]
    assert set(orders) == {"abc", "acb", "bac", "bca", "cab", "cba"}
    assert orders == [simulate(main, seed=seed) for seed in range(100)]


def test_a_failure_names_its_seed_and_the_line_to_replay_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(random: Random) -> None:
        assert random.random() < 0.5, "too large"

    def search() -> int:
        for seed in seeds(1_000):
            try:
                simulate(broken, seed=seed)
            except AssertionError as error:
                (note,) = error.__notes__
                assert note.startswith(f"This was seed {seed}. To replay it:")
                assert f"SUPERSCALAR_SEED={seed} python -m pytest" in note
                assert "test_simulate.py::test_a_failure_names_its_seed" in note
                return seed
        return -1

    found = search()
    assert found >= 0
    monkeypatch.setenv("SUPERSCALAR_SEED", str(found))
    assert seeds(1_000) == (found,)
    assert search() == found
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    with pytest.raises(AssertionError) as caught:
        simulate(broken, seed=found)
    assert f"broken, seed={found})" in caught.value.__notes__[0]


def test_the_environment_says_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUPERSCALAR_SIMULATIONS", raising=False)
    assert list(seeds(3)) == [0, 1, 2]
    monkeypatch.setenv("SUPERSCALAR_SIMULATIONS", "500")
    assert len(seeds(3)) == 500
    monkeypatch.setenv("SUPERSCALAR_SIMULATIONS", "many")
    with pytest.raises(UsageError, match="SUPERSCALAR_SIMULATIONS=many"):
        seeds(3)


def test_what_waits_for_ever_is_an_error_with_its_seed() -> None:
    async def main(_random: Random) -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock) as caught:
        simulate(main, seed=7)
    assert "This was seed 7" in caught.value.__notes__[0]


@pytest.mark.parametrize("pause", [0.0, 1.0])
def test_what_goes_on_for_ever_is_an_error_too(pause: float) -> None:
    async def main(_random: Random) -> None:
        for _ in count():
            await asyncio.sleep(pause)

    with pytest.raises(Endless, match="still goes on"):
        simulate(main, seed=7, most_turns=10_000)


def test_what_is_left_running_is_cancelled_and_waited_for() -> None:
    ended: list[Any] = []

    async def linger() -> None:
        try:
            await asyncio.sleep(1e9)
        finally:
            await asyncio.sleep(5)
            ended.append(asyncio.get_running_loop().time())

    async def main(_random: Random) -> asyncio.Task[None]:
        task = asyncio.create_task(linger())
        await asyncio.sleep(1)
        return task

    assert simulate(main, seed=1).cancelled()
    assert ended == [6.0]


def test_what_never_listens_is_left_behind() -> None:
    async def deaf() -> None:
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)

    async def main(_random: Random) -> asyncio.Task[None]:
        task = asyncio.create_task(deaf())
        task._log_destroy_pending = False  # type: ignore[attr-defined]  # it would be said in the log
        await asyncio.sleep(1)
        return task

    assert not simulate(main, seed=1).done()


def test_generators_that_were_not_exhausted_are_closed() -> None:
    closed: list[bool] = []

    async def numbers() -> Any:
        try:
            for number in range(10):
                yield number
        finally:
            closed.append(True)

    kept: list[Any] = []

    async def main(_random: Random) -> None:
        kept.append(numbers())
        assert await anext(kept[0]) == 0

    simulate(main, seed=1)
    assert closed == [True]
