"""What must hold of every plan, however long its calls take, whatever they do, and whenever it is stopped."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from superscalar import LLMCompiler, RunResult, Skipped
from superscalar.errors import ModelError
from superscalar.events import (
    Event,
    Sealed,
    Started,
)
from superscalar.plan.ir import Call, Map, Plan, walk
from superscalar.testing import run
from support.promises import (
    GRACE,
    PROFILE,
    agent,
    check,
    check_that_accesses_are_in_order,
    check_that_each_task_settles_once,
    check_that_inputs_came_first,
    check_that_limits_were_kept,
    check_that_skips_have_causes,
    moments,
    shapes,
    shown_without_causes,
    worlds,
)
from support.random_plans import Settings, World, plans
from support.running import Paced, answering


def ran(plan: tuple[str, ...], world: World, **options: Any) -> RunResult:
    async def main() -> RunResult:
        async with agent(world).stream_plan("\n".join(plan), run_id="run", **options) as running:
            return await running.result()

    return run(main())


def written(plan: tuple[str, ...], pauses: list[float], last: list[Any]) -> Paced:
    """A planner that writes the plan with pauses between its lines."""
    steps: list[Any] = []
    for number, line in enumerate(plan):
        steps += [pauses[number % len(pauses)], line + "\n"] if pauses else [line + "\n"]
    return Paced(*steps, *last)


# ------------------------------------------------------------------------------------------------- what must hold


# --------------------------------------------------------------------------------------------------------- properties


@PROFILE
@given(plans(), worlds)
def test_every_plan_ends_and_keeps_its_promises(plan: tuple[str, ...], chosen: Settings) -> None:
    world = World(chosen)
    result = ran(plan, world)
    check(world, list(result.events))
    check_that_skips_have_causes(result)
    event(f"{len(result.outcomes.failures) > 0=} {world.all.entered // 10 * 10} calls or more")


@PROFILE
@given(plans(), worlds)
def test_no_call_is_cut_short_by_what_happens_to_others(plan: tuple[str, ...], chosen: Settings) -> None:
    """Without a deadline or a cancellation every failure is the call's own doing."""
    result = ran(plan, World(chosen))
    kinds = {failure.kind for failure in result.outcomes.failures.values()}
    assert "deadline" not in kinds
    for id, failure in result.outcomes.failures.items():
        if failure.kind == "cancelled" and failure.items is None and not id.startswith("join"):
            assert failure.message.endswith("cancelled itself"), (id, failure)


@PROFILE
@given(plans(), worlds, st.lists(st.sampled_from([0.0, 0.25, 2.0]), max_size=4))
def test_a_plan_that_is_being_written_keeps_its_promises(
    plan: tuple[str, ...], chosen: Settings, pauses: list[float]
) -> None:
    world = World(chosen)
    result = answering(agent(world, written(plan, pauses, [])))
    check(world, list(result.events))
    check_that_skips_have_causes(result)


@PROFILE
@given(plans(), worlds, st.lists(st.sampled_from([0.0, 0.25, 2.0]), max_size=4), st.data())
def test_a_planner_that_dies_leaves_no_write_and_nothing_running(
    plan: tuple[str, ...], chosen: Settings, pauses: list[float], data: st.DataObject
) -> None:
    world = World(chosen)
    whole = data.draw(st.integers(0, len(plan) - 1))
    planner = written(plan[:whole], pauses, [data.draw(st.sampled_from([ModelError("dead"), RuntimeError("dead")]))])
    seen: list[Event] = []

    async def main() -> None:
        async with agent(world, planner).stream("why?") as running:
            with pytest.raises((ModelError, RuntimeError), match="dead"):
                await running.result()
            seen.extend(running.events)

    run(main())
    check(world, seen)
    assert not any(isinstance(e, Sealed) for e in seen)
    assert not any(span.write for span in world.accesses)


@PROFILE
@given(plans(), worlds, moments, st.booleans())
def test_a_run_that_is_stopped_at_any_time_settles_within_the_grace_period(
    plan: tuple[str, ...], chosen: Settings, at: float, by_deadline: bool
) -> None:
    world = World(chosen)
    seen: list[Event] = []

    async def main() -> float:
        stop_at = at or (0.01 if by_deadline else 0.0)
        deadline = stop_at if by_deadline else None
        async with agent(world).stream_plan("\n".join(plan), deadline=deadline) as running:
            if by_deadline:
                await running.result()
            else:
                await asyncio.sleep(stop_at)
                await running.cancel()
            seen.extend(running.events)
            return stop_at

    stopped = run(main())
    check_that_each_task_settles_once(seen)
    check_that_inputs_came_first(seen)
    check_that_limits_were_kept(world)
    check_that_accesses_are_in_order(world, seen)
    assert seen[-1].at <= stopped + GRACE * 1.5
    assert not any(isinstance(e, Started) and e.at > stopped for e in seen)
    event(f"stopped before its end: {seen[-1].at >= stopped}")


@PROFILE
@given(plans(), worlds, st.integers(0, 1_000), st.integers(1, 5))
def test_the_outcome_does_not_depend_on_how_long_things_take(
    plan: tuple[str, ...], chosen: Settings, other_times: int, other_cap: int
) -> None:
    chosen = replace(chosen, attempts=50)
    other = replace(chosen, times=other_times, cap=other_cap)
    first, second = ran(plan, World(chosen)), ran(plan, World(other))
    assert shapes(first) == shapes(second)
    assert shown_without_causes(first) == shown_without_causes(second)


def test_an_item_that_decides_is_the_cause_however_long_the_rest_of_its_list_takes() -> None:
    """Either the guard fails before the whole list has, or the list is known to have failed before the guard is."""
    plan = ("xs = [work(50, i) for i in range(3)]", "y = xs[0] and work(71, len(xs))", "join(y)")
    slow, fast = (
        ran(plan, World(Settings(results=12, times=times, failing=0.4, cap=cap, attempts=50)))
        for times, cap in ((0, 1), (1, 3))
    )
    causes = [result.outcomes["y.work"] for result in (slow, fast)]
    assert causes == [Skipped("xs[0]"), Skipped("xs[0]")]
    assert shown_without_causes(slow) == shown_without_causes(fast)


@PROFILE
@given(plans(joins="all"), worlds, st.lists(st.sampled_from([0.0, 0.25, 2.0]), max_size=4))
def test_the_outcome_does_not_depend_on_how_fast_the_plan_is_written(
    plan: tuple[str, ...], chosen: Settings, pauses: list[float]
) -> None:
    chosen = replace(chosen, attempts=50)
    at_once = ran(plan, World(chosen))
    slowly = answering(agent(World(chosen), written(plan, pauses, [])))
    assert shapes(at_once) == shapes(slowly)


@PROFILE
@given(plans(), worlds)
def test_the_same_run_again_is_the_same_to_the_last_event(plan: tuple[str, ...], chosen: Settings) -> None:
    assert ran(plan, World(chosen)).events == ran(plan, World(chosen)).events


@PROFILE
@given(plans(), worlds)
def test_outcomes_are_in_program_order(plan: tuple[str, ...], chosen: Settings) -> None:
    result = ran(plan, World(chosen))
    order = list(result.outcomes)
    tops = [task.id for task in result.plan.tasks]
    assert [id for id in order if id in set(tops)] == tops
    for task in result.plan.tasks:
        if isinstance(task.work, Map):
            after = tops[tops.index(task.id) + 1 :]
            limit = order.index(after[0]) if after else len(order)
            inside = [i for i, id in enumerate(order) if id not in tops and id.startswith(f"{task.id}[")]
            assert all(order.index(task.id) < i < limit for i in inside)


def test_the_plans_are_not_trivial() -> None:
    """Most of what is drawn compiles to calls in maps, guards and writes; else these properties say little."""
    found: dict[str, int] = {"maps": 0, "guards": 0, "writes": 0, "after": 0, "plans": 0}

    @settings(PROFILE, max_examples=100, database=None, derandomize=True)
    @given(plans())
    def count(plan: tuple[str, ...]) -> None:
        compiled: Plan = LLMCompiler(tools=World(Settings()).tools, limits=Settings().limits).compile("\n".join(plan))
        tasks = list(walk(compiled.tasks))
        found["plans"] += 1
        found["maps"] += any(isinstance(task.work, Map) for task in tasks)
        found["guards"] += any(task.guards for task in tasks)
        found["writes"] += any(isinstance(task.work, Call) and task.work.effect == "write" for task in tasks)
        found["after"] += any(task.after for task in tasks)

    count()
    assert all(number > found["plans"] // 4 for number in found.values()), found
