"""Slots that a call lends to a run inside it: who holds what, and whether somebody would wait for ever.

A call that runs an agent holds its slots for as long as that takes, and does nothing with them. So the calls of the
inner run go on them: one at a time on each, whatever it is that both take part in. Further ones ask as any call does,
and every one of them counts in a rate. No limit is exceeded, and a call never waits for what its own caller holds.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any

from superscalar.schedule.gate import Gate
from superscalar.schedule.waiting import Keepers, Queue, Ticket, Turn

HOLDER: ContextVar[weakref.ReferenceType[Ticket] | None] = ContextVar("superscalar_holder", default=None)
"""The call inside which code runs. Weak: a connection that a tool leaves open must not keep the run that opened it."""


class Entangled(Exception):
    """A call would wait for ever, for slots whose holders wait inside themselves; the message says for which."""


def current_caller() -> Ticket | None:
    """The call inside which this is asked, if it still goes on."""
    found = HOLDER.get()
    return None if found is None else found()


def callers(ticket: Ticket | None) -> Iterator[Ticket]:
    """A call, the one inside which it was made, and so on outwards; those that hold something."""
    while ticket is not None:
        if ticket.holds:
            yield ticket
        ticket = ticket.caller


class Loans:
    """What is lent now, on one clock. Whoever uses it holds the lock of that.

    `lent`: who uses the slot that a call holds of a gate. A borrower may lend it on, to a call inside itself.
    """

    __slots__ = ("_lenders", "lent")

    def __init__(self) -> None:
        self.lent: dict[tuple[Ticket, Gate], Ticket] = {}
        self._lenders: dict[Ticket, dict[Gate, Ticket]] = {}

    def lender(self, gate: Gate, caller: Ticket) -> Ticket | None:
        """Who has a slot of this gate to lend to a call inside `caller`: the nearest one around it."""
        for holder in callers(caller):
            assert holder.queue is not None
            if (holder, gate) not in self.lent and gate in holder.queue.gates:
                return holder
        return None

    def lend(self, gate: Gate, lender: Ticket, borrower: Ticket) -> None:
        """A call begins that uses the slot of another one around it."""
        self.lent[lender, gate] = borrower
        self._lenders.setdefault(borrower, {})[gate] = lender

    def give_back(self, ticket: Ticket) -> None:
        """A call ended: each slot goes back to where it came from, or to the call inside that still uses it."""
        assert ticket.queue is not None
        owed = self._lenders.pop(ticket, {})
        for gate in ticket.queue.gates:
            lender, user = owed.get(gate), self.lent.pop((ticket, gate), None)
            if lender is not None:
                del self.lent[lender, gate]
            if user is None:
                gate.free += lender is None
                continue
            if lender is not None:
                self.lend(gate, lender, user)
                continue
            del self._lenders[user][gate]
            if not self._lenders[user]:  # it borrows nothing any more, and must not be kept
                del self._lenders[user]

    def _owner(self, gate: Gate, holder: Ticket) -> Ticket:
        """The outermost call whose slot of the gate this one holds."""
        while (lender := self._lenders.get(holder, {}).get(gate)) is not None:
            holder = lender
        return holder

    def hopeless(self, waiting: Iterable[InnerQueue]) -> set[InnerQueue]:
        """The queues that wait for slots which only those hold who wait, inside themselves, for one of these queues.

        What is narrowed for a time, or kept for somebody, comes free without them.
        """
        left = {queue: queue.missing() for queue in waiting}
        while True:
            stuck = {holder for queue in left for holder in callers(queue.caller)}
            hopeful = [queue for queue, gates in left.items() if not any(self._never(g, queue, stuck) for g in gates)]
            if not hopeful:
                return set(left)
            for queue in hopeful:
                del left[queue]

    def _never(self, gate: Gate, queue: InnerQueue, stuck: set[Ticket]) -> bool:
        """Whether no slot of a gate comes free for a queue before one of the `stuck` ends."""
        if gate.narrowed or gate.kept:
            return False
        around = set(callers(queue.caller))
        taken = {self._owner(gate, h) for h in stuck - around if h.queue is not None and gate in h.queue.gates}
        return len(taken) == gate.running


class InnerQueue(Queue):
    """The calls of the runs inside one call that want the same: each of them takes what is lent, and else what is free.

    Nothing that one of these wants is kept for anybody, nor for one of these: who called it holds slots, and others may
    wait for those.
    """

    __slots__ = ("_inside", "_loans", "_others", "caller")

    def __init__(
        self,
        names: tuple[str, ...],
        gates: tuple[Gate, ...],
        runs: dict[str, Turn],
        keepers: Keepers,
        loans: Loans,
        caller: Ticket,
    ) -> None:
        super().__init__(names, gates, runs, keepers)
        self._others = keepers
        self._inside = keepers.inside
        self._loans = loans
        self.caller = caller

    def missing(self) -> list[Gate]:
        """The gates of which there is no slot for it now."""
        return [gate for gate in self.gates if gate.free < 1 and not self.keeps(gate) and not self._lent(gate)]

    def _lent(self, gate: Gate) -> bool:
        return self._loans.lender(gate, self.caller) is not None

    def all_lent(self) -> bool:
        """Whether it takes nothing that somebody else could have."""
        return all(map(self._lent, self.gates))

    def opens_at(self, now: int) -> int | None:
        """As for any queue."""
        opens = now
        for gate in self.gates:
            if gate.narrowed:
                gate.recover(now)
            if gate.opens > opens:
                opens = gate.opens
                self.blocked_by = gate.blocks
        for gate in self.missing():
            self._others.make_way(gate)
        missing = self.missing()
        if missing or opens > now:
            self._inside[self] = [gate for gate in self.gates if not self._lent(gate)]
        else:
            self._inside.pop(self, None)
        if missing:
            self.blocked_by = missing[0].blocks
            for gate in missing:
                self.lacked.setdefault(gate, gate.granted)
        if opens > now:
            super().give_up()
        return None if missing else opens

    def take(self, ticket: Ticket, now: int) -> None:
        """Take what is lent, and the rest of what is free; there is enough."""
        ticket.since = now
        ticket.holds = True
        ticket.queue = self
        self._inside.pop(self, None)
        for gate in self.gates:
            lender = self._loans.lender(gate, self.caller)
            if lender is not None:
                self._loans.lend(gate, lender, ticket)
                gate.free += 1  # `Gate.take` takes it
            gate.take(now)

    def grant(self, ticket: Ticket, now: int, number: int) -> None:
        """As for any queue."""
        self.serve(ticket, number)
        self.take(ticket, now)

    def capped(self) -> bool:
        """It is always looked at: the cap may be lent to it, whatever is free."""
        return False

    def hand_on(self, now: int, numbers: Iterator[int], granted: list[Ticket]) -> bool:
        """It is always looked at the long way."""
        del now, numbers, granted
        return False

    def keep_soon(self, now: int, opens: int, longest: int) -> None:
        """It keeps nothing either."""

    def give_up(self) -> None:
        """Nobody waits here any more."""
        super().give_up()
        self._inside.pop(self, None)

    def entangled(self, waiting: Iterable[Any]) -> str:
        """Why a call that has to wait here would wait for ever, if it would; else nothing. `waiting`: all queues."""
        inner = {queue for queue in waiting if isinstance(queue, InnerQueue)} | {self}
        if self not in self._loans.hopeless(inner):
            return ""
        self._inside.pop(self, None)
        names = " and ".join(f'"{gate.name}" ({gate.capacity:,})' for gate in self.missing())
        return (
            f"it would wait for ever: all slots of {names} are held by calls that wait for a run inside themselves, as "
            f"the one that called this does. Give the inner agent limits of another name, or more slots"
        )
