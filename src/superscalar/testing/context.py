"""What a tool is given in a test of its own, without a run."""

from __future__ import annotations

from typing import Any, overload

from superscalar.tools.context import ContextT, ToolContext
from superscalar.values import Usage


class NotedContext(ToolContext[ContextT]):
    """A `ToolContext` that keeps what its tool says.

    `said`: its progress, each message with its fraction; `cost` and `tokens`: what it charged in all; `models`: whom it
    asked; `usage`: what these have used. Set `cancelled` and the tool is told that nobody wants its result any more.
    """

    __slots__ = ("cost", "models", "said", "tokens", "usage")

    def __init__(self, context: ContextT, run_id: str, task_id: str, attempt: int) -> None:
        self.said: list[tuple[str, float | None]] = []
        self.cost = 0.0
        self.tokens = 0
        self.models: list[str] = []
        self.usage = Usage()
        super().__init__(
            context, run_id, task_id, attempt, self._say, self._charged, self._has_used, self.models.append
        )

    def _say(self, message: str, fraction: float | None) -> None:
        self.said.append((message, fraction))

    def _charged(self, cost: float, tokens: int) -> None:
        self.cost += cost
        self.tokens += tokens

    def _has_used(self, usage: Usage) -> None:
        self.usage += usage


@overload
def tool_context(*, run_id: str = ..., task_id: str = ..., attempt: int = ...) -> NotedContext[None]: ...
@overload
def tool_context(
    context: ContextT, *, run_id: str = ..., task_id: str = ..., attempt: int = ...
) -> NotedContext[ContextT]: ...


def tool_context(
    context: Any = None, *, run_id: str = "run", task_id: str = "task", attempt: int = 1
) -> NotedContext[Any]:
    """What a tool is given that asks for a `ToolContext`, for a test that calls it itself.

    run = tool_context(User("ann"))
    assert report("May", run) == "..."
    assert run.said == [("reading", 0.2)]
    """
    return NotedContext(context, run_id, task_id, attempt)
