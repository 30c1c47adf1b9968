"""What an agent may do inside a call: its limits, with what that call lends."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary

from superscalar.schedule.limits import EVERYTHING, Grants, Limits, Order, Ticket
from superscalar.schedule.loans import Entangled, InnerQueue, current_caller
from superscalar.schedule.loops import User
from superscalar.schedule.threads import THREADS


def granted_here(
    limits: Limits, loop: asyncio.AbstractEventLoop, user: User | None = None
) -> tuple[Grants, Ticket | None]:
    """What a run that begins here asks, and the call that it is inside of, if it is inside one."""
    grants, caller = limits.on(loop, user), current_caller()
    return (grants, None) if caller is None else (Inside(grants, caller), caller)


class Inside(Grants):
    """The same limits as `whole`, for the calls of a run inside `caller`."""

    def __init__(self, whole: Grants, caller: Ticket) -> None:
        vars(self).update(vars(whole))  # one state, asked in two ways
        self._caller = caller
        self._inner: WeakValueDictionary[tuple[str, ...], InnerQueue] = WeakValueDictionary()

    def _inner_queue(self, names: tuple[str, ...]) -> InnerQueue:
        queue = self._inner.get(names)
        if queue is None:
            gates = tuple(self.gate(name) for name in (*names, EVERYTHING))
            clock = self.clock
            queue = InnerQueue(names, gates, self.turns, clock.keepers, clock.loans, self._caller)
            self._inner[names] = queue
        return queue

    def ask(self, ticket: Ticket, order: Order) -> bool:
        """Take everything now, of what is lent and of what is free, and return True; or queue up, as for `Grants`.

        Raises:
            Entangled: it would wait for ever.
            Closed: as for `Grants`.
        """
        clock = self.clock
        with clock.lock:
            queue = self._inner_queue(ticket.names)
            if queue not in clock.waiting:
                now = clock.now()
                if queue.opens_at(now) == now and (not clock.handing_on or queue.all_lent()):
                    queue.take(ticket, now)
                    return True
                if (missing := queue.missing()) and (why := queue.entangled(clock.waiting)):
                    if any(gate.name != THREADS for gate in missing) or any(gate.opens > now for gate in queue.gates):
                        raise Entangled(why)
                    queue.take(ticket, now)  # one thread more: those that there are do nothing but wait
                    return True
            self.queue_up(ticket, queue, order)
            return False
