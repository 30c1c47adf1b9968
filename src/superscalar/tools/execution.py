"""Where calls run, as tools and the schedule see it: what is to be done crosses to there, and what comes of it back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from math import inf
from typing import Any, Protocol, TypeAlias

from superscalar.short import short
from superscalar.values import TaskId, Usage


@dataclass(slots=True)
class Invocation:
    """One attempt to call a tool, as it is made: the tool's name, all arguments by its own names, and whose it is.

    The arguments are the call's own, which may be changed, and what is secret stands in them as it is; nothing else in
    it is more than text and a number. `attempt` counts from 1.
    """

    tool: str
    arguments: dict[str, Any] = field(repr=False)
    run_id: str
    task_id: TaskId
    attempt: int

    @property
    def idempotency_key(self) -> str:
        """The run and the task, stable over attempts."""
        return f"{self.run_id}:{self.task_id}"


def check_charge(cost: float, tokens: int) -> None:
    """See that what a call says it has cost can be counted.

    Raises:
        ValueError: something below zero, or no number.
    """
    if not (_can_be_counted(cost) and _can_be_counted(tokens)):
        raise ValueError(f"charge({short(cost)}, tokens={short(tokens)}): what a call has cost, numbers not below 0")


def check_usage(usage: Usage) -> None:
    """See that what a call says a model has used can be counted.

    Raises:
        ValueError: it is no `Usage`, or something of it is below zero, or no number.
    """
    if type(usage) is not Usage:
        raise ValueError(f"used({short(usage)}): what a model has used, a Usage")
    counts = (getattr(usage, field.name) for field in fields(usage))
    if not all(map(_can_be_counted, counts)):
        raise ValueError(f"used({short(usage)}): what a model has used, not below 0")


def _can_be_counted(count: object) -> bool:
    return isinstance(count, int | float) and 0 <= count < inf


class Channel(Protocol):
    """What a call may say to its run while it goes on, and ask of it. Safe from any thread, but for `seconds_left`.

    A label is nothing that it can give: where a value came from is what its tool declares.
    """

    @property
    def context(self) -> Any:
        """What the caller gave to this run: an object of this process, which is never recorded."""
        ...

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the call is cancelled; None: there is no bound. An executor need not count them itself."""
        ...

    def progress(self, message: str, fraction: float | None = None) -> None:
        """Say how far the work is; see `ToolContext.progress`."""
        ...

    def charge(self, cost: float, tokens: int) -> None:
        """Say what the call has cost; see `ToolContext.charge`.

        Raises:
            ValueError: something below zero, or no number.
        """
        ...

    def asked(self, model: str) -> None:
        """Say that the call asks a model of that name."""
        ...

    def used(self, usage: Usage) -> None:
        """Say what a model has used that the call asked; see `ToolContext.used`.

        Raises:
            ValueError: it cannot be counted.
        """
        ...


class Direct:
    """The runner of an async function that needs nothing but its arguments: whoever makes a call may await
    `function(**arguments)` itself, and spare what would be said of the call.
    """

    __slots__ = ("function",)

    def __init__(self, function: Callable[..., Awaitable[Any]]) -> None:
        self.function = function

    def __call__(self, call: Invocation, _: Channel) -> Awaitable[Any]:
        """Call it as any runner does."""
        return self.function(**call.arguments)


Runner: TypeAlias = Callable[[Invocation, Channel], Awaitable[Any]]
"""Runs a call of one tool. What is awaited gives the value, or raises what the tool raised.

Cancelling it stops the call: it ends when that really has ended, or when it is cancelled a second time. What certainly
was not begun raises `NotBegun`, and so a write is not in doubt. The value is checked and weighed as any tool's is.
One whose calls each take a thread of this process says so (`in_threads`); `functools.wraps` says it of one around it.
"""


def in_threads(runner: Runner) -> Runner:
    """Say of a runner that each of its calls takes a thread of this process: they take part in the limit on those."""
    runner.takes_thread = True  # type: ignore[attr-defined]  # it is a function, or an object of the executor's
    return runner


def takes_thread(runner: Runner) -> bool:
    """Whether that was said of a runner."""
    return getattr(runner, "takes_thread", False) is True
