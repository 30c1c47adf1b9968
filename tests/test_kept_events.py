"""The events of a run are kept as rows of values, and are the events that happened to whoever reads them."""

from __future__ import annotations

import asyncio
import gc
import pickle
from dataclasses import fields, replace
from typing import Any

from superscalar import LLMCompiler, RunResult, tool
from superscalar.events import Event, Planned, RunStarted, Started, Succeeded, Waiting
from superscalar.kept import KeptEvents
from superscalar.schedule.ledger import Ledger
from superscalar.testing import run
from superscalar.tools import Toolset
from support.random_events import ONE_OF_EACH
from support.running import executed


def parts(event: Event) -> tuple[Any, ...]:
    """All that an event holds, what its `==` does not look at included."""
    return (type(event), *(getattr(event, field.name) for field in fields(event)))


def test_every_event_is_read_as_it_was_appended() -> None:
    kept = KeptEvents(ONE_OF_EACH)
    assert [parts(event) for event in kept] == [parts(event) for event in ONE_OF_EACH]


def test_a_value_is_the_very_one_that_happened() -> None:
    value = object()
    assert KeptEvents([Succeeded(1.0, "a", value)])[0].value is value  # type: ignore[union-attr]


def test_they_are_a_sequence() -> None:
    happened: list[Event] = [RunStarted(0.0, "run"), Started(1.0, "a", "get", {"x": 1}), Succeeded(2.0, "a", 3)]
    kept = KeptEvents(happened)
    assert (len(kept), kept[0], kept[-1], kept[1:], kept[:-2]) == (
        3,
        happened[0],
        happened[2],
        tuple(happened[1:]),
        (happened[0],),
    )
    assert list(reversed(kept)) == happened[::-1]
    assert happened[1] in kept


def test_those_so_far_do_not_grow() -> None:
    kept = KeptEvents([Succeeded(0.0, "a", 1)])
    before = kept.so_far()
    kept.append(Succeeded(1.0, "b", 2))
    assert (list(before), len(kept)) == ([Succeeded(0.0, "a", 1)], 2)


@tool(effect="read")
async def get(x: int) -> int:
    """Return the argument."""
    return x


PLAN = "\n".join(f"t{i} = get({i})" for i in range(20))


OF_CALLS = (Planned, Waiting, Started, Succeeded)


def alive() -> int:
    """How many events of calls there are in this process."""
    return sum(type(held) in OF_CALLS and held not in ONE_OF_EACH for held in gc.get_objects())


def test_no_event_of_a_call_is_held_before_somebody_reads_it() -> None:
    gc.collect()
    before = alive()
    result = executed(PLAN, [get])
    assert alive() == before
    events = result.events
    assert alive() - before == sum(type(event) in OF_CALLS for event in events) > 60
    assert type(events) is tuple
    assert result.events is events


def test_a_result_that_nobody_has_read_can_be_pickled() -> None:
    result = executed(PLAN, [get])
    again: RunResult = pickle.loads(pickle.dumps(result))
    assert again.events == result.events
    assert len(list(again.events)) > 60


def test_every_iteration_of_a_stream_sees_equal_events() -> None:
    async def main() -> tuple[list[Event], list[Event], RunResult]:
        async with LLMCompiler(tools=[get]).stream_plan(PLAN) as running:
            first = [event async for event in running]
            again = [event async for event in running]
            return first, again, await running.result()

    first, again, result = run(main())
    assert first == again == list(result.events)


def test_a_ledger_tells_the_first_attempt_of_a_call_whole() -> None:
    happened = [
        replace(event, batch=3) if isinstance(event, Started) else event for event in executed(PLAN, [get]).events
    ]
    ledger = Ledger.of(happened, Toolset([get]).declared)
    begun = [event for event in happened if isinstance(event, Started)]
    assert [ledger.first_attempt(event.id) for event in begun] == begun
    assert ledger.first_attempt("t20") is None


def test_whoever_follows_a_run_sees_each_event_when_it_happens() -> None:
    @tool(effect="read")
    async def wait(x: int) -> int:
        """Takes that many seconds."""
        await asyncio.sleep(x)
        return x

    async def main() -> list[tuple[Event, float]]:
        now = asyncio.get_running_loop().time
        async with LLMCompiler(tools=[wait]).stream_plan("a = wait(2)\nb = wait(a)\nc = wait(1)") as running:
            return [(event, now()) async for event in running]

    seen = run(main())
    assert [event for event, at in seen if event.at != at] == []
    assert {at for _, at in seen} == {0.0, 1.0, 2.0, 4.0}
