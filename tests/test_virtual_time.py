"""Virtual time jumps to the next timer, but never past a thread that is at work."""

from __future__ import annotations

import asyncio
import time

import pytest

from superscalar.testing import Deadlock, run


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
