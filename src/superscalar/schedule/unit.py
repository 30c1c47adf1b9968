"""The Task Fetching Unit: the asyncio shell around `Schedule`. It binds, asks limits, calls tools and records facts."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import AsyncIterable, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from math import inf
from random import Random
from typing import Any, Protocol

from superscalar import events
from superscalar.errors import IllegalEvent, NotDone, RateLimited
from superscalar.plan.evaluate import BoundError, EvaluationError, Unavailable, evaluate
from superscalar.plan.ir import Call, Compute, Join, Literal, Map, Task
from superscalar.schedule import gather
from superscalar.schedule.limits import Limits, Ticket
from superscalar.schedule.state import GATHERING, PENDING, SETTLED, Cell, Command, Issue, Schedule, Skip
from superscalar.tools.context import ToolContext
from superscalar.tools.tool import ArgumentError, Inherited, Tool
from superscalar.tools.toolset import Toolset
from superscalar.values import Failure, FailureKind, Observation, Outcome, Skipped, TaskId, copied


class Invoke(Protocol):
    """Where a call runs: see `superscalar.executors`."""

    def __call__(
        self, tool: Tool[..., Any], arguments: dict[str, Any], context: ToolContext[Any] | None, /
    ) -> Awaitable[Any]:
        """The running of one call, to be awaited; cancelling it stops the call."""
        ...


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a run may take. `timeout`: seconds an attempt may last where its tool says nothing. `grace`: seconds that a
    cancelled call has to end before it is abandoned. `max_tasks` in a run, `max_fan_out` items in a map (rule L13)."""

    timeout: float | None = 60.0
    grace: float = 0.5
    max_tasks: int = 10_000
    max_fan_out: int = 1_000


@dataclass(slots=True, eq=False)
class _Attempt:
    """A call from the moment its arguments are bound until it has really ended.

    `in_doubt`: an attempt before this one was a write that may have happened.
    """

    cell: Cell
    tool: Tool[..., Any]
    arguments: dict[str, Any]
    number: int = 1
    in_doubt: bool = False
    ticket: Ticket | None = None
    timer: asyncio.TimerHandle | None = None
    runner: asyncio.Task[None] | None = None
    context: ToolContext[Any] | None = None
    stopped: FailureKind | None = None
    begun: bool = False
    over: bool = False


@dataclass(slots=True)
class Surroundings:
    """What a unit needs of the run that it belongs to."""

    run: str
    tools: Toolset
    limits: Limits
    invoke: Invoke
    record: Callable[[events.Event], None]
    bounds: Bounds = field(default_factory=Bounds)
    context: Any = None
    random: Random = field(default_factory=Random)


class TaskFetchingUnit:
    """Issues every call in the same turn of the event loop in which its inputs come in, under limits.

    `add` tasks as they are planned, `seal` when the plan is complete, `settle` to wait for the end. Whatever a tool
    does (raise, hang, raise BaseException, swallow its cancellation) its task settles exactly once and `settle`
    returns. A failure stays in its branch. A tool that blocks the event loop itself is outside this promise.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._run = surroundings
        self._bounds = surroundings.bounds
        self._record = surroundings.record
        self._limits = surroundings.limits
        self._invoke = surroundings.invoke
        self._loop = asyncio.get_running_loop()
        self._now = self._loop.time
        self._variables = contextvars.copy_context()
        self.schedule = Schedule()
        self._commands: deque[Command] = deque()
        self._pumping = False
        self._live: set[_Attempt] = set()
        self._queued: list[_Attempt] = []
        self._wakeup: asyncio.Future[None] | None = None
        self._stopped: FailureKind | None = None
        self._escalation: list[asyncio.TimerHandle] = []
        self._bug: BaseException | None = None

    # ------------------------------------------------------------------------------------------------ from outside

    def add(self, task: Task) -> None:
        """Take in the next task of the program. What can start has started when this returns.

        A task beyond `max_tasks` fails with a message instead of being run; a join is none of them.
        """
        if self._stopped is not None and isinstance(task.work, Call | Map):
            self._refuse(task, _never_started(self._stopped))
        elif len(self.schedule) >= self._bounds.max_tasks and not isinstance(task.work, Join):
            self._refuse(task, self._too_many(1))
        else:
            self._happened(events.Planned(self._now(), task))
        self._pump()

    def begin_round(self, number: int, reason: str) -> None:
        """More of the program follows: its writes wait for the next seal."""
        self._happened(events.RoundStarted(self._now(), number, reason))

    def seal(self) -> None:
        """The program of this round is complete: its writes may run (rule L18)."""
        self._happened(events.Sealed(self._now()))
        self._pump()

    async def run(self, tasks: Iterable[Task] | AsyncIterable[Task]) -> dict[TaskId, Outcome]:
        """Run tasks as they are streamed, seal at the end of the stream, and return what each one left behind.

        A failed task skips only the tasks that refer to it; its siblings go on. Cancelling this call cancels every tool
        call and waits for it to end. If the stream raises, what runs is settled first and the error is raised then.

        Raises:
            IllegalEvent: two events contradict each other: a bug here, never in the plan.
        """
        try:
            if isinstance(tasks, AsyncIterable):
                async for task in tasks:
                    self.add(task)
            else:
                for task in tasks:
                    self.add(task)
            self.seal()
        except BaseException:
            await self.cancel()
            raise
        await self.settle()
        return self.outcomes()

    async def settle(self) -> None:
        """Wait until every task has settled. A write of a plan that was never sealed fails, since it may not run.

        Cancelling this call cancels the tool calls and waits for them.
        """
        try:
            while True:
                self._raise_bug()
                if self.schedule.unsettled == 0 and not self._live:
                    return
                if not self._live and not self._fail_unsealed():
                    raise self._stuck()
                if self._live:
                    self._wakeup = self._loop.create_future()
                    await self._wakeup
        except BaseException:  # cancelled, or a bug of ours: nothing is left running either way
            await self.cancel()
            raise

    async def cancel(self, kind: FailureKind = "cancelled") -> None:
        """Stop everything and wait for it to end, for a grace period at the most. A second cancel is not heard."""
        self.stop(kind)
        while self._live:
            self._wakeup = self._loop.create_future()
            try:
                await self._wakeup
            except asyncio.CancelledError:
                self._abandon_all()

    def stop(self, kind: FailureKind) -> None:
        """Begin to stop, without waiting.

        No call starts any more. Pure and read calls are cancelled now, writes when the grace period is over; what has
        not ended half a grace period later is abandoned. What calls nothing still settles by itself, so that a join
        shows what there is.
        """
        if self._stopped is not None:
            return
        self._stopped = kind
        for attempt in list(self._live):
            if attempt.runner is None:
                self._end(attempt)
                self._happened(events.Failed(self._now(), attempt.cell.id, _never_started(kind, attempt)))
        for cell in self.schedule.open_cells():
            if cell.status is PENDING and cell.task is not None and isinstance(cell.task.work, Call):
                self._happened(events.Failed(self._now(), cell.id, _never_started(kind)))
                self._pump()
        self._pump()
        grace = self._bounds.grace
        for attempt in list(self._live):
            if attempt.tool.effect != "write" or not attempt.begun:
                self._cancel(attempt, kind)
        self._pump()
        if self._live:  # else nothing is left to escalate against, and no timer outlives the run
            self._escalation = [
                self._loop.call_later(grace, self._cancel_all, kind),
                self._loop.call_later(grace * 1.5, self._abandon_all),
            ]
        self._limits.dispatch(self._loop)

    def outcomes(self) -> dict[TaskId, Outcome]:
        """What every task left behind so far, in program order."""
        return {c.id: c.outcome for c in self.schedule.in_program_order() if c.outcome is not None}

    # ------------------------------------------------------------------------------------------- facts and commands

    def _happened(self, event: events.Event) -> None:
        """The one door: a fact is recorded, then applied; what follows from it is done by `_pump`."""
        self._record(event)
        commands = self.schedule.apply(event)
        if commands:
            self._commands.extend(commands)

    def _pump(self) -> None:
        """Do what is to be done until nothing is. Not recursive, however long a chain is."""
        if self._pumping:
            return
        self._pumping = True
        try:
            commands = self._commands
            while commands:
                command = commands.popleft()
                if type(command) is Issue:
                    self._issue(self.schedule.cell(command.id))
                elif isinstance(command, Skip):
                    self._happened(events.Skipped(self._now(), command.id, command.because, command.by_guard))
        finally:
            self._pumping = False
        self._limits.dispatch(self._loop)
        if self._queued:
            self._say_who_waits()
        if not self._live:
            self._wake()

    def _issue(self, cell: Cell) -> None:
        task = cell.task
        if task is None or cell.status is SETTLED:
            return
        work = task.work
        expanding = type(work) is Map and cell.status is not GATHERING
        if self._stopped is not None and (expanding or type(work) is Call):  # the end of another one made it ready
            self._happened(events.Failed(self._now(), cell.id, _never_started(self._stopped)))
            return
        if type(work) is Call:
            self._bind(cell, work)
            return
        outcomes = self.schedule.outcomes_for(cell)
        now = self._now
        try:
            if expanding and type(work) is Map:
                self._expand(cell, work)
                return
            outcome = gather.outcome_of(work, cell, self.schedule, outcomes)
        except Unavailable as missing:
            self._happened(events.Skipped(now(), cell.id, *self._cause(cell, missing)))
        except EvaluationError as error:
            self._happened(events.Failed(now(), cell.id, _evaluation_failure(error)))
        else:
            match outcome:
                case Observation(value):
                    self._happened(events.Succeeded(now(), cell.id, value))
                case Failure():
                    self._happened(events.Failed(now(), cell.id, outcome))
                case Skipped(because, by_guard):
                    self._happened(events.Skipped(now(), cell.id, because, by_guard))

    def _cause(self, cell: Cell, missing: Unavailable) -> tuple[TaskId, bool]:
        """Why a task cannot be evaluated; the root cause is named."""
        match missing.outcome:
            case Skipped(because, by_guard):
                return because, by_guard
            case _:
                return self.schedule.instance(cell, missing.task, missing.outcome), False

    def _expand(self, cell: Cell, work: Map) -> None:
        count = len(self.schedule.items(cell))
        if count > self._bounds.max_fan_out:
            self._happened(
                events.Failed(
                    self._now(),
                    cell.id,
                    Failure("bounds", f"{count:,} items are more than max_fan_out={self._bounds.max_fan_out:,}"),
                )
            )
        elif len(self.schedule) + count * len(work.body) > self._bounds.max_tasks:
            self._happened(events.Failed(self._now(), cell.id, self._too_many(count * len(work.body))))
        else:
            self._happened(events.Expanded(self._now(), cell.id, count))

    def _too_many(self, more: int) -> Failure:
        have = len(self.schedule)
        return Failure(
            "bounds", f"{more:,} tasks beside the {have:,} there are exceed max_tasks={self._bounds.max_tasks:,}"
        )

    def _refuse(self, task: Task, failure: Failure) -> None:
        """The task takes its place in the graph, so that what refers to it is skipped, but it is not run."""
        planned = events.Planned(self._now(), Task(task.id, Compute(Literal(None)), span=task.span))
        self._record(planned)
        self.schedule.apply(planned)  # its Issue is dropped: it fails right away
        self._happened(events.Failed(self._now(), task.id, failure))

    # -------------------------------------------------------------------------------------------------------- calls

    def _bind(self, cell: Cell, work: Call) -> None:
        """Evaluate and validate a call's arguments; then it starts, or queues for its limits."""
        tool = self._run.tools.get(work.tool)
        if tool is None:
            self._happened(events.Failed(self._now(), cell.id, Failure("arguments", f"there is no tool `{work.tool}`")))
            return
        outcome = self.schedule.outcomes_for(cell)
        try:
            arguments = {name: copied(evaluate(value, outcome)) for name, value in work.arguments}
            if tool.renamed:
                arguments = {tool.renamed.get(name, name): value for name, value in arguments.items()}
            arguments = tool.validate(arguments)
        except Unavailable as missing:
            self._happened(events.Skipped(self._now(), cell.id, *self._cause(cell, missing)))
        except EvaluationError as error:
            self._happened(events.Failed(self._now(), cell.id, _evaluation_failure(error)))
        except ArgumentError as error:
            self._happened(events.Failed(self._now(), cell.id, Failure("arguments", str(error))))
        except RecursionError:
            self._happened(events.Failed(self._now(), cell.id, Failure("bounds", "an argument is nested too deeply")))
        else:
            attempt = _Attempt(cell, tool, arguments)
            self._live.add(attempt)
            self._queue(attempt)

    def _queue(self, attempt: _Attempt) -> None:
        attempt.timer = None
        attempt.ticket = self._limits.ask(
            self._run.run,
            attempt.tool.limits,
            attempt.cell.order,
            self._loop,
            lambda: self._granted(attempt),
        )
        if attempt.ticket is None:
            self._start(attempt)
        else:
            self._queued.append(attempt)

    def _granted(self, attempt: _Attempt) -> None:
        attempt.ticket = None
        if attempt.over:  # stopped between the grant on another thread and this turn
            self._limits.give_back(attempt.tool.limits)
            self._limits.dispatch(self._loop)
        else:
            self._start(attempt)

    def _say_who_waits(self) -> None:
        waiting, self._queued = self._queued, []
        for attempt in waiting:
            if attempt.ticket is not None and attempt.ticket.waiting:
                limits = self._limits.missing(attempt.tool.limits, self._loop)
                self._happened(events.Waiting(self._now(), attempt.cell.id, limits))

    def _start(self, attempt: _Attempt) -> None:
        """Everything is taken: call the tool."""
        cell, tool = attempt.cell, attempt.tool
        if tool.context_parameter is not None:
            attempt.context = self._context_for(attempt)
        self._happened(events.Started(self._now(), cell.id, tool.name, attempt.arguments, attempt.number))
        attempt.runner = self._loop.create_task(self._attempt(attempt), context=self._variables.copy())
        timeout = self._bounds.timeout if isinstance(tool.timeout, Inherited) else tool.timeout
        if timeout is not None:
            attempt.timer = self._loop.call_later(timeout, self._timed_out, attempt)

    def _context_for(self, attempt: _Attempt) -> ToolContext[Any]:
        def progress(message: str, fraction: float | None) -> None:
            self._loop.call_soon_threadsafe(self._progressed, attempt, message, fraction)

        return ToolContext(self._run.context, self._run.run, attempt.cell.id, attempt.number, progress)

    def _progressed(self, attempt: _Attempt, message: str, fraction: float | None) -> None:
        if not attempt.over:
            self._happened(events.Progressed(self._now(), attempt.cell.id, message, fraction))

    async def _attempt(self, attempt: _Attempt) -> None:
        """One asyncio task per attempt. The only place where a tool's exception is caught."""
        attempt.begun = True
        arguments, context = attempt.arguments, attempt.context
        try:
            if context is not None:
                arguments = {**arguments, attempt.tool.context_parameter or "": context}
            value = await self._invoke(attempt.tool, arguments, context)
        except BaseException as error:  # noqa: BLE001 -- a tool may raise anything; it becomes a Failure
            self._guarded(self._went_wrong, attempt, error)
        else:
            self._guarded(self._went_well, attempt, value)

    def _guarded(self, step: Callable[[_Attempt, Any], None], attempt: _Attempt, result: Any) -> None:
        """A bug of ours must not vanish in an asyncio task that nobody awaits: `settle` raises it."""
        try:
            step(attempt, result)
        except BaseException as bug:  # noqa: BLE001 -- raised again by `settle`
            self._bug = self._bug or bug
            self._wake()

    def _went_well(self, attempt: _Attempt, value: Any) -> None:
        if attempt.over:
            return
        self._end(attempt)
        if attempt.stopped == "timeout":  # it ended after its time, while it was being cancelled: too late
            self._fail_or_retry(attempt, TimeoutError(_too_slow(attempt, self._bounds)))
        else:
            self._happened(self._succeeded(attempt, value))
        self._pump()

    def _succeeded(self, attempt: _Attempt, value: Any) -> events.Succeeded | events.Failed:
        """A result may be anything, such as a list that holds itself, of which there is no copy."""
        id, tool = attempt.cell.id, attempt.tool
        try:
            return events.Succeeded(self._now(), id, copied(value))
        except Exception as error:  # noqa: BLE001 -- the result is the tool's, and so is what copying it raises
            name = type(error).__name__
            message = f"the result of {tool.name} cannot be copied: {_text(error)}"
            return events.Failed(self._now(), id, Failure("error", message, name, in_doubt=tool.effect == "write"))

    def _went_wrong(self, attempt: _Attempt, error: BaseException) -> None:
        if attempt.over:
            return
        self._end(attempt)
        if attempt.stopped == "timeout":
            error = TimeoutError(_too_slow(attempt, self._bounds))
        self._fail_or_retry(attempt, error)
        self._pump()

    def _end(self, attempt: _Attempt) -> None:
        """The attempt has really ended, or is given up: its slots are free."""
        attempt.over = True
        self._live.discard(attempt)
        if attempt.timer is not None:
            attempt.timer.cancel()
        if attempt.ticket is not None:
            self._limits.withdraw(attempt.ticket)
        elif attempt.runner is not None:
            self._limits.give_back(attempt.tool.limits)

    def _fail_or_retry(self, attempt: _Attempt, error: BaseException) -> None:
        failure = _failure_of(attempt, error)
        tool, retry = attempt.tool, attempt.tool.retry
        harmless = tool.effect != "write" or tool.idempotent or isinstance(error, RateLimited | NotDone)
        asked = _asked(error)
        again = (
            attempt.number < retry.attempts
            and isinstance(error, retry.on)
            and harmless
            and self._stopped is None
            and attempt.stopped in (None, "timeout")
        )
        delay = max(retry.delay(attempt.number, self._run.random), asked or 0.0) if again else 0.0
        if isinstance(error, RateLimited):
            self._limits.pause(tool.limits, asked if asked is not None else delay, self._loop)
        if not again:
            self._happened(events.Failed(self._now(), attempt.cell.id, failure))
            return
        following = _Attempt(attempt.cell, tool, attempt.arguments, attempt.number + 1, failure.in_doubt)
        self._live.add(following)
        self._happened(events.Retrying(self._now(), attempt.cell.id, attempt.number, failure, delay))
        following.timer = self._loop.call_later(delay, self._try_again, following)

    def _try_again(self, attempt: _Attempt) -> None:
        self._queue(attempt)
        self._pump()

    # ----------------------------------------------------------------------------------------------------- stopping

    def _timed_out(self, attempt: _Attempt) -> None:
        self._cancel(attempt, "timeout")
        attempt.timer = self._loop.call_later(self._bounds.grace, self._abandon, attempt)

    def _cancel(self, attempt: _Attempt, kind: FailureKind) -> None:
        if attempt.runner is not None and attempt.stopped is None:
            attempt.stopped = kind
            attempt.runner.cancel()
            if not attempt.begun and kind in _STOPPED:  # it was to begin in this very turn: now it never does
                self._end(attempt)
                self._happened(events.Failed(self._now(), attempt.cell.id, _never_started(kind, attempt)))

    def _cancel_all(self, kind: FailureKind) -> None:
        for attempt in list(self._live):
            self._cancel(attempt, kind)

    def _abandon_all(self) -> None:
        for attempt in list(self._live):
            self._abandon(attempt)

    def _abandon(self, attempt: _Attempt) -> None:
        """The call does not end when told to. The run goes on, and ends, without it."""
        if attempt.over or attempt.runner is None:
            return
        kind = attempt.stopped or self._stopped or "cancelled"
        attempt.stopped = kind
        self._end(attempt)
        attempt.runner.cancel()
        message = _too_slow(attempt, self._bounds) if kind == "timeout" else _STOPPED[kind]
        write = attempt.tool.effect == "write"
        failure = Failure(kind, f"{message}; it did not end when told to", in_doubt=write, abandoned=True)
        self._happened(events.Failed(self._now(), attempt.cell.id, failure))
        self._pump()

    def _fail_unsealed(self) -> bool:
        """Nothing runs. Fail what waits for a seal that never came; False if nothing does."""
        if self.schedule.sealed:
            return False
        waiting = [c for c in self.schedule.open_cells() if c.status is PENDING and _is_write(c)]
        for cell in waiting[:1]:
            message = "the plan was never completed, so its writes may not run"
            self._happened(events.Failed(self._now(), cell.id, Failure("cancelled", message)))
        self._pump()
        return bool(waiting)

    # ------------------------------------------------------------------------------------------------------ waiting

    def _wake(self) -> None:
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)
        if not self._live:
            for timer in self._escalation:
                timer.cancel()

    def _raise_bug(self) -> None:
        if self._bug is not None:
            raise self._bug

    def _stuck(self) -> IllegalEvent:
        waiting = ", ".join(f"{cell.id} ({cell.status}, misses {cell.missing})" for cell in self.schedule.open_cells())
        return IllegalEvent(f"nothing runs and nothing can start, but these tasks have not settled: {waiting}")


_STOPPED: dict[FailureKind, str] = {
    "cancelled": "the run was cancelled",
    "deadline": "the run's deadline passed",
}


def _never_started(kind: FailureKind, attempt: _Attempt | None = None) -> Failure:
    if attempt is not None and attempt.number > 1:
        return Failure(kind, f"{_STOPPED[kind]} before it was tried again", in_doubt=attempt.in_doubt)
    return Failure(kind, f"{_STOPPED[kind]} before it started")


def _too_slow(attempt: _Attempt, bounds: Bounds) -> str:
    timeout = bounds.timeout if isinstance(attempt.tool.timeout, Inherited) else attempt.tool.timeout
    return f"{attempt.tool.name} gave no answer within {timeout:g} s"


def _failure_of(attempt: _Attempt, error: BaseException) -> Failure:
    """A tool's exception as data. A write is in doubt unless the error says that nothing happened (rule L19)."""
    in_doubt = attempt.in_doubt or (attempt.tool.effect == "write" and not isinstance(error, RateLimited | NotDone))
    name = type(error).__name__
    if attempt.stopped in _STOPPED:
        return Failure(attempt.stopped, _STOPPED[attempt.stopped], name, in_doubt=in_doubt)
    if attempt.stopped == "timeout":
        return Failure("timeout", str(error), name, in_doubt=in_doubt)
    if isinstance(error, asyncio.CancelledError):
        return Failure("cancelled", f"{attempt.tool.name} cancelled itself", name, in_doubt=in_doubt)
    return Failure("error", _short(_text(error)) or name, name, in_doubt=in_doubt)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as worse:  # noqa: BLE001 -- an exception of a tool may be broken too
        return f"{type(error).__name__}, whose text raised {type(worse).__name__}"


def _asked(error: BaseException) -> float | None:
    """The seconds that a refusal asked us to wait; None if it did not, or with what is no time (a tool read it)."""
    if not isinstance(error, RateLimited) or error.retry_after is None:
        return None
    try:
        seconds = float(error.retry_after)
    except (TypeError, ValueError):
        return None
    return seconds if 0.0 <= seconds < inf else None


def _short(text: str, limit: int = 2_000) -> str:
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text):,} characters in all)"


def _evaluation_failure(error: EvaluationError) -> Failure:
    return Failure("bounds" if isinstance(error, BoundError) else "evaluation", str(error), error.error)


def _is_write(cell: Cell) -> bool:
    return cell.task is not None and isinstance(cell.task.work, Call) and cell.task.work.effect == "write"
