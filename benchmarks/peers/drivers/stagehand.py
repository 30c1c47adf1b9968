"""stagehand-ai: its workflow builder and its own scheduler; tasks are coroutines that read the results of others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from stagehand.builder import WorkflowBuilder
from stagehand.core.scheduler import Scheduler
from stagehand.core.workflow import TaskResult

from benchmarks.peers.driver import AsyncPeer, Ready, Unsupported, serve
from benchmarks.peers.shapes import Inputs, Timed, free_async


class Stagehand(AsyncPeer):
    """Functions as tasks (no agents), no logger, no cap, no cache. It writes a JSON file at the end of each run."""

    packages = ("stagehand-ai",)
    configuration = "async functions as tasks, one try, no timeout; run state on disk at the end, as it always does"

    def start(self, scratch: Path) -> None:
        """Its state goes where it is removed."""
        self._folder = str(scratch)

    def build(self, inputs: Inputs) -> Ready:
        """A workflow of functions; each keeps its result as structured data."""
        results: list[Any] = [None] * len(inputs)
        builder = WorkflowBuilder("graph")
        for i, needed in enumerate(inputs):
            builder.task(f"t{i}", fn=_function(i, needed, results), after=[f"t{j}" for j in needed])
        workflow = builder.build()
        scheduler = Scheduler(run_state_directory=self._folder)

        def run() -> list[Any]:
            self.wait(scheduler.run(workflow))
            return results

        return run

    def build_timed(self, timed: Timed, starts: list[float], ends: list[float]) -> Callable[[], object]:
        """Its cap is one number for the whole run; it knows no limit of one tool."""
        if timed.limits:
            raise Unsupported("no limit of one tool")
        builder = WorkflowBuilder("graph")
        for i, needed in enumerate(timed.inputs):
            builder.task(f"t{i}", fn=_sleeper(i, timed.seconds[i], starts, ends), after=[f"t{j}" for j in needed])
        workflow = builder.build()
        scheduler = Scheduler(run_state_directory=self._folder, max_concurrency=timed.cap)
        return lambda: self.wait(scheduler.run(workflow))


def _function(i: int, needed: tuple[int, ...], results: list[Any]) -> Callable[[Any], Any]:
    names = [f"t{j}" for j in needed]

    async def call(context: Any) -> Any:
        given = [context.get_task_result(name).data for name in names] or [i]
        value = results[i] = await free_async(*given)
        return TaskResult(data=value)

    return call


def _sleeper(i: int, seconds: float, starts: list[float], ends: list[float]) -> Callable[[Any], Any]:
    async def pause(_: Any) -> Any:
        starts[i] = perf_counter()
        await asyncio.sleep(seconds)
        ends[i] = perf_counter()
        return TaskResult()

    return pause


if __name__ == "__main__":
    serve(Stagehand)
