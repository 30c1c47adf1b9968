"""What ends a command early, said for the person at the keyboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from superscalar.advice import command
from superscalar.cli.codes import FAILED, USAGE, WAITING
from superscalar.errors import (
    ApprovalPending,
    IllegalEvent,
    JoinError,
    ModelSetupError,
    PlanError,
    SuperscalarError,
    UsageError,
)
from superscalar.observe.documents import diagnostic_document, outcome_document, question_document
from superscalar.plan.ir.diagnostics import Diagnostic
from superscalar.policy import Question
from superscalar.schedule.questions import pending_text
from superscalar.values import Outcome, TaskId


class CommandError(Exception):
    """A command cannot go on. `kind` is what `--json` calls it, `code` the exit code.

    `questions`: what the run `run` waits for a person to answer. `outcomes`: of a run that ended without an answer.
    `calls`: those that a stopped run had begun, by what became of them.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str = "UsageError",
        code: int = USAGE,
        diagnostics: tuple[Diagnostic, ...] = (),
        run: str = "",
        questions: tuple[Question, ...] = (),
        outcomes: Mapping[TaskId, Outcome] = MappingProxyType({}),
        calls: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code
        self.diagnostics = diagnostics
        self.run = run
        self.questions = questions
        self.outcomes = outcomes
        self.calls = calls


def command_error(
    error: SuperscalarError, *, file: str = "plan", journal: Path | None = None, again: Sequence[str] = ()
) -> CommandError:
    """The same for an exception of the library; the diagnostics of a plan are said to be in `file`.

    `journal`: where a run that waits for an answer is recorded, and `again` the options that it is gone on with.

    A wrong name, key or option is the command line's fault (exit code 2): nothing has run.
    """
    if isinstance(error, IllegalEvent):
        raise error  # a bug of ours: the traceback belongs in the report
    if isinstance(error, ApprovalPending):
        questions = tuple(question for question in error.questions if isinstance(question, Question))
        going_on = command("resume", error.run_id, journal=journal, then=again)
        text = pending_text(error.run_id, questions, journal, going_on)
        return CommandError(text, kind="ApprovalPending", code=WAITING, run=error.run_id, questions=questions)
    found = getattr(error, "diagnostics", ()) if isinstance(error, PlanError) else ()
    placed = (d if d.file != "plan" else replace(d, file=file) for d in found if isinstance(d, Diagnostic))
    diagnostics = tuple(placed)
    message = str(error).split("\n\n", 1)[0] if diagnostics else str(error)
    code = USAGE if isinstance(error, UsageError | ModelSetupError) else FAILED
    outcomes = error.outcomes if isinstance(error, JoinError) else {}
    return CommandError(message, kind=type(error).__name__, code=code, diagnostics=diagnostics, outcomes=outcomes)


def error_document(error: CommandError) -> dict[str, Any]:
    """What went wrong instead of an answer."""
    document: dict[str, Any] = {
        "type": error.kind,
        "message": str(error),
        "diagnostics": [diagnostic_document(diagnostic) for diagnostic in error.diagnostics],
    }
    if error.questions:
        document |= {"run_id": error.run, "questions": [question_document(question) for question in error.questions]}
    if error.calls:
        document |= {"run_id": error.run, "calls": dict(error.calls)}
    if error.outcomes:
        document["outcomes"] = {task: outcome_document(outcome) for task, outcome in error.outcomes.items()}
    return {"error": document}
