"""What runs the calls of each tool: its own executor, or that of the agent."""

from __future__ import annotations

from collections.abc import Iterable
from functools import wraps
from typing import Any, TypeAlias

from superscalar.errors import UsageError
from superscalar.executors.local import LOCAL
from superscalar.executors.protocol import Executor
from superscalar.tools.execution import Channel, Invocation, Runner
from superscalar.tools.tool import Tool

AnyTool: TypeAlias = Tool[..., Any]


class Runners(dict[AnyTool, Runner]):
    """The runner of each tool, made when it is first asked for. A tool's own executor wins over that of all."""

    def __init__(self, executor: Executor = LOCAL) -> None:
        super().__init__()
        self._executor = executor

    def __missing__(self, tool: AnyTool) -> Runner:
        executor: Executor = tool.terms.executor or self._executor
        runner = executor.runner(tool)
        if not callable(runner):
            raise UsageError(
                f"{type(executor).__name__}.runner({tool.name}) gave {type(runner).__name__}: "
                "return a function of an Invocation and a Channel, `async def run(call, channel)`"
            )
        checked = tool.described.checked
        self[tool] = runner = runner if checked is None else _checking(runner, checked)
        return runner

    def made(self, tools: Iterable[AnyTool]) -> Runners:
        """These, with all that calls of `tools` need: where they cannot run is found out now, not in a run.

        Raises:
            UsageError: an executor does not take one of them.
        """
        for tool in tools:
            _ = self[tool]
            if tool.batched is not None:
                _ = self[tool.batched.tool]
        return self


def _checking(runner: Runner, checked: Any) -> Runner:
    """What comes from a runner is as the tool's schema says, wherever it comes from."""

    @wraps(runner)
    async def run(call: Invocation, channel: Channel) -> Any:
        return checked(await runner(call, channel))

    return run
