"""The job in one library, in that library's environment; prints its rows of the table as JSON.

python -m benchmarks.peers.support.driver NAME [--runs N] [--pace X]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, TypeAlias

from examples.support.desk import Desk
from examples.support.script import ANSWER, GULLIBLE_PLAN, PLAN

from benchmarks.peers.support.script import turns

Job: TypeAlias = tuple[Callable[[Desk], Awaitable[object]], Callable[[], int]]
"""Answers the tickets of a desk; says how often the model was asked."""


def superscalar(gullible: bool) -> Job:
    """Ours: the model writes a plan before anything is read, and an answer at the end."""
    from examples.support.agent import QUESTION, support_agent

    from superscalar.testing import ScriptedModel

    model = ScriptedModel(GULLIBLE_PLAN if gullible else PLAN, ANSWER)
    return lambda desk: support_agent(desk, model).run(QUESTION), lambda: len(model.requests)


def pydantic_ai(gullible: bool) -> Job:
    """The model is a function of the conversation."""
    from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
    from pydantic_ai.models.function import FunctionModel

    from benchmarks.peers.support.pydantic_ai_agent import QUESTION, support_agent

    script = turns(gullible=gullible)
    asked = 0

    async def speak(messages: object, info: object) -> ModelResponse:
        nonlocal asked
        asked += 1
        if asked > len(script):
            return ModelResponse([TextPart(ANSWER)])
        return ModelResponse([ToolCallPart(tool, arguments) for tool, arguments in script[asked - 1]])

    return lambda desk: support_agent(desk, FunctionModel(speak)).run(QUESTION), lambda: asked


def langgraph(gullible: bool) -> Job:
    """The model is LangChain's own fake, which takes tools here."""
    from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage

    from benchmarks.peers.support.langgraph_agent import answer

    class Scripted(GenericFakeChatModel):  # type: ignore[misc]  # Any where its package is not
        def bind_tools(self, tools: object, **more: object) -> Scripted:
            return self

    asked = 0

    def messages() -> Any:
        nonlocal asked
        for number, turn in enumerate(turns(gullible=gullible)):
            asked += 1
            calls = [{"name": tool, "args": args, "id": f"{number}.{i}"} for i, (tool, args) in enumerate(turn)]
            yield AIMessage("", tool_calls=calls)
        asked += 1
        yield AIMessage(ANSWER)

    return lambda desk: answer(desk, Scripted(messages=messages())), lambda: asked


MODELS = ("careful", "gullible")
JOBS = {"superscalar": superscalar, "pydantic-ai": pydantic_ai, "langgraph": langgraph}
PACKAGES = {"superscalar": "superscalar", "pydantic-ai": "pydantic-ai-slim", "langgraph": "langgraph"}


def measure(name: str, model: str, *, runs: int = 1, pace: float = 1.0) -> dict[str, Any]:
    """What runs took and did; they all do the same, and the time is the median."""
    measured = [_measure(name, model, pace) for _ in range(runs)]
    elapsed = median(row.pop("elapsed") for row in measured)
    if any(row != measured[0] for row in measured):
        raise AssertionError(f"the runs of {name} did not all do the same: {measured}")
    return measured[0] | {"model": model, "elapsed": elapsed, "version": version(PACKAGES[name])}


def _measure(name: str, model: str, pace: float) -> dict[str, Any]:
    answer, asked = JOBS[name](model == "gullible")
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder, "shop.db"), pace=pace)

        async def run() -> float:
            begin = perf_counter()
            await answer(desk)
            return perf_counter() - begin

        elapsed = asyncio.run(run())
        return {
            "model_calls": asked(),
            "tool_seconds": round(desk.spent, 2),
            "refunds": desk.refunds(),
            "asked": sorted(desk.asked),
            "answered": list(desk.replies()),
            "elapsed": elapsed,
        }


def main() -> None:
    """Run the job with a careful model and with a gullible one."""
    parser = argparse.ArgumentParser(description="The support job in one library.")
    parser.add_argument("name", choices=JOBS)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--pace", type=float, default=1.0, help="0: the desk takes no time")
    options = parser.parse_args()
    measure(options.name, "careful", pace=0.0)  # warm
    rows = [measure(options.name, model, runs=options.runs, pace=options.pace) for model in MODELS]
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
