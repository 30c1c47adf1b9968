"""One limit's live state: free slots, when the next start is due, and how far refusals have narrowed it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import ceil, inf
from random import Random

from superscalar.tools.terms import Limit

NANO = 1_000_000_000
UNBOUNDED = 1 << 62

_HISTORY = 256
_HALF = 0.5
_GENTLE = 0.95
_BELOW = 0.98
_STEP = 0.01
_ENOUGH = 5
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 30.0
_WINDOWS = (1.0, 60.0, 3_600.0, 86_400.0)


@dataclass(frozen=True, slots=True)
class LimitStatistics:
    """What a limit has seen, and how wide it is now beside what was declared. None is no bound.

    Calls: `running` now, `waiting` for it (of all runs that share it), `granted` so far, `refused` by the provider.
    `paused`: seconds until the next call may start; `rate` is per second.
    """

    running: int
    waiting: int
    granted: int
    refused: int
    paused: float
    concurrency: int | None
    rate: float | None
    declared_concurrency: int | None
    declared_rate: float | None


class Gate:
    """One limit's live state. Whoever uses it holds the lock of its clock; times are nanoseconds of that clock.

    Starts are spaced by the theoretical arrival time of the next one (GCRA, ITU-T I.371).

    A refusal narrows the rate and the concurrency by a factor, and time widens both by a constant step up to what was
    declared: additive increase, multiplicative decrease, which is what lets clients that know nothing of each other
    share a provider fairly (Chiu and Jain, 1989). The factor is between a half and 0.95, and between these it is what
    was measured to get through. Refusals of calls that were under way together are one signal, as losses of one round
    trip are in TCP (RFC 6582): a call that started before the last signal adds to that measurement only.
    """

    __slots__ = (
        "__weakref__",
        "_accepted",
        "_arrival",
        "_epoch",
        "_epoch_accepted",
        "_flight",
        "_interval",
        "_rate",
        "_rate_before",
        "_rate_ceiling",
        "_recovered",
        "_signal",
        "_tolerance",
        "_width",
        "_width_before",
        "_width_ceiling",
        "barren",
        "blocks",
        "capacity",
        "declared",
        "free",
        "granted",
        "kept",
        "name",
        "narrowed",
        "opens",
        "paced",
        "refused",
        "times",
    )

    def __init__(self, name: str, limit: Limit, history: int = _HISTORY) -> None:
        self.name = name
        self.blocks = (name,)
        self.declared = limit
        self.capacity: int = limit.concurrency if limit.concurrency is not None else UNBOUNDED
        self.free = self.capacity
        self.kept = 0  # slots that are neither free nor in use: kept for a queue that was passed over
        self.opens = 0
        self.granted = 0
        self.refused = 0
        self.times: deque[int] = deque(maxlen=history)  # when calls started that were not refused
        self.paced = limit.rate is not None
        self.narrowed = False
        self._arrival = 0
        self._interval = self._tolerance = 0
        self._rate: float = limit.rate / limit.per if limit.rate is not None else inf
        self._rate_ceiling = self._rate
        self._width: float = self.capacity
        self._width_ceiling: float = self._width
        if self.paced:
            self._space()
        self._recovered = 0  # up to when recovery is counted
        self._signal = -1  # when the last signal came
        self._flight = 0  # calls that were under way then and that have not been refused
        self._rate_before: float = self._rate
        self._width_before: float = self._width
        self._accepted = 0  # calls that had got through at the last signal
        self.barren = 1  # signals on end before which no call had got through since the one before; one to begin with
        self._epoch = -1  # when the last pause ended
        self._epoch_accepted = 0

    @property
    def running(self) -> int:
        """Calls that hold a slot."""
        return self.capacity - self.free - self.kept

    @property
    def room(self) -> int:
        """How many may start now, whatever the time is."""
        return 0 if self.paced or self.opens else self.free

    @property
    def interval(self) -> int:
        """Nanoseconds between two starts at its rate as it is now; 0: it has none."""
        return self._interval

    def take(self, now: int) -> None:
        """Take a slot and a token."""
        self.free -= 1
        self.granted += 1
        self.times.append(now)
        if self.paced:
            self.pace(now)

    def pace(self, now: int) -> None:
        """A call starts: when may the next one?"""
        if self.narrowed:
            self.recover(now)
        if self._interval:
            self._arrival = max(self._arrival, now) + self._interval
            self.opens = max(self.opens, self._arrival - self._tolerance)

    def close(self, until: int) -> None:
        """Let nothing start before then."""
        self.opens = max(self.opens, until)

    # --------------------------------------------------------------------------------------------------- refusals

    def refuse(self, since: int, now: int, after: float | None, random: Random) -> bool:
        """The provider refused a call that started at `since` and has given its slot back; True if that is a signal.

        `after`: the seconds to wait that it asked for, above 0.
        """
        self.refused += 1
        if since in self.times:
            self.times.remove(since)
        news = since > self._signal
        if news:
            self._begin_signal(now)
        else:
            self._flight -= 1
        if after is not None:
            self.close(now + int((after + random.uniform(0.0, min(after / 10, 1.0))) * NANO))
        elif news:
            pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(max(self.barren - 1, 0), 60))
            self.close(now + int(random.uniform(pause / 2, pause) * NANO))
        self._narrow(now, after)
        self._epoch, self._epoch_accepted = self.opens, self.granted - self.refused
        self._recovered = self.opens
        return news

    def _begin_signal(self, now: int) -> None:
        accepted = self.granted - self.running - self.refused
        self.barren = 0 if accepted > self._accepted else self.barren + 1
        self._accepted = accepted
        self._signal = now
        self._flight = self.running
        self.recover(now)
        self._rate_before = self._rate
        self._width_before = self._width
        if self.declared.concurrency is None:  # nothing keeps it from growing beyond all use: start from what is used
            self._width_before = min(self._width, (self.running + 1) * (2.0 if self.narrowed else 1.0))

    def _narrow(self, now: int, after: float | None) -> None:
        # A provider that says when speaks of a window of time; how many calls were under way says little then.
        width = self._width_before * _GENTLE if after is not None else _within(self._flight, self._width_before)
        self._set_width(max(min(width, self._width), 1.0))
        if self._width_ceiling == UNBOUNDED:
            self._width_ceiling = self._width_before
        if after is not None or self._rate < inf:
            count, window = self._measured(now, after or 0.0)
            if self._rate_before < inf:
                self._rate = min(self._rate, _within(count / window * _BELOW, self._rate_before))
            elif count >= _ENOUGH:  # nothing was known about it yet
                self._rate = min(self._rate, count / window * _BELOW)
                self._rate_ceiling = self._rate
            if self._rate < inf:
                self._space()
        self.narrowed = self.paced = True

    def _measured(self, now: int, after: float) -> tuple[int, float]:
        """How many calls got through, and in how many seconds.

        A window of the provider ends when the wait is over, and what got through in it is what it allows. Windows are
        a second, a minute, an hour or a day, or began with the first call; whichever of them saw the highest rate fits
        best, since any other holds time in which less was asked for.
        """
        best = 0, 1.0
        end = now + int(after * NANO)
        accepted = self.granted - self.refused
        for length in _WINDOWS:
            begin = end - int(length * NANO)
            if length < after or not self.times:
                continue
            window = min(length, (end - self.times[0]) / NANO)
            count = sum(1 for at in self.times if at >= begin)
            if accepted > len(self.times) and self.times[0] > begin:  # more than is remembered
                if self._epoch >= begin:  # but counted since the last pause
                    count, window = max(count, accepted - self._epoch_accepted), length
                elif best[0]:
                    break
                else:
                    window = max(now - self.times[0], 1) / NANO
            if window > 0.0 and count / window > best[0] / best[1]:
                best = count, window
        return best

    # --------------------------------------------------------------------------------------------------- recovery

    def recover(self, now: int) -> None:
        """Widen by what the time since the last look allows."""
        if not self.narrowed or now <= self._recovered:
            return
        seconds = (now - self._recovered) / NANO
        self._recovered = now
        declared = self.declared
        width = self._width + max(1.0, _STEP * self._width_ceiling) * seconds
        self._set_width(width if declared.concurrency is None else min(width, declared.concurrency))
        if self._rate < inf:
            self._rate += _STEP * self._rate_ceiling * seconds
            if declared.rate is not None:
                self._rate = min(self._rate, self._rate_ceiling)
            self._space()
        if self._width == declared.concurrency and (declared.rate is not None and self._rate == self._rate_ceiling):
            self.narrowed = False

    def _space(self) -> None:
        """How far apart calls start; while the rate is narrowed nothing comes in a burst."""
        declared = self.declared
        if declared.rate is not None and self._rate == self._rate_ceiling:
            self._interval = ceil(declared.per / declared.rate * NANO)
            self._tolerance = self._interval * (declared.burst - 1)
        else:
            self._interval = ceil(NANO / self._rate)
            self._tolerance = 0

    def _set_width(self, width: float) -> None:
        self._width = width
        capacity = ceil(width)
        self.free += capacity - self.capacity
        self.capacity = capacity

    def statistics(self, now: int, waiting: int) -> LimitStatistics:
        """What it has seen."""
        self.recover(now)
        declared = self.declared
        return LimitStatistics(
            running=self.running,
            waiting=waiting,
            granted=self.granted,
            refused=self.refused,
            paused=max(self.opens - now, 0) / NANO,
            concurrency=self.capacity if self.capacity < UNBOUNDED else None,
            rate=self._rate if self._rate < inf else None,
            declared_concurrency=declared.concurrency,
            declared_rate=None if declared.rate is None else declared.rate / declared.per,
        )


def _within(measured: float, before: float) -> float:
    return min(max(measured, before * _HALF), before * _GENTLE)
