"""Queues that wait for nothing but their agent's cap: of however many there are, only two are looked at a time."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import TypeAlias

from superscalar.schedule.choice import Candidate
from superscalar.schedule.gate import Gate
from superscalar.schedule.waiting import PlaceInLine, Queue

_Entry: TypeAlias = tuple[PlaceInLine, int, Queue]
_NarrowEntry: TypeAlias = tuple[float, PlaceInLine, int, Queue]


class _RunInCrowd:
    """The queues in which one run waits: by its places there, and by how few slots each can use."""

    __slots__ = ("by_place", "by_reach")

    def __init__(self) -> None:
        self.by_place: list[_Entry] = []
        self.by_reach: list[_NarrowEntry] = []


class Crowd:
    """The queues of one agent, by run and place. A place that has changed meanwhile is seen when it comes first.

    A run has its turn with all of its queues, so they are sorted by run, and by place and by reach within each: a grant
    moves one queue and one run, and costs O(log n). `forget` is told of a queue in which nobody waits any more.
    """

    def __init__(self, cap: Gate, forget: Callable[[Queue], None]) -> None:
        self.cap = cap
        self._forget = forget
        self._runs: dict[str, _RunInCrowd] = {}
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
        """A queue has another first place for a run, or another reach."""
        number = self._entries[queue][run] = next(self._numbers)
        entered = self._runs.get(run)
        if entered is None:
            entered = self._runs[run] = _RunInCrowd()
            heapq.heappush(self._turns, (queue.served(run), run))
        heapq.heappush(entered.by_place, (place, number, queue))
        if queue.reach < self.cap.capacity:
            heapq.heappush(entered.by_reach, (queue.reach, place, number, queue))

    def leave(self, queue: Queue) -> None:
        """It has nobody left, or waits for something else."""
        queue.crowd = None
        del self._entries[queue]

    def candidates(self) -> list[Candidate]:
        """Of the run that goes next, the queue with its first place, and the narrowest one if that is another."""
        while self._turns:
            served, run = self._turns[0]
            entered = self._runs[run]
            found = self._first_of(run, entered)
            if found is None:
                heapq.heappop(self._turns)
                del self._runs[run]
                continue
            place, queue = found
            if (now := queue.served(run)) != served:
                heapq.heapreplace(self._turns, (now, run))
                continue
            narrow = self._narrowest_of(run, entered)
            if narrow is None or narrow[1] is queue:
                return [(served, place, queue)]
            return [(served, place, queue), (served, *narrow)]
        return []

    def _first_of(self, run: str, entered: _RunInCrowd) -> tuple[PlaceInLine, Queue] | None:
        places = entered.by_place
        while places:
            place, number, queue = places[0]
            if self._still_first(queue, run, place, number):
                return place, queue
            heapq.heappop(places)
        return None

    def _narrowest_of(self, run: str, entered: _RunInCrowd) -> tuple[PlaceInLine, Queue] | None:
        narrow = entered.by_reach
        while narrow:
            _, place, number, queue = narrow[0]
            if self._still_first(queue, run, place, number):
                return place, queue
            heapq.heappop(narrow)
        return None

    def _still_first(self, queue: Queue, run: str, place: PlaceInLine, number: int) -> bool:
        """Whether an entry counts; where its ticket has gone meanwhile, its queue enters with the next one."""
        entries = self._entries.get(queue)
        if entries is None or entries.get(run) != number:
            return False
        now = queue.first_of(run)
        if now is place:
            return True
        del entries[run]
        if now is not None:
            self.enter(queue, run, now)
        elif not entries:
            self._forget(queue)
        return False
