"""Any schedule of a program leaves the state, and gives every read the value, that running it line by line does.

With failures, as rule L19 says; identical calls are made as often as rule L21 says.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from superscalar import Failure, LLMCompiler, Observation, RunResult, Skipped
from superscalar.events import Event
from superscalar.schedule.state import Schedule
from superscalar.testing import run
from support.depth import examples
from support.line_by_line import Interpreter, Line, Settings, Shape, SharedState, programs, text_of
from support.running import Paced, answering

PROFILE = settings(max_examples=examples(40, 1_500), deadline=None)
worlds = st.builds(
    Settings,
    fates=st.integers(0, 1_000),
    times=st.integers(0, 1_000),
    failing=st.sampled_from([0.0, 0.1, 0.3]),
)


def shape(outcome: Any) -> Shape:
    """An outcome as the interpreter says it."""
    match outcome:
        case Observation(value):
            return ("value", value)
        case Failure(in_doubt=in_doubt, items=None):
            return ("failed", in_doubt, None)
        case Failure(in_doubt=in_doubt, items=items):
            return ("failed", in_doubt, [shape(item) for item in items or ()])
        case Skipped(items=tuple(items)):
            return ("lacking", False, [shape(item) for item in items])
        case Skipped(by_guard=by_guard):
            return ("skipped", by_guard)
    raise AssertionError(outcome)


def compare(program: tuple[Line, ...], chosen: Settings, world: SharedState, result: RunResult) -> None:
    reference = Interpreter(chosen)
    reference.run(program)
    assert {line.name: shape(result.outcomes[line.name]) for line in program} == reference.outcomes
    assert world.state == reference.state
    assert Counter(world.made) == Counter((tool, key) for tool, key, _ in reference.made)
    event(f"calls made once: {len(reference.made) > 0}")


@PROFILE
@given(programs(), worlds, st.integers(1, 6))
def test_a_schedule_does_what_running_line_by_line_does(program: tuple[Line, ...], chosen: Settings, most: int) -> None:
    world = SharedState(chosen)

    async def main() -> RunResult:
        agent = LLMCompiler(tools=world.tools, max_concurrency=most)
        async with agent.stream_plan(text_of(program)) as running:
            return await running.result()

    compare(program, chosen, world, run(main()))


@PROFILE
@given(programs(), worlds, st.lists(st.sampled_from([0.0, 0.3, 2.0]), min_size=1, max_size=4))
def test_so_does_a_plan_that_is_being_written(program: tuple[Line, ...], chosen: Settings, pauses: list[float]) -> None:
    world = SharedState(chosen)
    steps: list[Any] = []
    for number, text in enumerate(text_of(program).splitlines(keepends=True)):
        steps += [pauses[number % len(pauses)], text]
    agent = LLMCompiler(Paced(*steps), tools=world.tools, joiner=None)
    compare(program, chosen, world, answering(agent))


@PROFILE
@given(programs(), worlds)
def test_recorded_events_rebuild_the_state(program: tuple[Line, ...], chosen: Settings) -> None:
    """Calls that were shared and resources that became known are events, like everything else."""
    result = answering(LLMCompiler(Paced(text_of(program)), tools=SharedState(chosen).tools, joiner=None))
    events: tuple[Event, ...] = result.events
    again = Schedule()
    for happened in events:
        again.apply(happened)
    again.check()
    assert {cell.id: cell.outcome for cell in again.in_program_order()} == dict(result.outcomes)
