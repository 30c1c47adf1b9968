"""Limits at work: who may start now, who waits, and when to look again. Shared by all runs of the process.

All that a call needs (its named limits, a thread where it runs in one, and a global slot) is taken together, at the
moment it starts; nothing is held while waiting. Agents that declare a limit of the same name on the same terms share
one; a tool that names none has one of its own, which is no bound until its provider refuses a call. Runs take turns;
within a run it is chosen by what a wait would cost (`schedule.choice`).

What depends on time belongs to a clock: all event loops of asyncio read the same, one in virtual time has its own.

A slot belongs to the call that it was taken for, and to the event loop on which that goes on: a loop that was closed
holds nothing any more.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Hashable, Mapping
from functools import cached_property, partial
from itertools import count
from random import Random
from threading import Lock
from time import monotonic_ns
from typing import Any

from superscalar.errors import UsageError
from superscalar.forks import in_child
from superscalar.schedule.alarms import Alarms
from superscalar.schedule.closures import Closures, Refused
from superscalar.schedule.gate import NANO, UNBOUNDED, Gate, LimitStatistics
from superscalar.schedule.lineup import Later, LineUp
from superscalar.schedule.loans import Loans
from superscalar.schedule.loops import Loops, User
from superscalar.schedule.named import ComingAndGoing, told_apart
from superscalar.schedule.refusal import NOT_REFUSED, Outlook, Refusal
from superscalar.schedule.threads import THREAD_LIMIT, THREADS
from superscalar.schedule.waiting import Keepers, Order, Queue, Ticket, Turn
from superscalar.tools.limiting import OwnLimit, owner_of
from superscalar.tools.terms import Limit, Retry
from superscalar.tools.tool import Tool

__all__ = ["EVERYTHING", "NOT_REFUSED", "Gate", "Grants", "LimitStatistics", "Limits", "Order", "Outlook", "Ticket"]

EVERYTHING = "max_concurrency"
"""The name of the global limit that every call takes part in."""

_CAP, _DECLARED_CAP = 32, 256

_UNKNOWN = Limit()
_REMEMBERED = 2_048  # starts of calls, of which a limit learns: no cap bounds how many are made at once of models

_LOOK = 0.25
"""Seconds between two looks for other threads' event loops that were closed, while somebody waits: none says so."""

_LATE = NANO // 20
"""How late the loop of another thread may be before it is taken to be blocked."""


class Limits:
    """What an agent may do: its named limits and its global cap. `on` gives what asks them.

    Without a `max_concurrency` that is 32, which is careful with providers of which nothing is known, or 256 where any
    limit is declared: then those bound what there is to bound.

    Raises:
        UsageError: there is no cap, or a name that is declared is that of a limit of ours.
    """

    def __init__(self, limits: Mapping[str, Limit] | None = None, max_concurrency: int | None = None) -> None:
        for name in (EVERYTHING, THREADS):
            if name in (limits or ()):
                raise UsageError(
                    f'limits={{"{name}": ...}}: that is the name of a limit that is there anyway; write another'
                )
        if max_concurrency is not None and max_concurrency < 1:
            raise UsageError(f"max_concurrency={max_concurrency}: at least 1; concurrency is always bounded")
        self._declared = dict(limits or {})
        self._max_concurrency = max_concurrency or (_DECLARED_CAP if self._declared else _CAP)
        self._owners: dict[str, Hashable] = {}
        self._least = Retry().longest

    @property
    def max_concurrency(self) -> int:
        """How many calls of tools may be under way at once."""
        return self._max_concurrency

    @cached_property
    def of_models(self) -> Limits:
        """The same for the calls of models: these take no slot of the cap, which is for tools."""
        models = Limits(self._declared, UNBOUNDED)
        models._owners = self._owners
        return models

    def lend(self, name: str, owner: Hashable, longest: float) -> None:
        """A model of that name asks; what is declared under it is for `owner`, and so is what tools take part in."""
        self._least = min(self._least, longest)
        if name in self._declared:
            self._owners.setdefault(name, owner)

    def require(self, tool: Tool[..., Any]) -> None:
        """Make sure that every limit that a tool names exists. One that names none has its own, shared by function.

        Raises:
            UsageError: one does not.
        """
        for name in tool.limits:
            if name not in self._declared:
                known = ", ".join(sorted(self._declared)) or "none"
                raise UsageError(
                    f'tool {tool.name} takes part in the limit "{name}", which is not defined (defined: {known}); '
                    f'write limits={{"{name}": Limit(concurrency=5)}}; for --tools, LIMITS = {{...}} beside the tool'
                )
        self._least = min(self._least, tool.retry.longest)
        if not tool.limits:
            self._owners[f"{tool.name}()"] = owner_of(tool.function)

    def on(self, loop: asyncio.AbstractEventLoop, user: User | None = None) -> Grants:
        """These limits on the clock of that event loop, where `user` runs."""
        clock = _clock_of(loop)
        clock.look_for_closed()
        if user is not None:
            with clock.lock:
                clock.loops.note(loop, user)
        clock.closures.least = min(clock.closures.least, self._least)
        return clock.grants(self)

    def statistics(self) -> dict[str, LimitStatistics]:
        """Every limit that is in use, by name, on the clock of the running event loop (without one: of the process).

        A limit that other agents share counts their calls too, `max_concurrency` those of this agent only.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return self._seen_on(_PROCESS)
        return self._seen_on(_clock_of(loop))

    def _seen_on(self, clock: _ClockState) -> dict[str, LimitStatistics]:
        clock.look_for_closed()
        models = clock.grants(self.of_models).statistics()
        del models[EVERYTHING]
        return {**models, **clock.grants(self).statistics()}

    def granting(self, clock: _ClockState) -> Grants:
        """New grants on a clock that has none for these limits."""
        return Grants(clock, self._declared, self._owners, self._max_concurrency)


class Grants:
    """One agent's limits on one clock. Safe to use from several threads, each with its event loop."""

    def __init__(
        self, clock: _ClockState, declared: Mapping[str, Limit], owners: Mapping[str, Hashable], max_concurrency: int
    ) -> None:
        self.clock = clock
        self._lock = clock.lock
        self._now = clock.now
        self._declared = declared
        self._owners = owners
        self._gates = {name: clock.gate(name, limit, owners.get(name)) for name, limit in declared.items()}
        self._gates[EVERYTHING] = Gate(EVERYTHING, Limit(concurrency=max_concurrency), history=0)
        self._queues: dict[tuple[str, ...], Queue] = {}
        self._named = ComingAndGoing()
        self.turns: dict[str, Turn] = {}

    @property
    def changed(self) -> bool:
        """Somebody may be able to start who could not when the queues were last looked at: `dispatch` is due."""
        return self.clock.changed

    def _queue_of(self, names: tuple[str, ...]) -> Queue:
        queue = self._queues.get(names) or self._named.queues.get(names)
        if queue is None:
            gates = tuple(self.gate(name) for name in (*names, EVERYTHING))
            queue = Queue(names, gates, self.turns, self.clock.keepers)
            passing = any(isinstance(name, OwnLimit) for name in names)
            (self._named.queues if passing else self._queues)[names] = queue
        return queue

    def gate(self, name: str) -> Gate:
        """The gate of a limit."""
        gate = self._gates.get(name)
        if gate is None:
            told = str(name)
            if told in self._declared:
                return self._gates[told]
            if isinstance(name, OwnLimit):
                gate = self._named.find(name)
                return gate or self._named.add(name, self.clock.gate(told, _UNKNOWN, name.owner))
            if name == THREADS:
                gate = self.clock.gate(name, THREAD_LIMIT, THREADS)
            else:
                gate = self.clock.gate(name, _UNKNOWN, self._owners.get(name, id(self)))
            self._gates[name] = gate
        return gate

    def ask(self, ticket: Ticket, order: Order) -> bool:
        """Take everything now and return True; or queue up, and `ticket.granted` is called in time.

        Those who wait for a slot that has just come back go before those who ask only now.

        Raises:
            Closed: its provider lets nothing through for longer than it waits.
        """
        clock = self.clock
        with self._lock:
            queue = self._queues.get(ticket.names) or self._queue_of(ticket.names)
            waiting = clock.waiting
            if not waiting or (queue not in waiting and not clock.handing_on):
                now = self._now()
                for gate in queue.gates:
                    if gate.free < 1 or gate.opens > now:
                        break
                else:
                    ticket.queue = queue
                    ticket.holds = True
                    ticket.since = now
                    for gate in queue.gates:  # `Gate.take`, written out: this is the busiest place of all
                        gate.free -= 1
                        gate.granted += 1
                        gate.times.append(now)
                        if gate.paced:
                            gate.pace(now)
                    return True
                queue.opens_at(now)  # notes what it is that it waits for
            self.queue_up(ticket, queue, order)
            return False

    def queue_up(self, ticket: Ticket, queue: Queue, order: Order) -> None:
        """Have a call wait. Raises `Closed` as `ask` does."""
        clock = self.clock
        if clock.closures.any:
            clock.closures.check(ticket, queue, self._now())
        if queue not in clock.waiting:
            clock.line.enter(queue)
            clock.changed = True  # somebody must set a timer, if it is time that is missing
        elif clock.loops.several:
            clock.changed = True  # this loop must, too
        ticket.waiting = True
        ticket.queue = queue
        queue.push(ticket, order, next(clock.numbers))

    def room(self, names: tuple[str, ...]) -> int:
        """How many calls could start now for certain; 0 where somebody waits, or where time decides."""
        with self._lock:
            if self.clock.waiting:
                return 0
            now = self._now()
            gates = self._queue_of(names).gates
            return min(0 if gate.paced or gate.opens > now else gate.free for gate in gates)

    def reorder(self, orders: Mapping[Ticket, Order]) -> None:
        """Give tickets other places among those of their run; one that does not wait has none."""
        with self._lock:
            for ticket, order in orders.items():
                if ticket.waiting and ticket.queue is not None and ticket.order != order:
                    ticket.queue.push(ticket, order, next(self.clock.numbers))

    def withdraw(self, ticket: Ticket) -> None:
        """Give up a place in the queue."""
        ticket.waiting = False
        self.clock.changed = True

    def give_back(self, ticket: Ticket) -> None:
        """A call ended: its slots are free. `dispatch` hands them on. A second time it gives back nothing."""
        clock = self.clock
        with self._lock:
            if clock.loans.lent or not ticket.holds or ticket.queue is None:
                clock.take_back(ticket)
                return
            ticket.holds = False  # `take_back`, written out
            for gate in ticket.queue.gates:
                gate.free += 1
            if clock.waiting:
                clock.changed = clock.handing_on = True
                if len(clock.waiting) > 1 and ticket.since >= 0:
                    ticket.queue.held(self._now() - ticket.since)

    def refused(self, ticket: Ticket, refusal: Refusal, random: Random, at: float, words: str = "") -> Outlook:
        """A provider refused a call, which has given back what it held: its limits pause and narrow.

        `at`: now, in seconds, for the events. `words`: what the provider said, for those who will not wait so long.
        """
        clock = self.clock
        with self._lock:
            said = Refused(refusal, ticket.longest, self._now(), at, words, ticket.voice)
            gates = tuple(self.gate(name) for name in ticket.names if name != THREADS)
            outlook, left = clock.closures.learn(ticket, gates, said, clock.waiting, random)
            self._named.refused(ticket.names)
            clock.changed = True
        for waiting, why in left:
            clock.tell(waiting.loop, partial(waiting.closed, why))
        return outlook

    def dispatch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let whoever can start do so, and set a timer for the next one who can later."""
        self.clock.dispatch(loop)

    def statistics(self) -> dict[str, LimitStatistics]:
        """Every limit that was declared or used, by name."""
        clock = self.clock
        with self._lock:
            now = self._now()
            gates = {**self._gates, **self._named.gates()}
            waiting = dict.fromkeys(gates.values(), 0)
            for queue in clock.waiting:
                for gate in queue.gates:
                    if gate in waiting:
                        waiting[gate] += queue.count()
            named = zip(told_apart(gates), gates.values(), strict=True)
            return {told: gate.statistics(now, waiting[gate]) for told, gate in named}


class _ClockState:
    """What all agents share whose event loops read the same clock: limits, who waits, timers."""

    def __init__(self, now: Callable[[], int]) -> None:
        self.now = now
        self.lock = Lock()
        self.numbers = count(1)
        self.keepers = Keepers()
        self.line = LineUp(self.numbers)
        self.waiting = self.line.waiting
        self.changed = False  # somebody may be able to start who could not when the queues were last looked at
        self.handing_on = False  # a slot has come back and was not handed on yet
        self.loans = Loans()
        self.closures = Closures()
        self._lent = self.loans.lent
        self._gates: weakref.WeakValueDictionary[tuple[str, Limit, Hashable], Gate] = weakref.WeakValueDictionary()
        self._grants: weakref.WeakKeyDictionary[Limits, Grants] = weakref.WeakKeyDictionary()
        self.loops = Loops()
        self._looking: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()
        self._timing = False
        self._dispatching: set[asyncio.AbstractEventLoop] = set()
        self._alarms = Alarms()
        self._asked_anew: weakref.WeakSet[Ticket] = weakref.WeakSet()

    def grants(self, limits: Limits) -> Grants:
        """An agent's limits here."""
        with self.lock:
            found = self._grants.get(limits)
            if found is None:
                found = self._grants[limits] = limits.granting(self)
            return found

    def gate(self, name: str, limit: Limit, owner: Hashable) -> Gate:
        """The gate of that name and those terms, while anybody uses it; the lock is held."""
        key = (name, limit, owner)
        gate = self._gates.get(key)
        if gate is None:
            gate = self._gates[key] = Gate(name, limit, _REMEMBERED)
        return gate

    # ----------------------------------------------------------------------------------------------- closed loops

    def look_for_closed(self) -> None:
        """Take back what calls hold whose event loop was closed, or whose run is gone."""
        if self.loops.has_closed():
            with self.lock:
                for ticket in self.loops.closed():
                    self.take_back(ticket)

    def _keep_looking(self, loop: asyncio.AbstractEventLoop) -> None:
        """While somebody waits who may wait for another loop: have this one look for loops that were closed."""
        if loop in self._looking or not self.waiting or self.loops.only(loop):
            return
        self._looking.add(loop)
        loop.call_later(_LOOK, self._look_at_loops, weakref.ref(loop))

    def _look_at_loops(self, looking: weakref.ReferenceType[asyncio.AbstractEventLoop]) -> None:
        if (loop := looking()) is not None:
            self._looking.discard(loop)
            self.look_for_closed()
            self.dispatch(loop)
            self._keep_looking(loop)

    # ------------------------------------------------------------------------------------------------------ turns

    def take_back(self, ticket: Ticket) -> None:
        """What was taken for a call is free, or with who lent it; the lock is held."""
        queue = ticket.queue
        if not ticket.holds or queue is None:
            return
        ticket.holds = False
        if self._lent:
            self.loans.give_back(ticket)
        else:
            for gate in queue.gates:
                gate.free += 1
        if self.waiting:
            self.changed = self.handing_on = True

    def dispatch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let whoever can start do so, and set a timer for the next one who can later."""
        if not self.changed or not self.waiting or (self._dispatching and loop in self._dispatching):
            return
        self._dispatching.add(loop)
        try:
            while self.changed:
                for ticket in self._startable(loop):
                    if ticket.loop is loop:
                        ticket.granted()
                    else:
                        self.tell(ticket.loop, partial(self._arrive, ticket), ticket)
        finally:
            self._dispatching.discard(loop)
        if self.loops.several and self.waiting:
            self._keep_looking(loop)

    def _startable(self, loop: asyncio.AbstractEventLoop) -> list[Ticket]:
        """Every ticket that may start now, with everything taken for it, in the order in which runs have their turn."""
        granted: list[Ticket] = []
        later: Later = {}
        with self.lock:
            self.changed = self.handing_on = False
            now = self.now()
            self.line.hand_out(now, granted, later)
            if self.keepers.gave_back:
                self.keepers.gave_back = False
                self.changed = self.handing_on = True
        if later or self._timing:
            self._wake(later, loop)
        return granted

    def _wake(self, later: Later, loop: asyncio.AbstractEventLoop) -> None:
        """Have each event loop look again when its first ticket may start; another thread's loop sets its own timer."""
        self._alarms.clear(loop)
        for waiting, when in later.items():
            if waiting is loop:
                self._alarms.set(loop, when, self._woken)
            elif not self._alarms.rings_by(waiting, when):
                self.tell(waiting, partial(self._look_again, waiting))
        if later and loop not in later and not loop.is_closed():  # they may be blocked, and some wait here behind them
            self._alarms.set(loop, min(later.values()) + _LATE, self._woken)
        self._timing = bool(self._alarms)

    def _woken(self, loop: asyncio.AbstractEventLoop) -> None:
        self._alarms.clear(loop)
        self._look_again(loop)

    def _look_again(self, loop: asyncio.AbstractEventLoop) -> None:
        self.changed = True
        self.dispatch(loop)

    def _arrive(self, ticket: Ticket) -> None:
        """What another thread granted has come to its event loop; if that was blocked meanwhile, it asks anew, once.

        Tokens are for the time at which they are given: all that a blocked loop was given would be used at once.
        """
        with self.lock:
            queue = ticket.queue if ticket.holds and ticket not in self._asked_anew else None
            if queue is None or self.now() - ticket.since < _LATE or not any(gate.paced for gate in queue.gates):
                queue = None
            else:
                self._asked_anew.add(ticket)
                self.take_back(ticket)
                queue.ungrant(ticket, next(self.numbers))
                self.line.enter(queue)
                self.changed = True
        if queue is None:
            ticket.granted()
        else:
            self.dispatch(ticket.loop)

    def tell(self, loop: asyncio.AbstractEventLoop, do: Callable[[], None], ticket: Ticket | None = None) -> None:
        """Have another thread's event loop do something, unless that has just closed."""
        try:
            loop.call_soon_threadsafe(do)
        except RuntimeError:  # closed between our look and our call: its run is over, and what it was given comes back
            if ticket is not None:
                with self.lock:
                    self.take_back(ticket)


_PROCESS = _ClockState(monotonic_ns)
_OWN: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _ClockState] = weakref.WeakKeyDictionary()
_OWN_LOCK = Lock()


def _renew() -> None:
    """In a forked child: what is held there is held by its parent, and locks may have been taken when it was made."""
    global _PROCESS, _OWN, _OWN_LOCK
    _PROCESS, _OWN, _OWN_LOCK = _ClockState(monotonic_ns), weakref.WeakKeyDictionary(), Lock()


in_child(_renew)


def _clock_of(loop: asyncio.AbstractEventLoop) -> _ClockState:
    """That of the process where the loop reads that; a loop with a time of its own has a clock of its own."""
    kind = type(loop)
    if kind.time is asyncio.BaseEventLoop.time or kind.__module__.partition(".")[0] in ("uvloop", "winloop"):
        return _PROCESS
    with _OWN_LOCK:
        clock = _OWN.get(loop)
        if clock is None:
            clock = _OWN[loop] = _ClockState(partial(_time_of, weakref.ref(loop)))
        return clock


def _time_of(own: weakref.ReferenceType[asyncio.AbstractEventLoop]) -> int:
    loop = own()
    return 0 if loop is None else int(loop.time() * NANO)
