"""Virtual time for asyncio: a run that sleeps for hours takes milliseconds, and its order is always the same."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from superscalar.executors.local import busy_threads

T = TypeVar("T")

_MOMENT = 0.01


class Deadlock(RuntimeError):
    """Everything waits, and nothing is left that could wake anything."""


class _Selector(selectors.DefaultSelector):
    """Instead of waiting, moves the clock on; real waiting only for threads that are at work."""

    def __init__(self, loop: VirtualLoop, wait_for_threads: bool) -> None:
        super().__init__()
        self._loop = loop
        self._wait_for_threads = wait_for_threads

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(0)
        while True:
            # Asked before looking, so that nothing is missed that a thread hands over as it ends. A moment at a time,
            # as it counts as busy a moment longer.
            busy = self._wait_for_threads and busy_threads() > 0
            events: list[tuple[selectors.SelectorKey, int]] = super().select(_MOMENT if busy else 0)
            if events:
                return events
            if not busy:
                break
        if timeout is None:
            raise Deadlock("everything waits, and no timer is set that could wake anything")
        self._loop.advance(timeout)
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock jumps to the next timer as soon as nothing else is to be done.

    Sync tools run in real threads; the clock stands still while one is at work, unless `wait_for_threads` is false.
    """

    def __init__(self, *, wait_for_threads: bool = True) -> None:
        self._virtual = 0.0
        super().__init__(_Selector(self, wait_for_threads))

    def time(self) -> float:
        """Seconds since the loop was made, by its own clock."""
        return self._virtual

    def advance(self, seconds: float) -> None:
        """Move the clock on."""
        self._virtual += seconds


def run(main: Coroutine[Any, Any, T], *, wait_for_threads: bool = True) -> T:
    """`asyncio.run` in virtual time.

        def test_a_timeout() -> None:
            result = virtual.run(agent.execute(plan))     # minutes of sleeping tools, no waiting

    Raises:
        Deadlock: everything waits and no timer is set. What waits is in the traceback of the pending tasks.
    """
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(wait_for_threads=wait_for_threads)) as runner:
        return runner.run(main)
