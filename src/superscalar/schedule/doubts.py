"""Writes that the end of a process cut off: what is asked of each (`Doubt`), and what can be answered (`Verdict`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from superscalar.short import bounded
from superscalar.values import Failure, TaskId


@bounded
@dataclass(frozen=True, slots=True)
class Doubt:
    """A write that was begun and whose end nobody saw: it may have happened or not.

    `idempotency_key` is what the tool was given as `ToolContext.idempotency_key`; `attempt` counts from 1.
    """

    run_id: str
    task_id: TaskId
    tool: str
    arguments: Mapping[str, Any]
    attempt: int
    idempotency_key: str

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        return f"{self.task_id}: {self.tool}({given}), attempt {self.attempt}, key {self.idempotency_key}"


@bounded
@dataclass(frozen=True, slots=True)
class Done:
    """It happened, and this is what the call returned (None where nobody needs it)."""

    value: Any = None


@dataclass(frozen=True, slots=True)
class CallAgain:
    """It certainly did not happen: call the tool again."""


@dataclass(frozen=True, slots=True)
class StillUnknown:
    """Nobody can tell: the task fails in doubt, as a write does whose time passed."""


Verdict: TypeAlias = Done | CallAgain | StillUnknown

CUT_OFF = Failure("cancelled", "the process ended while it was being called, and nobody knows more", in_doubt=True)
"""What a write leaves behind that nobody knows anything of."""
