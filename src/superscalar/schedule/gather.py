"""What the tasks that call no tool come to: values computed, items put together, versions chosen. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from superscalar.plan.elements import error_text, hashable, truth
from superscalar.plan.evaluate import BoundError, Budget, EvaluationError, evaluate
from superscalar.plan.ir import Compute, Display, Each, Join, Map, Ref, Select, Work
from superscalar.schedule.cells import Cell, Race
from superscalar.schedule.items import gathered
from superscalar.schedule.state import Schedule
from superscalar.values import Failure, Observation, OrderedSet, Outcome, Skipped, TaskId

Lookup = Callable[[TaskId], Outcome]


def outcome_of(work: Work, cell: Cell, schedule: Schedule, outcome: Lookup) -> Outcome:
    """The outcome of a task whose inputs are in.

    Raises:
        EvaluationError: an expression of the plan went wrong.
        Unavailable: a value is needed that is not there.
    """
    match work:
        case Compute(Ref(task)):  # another name for it, so its items may be looked at under this one too
            return _version(task, cell, schedule, outcome)
        case Compute(value):
            return Observation(evaluate(value, outcome))
        case Map() | Display():
            keys = [evaluate(key, outcome) for key in work.keys] if isinstance(work, Display) else None
            return _together(work.kind, gathered(cell), keys)
        case Select():
            return _chosen(work, cell, schedule, outcome)
        case Each(last=True):
            return _last(work, cell, schedule, outcome)
        case Each():
            return _together("list", gathered(cell), None)
        case Join(items):
            return _joined(items, outcome)
    raise EvaluationError(f"{type(work).__name__} is called, not computed")


def failure_of(error: EvaluationError) -> Failure:
    """What an expression that went wrong leaves behind."""
    return Failure("bounds" if isinstance(error, BoundError) else "evaluation", str(error), error.error)


def answers(race: Race, cell: Cell) -> list[Any]:
    """The values of the items that were first, in input order (rule L16).

    Raises:
        EvaluationError: fewer succeed than are wanted.
    """
    found = [outcome for element in cell.parts if (outcome := element.outcome()) is not None]
    if len(race.won) < race.wanted:
        missing = [one for one in found if not isinstance(one, Observation) and not _is_silent(one)]
        why = f"; the first: {missing[0]}" if missing else ""
        message = f"`first` wants {race.wanted}, but fewer of {len(cell.parts)} items succeed{why}"
        raise EvaluationError(message, "ValueError")
    return [_value(outcome) for position in race.winners if (outcome := cell.parts[position].outcome()) is not None]


def _is_silent(outcome: Outcome) -> bool:
    return isinstance(outcome, Skipped) and outcome.by_guard


def _together(kind: str, rows: list[tuple[Outcome | None, Outcome]], keys: list[Any] | None) -> Outcome:
    """One collection of all items; or, if some have no value, a failure that holds the outcome of each (rule L15)."""
    missing = [found for row in rows for found in row if found is not None and not isinstance(found, Observation)]
    if missing:
        message = f"{len(missing)} of {len(rows)} items failed; the first: {missing[0]}"
        # An item whose key failed has failed, whatever its value.
        items = tuple(value if key is None or isinstance(key, Observation) else key for key, value in rows)
        return Failure("items", message, items=items)
    values = [_value(value) for _, value in rows]
    try:
        if kind == "dict":
            names = keys if keys is not None else [_value(key) for key, _ in rows if key is not None]
            return Observation(dict(zip(_hashable(names), values, strict=True)))
        made = {"list": list, "tuple": tuple, "set": OrderedSet}[kind]
        return Observation(made(_hashable(values) if kind == "set" else values))
    except EvaluationError:
        raise
    except Exception as error:  # noqa: BLE001 -- a value's own `__hash__` is a tool's code, and raises anything
        hint = "; the members of a set and the keys of a dict cannot be lists or dicts"
        raise EvaluationError(
            error_text(error) + (hint if isinstance(error, TypeError) else ""), type(error).__name__
        ) from None


def _hashable(values: list[Any]) -> list[Any]:
    budget = Budget()
    return [hashable(value, budget) for value in values]


def _value(outcome: Outcome) -> Any:
    return outcome.value if isinstance(outcome, Observation) else None


def _chosen(work: Select, cell: Cell, schedule: Schedule, outcome: Lookup) -> Outcome:
    """The version that the path taken left behind; none there is a skip by guard (rule L11)."""
    match outcome(work.condition):
        case Observation(value):
            version = work.then if truth(value) else work.otherwise
            if version is None:
                return Skipped(work.condition, by_guard=True)
            return _version(version, cell, schedule, outcome)
        case Skipped() as skipped:
            return skipped
        case _:
            return Skipped(work.condition)


def _last(work: Each, cell: Cell, schedule: Schedule, outcome: Lookup) -> Outcome:
    """What the last item that was reached left behind; if none was, what there was before the loop (rule L14)."""
    for element in reversed(cell.parts):
        found = element.outcome()
        if found is not None and not (isinstance(found, Skipped) and found.by_guard):
            return _passed_on(found, element.cell.id)
    if work.otherwise is None:
        return Skipped(work.loop, by_guard=True)
    return _version(work.otherwise, cell, schedule, outcome)


def _version(task: TaskId, cell: Cell, schedule: Schedule, outcome: Lookup) -> Outcome:
    found = outcome(task)
    return _passed_on(found, schedule.instance(cell, task, found))


def _passed_on(found: Outcome, id: TaskId) -> Outcome:
    """The same under another name. A failure is reported once, unless it has items, which may be looked at."""
    return Skipped(id) if isinstance(found, Failure) and found.items is None else found


def _joined(items: tuple[tuple[str | None, TaskId], ...], outcome: Lookup) -> Outcome:
    """What the joiner sees: values where there are any, the outcomes that are none in their places (rule L6)."""
    if len(items) == 1 and items[0][0] is None:
        return outcome(items[0][1])
    if items and items[0][0] is not None:
        return Observation({name: _shown(outcome(task)) for name, task in items})
    return Observation([_shown(outcome(task)) for _, task in items])


def _shown(outcome: Outcome) -> Any:
    return outcome.value if isinstance(outcome, Observation) else outcome
