"""Run plans and models in virtual time, and look at what happened when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

from superscalar import JoinError, LLMCompiler, RunResult
from superscalar.compiler.result import Outcomes
from superscalar.events import Event, Failed, Skipped, Started, Succeeded
from superscalar.models.base import Chunk, Request
from superscalar.plan import Plan
from superscalar.testing import run
from superscalar.tools import Tool, Toolset
from superscalar.values import Usage

Given = Tool[..., Any] | Toolset | Callable[..., Any]


def executed(
    source: str | Plan,
    tools: Iterable[Given],
    *,
    inputs: Mapping[str, Any] | None = None,
    context: Any = None,
    deadline: float | None = None,
    wait_for_threads: bool = True,
    **options: Any,
) -> RunResult:
    """Run a plan to its end; no model is asked."""

    async def main() -> RunResult:
        agent = LLMCompiler(tools=tools, **options)
        async with agent.stream_plan(
            source, inputs=inputs, context=context, deadline=deadline, run_id="run"
        ) as running:
            return await running.result()

    return run(main(), wait_for_threads=wait_for_threads)


def answering(agent: LLMCompiler, question: str = "why?", **options: Any) -> RunResult:
    """A run to its end. One whose answer has no value leaves the rest behind all the same."""

    async def main() -> RunResult:
        async with agent.stream(question, run_id="run", **options) as running:
            try:
                return await running.result()
            except JoinError as error:
                return RunResult(
                    answer=None,
                    plan=Plan(()),
                    outcomes=Outcomes(error.outcomes),
                    usage=Usage(),
                    cost=0.0,
                    rounds=1,
                    run_id="run",
                    messages=(),
                    events=running.events,
                )

    return run(main())


def starts(events: Iterable[Event]) -> dict[str, float]:
    """When the first attempt of each call started."""
    found: dict[str, float] = {}
    for event in events:
        if isinstance(event, Started):
            found.setdefault(event.id, event.at)
    return found


def ends(events: Iterable[Event]) -> dict[str, float]:
    """When each task settled; a task that settles twice is a failure of the test."""
    found: dict[str, float] = {}
    for event in events:
        if isinstance(event, Succeeded | Failed | Skipped):
            assert event.id not in found, f"{event.id} settled twice"
            found[event.id] = event.at
    return found


def calls(events: Iterable[Event]) -> list[tuple[str, dict[str, Any]]]:
    """The tools that were called and with what, in order."""
    return [(e.tool, dict(e.arguments)) for e in events if isinstance(e, Started)]


class Paced:
    """A model that writes one reply: texts, the pauses between them in seconds, and an exception where it dies."""

    name = "paced"
    constrains = False

    def __init__(self, *steps: str | float | BaseException) -> None:
        self._steps = steps

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        for step in self._steps:
            match step:
                case str():
                    yield Chunk(step)
                case BaseException():
                    raise step
                case _:
                    await asyncio.sleep(step)
        yield Chunk(finish="stop")


class Gauge:
    """Counts what is running at once, from inside of tools."""

    def __init__(self) -> None:
        self.now = 0
        self.most = 0
        self.entered = 0

    def __enter__(self) -> Gauge:
        self.now += 1
        self.entered += 1
        self.most = max(self.most, self.now)
        return self

    def __exit__(self, *_: object) -> None:
        self.now -= 1
