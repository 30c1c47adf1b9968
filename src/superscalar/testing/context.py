"""What a tool is given in a test of its own, without a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, overload

from superscalar.tools.context import ContextT, ToolContext
from superscalar.tools.execution import Invocation, check_charge, check_usage
from superscalar.values import Usage


@dataclass(slots=True)
class Notes:
    """What a tool has said to its context.

    `said`: its progress, each message with its fraction; `cost` and `tokens`: what it charged in all; `models`: whom it
    asked; `usage`: what these have used.
    """

    context: Any
    seconds_left: float | None = None
    said: list[tuple[str, float | None]] = field(default_factory=list)
    cost: float = 0.0
    tokens: int = 0
    models: list[str] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)

    def progress(self, message: str, fraction: float | None = None) -> None:
        """Keep how far the work is."""
        self.said.append((message, fraction))

    def charge(self, cost: float, tokens: int) -> None:
        """Add what the call has cost.

        Raises:
            ValueError: something below zero, or no number.
        """
        check_charge(cost, tokens)
        self.cost += cost
        self.tokens += tokens

    def asked(self, model: str) -> None:
        """Keep which model the call asks."""
        self.models.append(model)

    def used(self, usage: Usage) -> None:
        """Add what a model has used.

        Raises:
            ValueError: it cannot be counted.
        """
        check_usage(usage)
        self.usage += usage


class NotedContext(ToolContext[ContextT]):
    """A `ToolContext` that keeps what its tool says in `notes`.

    Set `cancelled`, and the tool is told that nobody wants its result any more.
    """

    __slots__ = ("notes",)

    def __init__(self, call: Invocation, notes: Notes) -> None:
        super().__init__(call, notes)
        self.notes = notes


@overload
def tool_context(*, run_id: str = ..., task_id: str = ..., attempt: int = ...) -> NotedContext[None]: ...
@overload
def tool_context(
    context: ContextT, *, run_id: str = ..., task_id: str = ..., attempt: int = ...
) -> NotedContext[ContextT]: ...


def tool_context(
    context: Any = None, *, run_id: str = "run", task_id: str = "task", attempt: int = 1
) -> NotedContext[Any]:
    """Make what a tool is given that asks for a `ToolContext`, for a test that calls it itself.

    run = tool_context(User("ann"))
    assert report("May", run) == "..."
    assert run.notes.said == [("reading", 0.2)]
    """
    return NotedContext(Invocation("tool", {}, run_id, task_id, attempt), Notes(context))
