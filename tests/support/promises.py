"""What must hold of every run, whatever its calls do and how long they take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from superscalar import Failure, LLMCompiler, Observation, RunResult, Skipped
from superscalar.events import (
    Cancelled,
    Event,
    Failed,
    Planned,
    Revived,
    RunEnded,
    Sealed,
    Started,
    Succeeded,
    Unneeded,
)
from superscalar.events import Skipped as SkippedEvent
from superscalar.plan.ir import Task, walk
from superscalar.results import show_results
from superscalar.values import Outcome, TaskId
from support.depth import examples
from support.random_plans import RATE, Settings, World
from support.running import ends

PROFILE = settings(max_examples=examples(25, 600))

GRACE = 0.5

worlds = st.builds(
    Settings,
    results=st.integers(0, 1_000),
    times=st.integers(0, 1_000),
    failing=st.sampled_from([0.0, 0.1, 0.4]),
    cap=st.integers(1, 5),
    named=st.integers(1, 2),
)

moments = st.sampled_from([0.0, 0.25, 0.3, 0.5, 1.0, 2.0, 5.0, 5.25, 5.5, 7.0])


def agent(world: World, model: Any = None, **options: Any) -> LLMCompiler:
    chosen = world.settings
    return LLMCompiler(
        model,
        tools=world.tools,
        joiner=None,
        limits=chosen.limits,
        max_concurrency=chosen.cap,
        grace=GRACE,
        random=Random(chosen.times),
        **options,
    )


def check_that_each_task_settles_once(events: list[Event]) -> None:
    planned = {e.task.id for e in events if isinstance(e, Planned)}
    settled = ends(events)  # fails for one that settles twice
    left_out: set[TaskId] = set()
    for e in events:
        if isinstance(e, Unneeded):
            left_out.update(e.ids)
        elif isinstance(e, Revived):
            left_out.difference_update(e.ids)
    cancelled = {e.id for e in events if isinstance(e, Cancelled)}
    assert planned <= set(settled) | left_out
    assert {e.id for e in events if isinstance(e, Started)} <= set(settled) | (left_out & cancelled)
    over: set[TaskId] = set()
    for e in events:
        if isinstance(e, Started):
            assert e.id not in over, f"{e.id} started after it had settled"
        elif isinstance(e, Succeeded | Failed):
            over.add(e.id)


def instances(tasks: list[Task]) -> Iterator[tuple[re.Pattern[str], Task]]:
    """How the ids of a task's instances look: `xs[].tool` is that of `xs[0].tool` and `xs[1].tool`."""
    for task in walk(tuple(tasks)):
        yield re.compile(re.escape(task.id).replace(re.escape("[]"), r"\[(\d+)\]")), task


def check_that_inputs_came_first(events: list[Event]) -> None:
    """Every call started after each task whose value it uses, and each guard, had settled as it must."""
    tasks = [e.task for e in events if isinstance(e, Planned)]
    patterns = list(instances(tasks))
    settled: dict[TaskId, Outcome] = {}
    resting: set[TaskId] = set()  # dormant, and not running: what comes after it does not wait
    running: set[TaskId] = set()
    for e in events:
        match e:
            case Unneeded(ids=ids):
                resting.update(set(ids) - running)
            case Revived(ids=ids):
                resting.difference_update(ids)
            case Cancelled(id=id):
                running.discard(id)
                resting.add(id)
            case Succeeded(id=id, value=value):
                settled[id] = Observation(value)
            case Failed(id=id, failure=failure):
                settled[id] = failure
            case SkippedEvent(id=id, because=because):
                settled[id] = Skipped(because)
            case Started(id=id):
                found = [(m, task) for pattern, task in patterns if (m := pattern.fullmatch(id))]
                assert found, id
                for match, task in found[:1]:
                    check_inputs(match, task, settled, resting)
                running.add(id)


def check_inputs(match: re.Match[str], task: Task, settled: dict[TaskId, Outcome], resting: set[TaskId]) -> None:
    def instance(id: TaskId) -> TaskId:
        for number in match.groups():
            id = id.replace("[]", f"[{number}]", 1)
        return id

    for need in task.needs:
        if need.mode == "value" and ":" not in need.task:  # an item of a list has no event of its own
            assert isinstance(settled.get(instance(need.task)), Observation), (match.group(), need)
    for guard in task.guards:
        condition = settled.get(instance(guard.condition))
        assert isinstance(condition, Observation), (match.group(), guard)
        assert bool(condition.value) is guard.expected
    for earlier in task.after:
        assert "[]" in earlier or earlier in settled or earlier in resting, (match.group(), earlier)


def check_that_limits_were_kept(world: World) -> None:
    assert world.all.most <= world.settings.cap
    assert world.named.most <= world.settings.named
    assert all(later - earlier >= 1 / RATE - 1e-6 for earlier, later in pairwise(world.rated))


def check_that_accesses_are_in_order(world: World, events: list[Event]) -> None:
    """Two accesses of which one is a write never overlap, and are made in the order of the program."""
    spans = sorted(world.accesses, key=lambda span: span.place)
    for number, later in enumerate(spans):
        for earlier in spans[:number]:
            if (earlier.write or later.write) and earlier.place != later.place:  # equal: attempts of one task
                assert earlier.end <= later.start, (earlier, later)
    sealed = next((i for i, e in enumerate(events) if isinstance(e, Sealed)), len(events))
    assert not any(isinstance(e, Started) and e.tool == "post" for e in events[:sealed])


def check_that_doubt_stops_accesses(world: World, events: list[Event]) -> None:
    doubts = [e for e in events if isinstance(e, Failed) and e.failure.in_doubt]
    if doubts:
        when = min(e.at for e in doubts)
        assert not any(span.start > when for span in world.accesses)


def check_that_skips_have_causes(result: RunResult) -> None:
    for id, outcome in result.outcomes.items():
        if isinstance(outcome, Skipped) and not outcome.unneeded:
            cause = result.outcomes[outcome.because]
            if outcome.by_guard and isinstance(cause, Skipped) and cause.unneeded:
                continue  # an `ok` that was left out at the seal, when the map ahead of it had passed over an item
            assert isinstance(cause, Observation if outcome.by_guard else Failure), (id, outcome, cause)


def check(world: World, events: list[Event]) -> None:
    check_that_each_task_settles_once(events)
    check_that_inputs_came_first(events)
    check_that_limits_were_kept(world)
    check_that_accesses_are_in_order(world, events)
    check_that_doubt_stops_accesses(world, events)
    assert isinstance(events[-1], RunEnded)
    assert (world.all.now, world.named.now) == (0, 0)


def shape(outcome: Outcome) -> Any:
    """An outcome without what may differ: which of several causes is named, and text made from it."""
    match outcome:
        case Observation(value):
            return ("value", shape_of_value(value))
        case Skipped(by_guard=by_guard):
            return ("skipped", by_guard)
        case Failure(kind=kind, items=items, error=error, in_doubt=in_doubt, abandoned=abandoned):
            return (kind, error, in_doubt, abandoned, None if items is None else [shape(item) for item in items])


def shape_of_value(value: Any) -> Any:
    match value:
        case Observation() | Failure() | Skipped():
            return shape(value)
        case list() | tuple():
            return [shape_of_value(item) for item in value]
        case dict():
            return {key: shape_of_value(item) for key, item in value.items()}
    return value


def shown_without_causes(result: RunResult) -> str:
    """What the joiner is shown, but of what was skipped not because of which input.

    Of several inputs that fail, the first to do so is named: to know which comes first in the program, a skip would
    have to wait for all of them, and with it whatever it skips in turn.
    """
    outcomes = {id: _without_causes(outcome) for id, outcome in result.outcomes.items()}
    return _CAUSES.sub("...", show_results(result.plan.tasks, outcomes))


_CAUSES = re.compile(r"not run: `[^`]*` failed|the first: [^\n]*")
"""Causes in the messages of failures."""


def _without_causes(value: Any) -> Any:
    match value:
        case Skipped(by_guard=False, unneeded=False):
            return Skipped("one_of_its_inputs")
        case Observation(inner):
            return Observation(_without_causes(inner))
        case Failure(items=tuple(items)):
            return replace(value, items=tuple(map(_without_causes, items)))
        case list():
            return list(map(_without_causes, value))
        case dict():
            return {key: _without_causes(item) for key, item in value.items()}
    return value


def shapes(result: RunResult) -> list[tuple[TaskId, Any]]:
    return [(id, shape(outcome)) for id, outcome in result.outcomes.items()]
