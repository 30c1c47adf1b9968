"""What a tool may ask of the run that called it."""

from __future__ import annotations

from typing import Generic, TypeVar

from superscalar.tools.execution import Channel, Invocation, check_charge
from superscalar.values import Usage

ContextT = TypeVar("ContextT")


class ToolCancelled(Exception):
    """Raised by `ToolContext.raise_if_cancelled` so that a tool in a thread can stop in the middle."""


class ArgumentError(Exception):
    """The arguments do not fit the tool's signature; the message names each that does not and why."""


class ResultError(Exception):
    """What a tool returned is not what it declares to return; the message says why."""


class ToolContext(Generic[ContextT]):
    """Declare a parameter of this type and the tool gets one; the planner never sees that parameter.

        @tool
        def report(month: str, run: ToolContext[User]) -> str:
            run.progress("reading", 0.2)
            run.raise_if_cancelled()          # a thread cannot be stopped from outside: ask now and then
            return fetch(month, token=run.context.token)

    `context` is what the caller gave to this run (`agent.run(..., context=...)`): credentials, a user id. It is never
    written to events. `idempotency_key` is the same for every attempt of one task: hand it to the provider of a write.
    """

    __slots__ = ("_call", "_channel", "attempt", "cancelled", "context", "run_id", "task_id")

    def __init__(self, call: Invocation, channel: Channel) -> None:
        self._call = call
        self._channel = channel
        self.context: ContextT = channel.context
        self.run_id = call.run_id
        self.task_id = call.task_id
        self.attempt = call.attempt
        self.cancelled = False

    @property
    def idempotency_key(self) -> str:
        """Return a key made of the run and the task, stable over attempts."""
        return self._call.idempotency_key

    def progress(self, message: str, fraction: float | None = None) -> None:
        """Say how far the work is; `fraction` from 0 to 1. Safe from any thread, cheap, never blocks."""
        self._channel.progress(message, fraction)

    def charge(self, cost: float = 0.0, *, tokens: int = 0) -> None:
        """Say what this call has cost, in money or in tokens of a model: it counts in the run's budgets.

        For what is known only afterwards; a fixed price is declared with `@tool(cost=)`. Safe from any thread.

        Raises:
            ValueError: something below zero, or no number.
        """
        check_charge(cost, tokens)
        self._channel.charge(cost, tokens)

    def asked(self, model: str) -> None:
        """Say that this call asks a model of that name; `used` says that it is done. Safe from any thread."""
        self._channel.asked(model)

    def used(self, usage: Usage) -> None:
        """Say what a model that this call asked has used: it counts towards the budgets and the result's usage.

        Safe from any thread.

        Raises:
            ValueError: it cannot be counted.
        """
        self._channel.used(usage)

    def raise_if_cancelled(self) -> None:
        """Stop here if the run no longer wants the result.

        Raises:
            ToolCancelled: the call timed out or the run was cancelled.
        """
        if self.cancelled:
            raise ToolCancelled("the run no longer wants the result")
