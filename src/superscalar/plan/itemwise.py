"""Outcomes item by item (rule L15): what `ok`, `default`, `first`, constant subscripts and iteration look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from superscalar.errors import SuperscalarError
from superscalar.plan.bounds import MAX_ITEMS, Budget, EvaluationError, Unavailable
from superscalar.plan.elements import datum, described, error_text, exactly, item_of, items_of, out_of_range, truth
from superscalar.plan.ir import Apply, Comprehension, Expr, Index, Missing, Ref, Sequence, Target, Unpacked, Var
from superscalar.plan.needs import constant_index, looks_at_items
from superscalar.values import Failure, Observation, Outcome, Skipped, TaskId

Outcomes: TypeAlias = Callable[[TaskId], Outcome]

Reasons: TypeAlias = tuple[type[Exception], ...]

_ANY_REASON: Reasons = (Exception,)
_NO_OUTCOME: Reasons = (Unavailable,)


class Frame:
    """One evaluation: whom to ask for outcomes, what work is left, and the names bound by comprehensions.

    `rules` says how each kind of expression is evaluated.
    """

    __slots__ = ("budget", "names", "outcome", "rules")

    def __init__(self, outcome: Outcomes, budget: Budget, rules: Mapping[type, Callable[[Any, Frame], Any]]) -> None:
        self.outcome = outcome
        self.budget = budget
        self.rules = rules
        self.names: dict[str, Any] = {}

    def value(self, expr: Expr) -> Any:
        """The value of `expr`; one step."""
        self.budget.left -= 1
        if self.budget.left < 0:
            self.budget.spend(0)
        return self.rules[type(expr)](expr, self)


def explained(error: Exception) -> EvaluationError:
    """What Python raised, as what we raise. A value that a tool made may have methods of its own, which raise anything.

    Raises:
        SuperscalarError, RecursionError, MemoryError: as given, since they say nothing of the expression.
    """
    if isinstance(error, EvaluationError):
        return error
    if isinstance(error, SuperscalarError | RecursionError | MemoryError):
        raise error
    return EvaluationError(error_text(error), type(error).__name__)


def item_outcomes(task: TaskId, outcome: Outcome) -> list[Outcome]:
    """The outcome of each item of a map, display or list, those skipped by guard left out (rule L15).

    Raises:
        Unavailable: the task has no items: it failed or was skipped as a whole.
        EvaluationError: it succeeded with what is no collection.
    """
    match outcome:
        case Observation():
            return [Observation(item) for item in items_of(outcome.value)]
        case Failure(items=items) if items is not None:
            return [item for item in items if not _by_guard(item)]
        case _:
            raise Unavailable(task, outcome)


def _by_guard(outcome: Outcome) -> bool:
    return isinstance(outcome, Skipped) and outcome.by_guard


class Absent:
    """What stands where a value should be: the error to raise when it is needed, and its items if it has some."""

    __slots__ = ("entries", "error")

    def __init__(self, error: Unavailable | EvaluationError, entries: list[Any] | None = None) -> None:
        self.error = error
        self.entries = entries


def _absent(task: TaskId, outcome: Outcome) -> Absent:
    return Absent(Unavailable(task, outcome))


def look(expr: Expr, frame: Frame, absent: Reasons = _NO_OUTCOME) -> Any:
    """The value of `expr`, or an `Absent` where a task, or an item of one, that it names did not succeed.

    `absent`: what makes an item of a display or comprehension in `expr` one that has no value. By default that is the
    outcome of a task only, so that an error in such an item is one of the whole, as in Python.
    """
    match expr:
        case Ref(task):
            found = frame.outcome(task)
            return found.value if type(found) is Observation else _absent(task, found)
        case Var(name) if name in frame.names:
            return frame.names[name]
        case Index(base, index):
            position = constant_index(index)
            if position is None:
                return item_of(frame.value(base), frame.value(index), frame.budget)
            held = look(base, frame)
            if type(held) is not Absent:
                return item_of(held, position, frame.budget)
            entries = _entries(held, frame)
            if not -len(entries) <= position < len(entries):
                raise out_of_range(position, len(entries))
            return entries[position]
        case Unpacked(base, position, count):
            return exactly(_entries(look(base, frame), frame), count)[position]
        case Sequence(kind, items) if kind != "set":
            entries = [_attempt(item, frame, absent) for item in items]
            return _gathered(entries, tuple(entries) if kind == "tuple" else entries, frame)
        case Comprehension(kind) if kind == "list":
            entries = collected(expr, frame, lambda: _attempt(expr.element, frame, absent), absent)
            return _gathered(entries, entries, frame)
        case _:
            return frame.value(expr)


def _attempt(expr: Expr, frame: Frame, absent: Reasons) -> Any:
    """The value of `expr`, or an `Absent` if it has none for one of those reasons."""
    frame.budget.spend(1)
    try:
        return look(expr, frame, absent)
    except absent as error:
        return _because(error)


def _because(error: Exception) -> Absent:
    return Absent(error if isinstance(error, Unavailable) else explained(error))


def _gathered(entries: list[Any], whole: Any, frame: Frame) -> Any:
    frame.budget.items(len(entries))
    missing_one = next((entry for entry in entries if type(entry) is Absent), None)
    return whole if missing_one is None else Absent(missing_one.error, entries)


def _entries(held: Any, frame: Frame) -> list[Any]:
    """The items of a value; of a partly failed one too, where an `Absent` stands for each item that has none."""
    if type(held) is not Absent:
        whole = items_of(held)
        frame.budget.spend(len(whole))
        return whole
    entries: list[Any] | None = held.entries
    if entries is not None:
        return entries
    error = held.error
    items = _items_in(error)
    if items is None or not isinstance(error, Unavailable):
        raise error
    frame.budget.spend(len(items))
    return [
        item.value if type(item) is Observation else _absent(f"{error.task}[{position}]", item)
        for position, item in enumerate(items)
        if not _by_guard(item)
    ]


def _items_in(error: Unavailable | EvaluationError) -> tuple[Outcome, ...] | None:
    outcome = error.outcome if isinstance(error, Unavailable) else None
    return outcome.items if isinstance(outcome, Failure) else None


def ok(expr: Apply, frame: Frame) -> Any:
    """`ok(xs)`: the items that succeeded; of what itself failed there are none, so it fails too."""
    found = look(expr.arguments[0], frame, _ANY_REASON)
    if type(found) is not Absent:
        return found
    return [entry for entry in _entries(found, frame) if type(entry) is not Absent]


def default(expr: Apply, frame: Frame) -> Any:
    """`default(x, fallback)`: `x`, or the fallback if it failed or was skipped, evaluated only then.

    An `x` that is an expression fails as a task of its own would that had it for its work.
    """
    found = _attempt(expr.arguments[0], frame, _ANY_REASON)
    return frame.value(expr.arguments[1]) if type(found) is Absent else found


def missing(expr: Missing, frame: Frame) -> bool:
    """Whether `default` would take its fallback."""
    return type(_attempt(expr.operand, frame, _ANY_REASON)) is Absent


def first(expr: Apply, frame: Frame) -> list[Any]:
    """`first(k, xs)`: the first `k` that succeeded, in input order (rule L16); fewer are an error."""
    count = wanted(frame.value(expr.arguments[0]))
    entries = _entries(look(expr.arguments[1], frame, _ANY_REASON), frame)
    succeeded = [entry for entry in entries if type(entry) is not Absent]
    if len(succeeded) < count:
        message = f"`first` wants {count}, but {len(succeeded)} of {len(entries)} succeeded"
        raise EvaluationError(message, "ValueError")
    return succeeded[:count]


def wanted(count: Any) -> int:
    """How many `first` is asked for.

    Raises:
        EvaluationError: that is no number of items.
    """
    count = datum(count)
    if type(count) not in (int, bool) or count < 1:
        raise EvaluationError(f"`first` takes how many are wanted, at least 1, and a list; not {described(count)}")
    return int(count)


# -------------------------------------------------------------------------------------------------- comprehensions


def collected(expr: Comprehension, frame: Frame, read: Callable[[], Any], absent: Reasons = ()) -> list[Any]:
    """What `read` gives for every binding of the clauses; only the first iterable is outside their scope.

    An item whose binding or filter cannot be evaluated leaves an `Absent` for those reasons, and ends the whole for
    every other.
    """
    made: list[Any] = []
    entries = _entries(look(expr.clauses[0].iterable, frame), frame)
    outer = frame.names
    bound = {name for clause in expr.clauses for name in _bound(clause.target)}
    frame.names = {name: value for name, value in outer.items() if name not in bound}
    try:
        _loop(expr, 0, entries, frame, made, read, absent)
    finally:
        frame.names = outer
    return made


def _loop(
    expr: Comprehension,
    depth: int,
    entries: list[Any],
    frame: Frame,
    made: list[Any],
    read: Callable[[], Any],
    absent: Reasons,
) -> None:
    clause = expr.clauses[depth]
    inner = expr.clauses[depth + 1 :]
    for entry in entries:
        frame.budget.spend(1)
        try:
            if type(entry) is Absent and not looks_at_items(expr):
                raise entry.error  # it is needed, as `needs_of` said
            _bind(clause.target, entry, frame)
            if not all(truth(frame.value(condition)) for condition in clause.conditions):
                continue
            nested = _entries(look(inner[0].iterable, frame), frame) if inner else None
        except absent as error:
            made.append(_because(error))
            continue
        if nested is not None:
            _loop(expr, depth + 1, nested, frame, made, read, absent)
        else:
            made.append(read())
        if len(made) > MAX_ITEMS:
            frame.budget.items(len(made))


def _bound(target: Target) -> Iterator[str]:
    if isinstance(target, str):
        yield target
    else:
        for part in target:
            yield from _bound(part)


def _bind(target: Target, entry: Any, frame: Frame) -> None:
    if isinstance(target, str):
        frame.names[target] = entry
    elif type(entry) is Absent and entry.entries is None and _items_in(entry.error) is None:
        for name in _bound(target):
            frame.names[name] = entry
    else:
        for part, item in zip(target, exactly(_entries(entry, frame), len(target)), strict=True):
            _bind(part, item, frame)
