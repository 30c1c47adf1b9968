"""Which of the queues goes next whose calls could start: where slots are scarce, the one that a wait would cost most.

Slots that one call leaves can be used by another, but what a limit could have done in a moment is lost with it. A queue
whose limits let it use few of the slots at a time (its reach) never makes up for what it missed, and one that can use
all of them does so whenever the others leave some. So of a run's queues the one of least reach goes first: the others
have what it leaves, which is nearly all. That keeps a pipeline's slowest stage busy, wherever it stands, and nobody
waits for longer than the narrower limits need for what is there: each run is finite, and runs take turns.

There is one exception: a call with so long a path behind it that the narrower queue's limits would be through with all
that waits there well before that path has ended. That goes first, as within a queue (`LongestPath`). Queues that can
use all of the slots are told apart by the longest path alone.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from superscalar.schedule.gate import NANO
from superscalar.schedule.waiting import FirstInLine, PlaceInLine, Queue

Candidate: TypeAlias = tuple[int, PlaceInLine, Queue]
"""When a run was served last, the place of its first ticket in a queue, and that queue."""


def choose(candidates: Sequence[Candidate]) -> Candidate | None:
    """Of the run that goes next, the queue that does; of each of its queues that may, or of the first ones of many."""
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    turn = min(served for served, _, _ in candidates)
    of_run = [one for one in candidates if one[0] == turn]
    longest = min(of_run, key=_place)
    narrow = min(of_run, key=_reach)
    if narrow[2].reach >= longest[2].reach or _is_urgent(longest, narrow):
        return longest
    return narrow


def _is_urgent(longest: Candidate, narrow: Candidate) -> bool:
    """Whether a path goes on for longer than the limits of another queue need for all that waits there.

    Its own call does not count, since the path of a stage always holds that of the next one; nor does as much again,
    since both are estimates.
    """
    _, (order, _, _), queue = longest
    _, place, other = narrow
    behind = -order[0] - 2 * max(queue.lasts, 0) / NANO
    return behind > 0.0 and behind > other.lead(place[2].run, place)


def _place(one: Candidate) -> PlaceInLine:
    return one[1]


def _reach(one: Candidate) -> tuple[float, PlaceInLine]:
    return one[2].reach, one[1]


class Looking:
    """The queues that are looked at in this round, by the first place in each and by reach. O(log n) a look.

    One whose run was served meanwhile, here or elsewhere, is put where it belongs when it comes first. `first` is asked
    for the first place of a queue.
    """

    __slots__ = ("_by_place", "_by_reach", "_first", "_left")

    def __init__(
        self, found: Iterable[tuple[FirstInLine, Queue]], first: Callable[[Queue], FirstInLine | None]
    ) -> None:
        self._first = first
        self._by_place = list(found)
        self._left = {queue for _, queue in self._by_place}
        self._by_reach = [(served, queue.reach, place, queue) for (served, place), queue in self._by_place]
        heapq.heapify(self._by_place)
        heapq.heapify(self._by_reach)

    def queues(self) -> Iterable[Queue]:
        """Those that are left."""
        return self._left

    def add(self, queue: Queue, first: FirstInLine) -> None:
        """One more."""
        self._left.add(queue)
        heapq.heappush(self._by_place, (first, queue))
        heapq.heappush(self._by_reach, (first[0], queue.reach, first[1], queue))

    def drop(self, queue: Queue) -> None:
        """It cannot start a call in this round."""
        self._left.discard(queue)

    def candidates(self) -> list[Candidate]:
        """Of the run that goes next, the queue with its first place, and the narrowest one if that is another."""
        by_place, by_reach = self._by_place, self._by_reach
        while by_place and (first := self._at(by_place[0][1])) != by_place[0][0]:
            if first is None:
                heapq.heappop(by_place)
            else:
                heapq.heapreplace(by_place, (first, by_place[0][1]))
        if not by_place:
            return []
        before, queue = by_place[0]
        while len(by_place) > 1:
            served, _, place, narrow = by_reach[0]
            found = self._at(narrow)
            if found is None:
                heapq.heappop(by_reach)
            elif found != (served, place):  # only then has it another reach
                heapq.heapreplace(by_reach, (found[0], narrow.reach, found[1], narrow))
            elif narrow is queue:
                break
            else:
                return [(*before, queue), (served, place, narrow)]
        return [(*before, queue)]

    def _at(self, queue: Queue) -> FirstInLine | None:
        return self._first(queue) if queue in self._left else None
