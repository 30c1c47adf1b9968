"""What the tasks that call no tool come to: values computed, items put together, versions chosen. Pure."""

from __future__ import annotations

from typing import Any

from superscalar import events
from superscalar.plan.evaluate.elements import described, truth
from superscalar.plan.evaluate.expression import BoundError, EvaluationError, Unavailable, evaluate
from superscalar.plan.evaluate.expression import outcome_of as evaluated
from superscalar.plan.evaluate.holders import HeldRow, held
from superscalar.plan.ir import UNBOUND, Compute, Display, Each, Expr, Join, Map, PlanCall, Ref, Select, Supplied, Work
from superscalar.schedule.cells import NO_VALUE, Cell
from superscalar.schedule.items import gathered_rows, last, spread
from superscalar.schedule.lookup import Lookup, cause, instance
from superscalar.schedule.races import Race
from superscalar.values import Failure, Observation, Outcome, Skipped, TaskId, Withheld, is_silent


def outcome_of_task(work: Work, cell: Cell, outcome: Lookup) -> Outcome:
    """The outcome of a task whose inputs are in.

    Raises:
        EvaluationError: an expression of the plan went wrong.
        Unavailable: a value is needed that is not there.
    """
    match work:
        case Compute(Ref(task)) | PlanCall(
            _, task
        ):  # another name for it, so its items may be looked at under this one
            return _version(task, cell, outcome)
        case Compute(value):
            return evaluated(value, outcome, lambda task, found: instance(cell, task, found))
        case Supplied(input, value):
            if value is UNBOUND or isinstance(value, Withheld):
                why = "is a secret, which no journal has: give it again" if input.secret else "was not given"
                raise EvaluationError(f"the input `{input.name}` {why}")
            return Observation(value)
        case Display(kind, _, keys):
            rows = gathered_rows(cell)
            if kind == "dict":
                by_key = [_attempted(key, outcome) for key in keys]
                rows = [row._replace(key=key) for row, key in zip(rows, by_key, strict=True)]
            return held(kind, rows)
        case Map():
            return held(work.kind, gathered_rows(cell))
        case Select():
            return _chosen(work, cell, outcome)
        case Each(last=True):
            return _last(work, cell, outcome)
        case Each():
            return _collected(work, cell, outcome)
        case Join(items):
            return _joined(items, cell, outcome)
    raise EvaluationError(f"{type(work).__name__} is called, not computed")


def evaluation_failure(error: EvaluationError) -> Failure:
    """What an expression that went wrong leaves behind."""
    return Failure("bounds" if isinstance(error, BoundError) else "evaluation", str(error), error.error)


def instead(cell: Cell, error: Unavailable | EvaluationError, now: float) -> events.Skipped | events.Failed:
    """What becomes of a task of which something cannot be evaluated."""
    if isinstance(error, EvaluationError):
        return events.Failed(now, cell.id, evaluation_failure(error))
    return events.Skipped(now, cell.id, *cause(cell, error))


def answers(race: Race, cell: Cell) -> list[Any]:
    """The values of the items that were first, in input order (rule L16).

    Raises:
        EvaluationError: fewer succeed than are wanted.
    """
    found = [outcome for element in cell.parts if (outcome := element.outcome()) is not None]
    if len(race.won) < race.wanted:
        missing = [one for one in found if not isinstance(one, Observation) and not is_silent(one)]
        why = f"; the first: {missing[0]}" if missing else ""
        message = f"`first` wants {race.wanted}, but fewer of {len(cell.parts)} items succeed{why}"
        raise EvaluationError(message, "ValueError")
    return [_value(outcome) for position in race.winners if (outcome := cell.parts[position].outcome()) is not None]


def _attempted(key: Expr, outcome: Lookup) -> Outcome:
    try:
        return Observation(evaluate(key, outcome))
    except Unavailable as missing:
        found = missing.outcome
        return found if isinstance(found, Skipped) else Skipped(missing.task)
    except EvaluationError as error:
        return evaluation_failure(error)


def _collected(work: Each, cell: Cell, outcome: Lookup) -> Outcome:
    """What a loop added to a list, behind what there was before it (rule L14)."""
    before: list[HeldRow] = []
    if work.otherwise is not None:
        start = outcome(work.otherwise)
        match start:
            case Observation(list(found)):
                before = [HeldRow(Observation(item)) for item in found]
            case Observation(found):
                raise EvaluationError(f"only a list can be appended to, not {described(found)}", "AttributeError")
            case Failure(items=tuple()) | Skipped(items=tuple()):
                before = spread(start)
            case _:
                added = held("list", gathered_rows(cell))
                if is_silent(start) and isinstance(added, Failure):  # what lacks both has failed
                    return Failure(added.kind, added.message)
                raise Unavailable(work.otherwise, start)
    return held("list", [*before, *gathered_rows(cell)])


def _value(outcome: Outcome) -> Any:
    return outcome.value if isinstance(outcome, Observation) else None


def _chosen(work: Select, cell: Cell, outcome: Lookup) -> Outcome:
    """The version that the path taken left behind; none there is a skip by guard (rule L11)."""
    match outcome(work.condition):
        case Observation(value):
            version = work.then if truth(value) else work.otherwise
            if version is None:
                return Skipped(work.condition, by_guard=True)
            return _version(version, cell, outcome)
        case Skipped() as skipped:
            return skipped
        case _:
            return Skipped(work.condition)


def _last(work: Each, cell: Cell, outcome: Lookup) -> Outcome:
    """What the last item that was reached left behind; if none was, what there was before the loop (rule L14)."""
    if (found := last(cell, cell.scope.find(work.loop))) is not None:
        return _passed_on(found[1], found[0].id)
    if work.otherwise is None:
        return Skipped(work.loop, by_guard=True)
    return _version(work.otherwise, cell, outcome)


def _version(task: TaskId, cell: Cell, outcome: Lookup) -> Outcome:
    found = outcome(task)
    return _passed_on(found, instance(cell, task, found))


def _passed_on(found: Outcome, id: TaskId) -> Outcome:
    """The same under another name. A failure is reported once, unless it has items, which may be looked at."""
    return Skipped(id) if isinstance(found, Failure) and found.items is None else found


def _joined(items: tuple[tuple[str | None, TaskId], ...], cell: Cell, outcome: Lookup) -> Outcome:
    """What the joiner sees: values where there are any, the outcomes that are none in their places (rule L6)."""
    if len(items) == 1 and items[0][0] is None:
        return outcome(items[0][1])
    cells = cell.scope.cells
    values = [
        _shown(outcome(task)) if (one := cells.get(task)) is None or one.value is NO_VALUE else one.value
        for _, task in items
    ]
    named = bool(items) and items[0][0] is not None
    return Observation(dict(zip([name for name, _ in items], values, strict=True)) if named else values)


def _shown(outcome: Outcome) -> Any:
    return outcome.value if isinstance(outcome, Observation) else outcome
