"""How calls are brought to an end: their timeouts, the end of the run, what nothing needs any more."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from math import inf

from superscalar import events
from superscalar.plan.ir import Call
from superscalar.schedule.attempt import (
    STOPPED,
    Attempt,
    Bounds,
    clock_of,
    kind_of,
    never_started,
    not_made,
    too_slow,
)
from superscalar.schedule.cells import PENDING, RUNNING
from superscalar.schedule.inside import granted_here
from superscalar.schedule.ledger import Ledger
from superscalar.schedule.limits import Limits, Ticket
from superscalar.tools.tool import Inherited
from superscalar.values import Failure, FailureKind, TaskId


class Stopping(ABC):
    """The part of a unit that ends calls: it cancels, waits for a grace period, and abandons what has not ended then.

    `_live`: every attempt that was bound and has not ended.
    """

    def __init__(self, ledger: Ledger, bounds: Bounds, limits: Limits) -> None:
        self.loop = asyncio.get_running_loop()
        self.ledger = ledger
        self.schedule = ledger.schedule
        self._now = clock_of(self.loop)
        self._bounds = bounds
        self._limits, self.caller = granted_here(limits, self.loop, self)
        self._clock = self._limits.clock
        self._live: dict[Attempt, None] = {}  # a set in the order of arrival: a run replays to the last event
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = inf
        self._wakeup: asyncio.Future[None] | None = None
        self._stopped: FailureKind | None = None
        self._suspending = False
        self._waited_again: set[Attempt] = set()
        self._dropped: set[asyncio.Task[None]] = set()
        self._escalation: list[asyncio.TimerHandle] = []

    def still_taken(self) -> Iterable[Ticket]:
        """The calls for which something was taken that has not come back."""
        return {ticket for attempt in list(self._live) if (ticket := attempt.batch or attempt).holds}

    def __del__(self) -> None:
        """It ended with its event loop, in the middle: whoever is left may have what it held."""
        if getattr(self, "_live", None):  # else there is nothing, or it was never made
            self._clock.leave(self)

    @abstractmethod
    def _happened(self, event: events.Event) -> None: ...

    @abstractmethod
    def _pump(self) -> None: ...

    @abstractmethod
    def _end(self, attempt: Attempt) -> None: ...

    @abstractmethod
    def _withdraw_unneeded(self) -> None: ...

    async def cancel(self, kind: FailureKind = "cancelled") -> None:
        """Stop everything and wait for it to end, for a grace period at the most. A second cancel is not heard."""
        self.stop(kind)
        while self._live:
            self._wakeup = self.loop.create_future()
            try:
                await self._wakeup
            except asyncio.CancelledError:
                self._abandon_all()
        if self._dropped:
            with suppress(asyncio.CancelledError):  # a second cancel is not heard
                await asyncio.wait(self._dropped, timeout=self._bounds.grace)
        self._set_alarm(inf)

    def stop(self, kind: FailureKind) -> None:
        """Begin to stop, without waiting.

        No call starts any more. Pure and read calls are cancelled now, and abandoned if they have not ended when the
        grace period is over; writes are cancelled then, and abandoned half a grace period later. What calls nothing
        still settles by itself, so that a join shows what there is.
        """
        if self._stopped is not None:
            return
        self._stopped = kind
        for attempt in list(self._live):
            if self.schedule.is_unneeded(attempt.cell):
                self._drop(attempt)
            elif attempt.runner is None:
                self._end(attempt)
                self._happened(events.Failed(self._now(), attempt.cell.id, never_started(kind, attempt)))
        for cell in self.schedule.open_cells():
            if cell.status is PENDING and cell.task is not None and isinstance(cell.task.work, Call):
                self._happened(events.Failed(self._now(), cell.id, never_started(kind)))
                self._pump()
        self._pump()
        for attempt in list(self._live):
            if attempt.tool.effect != "write" or not attempt.begun:
                self._cancel(attempt, kind)
        self._pump()
        if self._live:  # else nothing is left to escalate against, and no timer outlives the run
            self._escalate(partial(self._end_grace, kind))
        self._limits.dispatch(self.loop)

    def leave(self) -> None:
        """Begin to leave the run to another process, without waiting; `cancel` waits.

        No call starts any more, and nothing is recorded of what is cut off: it has not ended. Pure and read calls are
        cancelled and forgotten, to be made again. A write has the grace period to end; then it is cancelled, and
        forgotten half a grace period later, so that whoever goes on knows only that it was begun.
        """
        if self._stopped is not None or self._suspending:
            return
        self._suspending = True
        for attempt in list(self._live):
            if attempt.runner is None:
                self._end(attempt)
            elif attempt.tool.effect != "write" or not attempt.begun:
                if attempt.kept is not None:  # it is recorded as started, and certainly is not made
                    failure = Failure("cancelled", "it was not made before the run was left", in_doubt=attempt.in_doubt)
                    self._happened(events.Retrying(self._now(), attempt.cell.id, attempt.number, failure, 0.0))
                self._forget(attempt)
        if self._live:
            self._escalate(self._cancel_silently)
        self._limits.dispatch(self.loop)

    def _cancel_silently(self) -> None:
        for attempt in list(self._live):
            if attempt.runner is not None and attempt.stopped is None:
                attempt.stopped = "cancelled"
                attempt.runner.cancel()

    def _forget(self, attempt: Attempt) -> None:
        """Cancel a call of which nothing is to be recorded any more."""
        self._end(attempt)
        if attempt.runner is not None:
            attempt.runner.cancel()
            self._dropped.add(attempt.runner)
        if not self._live:
            self._wake()

    def _wake(self) -> None:
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)
        if not self._live:
            for timer in self._escalation:
                timer.cancel()

    def _set_alarm(self, when: float) -> None:
        """One timer for all attempts, at the earliest deadline: a timer for each would cost more than a free call."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = when
        self._alarm = self.loop.call_at(when, self._look_at_deadlines) if when < inf else None

    def _begin_time(self, attempt: Attempt) -> None:
        """The call is made now: from here on its time passes."""
        attempt.started = self._now()
        timeout = attempt.tool.timeout
        if isinstance(timeout, Inherited):
            timeout = self._bounds.timeout
        if timeout is not None:
            attempt.deadline = attempt.started + timeout
            if attempt.batch is not None:
                attempt.deadline = attempt.batch.deadline = min(attempt.batch.deadline, attempt.deadline)
            if attempt.deadline < self._alarm_at:
                self._set_alarm(attempt.deadline)

    def _never_began(self, attempt: Attempt, error: BaseException) -> None:
        """What the start of a call waited for did not come, or there is no copy of what it is made with."""
        if attempt.over:
            return
        self._end(attempt)
        self._happened(events.Failed(self._now(), attempt.cell.id, not_made(attempt, error)))
        self._pump()

    def _look_at_deadlines(self) -> None:
        """Cancel what has had its time, abandon what did not end within its grace period, and set the next alarm."""
        now = self._now()
        for attempt in [attempt for attempt in self._live if attempt.deadline <= now]:
            if attempt.deadline < now and attempt not in self._waited_again:
                self._wait_again(attempt, now)
            elif attempt.stopped is None:
                self._waited_again.discard(attempt)
                self._cancel(attempt, "timeout")
                attempt.deadline = now + self._bounds.grace
            else:
                self._abandon(attempt)
        self._set_alarm(min((attempt.deadline for attempt in self._live), default=inf))

    def _wait_again(self, attempt: Attempt, now: float) -> None:
        """Its time has passed while nobody looked: the process was stopped, the machine slept, or a tool kept the loop.

        So much is given again, once and never more than the whole; what has arrived meanwhile is taken in first.
        """
        self._waited_again.add(attempt)
        whole = self._bounds.grace if attempt.stopped is not None else attempt.deadline - attempt.started
        attempt.deadline = now + min(now - attempt.deadline, whole)

    def _escalate(self, first: Callable[[], None]) -> None:
        """Do `first` when the grace period is over, and abandon what is left half a grace period later.

        If we are late ourselves, that much later: see `_wait_again`.
        """
        grace, began = self._bounds.grace, self._now()

        def look() -> None:
            late = self._now() - (began + grace)
            if late > 0:
                self._escalation = [self.loop.call_later(min(late, grace), end, grace * 0.5)]
            else:
                end(None)

        def end(then: float | None) -> None:
            when = began + grace * 1.5 if then is None else self._now() + then
            self._escalation = [self.loop.call_at(when, self._abandon_all)]
            first()

        self._escalation = [self.loop.call_at(began + grace, look)]

    def _cancel(self, attempt: Attempt, kind: FailureKind) -> None:
        if attempt.runner is not None and attempt.stopped is None:
            attempt.stopped = kind
            attempt.deadline = inf  # its time may pass while it ends: that must not cut its grace period short
            attempt.runner.cancel()
            if not attempt.begun and kind in STOPPED:  # it was to begin in this very turn: now it never does
                self._end(attempt)
                self._happened(events.Failed(self._now(), attempt.cell.id, never_started(kind, attempt)))

    def _drop(self, attempt: Attempt) -> None:
        """Cancel a call that nothing needs; it is abandoned if it does not end within its grace period."""
        if attempt.runner is not None and attempt.begun:
            if attempt.stopped is None:
                attempt.stopped = "unneeded"
                attempt.runner.cancel()
                attempt.deadline = self._now() + self._bounds.grace
                self._set_alarm(min(self._alarm_at, attempt.deadline))
            return
        if attempt.runner is not None:
            attempt.runner.cancel()
        self._end(attempt)
        if attempt.cell.status is RUNNING:
            self._happened(events.Cancelled(self._now(), attempt.cell.id))

    def retire(self, ids: tuple[TaskId, ...], why: str, dropped: tuple[str, ...] = ()) -> None:
        """These tasks are no part of the plan any more (rules L29, L30): see `events.Retired`.

        Only before the seal of their round, and all that depends on them among them.
        """
        self._happened(events.Retired(self._now(), ids, why, dropped))
        for attempt in list(self._live):
            if attempt.cell.retired and self.schedule.is_unneeded(attempt.cell):
                self._drop(attempt)
        self._withdraw_unneeded()
        self._pump()

    def _end_grace(self, kind: FailureKind) -> None:
        """What was told to end has had its time; a write is told now, and has half of that.

        One that was told later, when its own time had passed, has its own grace period, up to the end of all.
        """
        for attempt in list(self._live):
            if attempt.stopped is None:
                self._cancel(attempt, kind)
            elif attempt.deadline == inf:
                self._abandon(attempt)

    def _abandon_all(self) -> None:
        for attempt in list(self._live):
            self._abandon(attempt)

    def _abandon(self, attempt: Attempt) -> None:
        """The call does not end when told to. The run goes on, and ends, without it."""
        if attempt.over or attempt.runner is None:
            return
        if self._suspending:
            self._forget(attempt)
            return
        stop = attempt.stopped or self._stopped or "cancelled"
        attempt.stopped = stop
        self._end(attempt)
        attempt.runner.cancel()
        message = too_slow(attempt, self._bounds) if stop == "timeout" else STOPPED[stop]
        doubtful = attempt.in_doubt or (attempt.tool.effect == "write" and attempt.begun)
        failure = Failure(kind_of(stop), f"{message}; it did not end when told to", in_doubt=doubtful, abandoned=True)
        self._happened(events.Failed(self._now(), attempt.cell.id, failure))
        self._pump()

    def _fail_unsealed(self) -> bool:
        """Nothing runs. Fail what waits for a seal that never came; False if nothing does."""
        if self.schedule.sealed:
            return False
        waiting = [c for c in self.schedule.open_cells() if c.status is PENDING and c.is_write]
        for cell in waiting[:1]:
            message = "the plan was never completed, so its writes may not run"
            self._happened(events.Failed(self._now(), cell.id, Failure("cancelled", message)))
        self._pump()
        return bool(waiting)
