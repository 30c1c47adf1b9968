"""Limits at work: who may start now, who waits, and when to look again. Shared by all runs of an agent.

All that a call needs (its named limits and a global slot) is taken together, at the moment it starts; nothing is held
while waiting. A queue per set of limits means that a call waits for its own limits only. Within a queue the runs take
turns; within a run, the order that the tickets give.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from math import ceil
from threading import Lock
from typing import TypeAlias

from superscalar.errors import UsageError
from superscalar.tools.terms import Limit

EVERYTHING = "max_concurrency"
"""The name of the global limit that every call takes part in."""

_NANO = 1_000_000_000


class Gate:
    """One limit's live state: free slots, and when the next start is due in nanoseconds (`opens`).

    The rate is kept by the theoretical arrival time of the next call (GCRA).
    """

    __slots__ = ("_arrival", "_interval", "_tolerance", "free", "name", "opens")

    def __init__(self, name: str, limit: Limit) -> None:
        self.name = (name,)
        self.free = limit.concurrency if limit.concurrency is not None else 1 << 62
        self.opens = 0
        self._interval = ceil(limit.per / limit.rate * _NANO) if limit.rate is not None else 0
        self._tolerance = self._interval * (limit.burst - 1)
        self._arrival = 0

    @property
    def room(self) -> int:
        """How many may start now, whatever the time is."""
        return 0 if self._interval or self.opens else self.free

    def take(self, now: int) -> None:
        """Take a slot and a token."""
        self.free -= 1
        if self._interval:
            self._arrival = max(self._arrival, now) + self._interval
            self.opens = max(self.opens, self._arrival - self._tolerance)

    def close(self, until: int) -> None:
        """Let nothing start before then."""
        self.opens = max(self.opens, until)


class Ticket:
    """A call that wants to start under some limits. `granted` is called on `loop` when its turn has come."""

    __slots__ = ("loop", "names", "order", "queue", "run", "waiting")

    order: tuple[float, ...]

    def __init__(self, run: str, names: tuple[str, ...], loop: asyncio.AbstractEventLoop) -> None:
        self.run = run
        self.names = names
        self.loop = loop
        self.waiting = False
        self.queue: _Queue | None = None

    @property
    def blocked_by(self) -> tuple[str, ...]:
        """The limit that keeps it waiting."""
        return self.queue.blocked_by if self.queue is not None else ()

    def granted(self) -> None:
        """Everything that it asked for was taken for it: start."""
        raise NotImplementedError


_Place: TypeAlias = tuple[tuple[float, ...], int, Ticket]


class _Line:
    """The tickets of one run in order. They nearly always come in that order, and then nothing is sorted."""

    __slots__ = ("_inorder", "_others")

    def __init__(self) -> None:
        self._inorder: deque[_Place] = deque()
        self._others: list[_Place] = []

    def push(self, ticket: Ticket) -> None:
        place = (ticket.order, id(ticket), ticket)
        if not self._inorder or self._inorder[-1] < place:
            self._inorder.append(place)
        else:
            heapq.heappush(self._others, place)

    def head(self) -> Ticket | None:
        """The first ticket; those that were withdrawn, or have another place now, are dropped on the way."""
        while self._inorder or self._others:
            order, _, ticket = (self._others if self._others_first() else self._inorder)[0]
            if ticket.waiting and ticket.order is order and not ticket.loop.is_closed():
                return ticket
            self.pop()
        return None

    def pop(self) -> None:
        if self._others_first():
            heapq.heappop(self._others)
        else:
            self._inorder.popleft()

    def _others_first(self) -> bool:
        return bool(self._others) and (not self._inorder or self._others[0] < self._inorder[0])


class _Queue:
    """Tickets for one set of limits: a line per run, the runs in turn."""

    __slots__ = ("_lines", "_turns", "blocked_by", "gates", "names")

    def __init__(self, names: tuple[str, ...], gates: tuple[Gate, ...]) -> None:
        self.names = names
        self.gates = gates
        self.blocked_by: tuple[str, ...] = ()
        self._lines: dict[str, _Line] = {}
        self._turns: deque[str] = deque()

    def push(self, ticket: Ticket) -> None:
        """Queue up behind the tasks of the same run that come before it."""
        line = self._lines.get(ticket.run)
        if line is None:
            line = self._lines[ticket.run] = _Line()
            self._turns.append(ticket.run)
        line.push(ticket)

    def head(self) -> Ticket | None:
        """The next ticket."""
        while self._turns:
            if (ticket := self._lines[self._turns[0]].head()) is not None:
                return ticket
            del self._lines[self._turns.popleft()]
        return None

    def pop(self) -> None:
        """Take the head away; the next run has its turn."""
        self._lines[self._turns[0]].pop()
        if len(self._turns) > 1:
            self._turns.rotate(-1)

    def opens_at(self, now: int) -> int | None:
        """When the next ticket may start: `now` or later (nanoseconds); None while a slot is missing."""
        opens = now
        for gate in self.gates:
            if gate.free < 1:
                self.blocked_by = gate.name
                return None
            if gate.opens > opens:
                opens = gate.opens
                self.blocked_by = gate.name
        return opens


class Limits:
    """Grants starts under named limits and a global cap. Safe to use from several threads, each with its event loop."""

    def __init__(self, limits: Mapping[str, Limit] | None = None, max_concurrency: int = 32) -> None:
        if max_concurrency < 1:
            raise UsageError(f"max_concurrency={max_concurrency}: at least 1; concurrency is always bounded")
        self._gates = {name: Gate(name, limit) for name, limit in (limits or {}).items()}
        self._everything = Gate(EVERYTHING, Limit(concurrency=max_concurrency))
        self._known: dict[tuple[str, ...], _Queue] = {}
        self._queues: dict[tuple[str, ...], _Queue] = {}  # of the known ones, those that somebody waits in
        self._lock = Lock()
        self.changed = False  # somebody may be able to start who could not when the queues were last looked at
        self._handing_on = False  # a slot has come back and was not handed on yet
        self._dispatching: set[asyncio.AbstractEventLoop] = set()
        self._timers: dict[asyncio.AbstractEventLoop, asyncio.TimerHandle] = {}

    def require(self, names: Iterable[str], tool: str) -> None:
        """Make sure that every limit that a tool names exists.

        Raises:
            UsageError: one does not.
        """
        for name in names:
            if name not in self._gates:
                known = ", ".join(sorted(self._gates)) or "none"
                raise UsageError(
                    f'tool {tool} takes part in the limit "{name}", which is not defined (defined: {known}); '
                    f'write limits={{"{name}": Limit(concurrency=5)}}'
                )

    def _queue_of(self, names: tuple[str, ...]) -> _Queue:
        queue = self._known.get(names)
        if queue is None:
            gates = (*(self._gates[name] for name in names), self._everything)
            queue = self._known[names] = _Queue(names, gates)
        return queue

    def room(self, names: tuple[str, ...]) -> int:
        """How many calls could start now for certain; fewer than there may be where the limit is a rate."""
        with self._lock:
            if self._queues:
                return 0
            return min(gate.room for gate in self._queue_of(names).gates)

    def ask(self, ticket: Ticket, order: tuple[float, ...]) -> bool:
        """Take everything now and return True; or queue up, and `ticket.granted` is called in time.

        Within a run the lowest `order` goes first.
        Those who wait for a slot that has just come back go before those who ask only now.
        """
        with self._lock:
            queue = self._queue_of(ticket.names)
            if ticket.names not in self._queues:
                now = int(ticket.loop.time() * _NANO)
                if queue.opens_at(now) == now and not (self._handing_on and self._queues):
                    for gate in queue.gates:
                        gate.take(now)
                    return True
                self._queues[ticket.names] = queue
                self.changed = True  # somebody must set a timer, if it is the rate that is missing
            ticket.waiting = True
            ticket.queue = queue
            ticket.order = order
            queue.push(ticket)
            return False

    def reorder(self, tickets: Mapping[Ticket, tuple[float, ...]]) -> None:
        """Give tickets that wait other places among those of their run."""
        with self._lock:
            for ticket, order in tickets.items():
                if ticket.waiting and ticket.queue is not None and ticket.order != order:
                    ticket.order = order
                    ticket.queue.push(ticket)

    def withdraw(self, ticket: Ticket) -> None:
        """Give up a place in the queue."""
        ticket.waiting = False
        self.changed = True

    def give_back(self, names: tuple[str, ...]) -> None:
        """A call ended: its slots are free. `dispatch` hands them on."""
        with self._lock:
            for gate in self._queue_of(names).gates:
                gate.free += 1
            self.changed = self._handing_on = True

    def pause(self, names: tuple[str, ...], seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        """A provider said "too many": nothing starts under these limits for so long. What runs goes on."""
        until = int((loop.time() + seconds) * _NANO)
        with self._lock:
            for name in names:
                self._gates[name].close(until)

    def dispatch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let whoever can start do so, and set a timer for the next one who can later."""
        if not self.changed or not self._queues or loop in self._dispatching:
            return
        self._dispatching.add(loop)
        try:
            while self.changed:
                for ticket in self._startable(loop):
                    if ticket.loop is loop:
                        ticket.granted()
                    else:
                        self._tell(ticket.loop, ticket.granted, ticket)
        finally:
            self._dispatching.discard(loop)

    def _startable(self, loop: asyncio.AbstractEventLoop) -> list[Ticket]:
        """Every ticket that may start now, with everything taken for it. Queues take turns for what they share."""
        granted: list[Ticket] = []
        later: dict[asyncio.AbstractEventLoop, int] = {}
        with self._lock:
            self.changed = self._handing_on = False
            now = int(loop.time() * _NANO)
            looking = list(self._queues.values())
            alone = len(looking) == 1
            while looking:
                again: list[_Queue] = []
                for queue in looking:
                    while (ticket := queue.head()) is not None:
                        opens = queue.opens_at(now)
                        if opens != now:
                            if opens is not None:
                                later[ticket.loop] = min(opens, later.get(ticket.loop, opens))
                            break
                        for gate in queue.gates:
                            gate.take(now)
                        queue.pop()
                        ticket.waiting = False
                        granted.append(ticket)
                        if not alone:
                            again.append(queue)
                            break
                    else:
                        del self._queues[queue.names]
                looking = again
            if len(self._queues) > 1 and granted:  # another queue has the first turn next time
                first = next(iter(self._queues))
                self._queues[first] = self._queues.pop(first)
        if later or self._timers:
            self._wake(later, loop)
        return granted

    def _wake(self, later: Mapping[asyncio.AbstractEventLoop, int], loop: asyncio.AbstractEventLoop) -> None:
        """Have each event loop look again when its first ticket may start; another thread's loop sets its own timer."""
        if (timer := self._timers.pop(loop, None)) is not None:
            timer.cancel()
        for waiting, when in later.items():
            if waiting is loop:  # a microsecond late, so that rounding never wakes us just before the time
                self._timers[loop] = loop.call_at((when + 1_000) / _NANO, self._woken, loop)
            elif waiting not in self._timers:
                self._tell(waiting, partial(self._look_again, waiting))

    def _woken(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timers.pop(loop, None)
        self._look_again(loop)

    def _look_again(self, loop: asyncio.AbstractEventLoop) -> None:
        self.changed = True
        self.dispatch(loop)

    def _tell(self, loop: asyncio.AbstractEventLoop, do: Callable[[], None], ticket: Ticket | None = None) -> None:
        """Have another thread's event loop do something, unless that has just closed."""
        try:
            loop.call_soon_threadsafe(do)
        except RuntimeError:  # closed between our look and our call: its run is over, and what it was given comes back
            if ticket is not None:
                self.give_back(ticket.names)
