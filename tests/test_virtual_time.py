"""Virtual time jumps to the next timer, but never past a thread that is at work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from superscalar.compiler.sync import run_to_end
from superscalar.testing import Deadlock, VirtualLoop, run


async def at(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return asyncio.get_running_loop().time()


def test_a_long_sleep_takes_no_time_and_ends_at_its_time() -> None:
    before = time.monotonic()
    assert run(at(1_000_000.0)) == 1_000_000.0
    assert time.monotonic() - before < 60


def test_sleeps_end_in_the_order_of_their_times() -> None:
    async def main() -> list[float]:
        return [await done for done in asyncio.as_completed([at(3.0), at(1.0), at(2.0)])]

    assert run(main()) == [1.0, 2.0, 3.0]


def test_waiting_for_what_nothing_can_bring_is_an_error() -> None:
    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(Deadlock):
        run(main())


def test_what_a_thread_hands_over_as_it_ends_comes_before_the_clock_moves_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        handed_over = loop.create_future()

        def busy() -> int:  # by the time that this is answered the thread has just ended
            if not handed_over.done():
                loop.call_soon_threadsafe(handed_over.set_result, None)
            return 0

        monkeypatch.setattr("superscalar.testing.clock.busy_threads", busy)
        await asyncio.wait_for(handed_over, 5.0)
        return loop.time()

    assert run(main()) == 0.0


def test_a_thread_that_counts_as_busy_for_a_moment_longer_hangs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [1, 1, 1, 0]
    monkeypatch.setattr("superscalar.testing.clock.busy_threads", lambda: answers.pop(0) if answers else 0)
    assert run(at(5.0)) == 5.0
    assert answers == []


def test_a_blocking_call_in_an_executor_holds_the_clock() -> None:
    async def main() -> tuple[int, float]:
        found = await asyncio.wait_for(asyncio.to_thread(sum, [1, 2]), 5.0)
        return found, asyncio.get_running_loop().time()

    assert run(main()) == (3, 0.0)


def test_timers_of_one_moment_fire_in_the_order_in_which_they_were_set_or_in_one_of_the_seeds() -> None:
    async def main() -> str:
        loop, seen = asyncio.get_running_loop(), list[str]()
        for name in "abcde":
            loop.call_at(1.0, seen.append, name)
        await asyncio.sleep(2.0)
        return "".join(seen)

    assert run(main()) == "abcde"
    orders = {run(main(), seed=seed) for seed in range(20)}
    assert len(orders) > 10
    assert {"".join(sorted(order)) for order in orders} == {"abcde"}
    assert [run(main(), seed=seed) for seed in range(20)] == [run(main(), seed=seed) for seed in range(20)]


def test_sums_that_differ_in_the_last_digit_are_the_same_moment() -> None:
    async def main() -> str:
        loop, seen = asyncio.get_running_loop(), list[str]()
        loop.call_at(0.1 + 0.2, seen.append, "a")  # 0.30000000000000004
        loop.call_at(0.3, seen.append, "b")
        await asyncio.sleep(1.0)
        return "".join(seen)

    assert {run(main(), seed=seed) for seed in range(20)} == {"ab", "ba"}


def test_a_timer_that_never_comes_keeps_no_deadlock_from_being_seen() -> None:
    with pytest.raises(Deadlock):
        run(at(float("inf")))


def test_cancelled_timers_are_forgotten() -> None:
    async def main() -> tuple[int, list[float]]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        kept = loop.call_at(7.0, print)
        for _ in range(10_000):
            loop.call_later(1e6, print).cancel()
        live = [timer.when() for timer in loop.open_timers]
        kept.cancel()
        return len(loop._timers), live

    held, live = run(main())
    assert live == [7.0]
    assert held < 3_000


def test_what_a_timer_sets_for_now_is_done_now() -> None:
    async def main() -> list[float]:
        loop, seen = asyncio.get_running_loop(), list[float]()
        loop.call_later(1.0, lambda: loop.call_later(0.0, lambda: loop.call_at(0.5, lambda: seen.append(loop.time()))))
        await asyncio.sleep(2.0)
        return seen

    assert run(main()) == [1.0]


def test_callbacks_of_one_turn_keep_the_order_in_which_they_were_added() -> None:
    async def main() -> str:
        loop, seen = asyncio.get_running_loop(), list[str]()
        for name in "abcde":
            loop.call_soon(seen.append, name)
        await asyncio.sleep(0)
        return "".join(seen)

    assert {run(main(), seed=seed) for seed in range(20)} == {"abcde"}


def test_a_closed_loop_takes_nothing_more() -> None:
    loop = VirtualLoop()
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_soon(print)
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_later(1.0, print)


class Loud:
    def __repr__(self) -> str:
        raise AssertionError("nobody asked for it")


@pytest.mark.parametrize("to_its_end", [lambda main: run(main()), run_to_end])
def test_the_repr_of_what_a_run_returns_is_not_taken(to_its_end: Callable[[Any], Any]) -> None:
    """asyncio would: that of a result of thousands of calls takes longer than they do."""

    async def main() -> Loud:
        return Loud()

    assert type(to_its_end(main)) is Loud
