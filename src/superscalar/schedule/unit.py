"""The Task Fetching Unit: the asyncio shell around `Schedule`. It binds, asks limits, calls tools and records facts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable, Coroutine, Iterable
from dataclasses import replace
from math import inf
from typing import Any, assert_never
from weakref import ref

from superscalar import events
from superscalar.codec import Unwritable
from superscalar.errors import ApprovalPending, IllegalEvent, JournalError
from superscalar.labels import NOTHING, Label
from superscalar.plan.evaluate.expression import EvaluationError, Unavailable, evaluate
from superscalar.plan.evaluate.itemwise import wanted
from superscalar.plan.ir import Call, Compute, First, Join, Literal, Map, Task
from superscalar.schedule import gather
from superscalar.schedule.attempt import (
    Attempt,
    Kept,
    backoff_of,
    failure_of,
    instead_of,
    kept,
    may_try_again,
    never_granted,
    never_started,
    too_heavy,
    too_late,
    too_many,
    too_wide,
    verdict_on,
)
from superscalar.schedule.batch import Batches
from superscalar.schedule.binding import Binding, copied_in_portions
from superscalar.schedule.cells import DORMANT, GATHERING, RUNNING, SETTLED, Cell
from superscalar.schedule.commands import Command, Issue, Name, Refuse, Release, Repeat, Revive, Skip
from superscalar.schedule.effective import fresh
from superscalar.schedule.holding import NAME, Holding, turn
from superscalar.schedule.items import items
from superscalar.schedule.ledger import Ledger
from superscalar.schedule.limits import Ticket
from superscalar.schedule.loans import HOLDER, Entangled
from superscalar.schedule.lookup import cause, outcomes_for
from superscalar.schedule.naming import Naming
from superscalar.schedule.permission import Permission
from superscalar.schedule.priority import Key
from superscalar.schedule.reports import Reports
from superscalar.schedule.state import Schedule
from superscalar.schedule.surroundings import Surroundings
from superscalar.tools.context import ToolContext
from superscalar.values import Failure, Observation, Outcome, Skipped, TaskId, copied
from superscalar.weight import TooHeavy, in_turn, is_light

__all__ = ["Surroundings", "TaskFetchingUnit"]


class TaskFetchingUnit(Binding):
    """Issues every call in the same turn of the event loop in which its inputs come in, under limits.

    `add` tasks as they are planned, `seal` when the plan is complete, `settle` to wait for the end. Whatever a tool
    does (raise, hang, raise BaseException, swallow its cancellation) its task settles exactly once and `settle`
    returns. A failure stays in its branch. A tool that blocks the event loop itself is outside this promise.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._naming = Naming(surroundings.tools)
        permission = Permission(
            Schedule(self._naming.made_of),
            surroundings.tools,
            surroundings.policy,
            surroundings.question,
            surroundings.replan,
        )
        ledger = Ledger(permission.schedule, permission.labels, permission)
        super().__init__(ledger, permission, surroundings)
        self._run = surroundings
        self._record = surroundings.record
        self._invoke = surroundings.invoke
        self._refuse = surroundings.refuse
        self._committed = surroundings.committed
        self._plain = self.loop.get_task_factory() is None
        self._batches = Batches(self, self._limits, self._invoke, permission.whether.company)
        self._reports = Reports(surroundings.run, self.loop, self._now, self._happened)
        self.holding = Holding(surroundings.bounds.max_bytes, self._overflowed)
        self._todo = self.schedule.todo
        self._handlers = ledger.handlers
        self._pumping = False
        self._priority = surroundings.priority(surroundings.durations, surroundings.tools)
        self._learn = self._priority.ended
        self._key = self._priority.key
        self._queued: list[Attempt] = []
        self._crowded = False  # a call of this run may be waiting for its limits

    # ------------------------------------------------------------------------------------------------ from outside

    def add(self, task: Task) -> None:
        """Take in the next task of the program. What can start has started when this returns.

        A task beyond `max_tasks` fails with a message instead of being run; a join is none of them.
        """
        self._plan(task)
        self._pump()

    def _plan(self, task: Task) -> None:
        if self._stopped is not None and isinstance(task.work, Call | Map):
            self._plan_refused(task, never_started(self._stopped))
        elif len(self.schedule) >= self._bounds.max_tasks and not isinstance(task.work, Join):
            self._plan_refused(task, too_many(len(self.schedule), 1, self._bounds))
        else:
            self._happened(events.Planned(self._now(), task))

    def begin_round(self, number: int, reason: str, shown: Label = NOTHING) -> None:
        """More of the program follows: its writes wait for the next seal. `shown`: what its planner was shown."""
        restricted = self.ledger.ran_untrusted
        self._happened(events.RoundStarted(self._now(), number, reason, not shown.trusted, shown, restricted))

    def seal(self) -> None:
        """The program of this round is complete: its writes may run (L18), its dead code does not start (L22)."""
        self._happened(events.Sealed(self._now()))
        dead = self.schedule.dead()
        if dead:
            self._set_aside(dead)
        self._pump()

    async def run(self, tasks: Iterable[Task] | AsyncIterable[Task]) -> dict[TaskId, Outcome]:
        """Run tasks as they are streamed, seal at the end of the stream, and return what each one left behind.

        A failed task skips only the tasks that refer to it; its siblings go on. Cancelling this call cancels every tool
        call and waits for it to end. If the stream raises, what runs is settled first and the error is raised then.
        Dead code that runs is not waited for: it is cancelled when the rest has settled.

        Raises:
            IllegalEvent: two events contradict each other: a bug here, never in the plan.
            ApprovalPending: as for `settle`.
        """
        try:
            if isinstance(tasks, AsyncIterable):
                async for task in tasks:
                    self.add(task)
            else:
                for task in tasks:
                    self._plan(task)
            self.seal()
        except BaseException:
            await self.cancel()
            raise
        await self.settle()
        if self._live:
            await self.cancel()
        return self.outcomes()

    async def settle(self) -> None:
        """Wait until every task that is needed has settled. A write of a plan that was never sealed fails, since it may
        not run. Calls that nothing needs may still run then: a later round may refer to them, and `cancel` ends them.

        Cancelling this call cancels the tool calls and waits for them.

        Raises:
            ApprovalPending: only answers are missing, which nobody is there to give. Nothing runs any more.
        """
        try:
            if self._on_hold and not self._suspending:
                self.stop("denied")
            while True:
                self._raise_bug()
                self._let_go()
                if self.schedule.unsettled == 0:
                    if not self._live:
                        self._set_alarm(inf)
                    return
                if not self._live and not self._somebody_thinks and not self._fail_unsealed():
                    raise self._suspended() if self._asked else self._stuck()
                if self._live or self._somebody_thinks:
                    self._wakeup = self.loop.create_future()
                    await self._wakeup
        except ApprovalPending:
            raise
        except BaseException:  # cancelled, or a bug of ours: nothing is left running either way
            await self.cancel()
            raise

    def outcomes(self) -> dict[TaskId, Outcome]:
        """What every task left behind so far, in program order; of what nothing needs, that it was skipped."""
        return self.schedule.outcomes()

    # ------------------------------------------------------------------------------------------- facts and commands

    def _happened(self, event: events.Event) -> None:
        """The one door: a fact is recorded, then applied; what follows from it is done by `_pump`."""
        try:
            event = self._record(event) or event
        except (Unwritable, JournalError) as refused:
            event = instead_of(event, refused, self.schedule)
            event = self._record(event) or event
        handler = self._handlers.get(type(event))  # `Ledger.note`, written out: it is done for every fact
        if handler is not None:
            handler(event)

    def _pump(self) -> None:
        """Do what is to be done until nothing is. Not recursive, however long a chain is."""
        if self._pumping:
            return
        self._pumping = True
        try:
            todo = self._todo
            while (todo or self._ready) and not self._on_hold:
                while todo:
                    command = todo.popleft()
                    if isinstance(command, Cell):
                        self._issue(command)
                    else:
                        self._follow_up(command)
                if self._ready:
                    self._start_ready()
        finally:
            self._pumping = False
        if self._crowded and self._priority.renewed(self.schedule):
            self._reorder()
        if self._clock.changed:
            self._clock.dispatch(self.loop)
        if self._queued:
            self._say_who_waits()
        if not self._live or not self.schedule.unsettled or self._asked:
            self._wake()

    def _follow_up(self, command: Command) -> None:
        match command:
            case Issue(id):
                self._issue(self.schedule.cell(id))
            case Name(id):
                if (name := self._naming.ahead(self.schedule.cell(id))) is not None:
                    self._happened(events.Resolved(self._now(), id, name))
            case Skip(id, because, by_guard):
                if self.schedule.cell(id).status is not DORMANT:  # else nothing needs it any more
                    self._happened(events.Skipped(self._now(), id, because, by_guard))
            case Repeat(id, of):
                if (cell := self.schedule.cell(id)).status is RUNNING:  # else nothing needs it any more
                    self._repeat(cell, self.schedule.cell(of))
            case Refuse(id, failure):
                self._happened(events.Failed(self._now(), id, failure))
            case Revive(ids):
                self._happened(events.Revived(self._now(), ids))
            case Release(id):
                losers = self.schedule.losers(id, self.permission.whether.stays(id))
                fresh = tuple(cell.id for cell in losers if not self.schedule.is_unneeded(cell))
                if fresh:
                    self._set_aside(fresh)
                running = {cell for cell in losers if cell.status is RUNNING}
                for attempt in [attempt for attempt in self._live if attempt.cell in running] if running else ():
                    self._drop(attempt)
            case _:
                assert_never(command)

    def _set_aside(self, ids: tuple[TaskId, ...]) -> None:
        """Nothing needs these tasks: what has not started does not."""
        self._happened(events.Unneeded(self._now(), ids))
        for attempt in [attempt for attempt in self._live if attempt.cell.status is DORMANT]:
            self._end(attempt)
        self._withdraw_unneeded()

    def _issue(self, cell: Cell) -> None:
        task = cell.task
        if task is None or cell.status is SETTLED or cell.status is DORMANT:
            return
        work = task.work
        skipped = cell.silent or cell.blocked is not None  # either way it is not called
        if type(work) is Call and (self._stopped is None or skipped):
            self._bind(cell, work)
            return
        expanding = type(work) is Map and cell.status is not GATHERING
        if self._stopped is not None and (expanding or type(work) is Call):  # the end of another one made it ready
            self._happened(events.Failed(self._now(), cell.id, never_started(self._stopped)))
            return
        outcomes = outcomes_for(cell)
        now = self._now
        try:
            if expanding and type(work) is Map:
                self._expand(cell, work)
                return
            if type(work) is First:
                self._race(cell, work)
                return
            outcome = gather.outcome_of(work, cell, outcomes)
            outcome = self.holding.settled(task, outcome) or outcome
        except Unavailable as missing:
            self._happened(events.Skipped(now(), cell.id, *cause(cell, missing)))
        except EvaluationError as error:
            self._happened(events.Failed(now(), cell.id, gather.failure_of(error)))
        else:
            match outcome:
                case Observation(value):
                    self._happened(events.Succeeded(now(), cell.id, value))
                case Failure():
                    self._happened(events.Failed(now(), cell.id, outcome))
                case Skipped(because, by_guard, items, holder):
                    self._happened(events.Skipped(now(), cell.id, because, by_guard, items, holder))

    def _expand(self, cell: Cell, work: Map) -> None:
        count = len(items(cell))
        if count > self._bounds.max_fan_out:
            self._happened(events.Failed(self._now(), cell.id, too_wide(count, self._bounds)))
        elif (have := len(self.schedule)) + (more := count * len(work.body)) > self._bounds.max_tasks:
            self._happened(events.Failed(self._now(), cell.id, too_many(have, more, self._bounds)))
        else:
            self._happened(events.Expanded(self._now(), cell.id, count))

    def _race(self, cell: Cell, work: First) -> None:
        """A `first` learns how many it wants, and then takes what succeeded first."""
        if cell.status is not GATHERING:
            count = wanted(evaluate(work.count, outcomes_for(cell)))
            items(cell)  # before it is said: there may be nothing to go through
            self._happened(events.Wanted(self._now(), cell.id, count))
            return
        race = self.schedule.race(cell)
        answers = gather.answers(race, cell)
        self._happened(events.Won(self._now(), cell.id, race.winners))
        self._settled(cell, answers)

    def _settled(self, cell: Cell, value: Any, copy: Callable[[Any], Any] = lambda value: value) -> None:
        """A task that made no call of its own has a copy of this value, unless it weighs too much."""
        why = self.holding.settled(cell.task, Observation(value))
        if why is None:
            self._happened(events.Succeeded(self._now(), cell.id, copy(value)))
        else:
            self._happened(events.Failed(self._now(), cell.id, replace(why, in_doubt=cell.is_write)))

    def _overflowed(self, held: int) -> None:
        """The run holds what it may: no call begins any more."""
        self._happened(events.BudgetSpent(self._now(), NAME, held, self.holding.most))
        self._refuse = lambda _: self.holding.failure

    def _plan_refused(self, task: Task, failure: Failure) -> None:
        """The task takes its place in the graph, so that what refers to it is skipped, but it is not run."""
        planned = events.Planned(self._now(), Task(task.id, Compute(Literal(None)), span=task.span))
        self._record(planned)
        self.ledger.apply(planned)  # its Issue is dropped: it fails right away
        self._happened(events.Failed(self._now(), task.id, failure))

    # -------------------------------------------------------------------------------------------------------- calls

    def _repeat(self, cell: Cell, other: Cell) -> None:
        """The call that a task shares is over: settle as that one did, with a value of its own."""
        outcome = other.outcome
        if isinstance(outcome, Observation):
            self._settled(cell, outcome.value, copied)
        elif isinstance(outcome, Failure):
            self._happened(events.Failed(self._now(), cell.id, outcome))
        else:
            raise IllegalEvent(f"`{cell.id}` shares the call of `{other.id}`, which made none: {outcome}")

    def _start_ready(self) -> None:
        """Start what became ready in this turn, or have it queue: if there may not be room for all, the most urgent
        first, whichever was ready first.
        """
        ready, self._ready = self._ready, []
        key = self._key
        if len(ready) == 1:
            self._ask(ready[0], key(ready[0].cell))
            return
        if len(ready) > min(map(self._limits.room, {attempt.names for attempt in ready})):
            if self._priority.renewed(self.schedule):
                self._reorder()
            places = [key(attempt.cell) for attempt in ready]
            for at in sorted(range(len(ready)), key=places.__getitem__):
                self._ask(ready[at], places[at])
            return
        for attempt in ready:
            self._ask(attempt, key(attempt.cell))

    def _ask(self, attempt: Attempt, place: Key) -> None:
        if attempt.over:
            return
        limits = self._limits if attempt.tool.batched is None else self._batches
        try:
            if limits.ask(attempt, place):
                self.start(attempt)
                return
        except Entangled as why:
            self._end(attempt)
            self._happened(events.Failed(self._now(), attempt.cell.id, never_granted(attempt, why)))
            return
        self._queued.append(attempt)
        self._crowded = True

    def _reorder(self) -> None:
        """Give those who wait the places that they have by now; a batch that of its first call."""
        places: dict[Ticket, Key] = {}
        for attempt in self._live:
            ticket = attempt.batch or attempt
            if ticket.waiting:
                key = self._priority.key(attempt.cell)
                places[ticket] = min(key, places.get(ticket, key))
        self._limits.reorder(places)

    def _say_who_waits(self) -> None:
        waiting, self._queued = self._queued, []
        for attempt in waiting:
            ticket = attempt if attempt.batch is None else attempt.batch
            if ticket.waiting and ticket.queue is not None and not attempt.over:
                self._record(events.Waiting(self._now(), attempt.cell.id, ticket.queue.blocked_by))

    def start(self, attempt: Attempt) -> None:
        """Everything is taken: call the tool."""
        if attempt.over:
            self._limits.give_back(attempt)
            self._limits.dispatch(self.loop)
            return
        cell, tool = attempt.cell, attempt.tool
        if self._refuse is not None and (refused := self._refuse(tool)) is not None:
            self._happened(events.Failed(self._now(), cell.id, replace(refused, in_doubt=attempt.in_doubt)))
            self._hand_back(attempt)
            return
        if self._known and self._is_another(attempt):
            why = "what would be called now is not what was approved"
            self._happened(events.Failed(self._now(), cell.id, Failure("denied", why, in_doubt=attempt.in_doubt)))
            self._hand_back(attempt)
            return
        if tool.context_parameter is not None:
            attempt.context = self.context_for(attempt)
        now = self._now()
        batch = 0 if attempt.batch is None else attempt.batch.number
        self._happened(events.Started(now, cell.id, tool.name, attempt.told, attempt.number, batch))
        if cell.status is SETTLED:  # its start could not be recorded, so it is not made
            self._hand_back(attempt)
            return
        attempt.started = now
        if self._committed is not None:
            attempt.kept = self._committed(tool)
        work = self._attempt(attempt)
        if self._plain:  # `begin`, written out
            attempt.runner = asyncio.Task(work, loop=self.loop, name=cell.id, context=self._variables.copy())
        else:
            attempt.runner = self.begin(work, cell.id)
        if attempt.kept is None:
            self._begin_time(attempt)

    def _hand_back(self, attempt: Attempt) -> None:
        """A call does not start after all, for which everything was taken."""
        self._end(attempt)
        if attempt.batch is None:
            self._limits.give_back(attempt)
        self._pump()

    def begin(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """An asyncio task; it sees the variables of whoever started the run."""
        variables = self._variables.copy()
        if self._plain:  # what `create_task` comes to then, without the way there: a microsecond per call
            return asyncio.Task(work, loop=self.loop, name=name, context=variables)
        return self.loop.create_task(work, name=name, context=variables)

    def context_for(self, attempt: Attempt) -> ToolContext[Any]:
        """What a tool may ask of the run; in a batch its progress is that of all its calls."""
        return self._reports.context_for(attempt, self._run.context)

    async def _attempt(self, attempt: Attempt) -> None:
        """One asyncio task per attempt. The only place where a tool's exception is caught."""
        HOLDER.set(ref(attempt.batch or attempt))
        context, batch = attempt.context, attempt.batch
        result: Any
        step: Callable[[Attempt, Any], None]
        try:
            if attempt.kept is not None:
                await attempt.kept
            if attempt.scale is not None:
                arguments = await in_turn(copied_in_portions(attempt.arguments, attempt.scale), turn)
            else:
                arguments = attempt.arguments if attempt.plain else fresh(attempt.arguments)
            if attempt.kept is not None:
                self._begin_time(attempt)
            attempt.begun = True
            if context is not None:
                arguments = {**arguments, attempt.tool.context_parameter or "": context}
            if batch is None:
                result = await self._invoke(attempt.tool, arguments, context)
            else:
                result = await batch.answer(attempt, arguments)
            if not is_light(result):
                result = await kept(attempt, result, self.holding.kept)
            step = self._went_well
        except BaseException as error:  # noqa: BLE001 -- a tool may raise anything; it becomes a Failure
            ran = attempt.begun or attempt.stopped == "timeout"  # copying what is long counts as time of the call
            result, step = error, self._went_wrong if ran else self._never_began
        try:
            step(attempt, result)
        except BaseException as bug:  # noqa: BLE001 -- it must not vanish in an asyncio task: `settle` raises it
            self._bug = self._bug or bug
            self._wake()

    def _went_well(self, attempt: Attempt, value: Any) -> None:
        if attempt.over:
            return
        self._end(attempt)
        if attempt.stopped == "timeout":  # it ended after its time, while it was being cancelled: too late
            self._fail_or_retry(attempt, too_late(attempt, self._bounds))
        else:
            now = self._now()
            self._learn(attempt.tool.name, now - attempt.started)
            id = attempt.cell.id
            self._happened(value.event(now, id) if type(value) is Kept else events.Succeeded(now, id, value))
        self._pump()

    def _went_wrong(self, attempt: Attempt, error: BaseException) -> None:
        if attempt.over:
            return
        self._end(attempt)
        if attempt.stopped == "timeout":
            error = too_late(attempt, self._bounds, error)
        if attempt.stopped == "unneeded":
            self._happened(events.Cancelled(self._now(), attempt.cell.id))
        elif attempt.stopped is None or not self._suspending:  # else it may have happened: whoever goes on asks
            self._fail_or_retry(attempt, error)
        self._pump()

    def _end(self, attempt: Attempt) -> None:
        """The attempt has really ended, or is given up: its slots are free."""
        attempt.over = True
        self._live.pop(attempt, None)
        if self._reports.open:
            self._reports.forget(attempt)
        if attempt.timer is not None:
            attempt.timer.cancel()
        if attempt.batch is not None:
            attempt.batch.leave(attempt)
        elif attempt.waiting:
            self._limits.withdraw(attempt)
        elif attempt.runner is not None:
            self._limits.give_back(attempt)

    def _fail_or_retry(self, attempt: Attempt, error: BaseException) -> None:
        verdict = verdict_on(attempt, error, self._limits, self._run.random, self._now())
        for throttled in verdict.throttled:
            self._happened(throttled)
        failure = failure_of(attempt, error, verdict)
        again = self._stopped is None and may_try_again(attempt, error, verdict)
        since, wait = self._now(), backoff_of(attempt, self._run.random) if again else 0.0
        if again and attempt.batch is not None:
            since, wait = attempt.batch.backoff(since, wait)
        delay = max(wait, verdict.delay)
        if not again:
            alone = attempt.batch is not None and attempt.batch.answered and attempt.stopped is None
            self._happened(events.Failed(self._now(), attempt.cell.id, failure, alone))
            return
        self._happened(events.Retrying(self._now(), attempt.cell.id, attempt.number, failure, delay))
        if self._suspending:
            return
        following = attempt.following(in_doubt=failure.in_doubt)
        self._live[following] = None
        following.timer = self.loop.call_at(since + delay, self._try_again, following)

    def _try_again(self, attempt: Attempt) -> None:
        attempt.timer = None
        try:
            self.holding.take_each(attempt.told)
            self._ready.append(attempt)
        except TooHeavy as error:
            self._end(attempt)
            failure = too_heavy(attempt.tool.name, error, in_doubt=attempt.in_doubt)
            self._happened(events.Failed(self._now(), attempt.cell.id, failure))
        self._pump()
