"""The queues in which anybody waits, on one clock: slots that have come free are handed to those whose turn it is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from superscalar.schedule.choice import Candidate, Looking, choose
from superscalar.schedule.crowd import Crowd
from superscalar.schedule.gate import Gate
from superscalar.schedule.waiting import FirstInLine, Queue, Ticket

Later: TypeAlias = dict[asyncio.AbstractEventLoop, int]
"""When each event loop has to look again, in nanoseconds."""


class LineUp:
    """Who waits, and who goes next. Whoever uses it holds the lock of the clock.

    `waiting`: every queue in which anybody does. Those that wait for nothing but their agent's cap stand in a crowd,
    and the others are looked at each time.
    """

    def __init__(self, numbers: Iterator[int]) -> None:
        self.waiting: dict[Queue, None] = {}
        self._watched: dict[Queue, None] = {}
        self._crowds: dict[Gate, Crowd] = {}  # by the cap that they wait for
        self._numbers = numbers

    def enter(self, queue: Queue) -> None:
        """Somebody waits there."""
        self.waiting[queue] = None
        if queue.crowd is None:
            self._watched[queue] = None

    def hand_out(self, now: int, granted: list[Ticket], later: Later) -> None:
        """Let as many as can start: they are `granted`, with everything taken for them. `later`: when to look again."""
        if len(self.waiting) != 1:
            self._hand_round(now, granted, later)
            return
        (queue,) = self.waiting
        if not queue.hand_on(now, self._numbers, granted):
            self._hand_to(queue, now, granted, later)

    def _hand_to(self, queue: Queue, now: int, granted: list[Ticket], later: Later) -> None:
        """Let as many as can start of the only queue in which anybody waits."""
        while (first := queue.first()) is not None:
            ticket = first[1][2]
            opens = queue.opens_at(now)
            if opens == now:
                queue.grant(ticket, now, next(self._numbers))
                granted.append(ticket)
                continue
            if opens is None:
                if len(queue.lacked) > 1:
                    queue.keep(now)
            else:
                later[ticket.loop] = opens
            return
        self._forget(queue)

    def _hand_round(self, now: int, granted: list[Ticket], later: Later) -> None:
        """Let as many as can start; of several queues one goes next of the run that was served longest ago."""
        looking = self._uncapped(list(self._watched))
        crowds = self._open_crowds()
        early: list[tuple[int, Queue]] = []  # those that lack nothing but time, and until when
        while (chosen := self._next(looking, crowds)) is not None:
            _, place, queue = chosen
            if early and self._keep_for(early, queue, now):
                looking = self._uncapped(looking.queues())
                crowds = self._open_crowds()
                continue
            opens = queue.opens_at(now)
            ticket = place[2]
            if opens == now:
                queue.grant(ticket, now, next(self._numbers))
                granted.append(ticket)
                left = self._first(queue)
                if queue.crowd is not None and left is not None:
                    self._watch(queue)
                    looking.add(queue, left)
                if queue.gates[-1].free < 1:
                    looking = self._uncapped(looking.queues())
                    crowds = self._open_crowds()
                continue
            if queue.crowd is not None:  # it waits for something else than the cap
                self._watch(queue)
            else:
                looking.drop(queue)
            if opens is None:
                if len(queue.lacked) > 1:
                    queue.keep(now)
            else:
                later[ticket.loop] = min(opens, later.get(ticket.loop, opens))
                early.append((opens, queue))

    def _next(self, looking: Looking, crowds: list[Crowd]) -> Candidate | None:
        found = looking.candidates()
        for crowd in crowds:
            found += crowd.candidates()
        return choose(found)

    def _keep_for(self, early: list[tuple[int, Queue]], taker: Queue, now: int) -> bool:
        """Keep slots for narrower queues that need one in a moment, before another takes it; whether none is left."""
        cap = taker.gates[-1]
        before = cap.free
        for one in early.copy():
            opens, queue = one
            if queue.reach < taker.reach and queue.gates[-1] is cap:
                queue.keep_soon(now, opens, taker.lasts)
                early.remove(one)
        return cap.free < min(before, 1)

    def _first(self, queue: Queue) -> FirstInLine | None:
        first = queue.first()
        if first is None:
            self._forget(queue)
        return first

    def _uncapped(self, queues: Iterable[Queue]) -> Looking:
        """Those whose agents may make more calls; the others wait for that and nothing else, and are not looked at."""
        left = []
        for queue in queues:
            first = self._first(queue)
            if first is None:
                continue
            if not queue.capped():
                left.append((first, queue))
                continue
            cap = queue.gates[-1]
            crowd = self._crowds.get(cap)
            if crowd is None:
                crowd = self._crowds[cap] = Crowd(cap, self._forget)
            crowd.join(queue)
            self._watched.pop(queue, None)
        return Looking(left, self._first)

    def _watch(self, queue: Queue) -> None:
        """Look at one that was in a crowd."""
        if queue.crowd is not None:
            queue.crowd.leave(queue)
        self._watched[queue] = None

    def _open_crowds(self) -> list[Crowd]:
        for cap in [cap for cap, crowd in self._crowds.items() if not crowd]:
            del self._crowds[cap]
        return [crowd for crowd in self._crowds.values() if crowd.cap.free > 0]

    def _forget(self, queue: Queue) -> None:
        """Nobody waits there any more."""
        queue.first()  # so that it keeps nothing either
        self.waiting.pop(queue, None)
        self._watched.pop(queue, None)
        if queue.crowd is not None:
            queue.crowd.leave(queue)
