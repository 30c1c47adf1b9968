"""Timeouts of attempts: one timer per distinct number of seconds, not one per attempt."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Ending(Protocol):
    """Something that is over at some time."""

    over: bool


T = TypeVar("T", bound=Ending)


class Timeouts(Generic[T]):
    """Calls `expired` for what is not over when its seconds have passed.

    What is given the same number of seconds expires in the order in which it came, so a queue and one timer do; a timer
    of the event loop for each would cost more than a free call does.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, expired: Callable[[T], None]) -> None:
        self._loop = loop
        self._expired = expired
        self._queues: dict[float, deque[tuple[float, T]]] = {}
        self._timers: dict[float, asyncio.TimerHandle] = {}

    def watch(self, item: T, seconds: float) -> None:
        """Expire `item` in so many seconds, unless it is over by then."""
        queue = self._queues.get(seconds)
        if queue is None:
            queue = self._queues[seconds] = deque()
        while queue and queue[0][1].over:
            queue.popleft()
        deadline = self._loop.time() + seconds
        queue.append((deadline, item))
        if seconds not in self._timers:
            self._timers[seconds] = self._loop.call_at(deadline, self._look, seconds)

    def clear(self) -> None:
        """Forget everything."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._queues.clear()

    def _look(self, seconds: float) -> None:
        """Expire what is due, and look again when the next one is."""
        del self._timers[seconds]
        queue = self._queues[seconds]
        now = self._loop.time()
        while queue and (queue[0][1].over or queue[0][0] <= now):
            item = queue.popleft()[1]
            if not item.over:
                self._expired(item)
        if queue and seconds not in self._timers:
            self._timers[seconds] = self._loop.call_at(queue[0][0], self._look, seconds)
