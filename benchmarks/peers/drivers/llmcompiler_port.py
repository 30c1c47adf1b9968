"""The registry's `llmcompiler`: its task fetching unit on tasks that are there already, its planner left out."""

from __future__ import annotations

from typing import Any

from langchain_core.messages import HumanMessage
from langchain_core.tools import StructuredTool
from llmcompiler.graph import plan_and_schedule
from llmcompiler.tools.generic.action_output import ActionOutput, DAGFlow

from benchmarks.peers.driver import Peer, Ready, serve
from benchmarks.peers.shapes import Inputs
from benchmarks.peers.shapes import free as sum_up


def _say_nothing(*_: object, **__: object) -> None:
    """Its prints of every task are left out, in its favour."""


class LLMCompilerPort(Peer):
    """Its thread pool, as large as it makes it; a waiting task polls every 0.1 s, which cannot be set."""

    packages = ("llmcompiler", "langchain-core")
    configuration = "schedule_tasks on made tasks, sync tools in its thread pool, its prints switched off"

    def start(self, _: object) -> None:
        """Quiet."""
        plan_and_schedule._print_task = _say_nothing  # noqa: SLF001

    def build(self, inputs: Inputs) -> Ready:
        """Tasks as its parser would make them."""
        results = [0] * len(inputs)

        def free(i: int, x: int, y: int = 0) -> Any:
            """Add, plus one."""
            value = results[i] = sum_up(x, y)
            return ActionOutput(any=value, dag_kwargs=DAGFlow(tool_name="free", kwargs={"value": value}))

        tool = StructuredTool.from_function(free)
        tasks = []
        for i, needed in enumerate(inputs):
            given: dict[str, Any] = {name: f"${{{j + 1}}}.value" for name, j in zip("xy", needed, strict=False)}
            arguments = {"i": i, **(given or {"x": i})}
            dependencies = [j + 1 for j in needed]
            tasks.append({"idx": i + 1, "tool": tool, "args": arguments, "dependencies": dependencies, "thought": None})

        def run() -> list[int]:
            plan_and_schedule.schedule_tasks.invoke(
                {
                    "messages": [HumanMessage("go")],
                    "tasks": iter(tasks),
                    "charts": [],
                    "tasks_temporary_save": [],
                    "observations": {},
                    "print_dag": False,
                }
            )
            return results

        return run


if __name__ == "__main__":
    serve(LLMCompilerPort)
