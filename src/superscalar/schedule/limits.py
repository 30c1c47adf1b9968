"""Limits at work: who may start now, who waits, and when to look again. Shared by all runs of an agent.

All that a call needs (its named limits and a global slot) is taken together, at the moment it starts; nothing is held
while waiting. A queue per set of limits means that a call waits for its own limits only. Within a queue the runs take
turns; within a run, program order.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil
from threading import Lock

from superscalar.errors import UsageError
from superscalar.tools.terms import Limit

EVERYTHING = "max_concurrency"
"""The name of the global limit that every call takes part in."""

_NANO = 1_000_000_000


class Gate:
    """One limit's live state: calls running, and the theoretical arrival time of the next in nanoseconds (GCRA)."""

    __slots__ = ("_arrival", "_interval", "_tolerance", "closed_until", "free", "limit")

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.free = limit.concurrency if limit.concurrency is not None else 1 << 62
        self._interval = ceil(limit.per / limit.rate * _NANO) if limit.rate is not None else 0
        self._tolerance = self._interval * (limit.burst - 1)
        self._arrival = 0
        self.closed_until = 0

    def opens_at(self) -> int:
        """When the rate and the provider let the next call start (nanoseconds), slots aside."""
        return max(self._arrival - self._tolerance, self.closed_until)

    def take(self, now: int) -> None:
        """Take a slot and a token."""
        self.free -= 1
        if self._interval:
            self._arrival = max(self._arrival, now) + self._interval


def _all_open(gates: Iterable[Gate], now: int) -> bool:
    for gate in gates:  # a loop: this is asked for every call
        if gate.free < 1 or gate.opens_at() > now:
            return False
    return True


@dataclass(slots=True, eq=False)
class Ticket:
    """A place in the queue of calls that want the same limits. `granted` is called on `loop` when it is their turn."""

    run: str
    names: tuple[str, ...]
    order: tuple[int, ...]
    loop: asyncio.AbstractEventLoop
    grant: Callable[[], None]
    waiting: bool = True

    def __lt__(self, other: Ticket) -> bool:
        return self.order < other.order


class _Queue:
    """Tickets for one set of limits: a heap per run, the runs in turn."""

    __slots__ = ("gates", "heaps", "turns")

    def __init__(self, gates: tuple[Gate, ...]) -> None:
        self.gates = gates
        self.heaps: dict[str, list[Ticket]] = {}
        self.turns: deque[str] = deque()

    def push(self, ticket: Ticket) -> None:
        heap = self.heaps.get(ticket.run)
        if heap is None:
            heap = self.heaps[ticket.run] = []
            self.turns.append(ticket.run)
        heapq.heappush(heap, ticket)

    def head(self) -> Ticket | None:
        """The next ticket; those that were withdrawn are dropped on the way."""
        while self.turns:
            heap = self.heaps[self.turns[0]]
            while heap and not (heap[0].waiting and not heap[0].loop.is_closed()):
                heapq.heappop(heap)
            if heap:
                return heap[0]
            del self.heaps[self.turns.popleft()]
        return None

    def pop(self) -> None:
        """Take the head away; the next run has its turn."""
        heapq.heappop(self.heaps[self.turns[0]])
        self.turns.rotate(-1)


class Limits:
    """Grants starts under named limits and a global cap. Safe to use from several threads, each with its event loop."""

    def __init__(self, limits: Mapping[str, Limit] | None = None, max_concurrency: int = 32) -> None:
        if max_concurrency < 1:
            raise UsageError(f"max_concurrency={max_concurrency}: at least 1; concurrency is always bounded")
        self._gates = {name: Gate(limit) for name, limit in (limits or {}).items()}
        self._everything = Gate(Limit(concurrency=max_concurrency))
        self._sets: dict[tuple[str, ...], tuple[Gate, ...]] = {}
        self._queues: dict[tuple[str, ...], _Queue] = {}
        self._lock = Lock()
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

    def _gates_of(self, names: tuple[str, ...]) -> tuple[Gate, ...]:
        gates = self._sets.get(names)
        if gates is None:
            gates = self._sets[names] = (self._everything, *(self._gates[name] for name in names))
        return gates

    def ask(
        self,
        run: str,
        names: tuple[str, ...],
        order: tuple[int, ...],
        loop: asyncio.AbstractEventLoop,
        grant: Callable[[], None],
    ) -> Ticket | None:
        """Take everything now and return None; or queue up and return the ticket, whose `grant` is called in time."""
        with self._lock:
            if names not in self._queues:
                gates = self._gates_of(names)
                now = int(loop.time() * _NANO)
                if _all_open(gates, now) and not (self._queues and self._somebody_could_start(now)):
                    for gate in gates:
                        gate.take(now)
                    return None
                self._queues[names] = _Queue(gates)
            ticket = Ticket(run, names, order, loop, grant)
            self._queues[names].push(ticket)
            return ticket

    def _somebody_could_start(self, now: int) -> bool:
        """Whether a slot was given back and not handed on yet: those who wait come before those who ask only now."""
        return any(queue.head() is not None and _all_open(queue.gates, now) for queue in self._queues.values())

    def missing(self, names: tuple[str, ...], loop: asyncio.AbstractEventLoop) -> tuple[str, ...]:
        """The limits that keep a call from starting now."""
        now = int(loop.time() * _NANO)
        with self._lock:
            gates = zip((EVERYTHING, *names), self._gates_of(names), strict=True)
            return tuple(name for name, gate in gates if gate.free < 1 or gate.opens_at() > now) or names

    def withdraw(self, ticket: Ticket) -> None:
        """Give up a place in the queue."""
        ticket.waiting = False

    def give_back(self, names: tuple[str, ...]) -> None:
        """A call ended: its slots are free. `dispatch` hands them on."""
        with self._lock:
            for gate in self._gates_of(names):
                gate.free += 1

    def pause(self, names: tuple[str, ...], seconds: float, loop: asyncio.AbstractEventLoop) -> None:
        """A provider said "too many": nothing starts under these limits for so long. What runs goes on."""
        until = int((loop.time() + seconds) * _NANO)
        with self._lock:
            for name in names:
                gate = self._gates[name]
                gate.closed_until = max(gate.closed_until, until)

    def dispatch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let whoever can start do so, and set a timer for the next one who can later."""
        if not self._queues or loop in self._dispatching:
            return
        self._dispatching.add(loop)
        try:
            while (ticket := self._next(loop)) is not None:
                if ticket.loop is loop:
                    ticket.grant()
                else:
                    self._tell(ticket.loop, ticket.grant, ticket)
        finally:
            self._dispatching.discard(loop)

    def _next(self, loop: asyncio.AbstractEventLoop) -> Ticket | None:
        """The next ticket that may start, with everything taken for it. Queues take turns."""
        with self._lock:
            now = int(loop.time() * _NANO)
            later: dict[asyncio.AbstractEventLoop, int] = {}
            for names, queue in list(self._queues.items()):
                if (ticket := queue.head()) is None:
                    del self._queues[names]
                    continue
                if any(gate.free < 1 for gate in queue.gates):
                    continue
                opens = max(gate.opens_at() for gate in queue.gates)
                if opens > now:
                    later[ticket.loop] = min(opens, later.get(ticket.loop, opens))
                    continue
                for gate in queue.gates:
                    gate.take(now)
                queue.pop()
                del self._queues[names]
                if queue.head() is not None:  # to the end of the line
                    self._queues[names] = queue
                ticket.waiting = False
                return ticket
        self._wake(later, loop)
        return None

    def _wake(self, later: Mapping[asyncio.AbstractEventLoop, int], loop: asyncio.AbstractEventLoop) -> None:
        """Have each event loop look again when its first ticket may start; another thread's loop sets its own timer."""
        if (timer := self._timers.pop(loop, None)) is not None:
            timer.cancel()
        for waiting, when in later.items():
            if waiting is loop:  # a microsecond late, so that rounding never wakes us just before the time
                self._timers[loop] = loop.call_at((when + 1_000) / _NANO, self._woken, loop)
            elif waiting not in self._timers:
                self._tell(waiting, partial(self.dispatch, waiting))

    def _woken(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timers.pop(loop, None)
        self.dispatch(loop)

    def _tell(self, loop: asyncio.AbstractEventLoop, do: Callable[[], None], ticket: Ticket | None = None) -> None:
        """Have another thread's event loop do something, unless that has just closed."""
        try:
            loop.call_soon_threadsafe(do)
        except RuntimeError:  # closed between our look and our call: its run is over, and what it was given comes back
            if ticket is not None:
                self.give_back(ticket.names)
