"""The calls of a run from the moment their arguments are bound until they have ended: how they start, go and end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from math import inf
from typing import Any
from weakref import ref

from superscalar import events
from superscalar.plan.ir import Call
from superscalar.schedule import ends
from superscalar.schedule.approval import Approval
from superscalar.schedule.attempt import Attempt, Batches
from superscalar.schedule.cells import PENDING, RUNNING, SETTLED
from superscalar.schedule.closures import Closed
from superscalar.schedule.course import Course
from superscalar.schedule.deadlines import Deadlines, Escalation
from superscalar.schedule.effective import copied_in_portions, fresh
from superscalar.schedule.holding import NAME, Holding, turn
from superscalar.schedule.inside import granted_here
from superscalar.schedule.ledger import Ledger
from superscalar.schedule.limits import Ticket
from superscalar.schedule.loans import HOLDER, Entangled
from superscalar.schedule.permission import Permission
from superscalar.schedule.priority import PriorityKey
from superscalar.schedule.reports import Reports
from superscalar.schedule.surroundings import Surroundings
from superscalar.schedule.threads import TakesPartIn
from superscalar.tools.execution import Direct, Invocation
from superscalar.tools.tool import Tool
from superscalar.traces import KEPT, Elsewhere, Raised, kept_error
from superscalar.values import Failure, FailureKind, Observation
from superscalar.weight import TooHeavy, in_turn, is_light


class Calls:
    """Starts calls under limits, tries them again and ends them: by a cancellation, and after a grace period without.

    `live`: every attempt that was bound and has not ended. `ready`: those that start, or queue, in this turn.
    `stopped`: why none starts any more. `leaving`: none does, since another process goes on with the run.
    """

    def __init__(
        self, surroundings: Surroundings, ledger: Ledger, permission: Permission, approval: Approval, course: Course
    ) -> None:
        self.run_id = surroundings.run
        self.course = course
        self.loop = course.loop
        self._plain = course.plain
        self._variables = course.variables
        self._now = course.now
        self._surroundings = surroundings
        self._happened = course.happened
        self._pump = course.pump
        self._schedule = ledger.schedule
        self._known = ledger.known
        self._approval = approval
        self._runners = surroundings.runners
        self.names = TakesPartIn(surroundings.runners)
        self.context = surroundings.context
        self._refuse = surroundings.refuse
        self._committed = surroundings.committed
        # first, since the clock knows this from here on, and asks it: a set in the order of arrival, so that a run
        # replays to the last event
        self.live: dict[Attempt, None] = {}
        self._limits, self.caller = granted_here(surroundings.limits, self.loop, self)
        self.batches = Batches(self, self._limits, permission.whether.company)
        self.holding = Holding(surroundings.bounds.max_bytes, self._overflowed)
        self.reports = Reports(course)
        self._priority = surroundings.priority(surroundings.durations, surroundings.tools)
        self.ready: list[Attempt] = []
        self._queued: list[Attempt] = []
        self._crowded = False  # a call of this run may be waiting for its limits
        self.deadlines = Deadlines(course, self.live, surroundings.bounds, self._out_of_time)
        self.stopped: FailureKind | None = None
        self.leaving = False
        self._dropped: set[asyncio.Task[None]] = set()
        self._raised = 0  # exceptions that are kept
        self._escalation: Escalation | None = None

    def still_taken(self) -> Iterable[Ticket]:
        """The calls for which something was taken that has not come back."""
        return {ticket for attempt in list(self.live) if (ticket := attempt.batch or attempt).holds}

    def __del__(self) -> None:
        """It ended with its event loop, in the middle: whoever is left may have what it held."""
        if getattr(self, "live", None):  # else there is nothing, or it was never made
            self._limits.clock.loops.leave(self)

    # -------------------------------------------------------------------------------------------------------- to start

    def add(self, attempt: Attempt) -> None:
        """All that the call is made with is there: it starts with the next `start_ready`, or queues for its limits."""
        self.live[attempt] = None
        self.ready.append(attempt)

    def expect(self, attempt: Attempt) -> None:
        """What the call is made with comes in over several turns: it is `add`ed then, or `end`ed."""
        self.live[attempt] = None

    def add_later(self, attempt: Attempt, when: float) -> None:
        """The call is made again at that time of the event loop's clock."""
        self.live[attempt] = None
        attempt.timer = self.loop.call_at(when, self._try_again, attempt)

    def _try_again(self, attempt: Attempt) -> None:
        attempt.timer = None
        try:
            self.holding.take_each(attempt.told)
            self.ready.append(attempt)
        except TooHeavy as error:
            self._fail(attempt, ends.unfit(attempt.tool.name, error, in_doubt=attempt.in_doubt))
        self._pump()

    def start_ready(self) -> None:
        """Start what became ready in this turn, or have it queue: if there may not be room for all, the most urgent
        first, whichever was ready first.
        """
        key = self._priority.key
        if len(self.ready) == 1:
            attempt = self.ready.pop()
            self._ask(attempt, key(attempt.cell))
            return
        ready = self.ready.copy()
        self.ready.clear()
        if len(ready) > min(map(self._limits.room, {attempt.names for attempt in ready})):
            if self._priority.renewed(self._schedule):
                self._reorder()
            places = [key(attempt.cell) for attempt in ready]
            for at in sorted(range(len(ready)), key=places.__getitem__):
                self._ask(ready[at], places[at])
            return
        for attempt in ready:
            self._ask(attempt, key(attempt.cell))

    def _ask(self, attempt: Attempt, place: PriorityKey) -> None:
        if attempt.over:
            return
        limits = self._limits if attempt.tool.batched is None else self.batches
        try:
            if limits.ask(attempt, place):
                self.start(attempt)
                return
        except Entangled as why:
            self._fail(attempt, Failure("bounds", str(why), in_doubt=attempt.in_doubt))
            return
        except Closed as why:
            self._fail(attempt, ends.shut_out(attempt, str(why)))
            return
        self._queued.append(attempt)
        self._crowded = True

    def end_turn(self) -> None:
        """Nothing is ready any more: see who of those who wait may start now, and say of the new ones that they do."""
        if self._crowded and self._priority.renewed(self._schedule):
            self._reorder()
        if self._limits.clock.changed:
            self._limits.clock.dispatch(self.loop)
        if self._queued:
            self._say_who_waits()

    def shut_out(self, attempt: Attempt, why: str) -> None:
        """It has waited, and fails: its provider lets nothing through for longer than it waits."""
        if attempt.over:
            return
        try:
            self._fail(attempt, ends.shut_out(attempt, why))
            self._pump()
        except BaseException as bug:  # noqa: BLE001 -- `settle` raises it
            self.course.fail(bug)

    def _reorder(self) -> None:
        """Give those who wait the places that they have by now; a batch that of its first call."""
        places: dict[Ticket, PriorityKey] = {}
        for attempt in self.live:
            ticket = attempt.batch or attempt
            if ticket.waiting:
                key = self._priority.key(attempt.cell)
                places[ticket] = min(key, places.get(ticket, key))
        self._limits.reorder(places)

    def _say_who_waits(self) -> None:
        waiting, self._queued = self._queued, []
        now, happened, said = self._now(), self._happened, events.Waiting
        for attempt in waiting:
            ticket = attempt.batch or attempt
            if ticket.waiting and (queue := ticket.queue) is not None and not attempt.over:
                happened(said(now, attempt.cell.id, queue.blocked_by))

    def start(self, attempt: Attempt) -> None:
        """Everything is taken: call the tool."""
        if attempt.over:
            self._limits.give_back(attempt)
            self._limits.dispatch(self.loop)
            return
        cell, tool = attempt.cell, attempt.tool
        if self._refuse is not None and (refused := self._refuse(tool)) is not None:
            self._hand_back(attempt, replace(refused, in_doubt=attempt.in_doubt))
            return
        if self._known and self._approval.is_another(attempt):
            why = "what would be called now is not what was approved"
            self._hand_back(attempt, Failure("denied", why, in_doubt=attempt.in_doubt))
            return
        now = self._now()
        batch = 0 if attempt.batch is None else attempt.batch.number
        self._happened(events.Started(now, cell.id, tool.name, attempt.told, attempt.number, batch))
        if cell.status is SETTLED:  # its start could not be recorded, so it is not made
            self._hand_back(attempt, None)
            return
        if self._committed is not None:
            attempt.kept, attempt.started = self._committed(tool), now
        work = self._attempt(attempt)
        if self._plain:  # `Course.begin`, written out
            attempt.runner = asyncio.Task(work, loop=self.loop, name=cell.id, context=self._variables.copy())
        else:
            attempt.runner = self.course.begin(work, cell.id)
        if attempt.kept is None:
            self.deadlines.begin(attempt, now)

    def _hand_back(self, attempt: Attempt, why: Failure | None) -> None:
        """A call does not start after all, for which everything was taken; None: that has happened already."""
        if why is not None:
            self._happened(events.Failed(self._now(), attempt.cell.id, why))
        self.end(attempt)
        if attempt.batch is None:
            self._limits.give_back(attempt)
        self._pump()

    def invoke(self, attempt: Attempt, tool: Tool[..., Any], arguments: dict[str, Any]) -> Awaitable[Any]:
        """The running of a call for this attempt, where its executor runs it."""
        call = Invocation(tool.name, arguments, self.run_id, attempt.cell.id, attempt.number)
        return self._runners[tool](call, attempt)

    def _overflowed(self, held: int) -> None:
        """The run holds what it may: no call begins any more."""
        self._happened(events.BudgetSpent(self._now(), NAME, held, self.holding.most))
        self._refuse = lambda _: self.holding.failure

    # ---------------------------------------------------------------------------------------------------- how it goes

    async def _attempt(self, attempt: Attempt) -> None:
        """One asyncio task per attempt. The only place where a tool's exception is caught."""
        batch, kept = attempt.batch, attempt.kept
        HOLDER.set(ref(batch or attempt))
        result: Any
        step: Callable[[Attempt, Any], None]
        try:
            if kept is not None:
                await kept
            arguments = attempt.arguments
            if attempt.scale is not None:
                arguments = await in_turn(copied_in_portions(arguments, attempt.scale), turn)
            elif not attempt.plain:
                arguments = fresh(arguments)
            if kept is not None:
                self.deadlines.begin(attempt, self._now())
            attempt.begun = True
            if batch is not None:
                result = await batch.answer(attempt, arguments)
            elif type(runner := self._runners[attempt.tool]) is Direct:
                result = await runner.function(**arguments)
            else:
                result = await self.invoke(attempt, attempt.tool, arguments)
            if type(result) is not int and not is_light(result):
                result = await ends.kept(attempt, result, self.holding.kept)
            step = self._went_well
        except BaseException as error:  # noqa: BLE001 -- a tool may raise anything; it becomes a Failure
            ran = attempt.begun or attempt.stopped == "timeout"  # copying what is long counts as time of the call
            result, step = error, self._went_wrong if ran else self._never_began
        try:
            step(attempt, result)
        except BaseException as bug:  # noqa: BLE001 -- `settle` raises it
            self.course.fail(bug)

    def _went_well(self, attempt: Attempt, value: Any) -> None:
        if attempt.over:
            return
        self.end(attempt)
        if attempt.stopped == "timeout":  # it ended after its time, while it was being cancelled: too late
            self._fail_or_retry(attempt, ends.too_late(attempt, self._surroundings.bounds))
        else:
            now = self._now()
            self._priority.ended(attempt.tool.name, now - attempt.started)
            id = attempt.cell.id
            if type(value) is Failure:  # there is no copy of the result
                self._happened(events.Failed(now, id, value))
            else:
                self._happened(events.Succeeded(now, id, value.value if type(value) is Observation else value))
        self._pump()

    def _went_wrong(self, attempt: Attempt, error: BaseException) -> None:
        if attempt.over:
            return
        self.end(attempt)
        if attempt.stopped == "timeout":
            error = ends.too_late(attempt, self._surroundings.bounds, error)
        if attempt.stopped == "unneeded":
            self._happened(events.Cancelled(self._now(), attempt.cell.id))
        elif attempt.stopped is None or not self.leaving:  # else it may have happened: whoever goes on asks
            self._fail_or_retry(attempt, error)
        self._pump()

    def _never_began(self, attempt: Attempt, error: BaseException) -> None:
        """What the start of a call waited for did not come, or there is no copy of what it is made with."""
        if attempt.over:
            return
        self._fail(attempt, ends.not_made(attempt, error))
        self._pump()

    def _fail(self, attempt: Attempt, failure: Failure) -> None:
        self.end(attempt)
        self._happened(events.Failed(self._now(), attempt.cell.id, failure))

    def _fail_or_retry(self, attempt: Attempt, error: BaseException) -> None:
        random = self._surroundings.random
        verdict = ends.verdict_on(attempt, error, self._limits, random, self._now())
        for throttled in verdict.throttled:
            self._happened(throttled)
        failure = ends.failure_of(attempt, error, verdict)
        batch = attempt.batch
        rule = ends.rule_after(attempt, error, verdict) if self.stopped is None else None
        if rule is None:
            alone = batch is not None and batch.answered and attempt.stopped is None
            if self._raised < KEPT and not isinstance(error, Elsewhere):
                self._raised += 1
                failure.raised_by(Raised(kept_error(error), ends.hiding(attempt)))
            self._happened(events.Failed(self._now(), attempt.cell.id, failure, alone))
            return
        # It waits where others get through too: one that is always refused must not be the first after every pause.
        since, wait = self._now(), rule.delay(max(attempt.number - attempt.spared, 1), random)
        if batch is not None:
            since, wait = batch.backoff(since, wait)
        delay = max(wait, verdict.delay)
        self._happened(events.Retrying(self._now(), attempt.cell.id, attempt.number, failure, delay))
        if not self.leaving:
            self.add_later(attempt.following(in_doubt=failure.in_doubt), since + delay)

    def end(self, attempt: Attempt) -> None:
        """The attempt has really ended, or is given up: its slots are free."""
        attempt.over = True
        live = self.live
        live.pop(attempt, None)
        if self.reports.open:
            self.reports.forget(attempt)
        if attempt.timer is not None:
            attempt.timer.cancel()
        if attempt.batch is not None:
            attempt.batch.leave(attempt)
        elif attempt.waiting:
            self._limits.withdraw(attempt)
        elif attempt.runner is not None:
            self._limits.give_back(attempt)
        if not live and self._escalation is not None:
            self._escalation.cancel()

    # ---------------------------------------------------------------------------------------------------------- to end

    def drop(self, attempts: Iterable[Attempt]) -> None:
        """Cancel calls that nothing needs; one that has begun has its grace period to end."""
        for attempt in list(attempts):
            if attempt.runner is not None and attempt.begun:
                if attempt.stopped is None:
                    attempt.stopped = "unneeded"
                    attempt.runner.cancel()
                    self.deadlines.give_grace(attempt)
                continue
            if attempt.runner is not None:
                attempt.runner.cancel()
            self.end(attempt)
            if attempt.cell.status is RUNNING:
                self._happened(events.Cancelled(self._now(), attempt.cell.id))

    def stop(self, kind: FailureKind) -> None:
        """Begin to stop, without waiting.

        No call starts any more. Pure and read calls are cancelled now, and abandoned if they have not ended when the
        grace period is over; writes are cancelled then, and abandoned half a grace period later. What calls nothing
        still settles by itself, so that a join shows what there is.
        """
        self.stopped = kind
        for attempt in list(self.live):
            if self._schedule.is_unneeded(attempt.cell):
                self.drop([attempt])
            elif attempt.runner is None:
                self._fail(attempt, ends.never_started(kind, attempt))
        for cell in self._schedule.open_cells():
            work = None if cell.task is None else cell.task.work
            if cell.status is PENDING and isinstance(work, Call) and not work.enters:
                self._happened(events.Failed(self._now(), cell.id, ends.never_started(kind)))
                self._pump()
        self._pump()
        for attempt in list(self.live):
            if attempt.tool.effect != "write" or not attempt.begun:
                self.cancel(attempt, kind)
        self._pump()
        self._escalate(partial(self._end_grace, kind))

    def leave(self) -> None:
        """Begin to leave the run to another process, without waiting.

        No call starts any more, and nothing is recorded of what is cut off: it has not ended. Pure and read calls are
        cancelled and forgotten, to be made again. A write has the grace period to end; then it is cancelled, and
        forgotten half a grace period later, so that whoever goes on knows only that it was begun.
        """
        self.leaving = True
        for attempt in list(self.live):
            if attempt.runner is None:
                self.end(attempt)
            elif attempt.tool.effect != "write" or not attempt.begun:
                if attempt.kept is not None:  # it is recorded as started, and certainly is not made
                    failure = Failure("cancelled", "it was not made before the run was left", in_doubt=attempt.in_doubt)
                    self._happened(events.Retrying(self._now(), attempt.cell.id, attempt.number, failure, 0.0))
                self._forget(attempt)
        self._escalate(self._cancel_silently)

    async def ended(self) -> None:
        """Wait until everything has ended, for a grace period at the most. Being cancelled twice is not heard."""
        while self.live:
            try:
                await self.course.woken()
            except asyncio.CancelledError:
                self._abandon_all()
        if self._dropped:
            with suppress(asyncio.CancelledError):
                await asyncio.wait(self._dropped, timeout=self._surroundings.bounds.grace)
        self.deadlines.clear()

    def cancel(self, attempt: Attempt, kind: FailureKind) -> None:
        """Cancel a call that is wanted still; the failure says why."""
        if attempt.runner is not None and attempt.stopped is None:
            attempt.stopped = kind
            attempt.deadline = inf  # its time may pass while it ends: that must not cut its grace period short
            attempt.runner.cancel()
            if not attempt.begun and kind in ends.STOPPED:  # it was to begin in this very turn: now it never does
                self._fail(attempt, ends.never_started(kind, attempt))

    def _out_of_time(self, attempt: Attempt) -> None:
        """Cancel what has had its time, and abandon what did not end within its grace period."""
        if attempt.stopped is None:
            self.cancel(attempt, "timeout")
            attempt.deadline = self._now() + self._surroundings.bounds.grace
        else:
            self._abandon(attempt)

    def _escalate(self, first: Callable[[], None]) -> None:
        if self.live:  # else nothing is left to escalate against
            self._escalation = Escalation(self.course, self._surroundings.bounds.grace, first, self._abandon_all)
        self._limits.dispatch(self.loop)

    def _end_grace(self, kind: FailureKind) -> None:
        """What was told to end has had its time; a write is told now, and has half of that.

        One that was told later, when its own time had passed, has its own grace period, up to the end of all.
        """
        for attempt in list(self.live):
            if attempt.stopped is None:
                self.cancel(attempt, kind)
            elif attempt.deadline == inf:
                self._abandon(attempt)

    def _cancel_silently(self) -> None:
        for attempt in list(self.live):
            if attempt.runner is not None and attempt.stopped is None:
                attempt.stopped = "cancelled"
                attempt.runner.cancel()

    def _abandon_all(self) -> None:
        for attempt in list(self.live):
            self._abandon(attempt)

    def _abandon(self, attempt: Attempt) -> None:
        """The call does not end when told to. The run goes on, and ends, without it."""
        if attempt.over or attempt.runner is None:
            return
        if self.leaving:
            self._forget(attempt)
            return
        stop = attempt.stopped or self.stopped or "cancelled"
        attempt.stopped = stop
        self.end(attempt)
        attempt.runner.cancel()
        message = ends.too_slow(attempt, self._surroundings.bounds) if stop == "timeout" else ends.STOPPED[stop]
        doubtful = attempt.in_doubt or (attempt.tool.effect == "write" and attempt.begun)
        failure = Failure(
            ends.failure_kind(stop), f"{message}; it did not end when told to", in_doubt=doubtful, abandoned=True
        )
        self._happened(events.Failed(self._now(), attempt.cell.id, failure))
        self._pump()

    def _forget(self, attempt: Attempt) -> None:
        """Cancel a call of which nothing is to be recorded any more."""
        self.end(attempt)
        if attempt.runner is not None:
            attempt.runner.cancel()
            self._dropped.add(attempt.runner)
        if not self.live:
            self.course.wake()
