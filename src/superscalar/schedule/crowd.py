"""Queues that wait for nothing but their agent's cap: of however many there are, only one is looked at a time."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

from superscalar.schedule.gate import Gate
from superscalar.schedule.waiting import FirstInLine, PlaceInLine, Queue


class Crowd:
    """The queues of one agent, by run and place. A place that has changed meanwhile is seen when it comes first.

    A run has its turn with all of its queues, so they are sorted by run, and by place within each: a grant moves one
    queue and one run, and costs O(log n). `forget` is told of a queue in which nobody waits any more.
    """

    def __init__(self, cap: Gate, forget: Callable[[Queue], None]) -> None:
        self.cap = cap
        self._forget = forget
        self._runs: dict[str, list[tuple[PlaceInLine, int, Queue]]] = {}
        self._turns: list[tuple[int, str]] = []  # by when each run was served; looked up again when it comes first
        self._entries: dict[Queue, dict[str, int]] = {}  # the ones that count: others are dropped when they come up
        self._numbers = count(1)

    def __bool__(self) -> bool:
        return bool(self._entries)

    def join(self, queue: Queue) -> None:
        """A queue waits here from now on."""
        queue.crowd = self
        self._entries[queue] = {}
        for run, place in queue.places():
            self.enter(queue, run, place)

    def enter(self, queue: Queue, run: str, place: PlaceInLine) -> None:
        """A queue has another first place for a run."""
        number = self._entries[queue][run] = next(self._numbers)
        places = self._runs.get(run)
        if places is None:
            places = self._runs[run] = []
            heapq.heappush(self._turns, (queue.served(run), run))
        heapq.heappush(places, (place, number, queue))

    def leave(self, queue: Queue) -> None:
        """It has nobody left, or waits for something else."""
        queue.crowd = None
        del self._entries[queue]

    def first(self) -> tuple[FirstInLine, Queue] | None:
        """The queue that goes next, with what `Queue.first` says of it."""
        while self._turns:
            served, run = self._turns[0]
            found = self._first_of(run)
            if found is None:
                heapq.heappop(self._turns)
                del self._runs[run]
                continue
            place, queue = found
            if (now := queue.served(run)) == served:
                return (served, place), queue
            heapq.heapreplace(self._turns, (now, run))
        return None

    def _first_of(self, run: str) -> tuple[PlaceInLine, Queue] | None:
        places = self._runs[run]
        while places:
            place, number, queue = places[0]
            entries = self._entries.get(queue)
            if entries is None or entries.get(run) != number:
                heapq.heappop(places)
                continue
            now = queue.first_of(run)
            if now is place:
                return place, queue
            heapq.heappop(places)
            del entries[run]
            if now is not None:
                self.enter(queue, run, now)
            elif not entries:
                self._forget(queue)
        return None
