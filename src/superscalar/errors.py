"""The exception tree: what the caller must fix, what a model or a tool reports, and what is our own bug.

What a *model* can fix is data and not in this module: a `Diagnostic` (`superscalar.plan`) or a `Failure`
(`superscalar.values`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

SAID = 2_000
"""Characters of what a model had said that an error holds."""


def beginning(reply: str) -> str:
    """As much of what a model said as the text of an error tells."""
    return reply.strip()[:200]


def as_said(reply: str) -> str:
    """As much of what a model said as an error holds."""
    return reply.strip()[:SAID]


class SuperscalarError(Exception):
    """Root of every exception that this library raises on purpose."""


class UsageError(SuperscalarError):
    """The calling program is wrong; the message shows the line to write instead."""


class ToolsetError(SuperscalarError):
    """A toolset could not be opened, or did not list its tools; the message says which and why. Nothing was run."""


class PlanError(SuperscalarError):
    """A plan has errors and nobody is left to repair it.

    `diagnostics` holds what was found, in source order; `str()` of the exception shows each with its place. `said`: the
    first 2,000 characters of what the planner said last, if a planner was asked; `reply`: the first 200.
    """

    def __init__(self, diagnostics: Sequence[object], *, summary: str = "the plan has errors", reply: str = "") -> None:
        self.diagnostics = tuple(diagnostics)
        self.reply = beginning(reply)
        self.said = as_said(reply)
        super().__init__("\n\n".join([summary, *(str(d) for d in self.diagnostics)]))


class ModelError(SuperscalarError):
    """A language model did not answer.

    `retryable` says whether the same request may succeed later, `retry_after` (seconds) when, if the provider said so;
    `status` is the HTTP status where there was one. `said`: the first 2,000 characters of what it had written by then.
    """

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = False,
        retry_after: float | None = None,
        status: int | None = None,
        said: str = "",
    ) -> None:
        super().__init__(message)
        self.said = as_said(said)
        self.retryable = retryable
        self.retry_after = retry_after
        self.status = status


class ModelSetupError(ModelError):
    """A model cannot be used on this machine yet (a missing extra, key or file); the message says what to do."""


class JoinError(SuperscalarError):
    """The joiner gave no usable answer: it timed out, broke its output type, or asked for a replan at the limit.

    `said`: the first 2,000 characters of what it said last, or had by then; `reply`: the first 200. Without a joiner:
    nothing that was joined has a value, and that is no condition's doing; `outcomes` has what every task left behind,
    by id.
    """

    def __init__(
        self, message: str, *, reply: str = "", outcomes: Mapping[str, Any] = MappingProxyType({}), said: str = ""
    ) -> None:
        self.reply = beginning(reply)
        self.said = as_said(said or reply)
        self.outcomes = outcomes
        super().__init__(f"{message}\nit said: {self.reply}" if self.reply else message)


class TaskFailed(SuperscalarError):
    """A value was asked for that is not there. `outcome`: the `Failure` or `Skipped` in its place; `task`: its id.

    What the tool raised, if the run still has it, is the exception's cause.
    """

    def __init__(self, message: str, outcome: Any, task: str = "") -> None:
        self.outcome = outcome
        self.task = task
        super().__init__(message)


class UnknownTask(UsageError, KeyError):
    """A run has no task of that id or name; the message names those that come near."""

    __str__ = Exception.__str__


class JournalError(SuperscalarError):
    """A journal cannot be written or read (`path`): no room, no permission, damaged, or of a newer release.

    A run whose journal cannot be written stops rather than going on unrecorded.
    """

    def __init__(self, path: str, message: str) -> None:
        self.path = path
        super().__init__(f"{path}: {message}")


class UnknownRun(UsageError):
    """A journal has no run of that id; the message names some that it has."""


class RunBusy(SuperscalarError):
    """Another process, or this one, is at work on that run; the message says which and since when."""


class ToolError(SuperscalarError):
    """Base of what a tool may raise to say more than "it failed". Any other exception is a plain failure."""


class RateLimited(ToolError):
    """The provider said "too many" (HTTP 429 or its like) and did nothing.

    Pauses the tool's limits for `retry_after` seconds (a backoff of ours where it is None), narrows them, and tries
    again. An error of an HTTP library that says 429 need not be turned into this one.
    """

    def __init__(self, message: str = "rate limited", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotDone(ToolError):
    """A write certainly did not happen, so it is *failed* and not *in doubt*."""


class NotBegun(NotDone, TimeoutError):
    """A call was given up before its function had been entered, so that it certainly did not happen and never will."""


class InDoubt(SuperscalarError):
    """A run that is to be resumed had begun writes that may or may not have happened, and nobody was there to say.

    Nothing was done and nothing recorded: look into each of `doubts`, and resume again with an answer.
    """

    def __init__(self, message: str, doubts: Sequence[object]) -> None:
        super().__init__(message)
        self.doubts = tuple(doubts)


class ApprovalPending(SuperscalarError):
    """A run waits for a person's answer, and nothing of it can go on without: it is suspended, and its journal has it.

    `questions` (see `superscalar.Question`): answer each (`Journal.approve`, or `superscalar approve`), then resume the
    run `run_id`. Nothing is running.
    """

    def __init__(self, message: str, run_id: str, questions: Sequence[object]) -> None:
        super().__init__(message)
        self.run_id = run_id
        self.questions = tuple(questions)


class NotApproved(SuperscalarError):
    """A person did not approve of a plan as a whole: nothing of it was begun."""


class IllegalEvent(SuperscalarError):
    """Two events contradict each other: a bug of ours, never of the plan. Please report it with its story.

    `story` holds every event of the task concerned, oldest first.
    """

    def __init__(self, message: str, story: Sequence[object] = ()) -> None:
        self.story = tuple(story)
        lines = [message, *(f"  {event}" for event in self.story)]
        super().__init__("\n".join(lines) + "\nThis is a bug in superscalar. Please report it with the lines above.")
