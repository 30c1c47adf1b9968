"""What must hold of every simulation, whatever the plan, the world and the end."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from simulation.world import BOTH, COST, GRACE, IDEMPOTENT, NAMED, PRICED, RATE, RATED, WRITES, Services
from superscalar import Failure, LLMCompiler, Observation, RunResult, Skipped
from superscalar.errors import JoinError, ModelError, PlanError
from superscalar.events import (
    Approved,
    Cancelled,
    Decided,
    Event,
    Failed,
    Planned,
    Retrying,
    Revived,
    RoundStarted,
    RunEnded,
    Sealed,
    Started,
    Succeeded,
    Unneeded,
)
from superscalar.events import Skipped as SkippedEvent
from superscalar.plan.ir import Access, Call, Task, walk
from superscalar.schedule.cells import SETTLED, Cell
from superscalar.schedule.state import Schedule
from superscalar.schedule.unit import TaskFetchingUnit
from superscalar.testing import VirtualLoop
from superscalar.values import Outcome, TaskId

_NUMBER = re.compile(r"\[(\d+)\]")
_SLACK = 1e-6
_SLEEPING = "_set_result_unless_cancelled"  # what the timer of `asyncio.sleep` calls


@dataclass(frozen=True, slots=True)
class Ran:
    """One run: its unit, everything that it recorded, what it returned or raised, and when it was to be stopped.

    `hurried`: cancelled twice, so that it gives up at once what does not end.
    """

    unit: TaskFetchingUnit
    events: list[Event]
    result: RunResult | BaseException
    deadline: float | None
    cancelled_at: float | None
    hurried: bool


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulation: its runs, and what was there when the last of them had ended: asyncio tasks, timers, free slots."""

    world: Services
    runs: list[Ran]
    left: list[str]
    timers: list[str]
    slots_before: dict[str, tuple[int, int]]
    slots_after: dict[str, tuple[int, int]]


def slots_of(agent: LLMCompiler) -> dict[str, tuple[int, int]]:
    """How many calls run under every limit and wait for it; one that nobody uses is left out."""
    seen = agent.limits.statistics()
    return {name: (limit.running, limit.waiting) for name, limit in seen.items() if limit.running or limit.waiting}


def timers_of(loop: VirtualLoop) -> list[str]:
    """What the timers that are set will call."""
    return [getattr(getattr(timer, "_callback", None), "__qualname__", repr(timer)) for timer in loop.open_timers]


def check(found: Simulated) -> None:
    """Everything that must hold."""
    for run in found.runs:
        check_that_it_ended(run)
        check_that_each_task_settles_once(run)
        check_that_the_state_is_consistent(run)
        check_that_inputs_came_first(run)
        check_that_accesses_are_in_order(run)
        check_what_really_happened(run, found.world)
        check_that_people_were_asked(run)
        check_that_the_budget_was_kept(run, found.world.settings.max_cost)
    check_that_limits_were_kept(found)
    check_that_nothing_is_left(found)


def check_that_it_ended(run: Ran) -> None:
    """It has a result, or an error that somebody meant; and if it was stopped, soon."""
    assert isinstance(run.events[-1], RunEnded), f"it happened after its end: {run.events[-1]}"
    if isinstance(run.result, BaseException):
        allowed = (ModelError, PlanError, JoinError, asyncio.CancelledError)
        if not isinstance(run.result, allowed) and str(run.result) != "dead":
            raise run.result
    stops = [at for at in (run.deadline, run.cancelled_at) if at is not None]
    if stops:
        over = run.events[-1].at
        assert over <= min(stops) + 1.5 * GRACE + _SLACK, f"it ended at {over} though it was stopped at {min(stops)}"
        late = [e for e in run.events if isinstance(e, Started) and e.at > min(stops) + _SLACK]
        assert not late, f"started after the stop: {late}"


def check_that_people_were_asked(run: Ran) -> None:
    """A call of which somebody was asked starts after a yes only, and is asked about no more once that is given."""
    answers: dict[TaskId, bool] = {}
    asked: set[TaskId] = set()
    for e in run.events:
        match e:
            case Decided(id=id, decision="ask"):
                assert id not in answers, f"{id} was asked about again"
                asked.add(id)
            case Approved(id=id, approved=approved):
                assert id in asked, f"{id} was answered without being asked"
                assert id not in answers, f"{id} was answered twice"
                answers[id] = approved
            case Started(id=id):
                assert id not in asked or answers.get(id), f"{id} started without a yes"
            case Succeeded(id=id):
                assert answers.get(id, True), f"{id} succeeded after a no"


def check_that_each_task_settles_once(run: Ran) -> None:
    """No task settles twice, none is forgotten, and none starts after it has settled."""
    settled: Counter[TaskId] = Counter()
    left_out: set[TaskId] = set()
    planned: list[TaskId] = []
    for e in run.events:
        match e:
            case Planned(task=task):
                planned.append(task.id)
            case Unneeded(ids=ids):
                left_out.update(ids)
            case Revived(ids=ids):
                left_out.difference_update(ids)
            case Succeeded(id=id) | Failed(id=id) | SkippedEvent(id=id):
                settled[id] += 1
            case Started(id=id):
                assert not settled[id], f"{id} started after it had settled"
    twice = [id for id, times in settled.items() if times > 1]
    assert not twice, f"settled twice: {twice}"
    forgotten = [id for id in planned if id not in settled and id not in left_out]
    assert not forgotten, f"never settled: {forgotten}"
    cells = run.unit.schedule.in_program_order()
    open_cells = [c.id for c in cells if c.status is not SETTLED and not run.unit.schedule.is_unneeded(c)]
    assert not open_cells, f"never settled: {open_cells}"


def check_that_the_state_is_consistent(run: Ran) -> None:
    """Every count of the state machine is right, and the log leads a fresh one to the same outcomes."""
    run.unit.schedule.check()
    assert run.unit.schedule.unsettled == 0
    fresh = Schedule()
    for e in run.events:
        fresh.apply(e)
    fresh.check()
    outcomes = run.unit.outcomes()
    assert fresh.outcomes() == outcomes, "the log leads to other outcomes"
    for id, outcome in outcomes.items():
        if isinstance(outcome, Skipped) and not outcome.unneeded:
            cause = outcomes[outcome.because]
            if outcome.by_guard and isinstance(cause, Skipped) and cause.unneeded:
                continue  # an `ok` that was left out at the seal, when the map ahead of it had passed over an item
            assert isinstance(cause, Observation if outcome.by_guard else Failure), f"{id} {outcome}: {cause}"


def check_that_inputs_came_first(run: Ran) -> None:
    """Every call started after each value that it uses and each guard had settled as it must; writes after the seal."""
    templates: dict[TaskId, Task] = {}
    settled: dict[TaskId, Outcome] = {}
    sealed = False
    for e in run.events:
        match e:
            case RoundStarted():
                sealed = False
            case Planned(task=task):
                templates.update({inner.id: inner for inner in walk((task,))})
            case Sealed():
                sealed = True
            case Succeeded(id=id, value=value):
                settled[id] = Observation(value)
            case Failed(id=id, failure=failure):
                settled[id] = failure
            case SkippedEvent(id=id, because=because):
                settled[id] = Skipped(because)
            case Started(id=id, tool=tool):
                assert sealed or tool not in WRITES, f"{id} writes before the seal"
                _check_inputs(id, templates, settled)


def _check_inputs(id: TaskId, templates: dict[TaskId, Task], settled: dict[TaskId, Outcome]) -> None:
    task = templates.get(id) or templates[_NUMBER.sub("[]", id)]
    numbers = _NUMBER.findall(id) if task.id != id else []

    def instance(other: TaskId) -> TaskId:
        for number in numbers:
            other = other.replace("[]", f"[{number}]", 1)
        return other

    for need in task.needs:
        if need.mode == "value" and ":" not in need.task:  # an item of a list has no event of its own
            assert isinstance(settled.get(instance(need.task)), Observation), f"{id} started without {need}"
    for guard in task.guards:
        condition = settled.get(instance(guard.condition))
        assert isinstance(condition, Observation), f"{id} started before {guard}"
        assert bool(condition.value) is guard.expected, f"{id} started against {guard}"


def check_that_accesses_are_in_order(run: Ran) -> None:
    """Of two accesses that may meet, one a write, the later one starts when the earlier one is over, and not at all if
    that is in doubt."""
    begin: dict[TaskId, int] = {}
    over: dict[TaskId, int] = {}
    revived: set[TaskId] = set()
    for number, e in enumerate(run.events):
        match e:
            case Started(id=id):
                begin.setdefault(id, number)
            case Succeeded(id=id) | Failed(id=id) | Cancelled(id=id):
                over[id] = number
            case Revived(ids=ids):
                revived.update(ids)
    started = [cell for cell in run.unit.schedule.in_program_order() if cell.id in begin and cell.access is not None]
    if not any(cell.is_write for cell in started):
        return
    for number, later in enumerate(started):
        for earlier in started[:number]:
            if not ((earlier.is_write or later.is_write) and _may_meet(earlier.access, later.access)):
                continue
            if earlier.id in revived and not _may_have_happened(later):
                continue
            assert over[earlier.id] < begin[later.id], f"{later.id} started before {earlier.id} was over"
            doubt = isinstance(earlier.outcome, Failure) and earlier.outcome.in_doubt
            assert not doubt, f"{later.id} started though {earlier.id} is in doubt"


def _may_have_happened(write: Cell) -> bool:
    return not isinstance(write.outcome, Failure) or write.outcome.in_doubt


def _may_meet(one: Access | None, other: Access | None) -> bool:
    assert one is not None
    assert other is not None
    if one.provider != other.provider:
        return False
    return not (one.known and other.known) or None in (one.resource, other.resource) or one.resource == other.resource


def check_what_really_happened(run: Ran, world: Services) -> None:
    """What is said of every write is true."""
    id_of_run = run.unit.run_id
    attempts: dict[TaskId, int] = {}
    for e in run.events:
        if isinstance(e, Started) and e.tool in WRITES - IDEMPOTENT:
            before = sum(world.effects[id_of_run, e.id, number] for number in range(1, e.attempt))
            assert not before, f"{e.id} was called again though it had happened"
        if isinstance(e, Started):
            attempts[e.id] = e.attempt
    for cell in _writes(run):
        times = sum(world.effects[id_of_run, cell.id, number] for number in range(1, attempts.get(cell.id, 0) + 1))
        tool = cell.task.work.tool if cell.task is not None and isinstance(cell.task.work, Call) else ""
        match cell.outcome:
            case Observation():
                assert times == 1 or (times > 1 and tool in IDEMPOTENT), f"{cell.id} succeeded, but happened {times} x"
            case Failure(in_doubt=in_doubt):
                assert in_doubt or not times, f"{cell.id} failed without doubt, but happened {times} x: {cell.outcome}"
                assert times <= 1 or tool in IDEMPOTENT, f"{cell.id} happened {times} x"
            case _:
                assert cell.id not in attempts, f"{cell.id} was called, and is {cell.outcome}"
    unknown = {key for key in world.effects if key[0] == id_of_run and key[1] not in attempts}
    assert not unknown, f"happened without having started: {unknown}"


def _writes(run: Ran) -> Iterator[Cell]:
    return (cell for cell in run.unit.schedule.in_program_order() if cell.is_write)


def check_that_the_budget_was_kept(run: Ran, most: float | None) -> None:
    """No call starts that would cost more than is left."""
    if most is not None:
        spent = COST * sum(isinstance(e, Started) and e.tool in PRICED for e in run.events)
        assert spent <= most + _SLACK, f"it spent {spent} of {most}"


def check_that_limits_were_kept(found: Simulated) -> None:
    """Never more calls at once than there are slots, by the log and by what the provider saw; never too often."""
    world, chosen = found.world, found.world.settings
    of_tool = {
        **dict.fromkeys(NAMED, ("named",)),
        **dict.fromkeys(RATED, ("rated",)),
        **dict.fromkeys(BOTH, ("named", "rated")),
    }
    running: dict[tuple[str, TaskId], tuple[str, object]] = {}  # a batch is one, as long as one of its calls runs
    tools: dict[tuple[str, object], str] = {}
    rated: list[float] = []
    gone = 0
    for run, e in world.history:
        match e:
            case Started(at=at, id=id, tool=tool, batch=batch):
                group = (run, batch or id)
                fresh = group not in running.values()
                running[run, id] = group
                tools[group] = tool
                if fresh and "rated" in of_tool.get(tool, ()):
                    rated.append(at)
                groups = set(running.values())
                assert len(groups) <= chosen.cap, f"{len(groups)} calls at once at {at}: {groups}"
                inside = [g for g in groups if "named" in of_tool.get(tools[g], ())]
                assert len(inside) <= chosen.named, f"{len(inside)} calls of `named` at once at {at}"
            case Succeeded(id=id) | Failed(id=id) | Retrying(id=id) | Cancelled(id=id):
                running.pop((run, id), None)
                gone += isinstance(e, Failed) and e.failure.abandoned
    assert not running, f"started and never ended: {running}"
    assert all(later - earlier >= 1 / RATE - _SLACK for earlier, later in pairwise(rated)), f"too often: {rated}"
    if not gone:  # one that was given up may be on its way still
        assert world.providers["named"].most_at_once <= chosen.named
        assert all(provider.most_at_once <= chosen.cap for provider in world.providers.values())


def check_that_nothing_is_left(found: Simulated) -> None:
    """Everything that was taken is given back; nothing runs on but what was said to be given up; no timer is set."""
    gone: set[str] = set()
    for run in found.runs:
        batches = {e.id: e.batch for e in run.events if isinstance(e, Started)}
        for e in run.events:
            if isinstance(e, Failed) and e.failure.abandoned:
                gone |= {e.id, f"batch {batches.get(e.id, 0)}"}
    impatient = found.world.settings.deaf or any(run.hurried for run in found.runs)
    assert not gone or impatient, f"given up though they listened: {gone}"
    left = [name for name in found.left if name not in gone]
    assert not left, f"left running: {left}"
    taken = {name: seen for name, seen in found.slots_after.items() if seen != found.slots_before.get(name, (0, 0))}
    assert not taken, f"not given back: {taken}, and not {found.slots_before}"
    timers = [what for what in found.timers if not (found.left and what == _SLEEPING)]  # what was given up sleeps on
    assert not timers, f"timers are set: {timers}"
    open_requests = sum(
        request.end is None for provider in found.world.providers.values() for request in provider.requests
    )
    assert not open_requests, f"{open_requests} requests never ended"
