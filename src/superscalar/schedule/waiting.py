"""Calls that wait for their limits: whose turn it is, and what is kept for those that would be passed over for ever."""

from __future__ import annotations

import asyncio
import heapq
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from itertools import chain
from math import inf
from typing import Final, NamedTuple, Protocol, TypeAlias

from superscalar.schedule.gate import NANO, UNBOUNDED, Gate

_TRIED = 0.5  # less than what can use all slots: what is not known yet is to be found out, also where there is one slot
_SAME = 8  # a measure that has changed by less than one part in so many is the same
_PART = 4  # at most one slot in so many is kept for calls that may start soon

Order: TypeAlias = tuple[float, ...]
"""Where a call stands within its run, the lower goes first: it begins with the seconds to the end of its path, negative
(`LongestPath`), or with a place in whatever other order there is."""


class Voice(NamedTuple):
    """Who speaks where a provider's words are handed on: a `tool`, or the models of agents.

    Words of one that is not `trusted` go to nobody whose failures are; of one that says who may read its results
    (`confidential`), only to itself.
    """

    tool: object = None
    trusted: bool = False
    confidential: bool = False

    def is_heard_by(self, other: Voice) -> bool:
        """Tell whether its words may stand in a failure of the other one."""
        return self.tool is other.tool or (not self.confidential and (self.trusted or not other.trusted))


NOBODY: Final = Voice()
"""Whose words are those of no tool: a model's, say. They are not trusted."""


class Ticket(ABC):
    """A call that wants to start under some limits. `granted` is called on `loop` when its turn has come.

    `since`: when it was granted, in nanoseconds of its clock; -1 when it was refused. `holds`: everything was taken for
    it, and has not come back. `caller`: the call inside which its run goes on.
    """

    __slots__ = ("__weakref__", "holds", "loop", "names", "order", "queue", "run", "since", "waiting")

    order: Order

    def __init__(self, run: str, names: tuple[str, ...], loop: asyncio.AbstractEventLoop) -> None:
        self.run = run
        self.names = names
        self.loop = loop
        self.holds = False
        self.waiting = False
        self.queue: Queue | None = None
        self.since = -1

    @property
    def caller(self) -> Ticket | None:
        """None of a run that is inside no call."""
        return None

    @property
    def longest(self) -> float:
        """For how many seconds it waits while its provider lets nothing through; else it is told so (`closed`)."""
        return inf

    @property
    def voice(self) -> Voice:
        """Whose words it brings back if it is refused."""
        return NOBODY

    @property
    def blocked_by(self) -> tuple[str, ...]:
        """The limit that keeps it waiting."""
        return self.queue.blocked_by if self.queue is not None else ()

    @abstractmethod
    def granted(self) -> None:
        """Everything that it asked for was taken for it: start."""

    def closed(self, why: str) -> None:
        """It waits no more, for its provider lets nothing through for longer than `longest`; `why` has the words.

        One that says nothing of how long it waits is never told so.
        """
        raise AssertionError(f"{type(self).__name__} waits for as long as it takes, and was told that {why}")


PlaceInLine: TypeAlias = tuple[Order, int, Ticket]
"""Where a ticket stands; numbers tell those of one order apart, the lower came first."""

FirstInLine: TypeAlias = tuple[int, PlaceInLine]
"""When a run was served last, and the place of its first ticket: the lowest of several is next."""


class Turn:
    """One run's place among the runs. `served`: the number of the grant that it had last, so the lowest goes next."""

    __slots__ = ("lines", "served")

    def __init__(self, served: int) -> None:
        self.served = served
        self.lines = 0


class _RunLine:
    """The tickets of one run in its order. They nearly always come in that order, and then nothing is sorted.

    Those have no place of their own but the one at the `head`: thousands may wait, and each object that does costs the
    collector as much as a tenth of a call.
    """

    __slots__ = ("head", "numbers", "orders", "others", "tickets", "turn")

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.tickets: deque[Ticket] = deque()
        self.orders: deque[Order] = deque()
        self.numbers: deque[int] = deque()
        self.head: PlaceInLine | None = None
        self.others: list[PlaceInLine] = []

    def __len__(self) -> int:
        """How many wait, with those that were given up and have not come up yet."""
        return len(self.tickets) + len(self.others)

    def waiting(self) -> Iterator[Ticket]:
        """Those that still do."""
        inorder = zip(self.orders, self.numbers, self.tickets, strict=True)
        return (place[2] for place in chain(inorder, self.others) if _is_taken(place))

    def push(self, order: Order, number: int, ticket: Ticket) -> None:
        if not self.tickets or self.orders[-1] <= order:  # numbers only grow
            self.tickets.append(ticket)
            self.orders.append(order)
            self.numbers.append(number)
        else:
            heapq.heappush(self.others, (order, number, ticket))

    def first(self) -> PlaceInLine | None:
        """The first place; those that were given up, or changed for another, are dropped on the way."""
        while self.tickets or self.others:
            place = self.others[0] if self.others and self._others_first() else self._of_head()
            order, _, ticket = place
            if ticket.waiting and ticket.order is order and not ticket.loop.is_closed():  # `_is_taken`, written out
                return place
            self.pop()
        return None

    def _of_head(self) -> PlaceInLine:
        if self.head is None:
            self.head = self.orders[0], self.numbers[0], self.tickets[0]
        return self.head

    def pop(self) -> None:
        if self.others and self._others_first():
            heapq.heappop(self.others)
        else:
            self.shift()

    def shift(self) -> None:
        """The first of those that came in order leaves."""
        self.head = None
        self.tickets.popleft()
        self.orders.popleft()
        self.numbers.popleft()

    def serve(self, number: int) -> None:
        """Its first ticket leaves, and its run has had its turn."""
        self.turn.served = number
        self.pop()

    def _others_first(self) -> bool:
        return not self.tickets or self.others[0] < self._of_head()


def _is_taken(place: PlaceInLine) -> bool:
    """Whether its ticket still waits, and at this place."""
    order, _, ticket = place
    return ticket.waiting and ticket.order is order


class Keepers:
    """The queues that may keep what comes free, on one clock, in the order in which that became due.

    Two that have a limit in common never keep slots at once: each might keep the one that the other lacks, for ever.
    """

    __slots__ = ("_due", "_soon", "gave_back", "inside")

    def __init__(self) -> None:
        self._due: dict[Queue, None] = {}
        self._soon: dict[Queue, None] = {}  # those that keep slots for a moment: they lack nothing but time
        self.inside: dict[Queue, list[Gate]] = {}  # what calls wait for that are inside others: it is never kept
        self.gave_back = False  # slots were kept and are free unused: whoever was looked at before has to be again

    def admit(self, queue: Queue) -> bool:
        """Let a queue join, behind those that are here; True if none of these has a limit of it."""
        self._due[queue] = None
        for before in self._due:
            if before is queue:
                return True
            if not set(before.gates).isdisjoint(queue.gates):
                return False
        return False

    def note_soon(self, queue: Queue) -> None:
        """A queue keeps slots up to the moment at which its pace lets it start the next call."""
        self._soon[queue] = None

    def leave(self, queue: Queue) -> None:
        """It starts a call, or has none that what it keeps would start."""
        self._due.pop(queue, None)
        self._soon.pop(queue, None)

    def may_keep(self, gate: Gate) -> bool:
        """Whether no call waits that takes part in this gate and whose caller holds slots itself."""
        return not any(gate in wanted for wanted in self.inside.values())

    def make_way(self, gate: Gate) -> None:
        """Such a call lacks one: what is kept of this gate is free."""
        for queue in [queue for queue in (*self._due, *self._soon) if queue.keeps(gate)]:
            queue.give_up()


class Among(Protocol):
    """Other queues among which one waits: it tells them of another first place that it has for a run, or of another
    reach."""

    def enter(self, queue: Queue, run: str, place: PlaceInLine) -> None:
        """It has that one."""

    def leave(self, queue: Queue) -> None:
        """It waits there no more."""


class Queue:
    """The tickets for one set of limits: a line per run, the runs in turn.

    A queue that needs slots of several limits might never see them free together while others keep each of them busy.
    Once each of those that it lacked has been granted to others since, it keeps what comes free when it has its turn:
    of the slowest limit first, so that what it keeps idles for no longer than the faster ones take. Queues that have a
    limit in common do so one after the other (`Keepers`).

    `reach`: how many calls its own limits let it have under way, or its cap where that is fewer; of a limit with a rate
    that is what goes on at once at that rate (Little, Operations Research 9(3), 1961). `lasts`: how long a call holds
    what it takes, in nanoseconds, an exponentially weighted mean of those that ended while others waited; -1: none has.
    """

    __slots__ = (
        "__weakref__",
        "_due",
        "_keepers",
        "_kept",
        "_lines",
        "_pitch",
        "_runs",
        "_turns",
        "blocked_by",
        "crowd",
        "gates",
        "lacked",
        "lasts",
        "names",
        "reach",
    )

    def __init__(
        self, names: tuple[str, ...], gates: tuple[Gate, ...], runs: dict[str, Turn], keepers: Keepers
    ) -> None:
        self.names = names
        self.gates = gates
        self.blocked_by: tuple[str, ...] = ()
        self._runs = runs
        self._lines: dict[str, _RunLine] = {}
        self._turns: list[tuple[int, str]] = []  # by when each run was served; looked up again when it comes first
        self.lacked: dict[Gate, int] = {}  # what had been granted of a limit when a slot of it was missing
        self._keepers = keepers
        self._due = False  # it is among them
        self._kept: list[Gate] = []
        self.crowd: Among | None = None  # it waits there, for nothing but the cap
        self.lasts = -1
        self.reach = 0.0
        self._pitch = 0.0  # nanoseconds between two calls, if it is only its own limits that keep them apart
        self._measure()

    def count(self) -> int:
        """How many still wait."""
        return sum(1 for _ in self.tickets())

    def tickets(self) -> Iterator[Ticket]:
        """Those that still wait."""
        return (ticket for line in self._lines.values() for ticket in line.waiting())

    def _measure(self) -> None:
        lasts, gates = self.lasts, self.gates
        reach: float = gates[-1].capacity
        pitch = 0.0
        for gate in gates[:-1]:
            reach = min(reach, gate.capacity)
            pitch = max(pitch, lasts / gate.capacity)
            if interval := gate.interval:
                at_once = lasts / interval if lasts >= 0 else min(gate.running + 1, gates[-1].capacity - _TRIED)
                reach = min(reach, at_once)
                pitch = max(pitch, interval)
        self._pitch = pitch
        if abs(self.reach - reach) * _SAME > reach:
            self.reach = reach
            if self.crowd is not None:
                for run, place in self.places():
                    self.crowd.enter(self, run, place)

    def held(self, nanoseconds: int) -> None:
        """A call has held what it took for so long, while others waited."""
        before = self.lasts
        self.lasts = now = nanoseconds if before < 0 else before + ((nanoseconds - before) >> 2)
        if abs(now - before) * _SAME > now or any(gate.narrowed for gate in self.gates):
            self._measure()

    def lead(self, run: str, place: PlaceInLine) -> float:
        """Seconds to the end of the path of the last call that waits here, if only its own limits were in its way.

        Without end where none has ended yet: it is to be found out soon.
        """
        if self.lasts < 0:
            return inf
        waiting = len(self._lines[run]) * len(self._lines)  # of every run as many as of this one: about so many
        return waiting * self._pitch / NANO - place[0][0]

    def push(self, ticket: Ticket, order: Order, number: int) -> None:
        """Queue up among the tickets of the same run, or take another place; `number` is higher than any before."""
        line = self._lines.get(ticket.run)
        if line is None:
            turn = self._runs.get(ticket.run)
            if turn is None:
                turn = self._runs[ticket.run] = Turn(number)
            turn.lines += 1
            line = self._lines[ticket.run] = _RunLine(turn)
            heapq.heappush(self._turns, (turn.served, ticket.run))
        ticket.order = order
        line.push(order, number, ticket)
        if self.crowd is not None and (first := line.first()) is not None and first[2] is ticket:
            self.crowd.enter(self, ticket.run, first)

    def served(self, run: str) -> int:
        """When a run was served last that has tickets here."""
        return self._runs[run].served

    def first_of(self, run: str) -> PlaceInLine | None:
        """The first place of a run."""
        line = self._lines.get(run)
        return None if line is None else line.first()

    def places(self) -> list[tuple[str, PlaceInLine]]:
        """The first place of each run."""
        return [(run, place) for run, line in self._lines.items() if (place := line.first()) is not None]

    def first(self) -> FirstInLine | None:
        """Whose turn it is, and the place of the ticket that goes next."""
        while self._turns:
            served, run = self._turns[0]
            line = self._lines[run]
            place = line.first()
            if place is None:
                heapq.heappop(self._turns)
                self._leave(run, line)
            elif line.turn.served != served:
                heapq.heapreplace(self._turns, (line.turn.served, run))
            else:
                return served, place
        self.give_up()
        return None

    def _leave(self, run: str, line: _RunLine) -> None:
        del self._lines[run]
        line.turn.lines -= 1
        if not line.turn.lines:
            del self._runs[run]

    def grant(self, ticket: Ticket, now: int, number: int) -> None:
        """Take everything for the first ticket, which leaves; its run has had its turn."""
        self.serve(ticket, number)
        ticket.holds = True
        ticket.since = now
        for gate in self.gates:  # `Gate.take`, written out
            gate.free -= 1
            gate.granted += 1
            gate.times.append(now)
            if gate.paced:
                gate.pace(now)

    def serve(self, ticket: Ticket, number: int) -> None:
        """The first ticket leaves; its run has had its turn."""
        self._lines[ticket.run].serve(number)
        ticket.waiting = False
        if self._due or self._kept:
            self._release()
        if self.lacked:
            self.lacked.clear()
        if self.lasts < 0:
            self._measure()

    def ungrant(self, ticket: Ticket, number: int) -> None:
        """A call that was granted did not start, and its slots have come back: it queues up again."""
        for gate in self.gates:
            gate.untake(ticket.since)
        ticket.waiting = True
        self.push(ticket, ticket.order, number)

    def capped(self) -> bool:
        """Whether its agent may make no more calls at once, so that there is no need to look at it. One that lacks
        more than that is looked at all the same: it may have to keep something."""
        cap = self.gates[-1]
        if cap.free > 0 or cap in self._kept or len(self.lacked) > 1:
            return False
        self.blocked_by = cap.blocks
        if cap not in self.lacked:
            self.lacked[cap] = cap.granted
        return True

    def opens_at(self, now: int) -> int | None:
        """When the next ticket may start: `now` or later (nanoseconds); None while a slot is missing."""
        opens = now
        missing = False
        for gate in self.gates:
            if gate.narrowed:
                gate.recover(now)
            if gate.free < 1 and gate not in self._kept:
                if not missing:
                    self.blocked_by = gate.blocks
                    missing = True
                if gate not in self.lacked:
                    self.lacked[gate] = gate.granted
            elif gate.opens > opens:
                opens = gate.opens
                gate.awaited = True
                if not missing:
                    self.blocked_by = gate.blocks
        if opens > now if self._due else missing:
            self.give_up()  # what is missing comes later: slots that are kept meanwhile would help nobody
        return None if missing else opens

    def hand_on(self, now: int, numbers: Iterator[int], granted: list[Ticket]) -> bool:
        """Where one run waits, in its own order and for nothing but slots: `first`, `opens_at` and `grant` at once.

        It comes to the same, at half the cost, and nearly every call that ends while others wait comes through here.
        True if that was all; else somebody has to look at the rest the long way.
        """
        turns, gates = self._turns, self.gates
        if len(turns) != 1 or self._due or self._kept:
            return False
        room = UNBOUNDED
        for gate in gates:
            if gate.paced or gate.opens > now:  # a gate that is narrowed is paced
                return False
            if gate.free < room:
                room = gate.free
        line = self._lines[turns[0][1]]
        if line.others:
            return False
        tickets, orders, lacked = line.tickets, line.orders, self.lacked
        while tickets:
            ticket = tickets[0]
            if not ticket.waiting or ticket.order is not orders[0] or ticket.loop.is_closed():
                return False
            if room < 1:
                break
            room -= 1
            tickets.popleft()  # `_RunLine.shift`, written out
            orders.popleft()
            line.numbers.popleft()
            line.head = None
            line.turn.served = next(numbers)
            ticket.waiting = False
            ticket.holds = True
            ticket.since = now
            if lacked:
                lacked.clear()
            for gate in gates:
                gate.free -= 1
                gate.granted += 1
                gate.times.append(now)
            granted.append(ticket)
        else:
            return False
        missing = False
        for gate in gates:  # `opens_at`, written out
            if gate.free < 1:
                if not missing:
                    self.blocked_by = gate.blocks
                    missing = True
                if gate not in lacked:
                    lacked[gate] = gate.granted
        return len(lacked) < 2

    def keep(self, now: int) -> None:
        """It has its turn and cannot use it, for want of a slot; and it has lacked others before."""
        lacked = self.lacked
        if any(gate.granted == before for gate, before in lacked.items()):
            return
        if any(gate.opens > now for gate in self.gates):
            return
        self._due = True
        if not self._keepers.admit(self):
            return
        for gate in sorted(lacked, key=lambda gate: gate.granted - lacked[gate]):
            if gate in self._kept:
                continue
            if gate.free < 1 or not self._keepers.may_keep(gate):
                return
            gate.free -= 1
            gate.kept += 1
            self._kept.append(gate)

    def keep_soon(self, now: int, opens: int, longest: int) -> None:
        """Its pace lets it start a call soon, and another one that is about to take the slot would have it for so long.

        It keeps that slot if it has fewer under way than its reach, so that what its pace allows is not lost for want
        of a slot, and never more than a quarter of all. What is known to end before the call may start takes the slot
        meanwhile (as with EASY backfilling: Lifka, JSSPP 1995), and so does what would have it for less than twice as
        long as it would be idle, or for nobody knows how long: a slow provider must not hold up the others.
        """
        if self._kept or self._due or longest <= 2 * (opens - now):
            return
        pacing = max(self.gates[:-1], key=lambda gate: gate.interval)
        if opens - now > pacing.interval or pacing.running >= max(self.reach, 1.0):
            return
        wanted = [g for g in self.gates if g.capacity < UNBOUNDED and g.kept < (g.capacity + 2) // _PART]
        if self.gates[-1] not in wanted or any(g.free < 1 or not self._keepers.may_keep(g) for g in wanted):
            return
        for gate in wanted:
            gate.free -= 1
            gate.kept += 1
        self._kept += wanted
        self._keepers.note_soon(self)

    def keeps(self, gate: Gate) -> bool:
        """Whether it keeps a slot of this gate."""
        return gate in self._kept

    def give_up(self) -> None:
        """Leave what it kept to others, who may have been looked at before they could have it."""
        if self._due or self._kept:
            self._keepers.gave_back |= bool(self._kept)
            self._release()

    def _release(self) -> None:
        for gate in self._kept:
            gate.free += 1
            gate.kept -= 1
        self._kept.clear()
        self._due = False
        self._keepers.leave(self)
