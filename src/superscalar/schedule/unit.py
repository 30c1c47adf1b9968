"""The Task Fetching Unit: the asyncio shell around `Schedule`. It records facts, and does what follows from them."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from typing import assert_never

from superscalar import events
from superscalar.codec import Unwritable
from superscalar.errors import ApprovalPending, IllegalEvent, JournalError
from superscalar.labels import NOTHING, Label
from superscalar.plan.evaluate.expression import EvaluationError, Unavailable, evaluate
from superscalar.plan.evaluate.itemwise import wanted
from superscalar.plan.ir import Call, Compute, First, Join, Literal, Map, Need, Task
from superscalar.plan.ir.within import is_entry
from superscalar.schedule import gather
from superscalar.schedule.approval import Approval
from superscalar.schedule.binding import Binder
from superscalar.schedule.calls import Calls
from superscalar.schedule.cells import DORMANT, GATHERING, PENDING, READY, RUNNING, SETTLED, Cell
from superscalar.schedule.commands import Command, Issue, Name, Refuse, Release, Repeat, Revive, Skip
from superscalar.schedule.course import Course
from superscalar.schedule.ends import instead_of, never_started, too_many, too_wide
from superscalar.schedule.items import elements_of, is_ahead_of_ok, is_left_out_by_ok, may_be_left_out_by_ok
from superscalar.schedule.ledger import Ledger
from superscalar.schedule.left import LeftBehind
from superscalar.schedule.lookup import outcomes_for
from superscalar.schedule.naming import Naming
from superscalar.schedule.permission import Permission
from superscalar.schedule.state import Schedule
from superscalar.schedule.surroundings import Surroundings
from superscalar.values import Failure, FailureKind, Observation, Skipped, TaskId, copied

__all__ = ["Surroundings", "TaskFetchingUnit"]


class TaskFetchingUnit:
    """Issues every call in the same turn of the event loop in which its inputs come in, under limits.

    `add` tasks as they are planned, `seal` when the plan is complete, `settle` to wait for the end. Whatever a tool
    does (raise, hang, raise BaseException, swallow its cancellation) its task settles exactly once and `settle`
    returns. A failure stays in its branch. A tool that blocks the event loop itself is outside this promise.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        tools, policy, replan = surroundings.tools, surroundings.policy, surroundings.replan
        self.run_id = surroundings.run
        self._bounds = surroundings.bounds
        self._record = surroundings.record
        self._naming = Naming(tools)
        self.schedule = Schedule(self._naming.made_of)
        self.permission = Permission(self.schedule, tools, policy, surroundings.question, replan)
        self.ledger = Ledger(self.schedule, self.permission.labels, self.permission)
        self._course = Course(self.happened, self.pump)
        self.now = self._course.now
        self.approval = Approval(self.run_id, self.ledger, self.permission, surroundings.approver, self._course)
        self.calls = Calls(surroundings, self.ledger, self.permission, self.approval, self._course)
        self.holding = self.calls.holding
        binder = Binder(self.ledger, self.permission, self.approval, self.calls)
        self._bind, self._checked = binder.bind, binder.checked
        self._handlers = self.ledger.handlers
        self._todo = self.schedule.todo
        self._live, self._ready, self._asked = self.calls.live, self.calls.ready, self.approval.asked
        self._on_hold = False
        self._pumping = False

    # ------------------------------------------------------------------------------------------------ from outside

    def add(self, task: Task) -> None:
        """Take in the next task of the program. What can start has started when this returns.

        A task beyond `max_tasks` fails with a message instead of being run; a join is none of them.
        """
        self._plan(task)
        self.pump()

    def _plan(self, task: Task) -> None:
        if self.calls.stopped is not None and isinstance(task.work, Call | Map) and not is_entry(task.work):
            self._plan_refused(task, never_started(self.calls.stopped))
        elif len(self.schedule) >= self._bounds.max_tasks and not isinstance(task.work, Join):
            self._plan_refused(task, too_many(len(self.schedule), 1, self._bounds))
        else:
            self.happened(events.Planned(self.now(), task))

    def _plan_all(self, tasks: Iterable[Task]) -> None:
        """Take in tasks that are there already, all of them at this moment."""
        now, happened = self.now(), self.happened
        room = 0 if self.calls.stopped is not None else self._bounds.max_tasks - len(self.schedule)
        for task in tasks:
            if room > 0:
                room -= 1
                happened(events.Planned(now, task))
            else:
                self._plan(task)

    def begin_round(self, number: int, reason: str, shown: Label = NOTHING) -> None:
        """More of the program follows: its writes wait for the next seal. `shown`: what its planner was shown."""
        restricted = self.ledger.ran_untrusted
        self.happened(events.RoundStarted(self.now(), number, reason, not shown.trusted, shown, restricted))

    def seal(self) -> None:
        """The program of this round is complete: its writes may run (L18), its dead code does not start (L22)."""
        self.happened(events.Sealed(self.now()))
        if dead := self.schedule.dead():
            self._set_aside(dead)
        self.pump()

    async def run(self, tasks: Iterable[Task] | AsyncIterable[Task]) -> LeftBehind:
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
                self._plan_all(tasks)
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
        approval = self.approval
        try:
            if self._on_hold and not self.calls.leaving:
                self.stop("denied")
            while True:
                if self._course.bug is not None:
                    raise self._course.bug
                if approval.goes_on_later and all(self.schedule.is_unneeded(attempt.cell) for attempt in self._live):
                    self.calls.drop(self._live)
                if self.schedule.unsettled == 0:
                    if not self._live:
                        self.calls.deadlines.clear()
                    return
                if not self._live and not approval.somebody_thinks and not self._fail_unsealed():
                    self.calls.deadlines.clear()
                    raise approval.pending() if self._asked else self._stuck()
                if self._live or approval.somebody_thinks:
                    await self._course.woken()
        except ApprovalPending:
            raise
        except BaseException:  # cancelled, or a bug of ours: nothing is left running either way
            await self.cancel()
            raise

    def _fail_unsealed(self) -> bool:
        """Nothing runs. Fail what waits for a seal that never came; False if nothing does."""
        if self.schedule.sealed:
            return False
        cell = next((c for c in self.schedule.open_cells() if c.status is PENDING and c.is_write), None)
        message = "the plan was never completed, so its writes may not run"
        if cell is None:
            if not self._asked:
                return False
            cell = next(iter(self._asked))
            self.approval.withdraw(cell)
            message = "the plan was never completed, so nobody is asked"
        self.happened(events.Failed(self.now(), cell.id, Failure("cancelled", message)))
        self.pump()
        return True

    def _stuck(self) -> IllegalEvent:
        waiting = ", ".join(f"{cell.id} ({cell.status}, misses {cell.missing})" for cell in self.schedule.open_cells())
        return IllegalEvent(f"nothing runs and nothing can start, but these tasks have not settled: {waiting}")

    def outcomes(self) -> LeftBehind:
        """What every task left behind so far, in program order; of what nothing needs, that it was skipped."""
        return self.schedule.outcomes()

    def retire(self, ids: tuple[TaskId, ...], why: str, dropped: tuple[str, ...] = ()) -> None:
        """These tasks are no part of the plan any more (rules L29, L30): see `events.Retired`.

        Only before the seal of their round, and all that depends on them among them.
        """
        self.happened(events.Retired(self.now(), ids, why, dropped))
        self.calls.drop(a for a in self._live if a.cell.retired and self.schedule.is_unneeded(a.cell))
        self.approval.withdraw_unneeded()
        self.pump()

    # -------------------------------------------------------------------------------------------------- holding, ending

    def hold(self) -> None:
        """Take in tasks from now on without beginning anything, until `release`."""
        self._on_hold = True

    def release(self) -> None:
        """The plan was approved: what is ready may begin, with the next thing that happens."""
        self._on_hold = False

    async def suspend(self) -> None:
        """End what runs though nothing needs it: this process ends, and the run does not."""
        self.calls.drop(self._live)
        while self._live:
            await self._course.woken()
        self.calls.deadlines.clear()

    def stop(self, kind: FailureKind) -> None:
        """Begin to stop, without waiting: see `Calls.stop`. What a person was asked about has not started."""
        if self.calls.leaving:
            return
        self._on_hold = False
        if self.calls.stopped is None:
            self.approval.withdraw_all(never_started(kind))
            self.calls.stop(kind)

    def leave(self) -> None:
        """Begin to leave the run to another process, without waiting: see `Calls.leave`; `cancel` waits.

        Questions are asked again by whoever goes on.
        """
        self.approval.withdraw_all()
        self._on_hold = True
        if self.calls.stopped is None and not self.calls.leaving:
            self.calls.leave()

    async def cancel(self, kind: FailureKind = "cancelled") -> None:
        """Stop everything and wait for it to end, for a grace period at the most. A second cancel is not heard."""
        self.stop(kind)
        await self.calls.ended()
        await self.approval.ended(self._bounds.grace)

    def let_go(self) -> None:
        """Forget the tasks of a run that is over: else they wait for the collector, as they refer to each other."""
        self.ledger.let_go()

    # ------------------------------------------------------------------------------------------- facts and commands

    def happened(self, event: events.Event) -> None:
        """The one door: a fact is recorded, then applied; what follows from it is done by `pump`."""
        try:
            event = self._record(event) or event
        except (Unwritable, JournalError) as refused:
            event = instead_of(event, refused, self.schedule)
            event = self._record(event) or event
        handler = self._handlers.get(type(event))  # `Ledger.note`, written out: it is done for every fact
        if handler is not None:
            handler(event)

    def pump(self) -> None:
        """Do what is to be done until nothing is. Not recursive, however long a chain is."""
        if self._pumping:
            return
        self._pumping = True
        try:
            todo, ready = self._todo, self._ready
            while (todo or ready) and not self._on_hold:
                while todo:
                    command = todo.popleft()
                    if type(command) is Cell:
                        task = command.task
                        free = command.status is READY and self.calls.stopped is None
                        if free and task is not None and type(task.work) is Call:
                            self._bind(command, task.work)  # `_issue`, written out
                        else:
                            self._issue(command)
                    else:
                        self._follow_up(command)
                if ready:
                    self.calls.start_ready()
        finally:
            self._pumping = False
        self.calls.end_turn()
        if not self._live or not self.schedule.unsettled or self._asked:
            self._course.wake()

    def _follow_up(self, command: Command) -> None:
        match command:
            case Issue(id):
                self._issue(self.schedule.cell(id))
            case Name(id):
                if (name := self._naming.ahead(self.schedule.cell(id))) is not None:
                    self.happened(events.Resolved(self.now(), id, name))
            case Skip(id, because, by_guard):
                if self.schedule.cell(id).status is not DORMANT:  # else nothing needs it any more
                    self.happened(events.Skipped(self.now(), id, because, by_guard))
            case Repeat(id, of):
                if (cell := self.schedule.cell(id)).status is RUNNING:  # else nothing needs it any more
                    self._repeat(cell, self.schedule.cell(of))
            case Refuse(id, failure):
                self.happened(events.Failed(self.now(), id, failure))
            case Revive(ids):
                self.happened(events.Revived(self.now(), ids))
            case Release(id):
                losers = self.schedule.losers(id, self.permission.whether.stays(id))
                fresh = tuple(cell.id for cell in losers if not self.schedule.is_unneeded(cell))
                if fresh:
                    self._set_aside(fresh)
                running = {cell for cell in losers if cell.status is RUNNING}
                if running:
                    self.calls.drop(attempt for attempt in self._live if attempt.cell in running)
            case _:
                assert_never(command)

    def _set_aside(self, ids: tuple[TaskId, ...]) -> None:
        """Nothing needs these tasks: what has not started does not."""
        self.happened(events.Unneeded(self.now(), ids))
        self.calls.drop(attempt for attempt in self._live if attempt.cell.status is DORMANT)
        self.approval.withdraw_unneeded()

    def _issue(self, cell: Cell) -> None:
        task = cell.task
        if task is None or cell.status is SETTLED or cell.status is DORMANT:
            return
        work = task.work
        is_over = self.calls.stopped is not None
        if type(work) is Call and (not is_over or cell.silent or cell.blocked is not None or work.enters):
            self._bind(cell, work)  # if it is silent or blocked, or enters a plan, it is not called
            return
        expanding = type(work) is Map and cell.status is not GATHERING
        if self.calls.stopped is not None and (expanding or type(work) is Call):  # the end of another one made it ready
            self.happened(events.Failed(self.now(), cell.id, never_started(self.calls.stopped)))
            return
        outcomes = outcomes_for(cell)
        now = self.now
        try:
            if expanding and type(work) is Map:
                self._expand(cell, work)
                return
            if type(work) is First:
                self._race(cell, work)
                return
            outcome = gather.outcome_of_task(work, cell, outcomes)
            if type(work) is Compute and work.given_for is not None:
                outcome = self._checked(*work.given_for, outcome)
            outcome = self.holding.settled(task, outcome) or outcome
        except (Unavailable, EvaluationError) as error:
            self.happened(gather.instead(cell, error, now()))
        else:
            match outcome:
                case Observation(value):
                    self.happened(events.Succeeded(now(), cell.id, value))
                case Failure():
                    self.happened(events.Failed(now(), cell.id, outcome))
                case Skipped(because, by_guard, items, holder):
                    self.happened(events.Skipped(now(), cell.id, because, by_guard, items, holder))

    def _expand(self, cell: Cell, work: Map) -> None:
        ok = None if work.ok_of is None else cell.scope.find(work.source)
        if ok is not None and ok.outcome is None and not is_ahead_of_ok(cell, work):
            self.schedule.await_whole(cell, Need(work.source, "shape"))
            return
        elements = elements_of(cell)
        left = [one for one in elements if not is_left_out_by_ok(one)]
        count, have = len(left), len(self.schedule)
        if count > self._bounds.max_fan_out:
            failure = too_wide(count, self._bounds)
        elif have + (more := count * len(work.body)) > self._bounds.max_tasks:
            failure = too_many(have, more, self._bounds)
        else:
            self.happened(events.Expanded(self.now(), cell.id, len(elements)))
            return
        source = cell.scope.find(work.source)
        open = source is not None and source.outcome is None
        if open and any(map(may_be_left_out_by_ok, left)):  # there may be fewer of them
            self.schedule.await_whole(cell, Need(work.source, "outcome" if ok is None else "shape"))
        else:
            self.happened(events.Failed(self.now(), cell.id, failure))

    def _repeat(self, cell: Cell, other: Cell) -> None:
        """The call that a task shares is over: settle as that one did, with a value of its own."""
        outcome = other.outcome
        if isinstance(outcome, Observation):
            self.happened(self.holding.end_of(cell, outcome.value, self.now(), copied))
        elif isinstance(outcome, Failure):
            self.happened(events.Failed(self.now(), cell.id, outcome))
        else:
            raise IllegalEvent(f"`{cell.id}` shares the call of `{other.id}`, which made none: {outcome}")

    def _race(self, cell: Cell, work: First) -> None:
        """A `first` learns how many it wants, and then takes what succeeded first."""
        if cell.status is not GATHERING:
            count = wanted(evaluate(work.count, outcomes_for(cell)))
            elements_of(cell)  # before it is said: there may be nothing to go through
            self.happened(events.Wanted(self.now(), cell.id, count))
            return
        race = self.schedule.race(cell)
        answers = gather.answers(race, cell)
        self.happened(events.Won(self.now(), cell.id, race.winners))
        self.happened(self.holding.end_of(cell, answers, self.now()))

    def _plan_refused(self, task: Task, failure: Failure) -> None:
        """The task takes its place in the graph, so that what refers to it is skipped, but it is not run."""
        planned = events.Planned(self.now(), Task(task.id, Compute(Literal(None)), span=task.span))
        self._record(planned)
        self.ledger.apply(planned)  # its Issue is dropped: it fails right away
        self.happened(events.Failed(self.now(), task.id, failure))
