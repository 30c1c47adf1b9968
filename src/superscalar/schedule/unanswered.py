"""What a recorded run waits for: the questions that nobody has answered, read off its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from superscalar import events
from superscalar.plan.evaluate.expression import EvaluationError, Unavailable, evaluate
from superscalar.plan.ir import Call, Expr
from superscalar.policy import Question
from superscalar.schedule.cells import READY, Cell
from superscalar.schedule.ledger import Ledger
from superscalar.schedule.lookup import outcomes_for
from superscalar.schedule.questions import origins, plan_question, question_of
from superscalar.schedule.withholding import SecretNames
from superscalar.tools.trust import Declared, remembered
from superscalar.values import WITHHELD


def open_questions(run_id: str, recorded: Iterable[events.Event], about: Mapping[str, Any]) -> tuple[Question, ...]:
    """What is still to be answered of a run, read off its events alone; the plan as a whole first.

    Of a journal that was begun before calls were recorded as a whole, arguments are as the plan gives them. `about`:
    what the run is remembered with (its question, what its tools declared).
    """
    declared = remembered(about.get("declared", {}))
    ledger = Ledger.of(recorded, declared, str(about.get("question", "")))
    found = [_question(run_id, ledger, decided, about, declared) for decided in ledger.open_questions()]
    last = ledger.round
    asks = last.asked and last.approved is None and ledger.ended is None
    of_plan = [plan_question(run_id, last.tasks, _secrets(about), last.estimate)] if asks else []
    return (*of_plan, *(made for made in found if made is not None))


def _question(
    run_id: str, ledger: Ledger, decided: events.Decided, about: Mapping[str, Any], declared: Mapping[str, Declared]
) -> Question | None:
    cell = ledger.schedule.cell(decided.id)
    call = cell.task.work if cell.task is not None else None
    if cell.status is not READY or not isinstance(call, Call):
        return None
    question = str(about.get("question", ""))
    made = dict(ledger.labels.argument(cell, call))
    misled = ledger.round_of(cell).saw_untrusted
    told = origins(cell, call, made, declared, question, _secrets(about), misled=misled)
    if decided.arguments is not None:
        tool = declared.get(call.tool)
        names = about.get("renamed", {}).get(call.tool, {})
        named = {names.get(alias, alias): origin for alias, origin in told.items()}
        whole = question_of(run_id, call.tool if tool is None else tool.name, decided, named)
        return replace(whole, destinations=_destinations(about, whole.tool))
    hidden = about.get("secrets", {}).get(call.tool, ())
    given = {name: WITHHELD if name in hidden else _value(cell, expression) for name, expression in call.arguments}
    return Question(run_id, cell.id, call.tool, given, told, decided.reason)


def _destinations(about: Mapping[str, Any], tool: str) -> frozenset[str] | None:
    """The arguments, and the parts of them, that choose a destination; None where the journal does not say."""
    try:
        said = about["guards"]["tools"][tool]
        return frozenset(said.get("destinations", {}))
    except (LookupError, TypeError, AttributeError):
        return None


def _secrets(about: Mapping[str, Any]) -> SecretNames:
    return {alias: frozenset(names) for alias, names in about.get("secrets", {}).items()}


def _value(cell: Cell, expression: Expr) -> Any:
    try:
        return evaluate(expression, outcomes_for(cell))
    except (EvaluationError, Unavailable) as error:  # it was bound before: evaluation has changed with a release
        return f"<{error}>"
