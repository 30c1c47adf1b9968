"""What an agent may learn from a run: its question and its plan, where nobody else had a hand in that plan."""

from __future__ import annotations

from collections.abc import Iterator

from superscalar.compiler.equipment import Equipment
from superscalar.compiler.result import RunResult, secrets_known_to
from superscalar.errors import UsageError
from superscalar.events import RoundStarted, RunStarted
from superscalar.plan.print.program import print_plan
from superscalar.schedule.withholding import secrets_of_tools, withheld_plan
from superscalar.secrets import MARK, Scrubber
from superscalar.short import short
from superscalar.values import Observation, Outcome, Skipped


def learned(result: RunResult, equipment: Equipment) -> tuple[str, str]:
    """The question of a run, and its plan as printed, to be an example for later questions.

    Raises:
        UsageError: it is none; the message says why not.
    """
    if not isinstance(result, RunResult):
        raise UsageError(f"add_example({short(result)}): write what agent.run(...) returned")
    if why := why_not_kept(result, equipment):
        raise UsageError(f"run {result.run_id} cannot be an example: {why}")
    return asked_in(result), print_plan(result.plan.tasks)


def asked_in(result: RunResult) -> str:
    """What a run was asked; empty where no model planned it."""
    return next((event.question for event in result.events if isinstance(event, RunStarted)), "")


def why_not_kept(result: RunResult, equipment: Equipment) -> str:
    """Why a plan should be used for nothing but its own run; empty if it may be."""
    question, plan = asked_in(result), print_plan(result.plan.tasks)
    return next(_reasons(result, question), "") or next(_secrets(result, question, plan, equipment), "")


def _reasons(result: RunResult, question: str) -> Iterator[str]:
    """Why its plan is not what a planner should write that is asked this question, and knows nothing else."""
    lacking = (id for id, outcome in result.outcomes.items() if not _is_fine(outcome))
    if not question:
        yield "no model planned it"
    if not result.complete:
        yield f"its answer was cut: {result.cut}"
    if (id := next(lacking, None)) is not None:
        yield f"`{id}` has no value: {result.outcomes[id]}"
    if result.rounds > 1:
        yield f"it was planned in {result.rounds} rounds, and what is planned with results in view is made from them"
    if len(result.messages) > 2:
        yield "its question goes on with a conversation, which an example does not show"
    if any(event.files for event in result.events if isinstance(event, RunStarted)):
        yield "its question came with files, which an example does not show"
    labels = [event.label for event in result.events if isinstance(event, RoundStarted)]
    if not all(label is not None and label.open for label in labels):
        yield "its planner had seen what is not trusted, or not for everybody"


def _is_fine(outcome: Outcome) -> bool:
    """Whether it is a value, or nothing was to be had: a condition left it out, or nobody needed it."""
    return isinstance(outcome, Observation) or (isinstance(outcome, Skipped) and (outcome.by_guard or outcome.unneeded))


def _secrets(result: RunResult, question: str, plan: str, equipment: Equipment) -> Iterator[str]:
    """Why it must not be shown with other questions."""
    tasks = result.plan.tasks
    if print_plan(withheld_plan(tasks, secrets_of_tools(equipment.tools))) != plan:
        yield "its plan says something for a secret parameter"
    known = secrets_known_to(result)
    if known is None:
        yield "it is a copy, of which nobody knows any more what was secret in its run"
        return
    scrub = Scrubber(equipment.secrets, equipment.options.redact)
    if any(MARK in text or scrub(text) != text or known.finds(text) for text in (question, plan)):
        yield "its question or its plan holds what is secret, or what redact= takes out"
