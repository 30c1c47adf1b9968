"""For how long a provider lets nothing through, and in which words it said so: nobody waits for a quota of the day."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from random import Random

from superscalar import events
from superscalar.schedule.gate import NANO, Gate
from superscalar.schedule.refusal import Outlook, Refusal
from superscalar.schedule.waiting import NOBODY, Queue, Ticket, Voice
from superscalar.short import LONGEST, cut
from superscalar.tools.terms import Retry

_BELIEVED = 3_600.0
"""Seconds after which a call asks again, though the provider said later: it may have been wrong, or meant that call."""


_SILENCE = 60.0
"""Seconds behind a pause in which somebody asks, if calls wait for its end and their pace lets them."""


class Closed(Exception):
    """A provider lets nothing through for longer than a call waits; the message has its words."""


@dataclass(slots=True)
class _Closure:
    """`begun`: when a call was refused first since one had got through, `accepted` so many had by then."""

    begun: int
    accepted: int
    until: int = 0
    words: str = ""
    voice: Voice = NOBODY

    def told(self, gate: Gate, listener: Ticket, lasts: float) -> str:
        """Why a call fails that waits for this gate, which lets nothing through for so many seconds.

        How many is the provider's to say, as its words are: both go to the same calls.
        """
        heard = self.voice.is_heard_by(listener.voice)
        words, longer = (self.words, f"{ceil(lasts):,} s, more") if heard else ("to come back later", "longer")
        waits = f"{longer} than Retry(longest={listener.longest:g}) waits"
        return f"{gate.name} lets nothing through for {waits}, as another call was told: {words}"


@dataclass(frozen=True, slots=True)
class Refused:
    """How a call was refused at `now` that waits for `longest` seconds at the most; `words`: what its provider said.

    `at`: the same moment, in seconds, for the events.
    """

    refusal: Refusal
    longest: float
    now: int
    at: float
    words: str
    voice: Voice

    @property
    def after(self) -> float | None:
        """The seconds to wait that the provider asked for."""
        return self.refusal.retry_after

    @property
    def too_long(self) -> bool:
        """Whether that is longer than the call waits."""
        return self.after is not None and self.after > self.longest


class Closures:
    """What providers said of each gate, on one clock. Whoever uses it holds the lock of that.

    `least`: nobody waits for less, as far as is known. `any`: something was refused.
    """

    def __init__(self) -> None:
        self._of: weakref.WeakKeyDictionary[Gate, _Closure] = weakref.WeakKeyDictionary()
        self.least = Retry().longest
        self.any = False

    def learn(
        self, ticket: Ticket, gates: tuple[Gate, ...], said: Refused, waiting: Iterable[Queue], random: Random
    ) -> tuple[Outlook, list[tuple[Ticket, str]]]:
        """A call was refused, and has given back what it held: its gates pause and narrow.

        Returns what that means for the call, and those that wait no more, each with what to tell it.
        """
        now, throttled = said.now, []
        left: list[tuple[Ticket, str]] = []
        since, ticket.since = ticket.since, -1
        for gate in gates if since >= 0 else ():  # of a batch only the first call says it
            news = self._close(gate, since, said, random)
            self._note(gate, since, said)
            left += self._leaving(gate, [queue for queue in waiting if gate in queue.gates])
            if news:
                told = gate.statistics(now, 0)
                throttled.append(events.Throttled(said.at, gate.name, told.paused, told.concurrency, told.rate))
        opens = max((gate.opens for gate in gates), default=now)
        barren = min((gate.barren for gate in gates), default=2)
        beyond = said.too_long or any(self._lasts(gate) > said.longest for gate in gates)
        return Outlook(said.refusal, max(opens - now, 0) / NANO, barren, tuple(throttled), beyond), left

    def _close(self, gate: Gate, since: int, said: Refused, random: Random) -> bool:
        if not said.too_long:
            return gate.refuse(since, said.now, said.after, random)
        news = gate.opens <= said.now
        gate.shut(since, _until(said))
        return news

    def _note(self, gate: Gate, since: int, said: Refused) -> None:
        """A call that is under way for longer than refusals take may yet get through, as might one that nobody made."""
        self.any = True
        accepted = gate.got_through
        found = self._of.get(gate)
        if (
            found is None
            or accepted > found.accepted
            or since - found.until > _silence(gate, said.now)
            or _outlives(gate, since, said.now)
        ):
            before = found or _Closure(said.now, accepted)
            found = self._of[gate] = _Closure(said.now, accepted, before.until, before.words, before.voice)
        until = _until(said)
        if until >= found.until and said.after is not None:
            found.until, found.words, found.voice = until, cut(said.words, LONGEST), said.voice

    def _lasts(self, gate: Gate) -> float:
        """For how many seconds its provider lets nothing through, since the first refusal."""
        found = self._of.get(gate)
        return 0.0 if found is None else (found.until - found.begun) / NANO

    def _leaving(self, gate: Gate, queues: list[Queue]) -> list[tuple[Ticket, str]]:
        lasts = self._lasts(gate)
        if lasts <= self.least:
            return []
        found = self._of[gate]
        left = [ticket for queue in queues for ticket in queue.tickets() if lasts > ticket.longest]
        for ticket in left:
            ticket.waiting = False
        return [(ticket, found.told(gate, ticket, lasts)) for ticket in left]

    def check(self, ticket: Ticket, queue: Queue, now: int) -> None:
        """Let a call wait.

        Raises:
            Closed: its provider lets nothing through for longer than it waits.
        """
        for gate in queue.gates:
            found = self._of.get(gate)
            if found is not None and (lasts := (found.until - now) / NANO) > ticket.longest:
                raise Closed(found.told(gate, ticket, lasts))


def _outlives(gate: Gate, since: int, now: int) -> bool:
    """Whether another call is under way that began so long before one that is refused now that it seems accepted."""
    begun = since - max(now - since, NANO)
    return gate.running > sum(1 for at in gate.times if at >= begun)


def _silence(gate: Gate, now: int) -> int:
    rate = gate.statistics(now, 0).rate
    return int((_SILENCE + (0.0 if rate is None else min(1.0 / rate, _BELIEVED))) * NANO)


def _until(said: Refused) -> int:
    """Up to when that is believed."""
    after = said.after or 0.0
    return said.now + int((min(after, _BELIEVED) if said.too_long else after) * NANO)
