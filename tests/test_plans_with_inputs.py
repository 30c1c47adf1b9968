"""A plan with inputs is the plan with what it is given written in."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from superscalar import LLMCompiler, RunResult
from superscalar.plan import print_as
from superscalar.plan.print.steps import BeyondSteps
from superscalar.plan.read.fronts.detect import SYNTAXES
from support.depth import examples
from support.plans_with_inputs import WithInputs, plans_with_inputs
from support.random_plans import Settings, World
from support.running import executed

SEEDS = st.integers(0, 1_000)


def ran(source: Any, settings: Settings, deadline: float | None, inputs: Any = None) -> tuple[RunResult, World]:
    world = World(settings)
    bounds: dict[str, Any] = {
        "limits": settings.limits,
        "max_concurrency": settings.cap,
        "random": Random(settings.times),
    }
    return executed(source, world.tools, inputs=inputs, deadline=deadline, **bounds), world


def seen(result: RunResult, world: World) -> tuple[Any, ...]:
    """All that a run comes to: outcomes, what was called how often, and which access was made when."""
    return dict(result.outcomes), dict(world.attempts), world.accesses


@settings(max_examples=examples(8, 600))
@given(plans_with_inputs(), SEEDS, st.sampled_from([None, None, 2.0, 6.0]))
def test_a_plan_with_inputs_does_what_it_does_with_constants(
    plan: WithInputs, seed: int, deadline: float | None
) -> None:
    told = Settings(results=seed, times=seed)
    compiled = LLMCompiler(tools=World(told).tools, limits=told.limits).compile(plan.given, inputs=plan.types)
    result, world = ran(compiled, told, deadline, plan.values)
    assert seen(result, world) == seen(*ran(plan.named, told, deadline))
    written, other = ran(plan.written, told, deadline)
    tasks = written.outcomes.keys() & result.outcomes.keys()  # parts of a list of constants have no tasks
    assert {id: result.outcomes[id] for id in tasks} == {id: written.outcomes[id] for id in tasks}
    assert (world.attempts, world.accesses) == (other.attempts, other.accesses)


@settings(max_examples=examples(6, 300))
@given(plans_with_inputs())
def test_a_printed_plan_reads_back_with_its_inputs(plan: WithInputs) -> None:
    agent = LLMCompiler(tools=World(Settings()).tools, limits=Settings().limits)
    compiled = agent.compile(plan.given, inputs=plan.types)
    for syntax in SYNTAXES:
        try:
            text = print_as(compiled.tasks, syntax)
        except BeyondSteps:
            continue
        again = agent.compile(text)
        assert (again.inputs, print_as(again.tasks, syntax)) == (compiled.inputs, text)
    assert agent.compile(str(compiled)) == compiled
