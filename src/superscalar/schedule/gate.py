"""One limit's live state: free slots, when the next start is due, and how far refusals have narrowed it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import ceil, inf
from random import Random

from superscalar.schedule.probing import Probe
from superscalar.schedule.slack import Slack
from superscalar.tools.terms import Limit

NANO = 1_000_000_000
UNBOUNDED = 1 << 62

_HISTORY = 256
_HALF = 0.5
_GENTLE = 0.95
_BELOW = 0.98
_STEP = 0.01
_ROUNDING = 1e-6
_EVIDENCE = 0.25
_ENOUGH = 5
_ALIKE = 0.75
_EAGER = 0.1  # calls per second, or at once, for each call that got through
_AFTER_SILENCE = 5.0
_ROUNDS = 4
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 30.0
_DOUBTED = 10.0  # so many times as long as was asked for is a pause while nothing gets through
_SILENT = 3  # signals on end, after which a provider is taken to be down
_PADDED = 5.0  # so many times as long as a window is a wait that may speak of it
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

    Starts are spaced by the theoretical arrival time of the next one (GCRA, ITU-T I.371), a little wider than a
    declared rate says (`Slack`). A quarter of that makes good what the event loop is late; what it is later is lost.

    A refusal narrows the rate and the concurrency by a factor, and time widens both by a constant step up to what was
    declared: additive increase, multiplicative decrease, which is what lets clients that know nothing of each other
    share a provider fairly (Chiu and Jain, 1989). The step is the larger the more calls have got through since, and
    smaller near where refusals came again and again (`Probe`). The
    factor is between a half and 0.95, and between these it is what was measured to get through. Refusals of calls that
    were under way together are one signal, as losses of one round trip are in TCP (RFC 6582): a call that started
    before the last signal adds to that measurement only.

    Where no rate is declared, one is learned only from refusals that the width does not explain (`_is_of_rate`). A
    provider that lets nothing through teaches nothing but to wait.

    A lone refusal, before which a window's worth of calls got through, says that calls came a little too early: it is
    always 0.95, and slack. If the next one comes sooner, the better measurement of the two counts.
    """

    __slots__ = (
        "__weakref__",
        "_accepted",
        "_arrival",
        "_epoch",
        "_epoch_accepted",
        "_flight",
        "_held",
        "_interval",
        "_lone",
        "_looked_at",
        "_patience",
        "_per",
        "_probe_of_rate",
        "_probe_of_width",
        "_rate",
        "_rate_before",
        "_rate_ceiling",
        "_rate_declared",
        "_recovered",
        "_seen",
        "_seen_before",
        "_served_at_once",
        "_settles",
        "_signal",
        "_slack",
        "_tolerance",
        "_turned_away",
        "_width",
        "_width_before",
        "_width_ceiling",
        "awaited",
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
        self.awaited = False  # somebody waits for it to open: who comes late then did not come late by choice
        self._slack = Slack(limit)
        self._settles = self._slack.needs  # at how many calls that got through there may be less of it
        self._arrival = 0
        self._interval = self._tolerance = self._held = self._patience = 0
        self._rate_declared: float = limit.rate / limit.per if limit.rate is not None else inf
        self._rate: float = self._rate_declared
        self._rate_ceiling = self._rate
        self._width: float = self.capacity
        self._width_ceiling: float = self._width
        if self.paced:
            self._space()
        self._probe_of_rate, self._probe_of_width = Probe(), Probe(1.0)
        self._per = 1.0  # the seconds in which a learned rate recovers by one step
        self._recovered = 0  # up to when recovery is counted
        self._looked_at = 0  # calls that had got through by then
        self._served_at_once = 0  # calls that were under way together and not refused at the last signal
        self._signal = -1  # when the last signal came
        self._flight = 0  # calls that were under way then and that have not been refused
        self._turned_away = 0  # those that have
        self._lone = False  # much had got through before it
        self._rate_before: float = self._rate
        self._width_before: float = self._width
        self._accepted = 0  # calls that had got through at the last signal
        self._seen = 0.0  # the rate that was measured then
        self._seen_before = 0.0  # and at the one before it
        self.barren = 1  # signals on end before which no call had got through since the one before; one to begin with
        self._epoch = -1  # when the last pause ended
        self._epoch_accepted = 0

    @property
    def running(self) -> int:
        """Calls that hold a slot."""
        return self.capacity - self.free - self.kept

    @property
    def got_through(self) -> int:
        """Calls that ended, and not with a refusal."""
        return self.granted - self.running - self.refused

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
        if self.granted >= self._settles and self.got_through >= self._settles:
            self._slack.tighten()
            self._settles = self.got_through + self._slack.needs
            self._space()
        if self._interval:
            due = max(self._arrival, now)
            if self.awaited:
                late = now - self.opens
                made_good = min(late, self._patience)
                due = max(self._arrival + late - made_good, now - made_good)
            self._arrival = due + self._interval
            opens = self._arrival - self._tolerance
            if self.awaited or opens > now:  # a burst is used up
                opens += self._held
            self.opens = max(self.opens, opens)
            self.awaited = self.awaited and self.opens <= now

    def untake(self, since: int) -> None:
        """A call that took its slot then did not start, and has given it back."""
        self.granted -= 1
        self._forget(since)

    def _forget(self, since: int) -> None:
        """What started then says nothing of how many calls get through."""
        if since in self.times:
            self.times.remove(since)

    def close(self, until: int) -> None:
        """Let nothing start before then."""
        self.opens = max(self.opens, until)

    # --------------------------------------------------------------------------------------------------- refusals

    def refuse(self, since: int, now: int, after: float | None, random: Random) -> bool:
        """The provider refused a call that started at `since` and has given its slot back; True if that is a signal.

        `after`: the seconds to wait that it asked for, above 0.
        """
        news = self._turn_away(since)
        if news:
            self._begin_signal(now)
        self._turned_away += 1
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(max(self.barren - 1, 0), 60))
        if after is not None:
            longer = max(after, min(pause, after * _DOUBTED)) if news else after
            self.close(now + int((longer + random.uniform(0.0, min(longer / 10, 1.0))) * NANO))
        elif news:
            self.close(now + int(random.uniform(pause / 2, pause) * NANO))
        self._narrow(since, now, after)
        if news:
            self._settles = self._accepted + self._slack.needs
        self._epoch, self._epoch_accepted = self.opens, self.granted - self.refused
        self._recovered = self.opens
        return news

    def shut(self, since: int, until: int) -> None:
        """The provider refused a call for so long that nothing is learned of how fast calls may come."""
        self._turn_away(since)
        self.close(until)

    def _turn_away(self, since: int) -> bool:
        """A call that started then was refused; whether that was after the last signal."""
        self.refused += 1
        self._forget(since)
        if since > self._signal:
            return True
        self._flight -= 1
        return False

    def _begin_signal(self, now: int) -> None:
        accepted = self.got_through
        through = accepted - self._accepted
        alive = through > 0 or (self._signal >= 0 and self._flight > 0)  # what is under way since then is being served
        self.barren = 0 if alive else self.barren + 1
        self._served_at_once = self._flight
        self._lone = through + self.running >= self._much()
        self.recover(now)
        self._accepted = accepted
        self._signal = now
        self._flight = self.running
        self._turned_away = 0
        self._seen_before, self._seen = self._seen, 0.0
        self._rate_before = self._rate
        self._width_before = self._width
        self._probe_of_rate.begin()
        self._probe_of_width.begin()
        if self.declared.concurrency is None:  # nothing keeps it from growing beyond all use: start from what is used
            self._width_before = min(self._width, (self.running + 1) * (2.0 if self.narrowed else 1.0))

    def _much(self) -> float:
        """How many calls get through before a refusal that says nothing of how many may."""
        declared = self.declared
        if declared.rate is None:
            return inf if declared.concurrency is None else _ROUNDS * declared.concurrency
        return _ENOUGH if self._signal < 0 else max(_ENOUGH, declared.rate)

    def _narrow(self, since: int, now: int, after: float | None) -> None:
        many = self._turned_away > 1 + self._flight // 8
        lone = self._lone and not many
        tells = after is not None or self._rate_before < inf
        count, seconds = self._measured(since, now, after or 0.0) if tells else (0, 1.0)
        of_rate = self._is_of_rate(count, after)
        # Where it is of a window of time, how many calls were under way says little.
        width = self._width_before * _GENTLE if of_rate else _within(self._flight, self._width_before)
        if not lone or self.declared.concurrency is not None:
            self._set_width(max(min(width, self._width), 1.0))
            if self._width_ceiling == UNBOUNDED:
                self._width_ceiling = self._width_before
        if self.declared.rate is not None:
            self._seen = count / seconds
            if lone and self._turned_away == 1:
                self._slack.widen()
            seen = inf if lone else self._seen if many else max(self._seen, self._seen_before)
            if self.barren <= _SILENT:
                self._rate = min(self._rate, _within(seen, self._rate_before))
        elif of_rate and not lone:
            measured = count / seconds * _BELOW
            if self._rate_before < inf:
                self._rate = min(self._rate, _within(measured, self._rate_before))
            else:  # nothing was known about it yet
                self._rate = self._rate_ceiling = min(self._rate, measured)
            self._per = max(after or 0.0, 1.0)
        else:
            self._rate = self._rate_before  # of a burst, what is refused last decides what it was about
        alive = self.barren == 0
        if not of_rate:
            self._probe_of_width.refused(self._width + 1.0 if alive else 0.0)
        if self._rate < inf:
            self._probe_of_rate.refused(self._rate if alive else 0.0)
            self._space()
        self.narrowed = self.paced = True

    def _is_of_rate(self, count: int, after: float | None) -> bool:
        """Whether a refusal is about how many calls come in a window, of which `count` came, and not how many at once.

        What is under way together and is served fits both at first: it is taken for the width, which costs little if
        that is wrong. It is a rate if more calls ended in the window than are under way, and fewer are under way than
        were served at once before. Once there is a rate, it is what is to blame as long as the width leaves room.
        """
        if self.declared.rate is not None:
            return after is not None
        if self._rate_before < inf:
            return self._flight + 1 < self._width_before * _GENTLE
        ended = count - self.running
        if after is None or ended < max(_ENOUGH, self._flight):
            return False
        return self._served_at_once == 0 or self._flight < _ALIKE * self._served_at_once

    def _measured(self, since: int, now: int, after: float) -> tuple[int, float]:
        """How many calls got through, and in how many seconds.

        A window of the provider that is fixed ends when the wait is over, and what got through in it is what it allows.
        Windows are a second, a minute, an hour or a day, or began with the first call; whichever of them saw the
        highest rate fits best, since any other holds time in which less was asked for. One that slides ends with the
        call that it refuses; that fits a declared rate, since nothing came in a burst: the wait that is still to come
        is no time in which nothing got through.
        """
        best = self._measured_until(since, after) if self._rate_before < inf else (0, 1.0)
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

    def _measured_until(self, since: int, after: float) -> tuple[int, float]:
        best = 0, 1.0
        for length in (self.declared.per, *_WINDOWS):
            seconds = length + self._slack.seconds
            begin = since - int(seconds * NANO)
            count = sum(1 for at in self.times if begin <= at < since)
            if count and count == self.times.maxlen:
                seconds = (since - self.times[0]) / NANO
            if length * _PADDED >= after and count / seconds > best[0] / best[1]:
                best = count, seconds
        return best

    # --------------------------------------------------------------------------------------------------- recovery

    def recover(self, now: int) -> None:
        """Widen by what the time since the last look allows, and the calls that got through since the last signal."""
        if not self.narrowed or now <= self._recovered:
            return
        seconds = (now - self._recovered) / NANO
        accepted = self.got_through
        eager = _EAGER * (accepted - self._looked_at) * (_AFTER_SILENCE if self.barren else 1.0)
        self._recovered, self._looked_at = now, accepted
        declared = self.declared
        step = max(1.0, _STEP * self._width_ceiling) * seconds
        width = self._width
        if self.barren < _SILENT or accepted > self._accepted:  # where nothing gets through, few need to ask
            width += self._probe_of_width.step(width, step, eager)
        self._set_width(width if declared.concurrency is None else min(width, declared.concurrency))
        if self._rate < inf:
            windows = 0.0 if declared.rate is None else (accepted - self._accepted) / declared.rate
            step = _STEP * self._rate_ceiling * seconds * (1.0 + _EVIDENCE * windows) / self._per
            if declared.rate is not None and not self.barren:
                eager = 0.0  # it was measured, and is at most what was declared: time alone is quick enough
            self._rate += self._probe_of_rate.step(self._rate, step, eager / self._per)
            if declared.rate is not None:
                self._rate = min(self._rate, self._rate_declared)
            self._space()
        if self._width == declared.concurrency and self._rate == self._rate_declared:
            self.narrowed = False
            self.paced = self._rate < inf

    def _space(self) -> None:
        """How far apart calls start; while the rate is narrowed nothing comes in a burst."""
        declared, slack = self.declared, self._slack
        if declared.rate is not None and self._rate == self._rate_declared:
            self._interval = ceil(declared.per / declared.rate * slack.stretch * NANO)
            self._tolerance = self._interval * (declared.burst - 1)
        else:
            self._interval = ceil(NANO / self._rate * slack.stretch)
            self._tolerance = 0
        self._patience = int(slack.seconds / 4 * NANO)
        self._held = min(int(slack.seconds * NANO), self._tolerance)

    def _set_width(self, width: float) -> None:
        """A part of a slot is one that is left when it narrows, and none that is new when it widens."""
        capacity = ceil(width) if width <= self._width else max(self.capacity, int(width + _ROUNDING))
        self._width = width
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
