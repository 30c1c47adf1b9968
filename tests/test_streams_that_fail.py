"""A run that fails says so to whoever follows its events, and what models had said stays with the error."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from superscalar import JoinError, LLMCompiler, ModelError, PlanError, tool
from superscalar.events import Event, RunEnded
from superscalar.models.base import Chunk, Request
from superscalar.testing import ScriptedModel, run

WRONG = "a = nothing(1)\njoin(a)"


@tool(effect="pure")
def echo(value: int) -> int:
    """The same value."""
    return value


class Breaks:
    """A model whose connection breaks for good in the middle of its reply."""

    name = "breaks"
    constrains = False

    def __init__(self, *pieces: str) -> None:
        self._pieces = pieces

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        """The beginning of a reply."""
        for piece in self._pieces:
            yield Chunk(piece)
        raise ModelError("the connection broke")


def failing() -> Any:
    return LLMCompiler(ScriptedModel(WRONG), [echo], max_repairs=0).stream("How much?")


def test_an_iteration_raises_at_its_end_what_the_run_raised() -> None:
    seen: list[Event] = []

    async def main() -> None:
        async for event in failing():
            seen.append(event)  # noqa: PERF401 -- those that came before the error

    with pytest.raises(PlanError, match="nothing"):
        run(main())
    assert isinstance(seen[-1], RunEnded)


def test_in_a_block_every_iteration_raises_it_and_so_does_the_result() -> None:
    async def main() -> None:
        async with failing() as running:
            for _ in range(2):
                with pytest.raises(PlanError):
                    [event async for event in running]
            with pytest.raises(PlanError):
                await running.result()

    run(main())


def test_one_that_was_cancelled_just_ends() -> None:
    async def main() -> list[Event]:
        async with LLMCompiler(tools=[echo]).stream_plan("a = echo(1)\njoin(a)") as running:
            await running.cancel()
            return [event async for event in running]

    run(main())


def test_an_error_of_a_plan_has_what_the_planner_said() -> None:
    long = f"# {'why ' * 1_000}\n{WRONG}"
    with pytest.raises(PlanError) as raised:
        run(LLMCompiler(ScriptedModel(long), [echo], max_repairs=0).run("How much?"))
    assert raised.value.said == long[:2_000]
    assert raised.value.reply == long[:200]


def test_an_error_of_a_model_has_what_it_had_written_by_then() -> None:
    with pytest.raises(ModelError, match="broke") as raised:
        run(LLMCompiler(Breaks("a = echo(1)\n", "b = "), [echo]).run("How much?"))
    assert raised.value.said == "a = echo(1)\nb ="


def test_an_error_of_a_joiner_has_what_it_said_or_had_written_by_then() -> None:
    planner = ScriptedModel("a = echo(1)\njoin(a)")
    silent = ScriptedModel("one two three", chunk=4, delay=10.0)
    with pytest.raises(JoinError, match="within 25 s") as raised:
        run(LLMCompiler(planner, [echo], joiner=silent, joiner_timeout=25.0).run("How much?"))
    assert raised.value.said == "one two"
    joiner = ScriptedModel("no number", "none", "none either")
    with pytest.raises(JoinError, match="it said: none either") as raised:
        run(LLMCompiler(ScriptedModel("join(1)"), [echo], joiner=joiner, output_type=int).run("How much?"))
    assert raised.value.said == "none either"


def test_a_secret_is_not_in_what_was_said() -> None:
    agent = LLMCompiler(Breaks("a = echo('hunter2-hunter2')\n"), [echo])
    with pytest.raises(ModelError) as raised:
        run(agent.run("How much?", context={"key": SecretStr("hunter2-hunter2")}))
    assert raised.value.said == "a = echo('**********')"
