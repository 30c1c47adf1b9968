"""`deadline=` bounds the whole run: calls end with it, and the answer is there by then or a grace later."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import BaseModel

from superscalar import LLMCompiler, ModelError, Observation, RunResult, tool
from superscalar.events import AnswerCut, DeadlinePassed, Event, JoinStarted, ModelUsed
from superscalar.models import Chunk, Request
from superscalar.models.base import Preparation
from superscalar.testing import VirtualLoop, run

LATE = "the run's deadline passed before it was written"
PLAN = 'a = look("a", 1)\nb = look("b", 100)\njoin(a, b)\n'

Part = str | float | Exception | Chunk


class Slow:
    """A model that says each reply piece by piece: a number is a pause, an exception is raised, a chunk is as it is."""

    constrains = False
    name = "slow"

    def __init__(self, *replies: list[Part]) -> None:
        self.replies = list(replies)

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        for part in self.replies.pop(0):
            match part:
                case str():
                    yield Chunk(part)
                case Exception():
                    raise part
                case Chunk():
                    yield part
                case seconds:
                    await asyncio.sleep(seconds)
        yield Chunk(finish="stop")


@tool(effect="read")
async def look(what: str, seconds: float) -> str:
    await asyncio.sleep(seconds)
    return what


def asked(
    *replies: list[Part], deadline: float | None = 5.0, slept: tuple[float, float] | None = None, **options: Any
) -> tuple[RunResult, float]:
    """What a run comes to, and how long that took. `slept`: when the machine slept meanwhile, and for how long."""

    async def main() -> tuple[RunResult, float]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        if slept is not None:
            loop.call_at(slept[0], loop.advance, slept[1])
        agent = LLMCompiler(Slow(*replies), tools=[look], **options)
        result = await agent.run("Why?", deadline=deadline)
        return result, asyncio.get_running_loop().time()

    return run(main())


def of(result: RunResult, kind: type[Event]) -> list[Any]:
    return [event for event in result.events if isinstance(event, kind)]


def test_a_joiner_that_takes_ninety_seconds_has_the_grace_and_no_more() -> None:
    result, seconds = asked([PLAN], [90.0, "a is a"])
    assert seconds == 7.0
    assert (result.answer, result.partial, result.cut, result.complete) == (None, "", LATE, False)
    assert result.outcomes["a"] == Observation("a")
    assert result.outcomes.joined[0] == "a"
    assert [(event.at, event.why) for event in of(result, AnswerCut)] == [(7.0, LATE)]


def test_what_it_has_written_by_then_is_there() -> None:
    result, seconds = asked([PLAN], [1.0, "a is a, ", 0.5, "and b ", 1.0, "never came"])
    assert seconds == 7.0
    assert (result.answer, result.partial) == (None, "a is a, and b")


def test_the_grace_is_a_quarter_of_the_deadline_and_two_seconds_at_least() -> None:
    assert asked([PLAN], [900.0], deadline=60.0)[1] == 75.0
    assert asked([PLAN], [900.0], deadline=0.5)[1] == 2.5


def test_an_answer_in_the_grace_is_an_answer() -> None:
    result, seconds = asked([PLAN], [1.5, "a is a"])
    assert (result.answer, seconds) == ("a is a", 6.5)
    assert of(result, DeadlinePassed) == [DeadlinePassed(5.0)]


def test_a_joiner_that_began_before_the_deadline_has_no_more_than_that_either() -> None:
    result, seconds = asked(['a = look("a", 1)\njoin(a)\n'], ["a ", 90.0, "is a"])
    assert (result.partial, seconds) == ("a", 7.0)


def test_a_joiner_that_is_loaded_first_has_no_more_either() -> None:
    """Its own time counts from the end of that, and the run's does not."""
    result, seconds = asked([PLAN], [Chunk(preparing=Preparation("the model", 0.5)), 90.0, "a is a"])
    assert (result.answer, seconds) == (None, 7.0)


def test_a_machine_that_sleeps_gives_no_model_more_than_the_run_has() -> None:
    """A model's own time is given again then, as far as it passed meanwhile."""
    assert asked([PLAN], [90.0, "a is a"], slept=(6.0, 3.0))[1] == 9.0
    assert asked([90.0, PLAN], [1.0, "I know little."], slept=(4.5, 1.0))[1] == 6.5


def test_no_round_is_begun_in_the_grace() -> None:
    result, seconds = asked(['a = look("a", 1)\njoin(a)\n'], [4.5, "REPLAN: more"], [90.0], [1.0, "a is a"])
    assert (result.answer, seconds) == ("a is a", 6.5)
    assert [event.last for event in of(result, JoinStarted)] == [False, True]


def test_a_wish_for_another_round_is_no_part_of_an_answer() -> None:
    assert asked([PLAN], ["REPLAN: more of", 90.0])[0].partial == ""


@pytest.mark.parametrize(
    "planner",
    [
        [90.0, PLAN],
        ['a = look("a", 1)\n', 90.0, "join(a)\n"],
        [ModelError("busy", retryable=True, retry_after=60.0)],
        [4.0, ModelError("busy", retryable=True, retry_after=3.0)],
    ],
)
def test_a_planner_has_until_the_deadline_with_all_its_tries(planner: list[Part]) -> None:
    result, seconds = asked(planner, joiner=Slow([1.0, "I know little."]))
    assert (result.answer, seconds) == ("I know little.", 6.0)


def test_a_joiner_that_is_the_planner_is_not_asked_in_vain_where_that_is_refused_for_longer() -> None:
    result, seconds = asked([ModelError("busy", retryable=True, retry_after=60.0)])
    assert (result.answer, seconds) == (None, 5.0)
    assert result.cut.startswith("slow is not asked: slow lets nothing through for ")


def test_a_joiner_that_is_refused_for_longer_leaves_what_there_is_with_the_reason() -> None:
    busy = ModelError("busy for a minute", retryable=True, retry_after=60.0)
    result, seconds = asked([PLAN], [busy], [busy])
    assert (result.answer, result.cut, seconds) == (None, "busy for a minute", 5.0)
    assert result.outcomes["a"] == Observation("a")


def test_tries_of_a_joiner_end_with_the_grace() -> None:
    busy = ModelError("busy", retryable=True, retry_after=0.9)
    result, seconds = asked([PLAN], [busy], [busy], [90.0], random=Random(1))
    assert (result.answer, seconds) == (None, 7.0)


class Shape(BaseModel):
    x: int


def test_a_typed_answer_that_does_not_fit_is_not_asked_for_again_behind_it() -> None:
    result, seconds = asked([PLAN], [1.0, "no"], [1.0, "none"], ['{"x": 1}'], output_type=Shape)
    assert (result.answer, result.partial, result.cut, seconds) == (None, "", LATE, 7.0)


def test_without_a_joiner_the_answer_is_there_at_the_deadline() -> None:
    result, seconds = asked([PLAN], joiner=None)
    assert seconds == 5.0
    assert result.answer[0] == "a"
    assert result.answer[1].kind == "deadline"


def test_a_call_that_does_not_end_when_told_to_has_its_own_grace_within_that_of_the_answer() -> None:
    @tool(effect="read")
    async def deaf() -> None:
        for _ in range(90):
            try:
                await asyncio.sleep(1.0)
            except asyncio.CancelledError:
                continue

    async def main() -> tuple[RunResult, float]:
        agent = LLMCompiler(Slow(["a = deaf()\njoin(a)\n"], [90.0]), tools=[deaf])
        result = await agent.run("Why?", deadline=5.0)
        return result, asyncio.get_running_loop().time()

    result, seconds = run(main())
    assert seconds == 7.0
    assert result.outcomes.failures["a"].abandoned


def test_a_stream_ends_then_too() -> None:
    async def main() -> tuple[list[str], float]:
        agent = LLMCompiler(Slow([PLAN], ["a ", 90.0]), tools=[look])
        async with agent.stream("Why?", deadline=5.0) as running:
            told = [type(event).__name__ async for event in running if not isinstance(event, ModelUsed)]
        return told[-3:], asyncio.get_running_loop().time()

    assert run(main()) == (["AnswerWritten", "AnswerCut", "RunEnded"], 7.0)


def test_a_resumed_run_has_the_deadline_that_it_is_resumed_with(tmp_path: Path) -> None:
    def agent(*replies: list[Part]) -> LLMCompiler:
        return LLMCompiler(Slow(*replies), tools=[look], journal=tmp_path / "runs.db")

    async def main() -> tuple[str, float]:
        async with agent([PLAN], [90.0]).stream("Why?", run_id="run") as running:
            async for event in running:
                if isinstance(event, JoinStarted):
                    break
            running.suspend()
        begun = asyncio.get_running_loop().time()
        result = await agent(["a is ", 90.0]).resume("run", deadline=8.0)
        return result.partial, asyncio.get_running_loop().time() - begun

    assert run(main()) == ("a is", 10.0)


def test_without_a_deadline_a_joiner_has_its_own_time() -> None:
    result, seconds = asked(['a = look("a", 1)\njoin(a)\n'], [90.0, "a is a"], deadline=None)
    assert (result.answer, seconds) == ("a is a", 91.0)
