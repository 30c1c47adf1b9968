"""Outcomes item by item (rules L15, L33): what `ok`, `default`, `first`, constant subscripts and iteration look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Sequence as Many
from typing import Any, Final, TypeAlias

from superscalar.errors import SuperscalarError
from superscalar.plan.evaluate.bounds import MAX_ITEMS, EvaluationError, Unavailable, WorkLeft
from superscalar.plan.evaluate.elements import (
    datum,
    described,
    error_text,
    exactly,
    field_of,
    hashable,
    item_of,
    items_of,
    out_of_range,
    truth,
)
from superscalar.plan.evaluate.elements import missing as not_there
from superscalar.plan.evaluate.holders import NO_VALUE, HeldRow, held, placed_rows, whole_holder
from superscalar.plan.evaluate.methods import MAPPING, method_of
from superscalar.plan.ir import (
    Apply,
    Choice,
    Comprehension,
    Dict,
    Expr,
    Field,
    Index,
    Logic,
    Method,
    Missing,
    Ref,
    Sequence,
    Target,
    Unpacked,
    Var,
)
from superscalar.plan.ir.needs import constant_index
from superscalar.values import Failure, Holder, Observation, Outcome, Skipped, TaskId, is_silent

OutcomeOf: TypeAlias = Callable[[TaskId], Outcome]
NamedBy: TypeAlias = Callable[[TaskId, Outcome], TaskId]
"""The id of the instance of a task, or of `task[i]`, that left that outcome behind."""


class Frame:
    """One evaluation: whom to ask for outcomes, what work is left, and the names bound by comprehensions.

    `rules` says how each kind of expression is evaluated.
    """

    __slots__ = ("budget", "names", "outcome", "rules")

    def __init__(self, outcome: OutcomeOf, budget: WorkLeft, rules: Mapping[type, Callable[[Any, Frame], Any]]) -> None:
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

    def both(self, one: Expr, other: Expr) -> tuple[Any, Any]:
        """The values of two operands. If the first is silently absent, a failure of the second is still told: what
        lacks both has failed, however it is written.
        """
        try:
            left = self.value(one)
        except Unavailable as silent:
            if is_silent(silent.outcome):
                self.value(other)
            raise
        return left, self.value(other)

    def every(self, exprs: Many[Expr]) -> list[Any]:
        """The values of several operands, likewise."""
        made: list[Any] = []
        try:
            for expr in exprs:
                made.append(self.value(expr))  # noqa: PERF401 -- how many there are is looked at when one has none
        except Unavailable as silent:
            if is_silent(silent.outcome):
                self.every(exprs[len(made) + 1 :])
            raise
        return made


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
    """The outcome of each item of a map, display or list: of a mapping, of each of its keys.

    Raises:
        Unavailable: the task has no items: it failed or was skipped as a whole.
        EvaluationError: it succeeded with what is no collection.
    """
    match outcome:
        case Observation():
            return [Observation(item) for item in items_of(outcome.value)]
        case Failure(items=tuple(items)) | Skipped(items=tuple(items)):
            if outcome.holder.kind != "dict":
                return list(items)
            if not outcome.holder.adrift:
                return [Observation(key) for key in outcome.holder.keys]
    raise Unavailable(task, outcome)


# ------------------------------------------------------------------------------------------------ what has no value


class Absent:
    """What stands where a value should be: the error to raise when it is needed.

    `rows` are its items, if it was made by this evaluation and has some, in a holder of that `kind`; None is for what
    has no items, whatever it was made of.
    """

    __slots__ = ("error", "kind", "rows")

    def __init__(
        self, error: Unavailable | EvaluationError, rows: list[HeldRow] | None = None, kind: str | None = "list"
    ) -> None:
        self.error = error
        self.rows = rows
        self.kind = kind

    @property
    def is_silent(self) -> bool:
        """Whether it is no failure."""
        return isinstance(self.error, Unavailable) and is_silent(self.error.outcome)

    def inside(self, frame: Frame) -> tuple[Any, list[HeldRow]]:
        """Which kind of holder it is, and its items.

        Raises:
            Unavailable, EvaluationError: it has none, as a whole.
        """
        if self.rows is not None:
            return self.kind, self.rows
        error = self.error
        if not isinstance(error, Unavailable) or self.kind is None:
            raise error
        match error.outcome:
            case Failure(items=tuple(items)) | Skipped(items=tuple(items)):
                holder = error.outcome.holder
            case _:
                raise error
        frame.budget.spend(len(items))
        self.kind, self.rows = holder.kind, _rows(error.task, items, holder)
        return self.kind, self.rows

    def outcome(self, frame: Frame, named: NamedBy) -> Outcome:
        """What a task leaves behind that comes to this. A failure of another task is reported there."""
        error = self.error
        if isinstance(error, EvaluationError) and self.rows is None:
            return error.failure
        if isinstance(error, Unavailable):
            found = error.outcome
            if self.rows is None and not isinstance(found, Observation):
                if self.kind is not None and found.items is not None:
                    return found
                if isinstance(found, Skipped):
                    return Skipped(found.because, found.by_guard)
                return Skipped(named(error.task, found))
        kind, rows = self.inside(frame)
        made = [HeldRow(_outcome(row.entry, frame, named), None, row.adrift) for row in rows]
        if kind == "dict":
            keys = [None if row.adrift else Observation(row.key) for row in rows]
            made = [row._replace(key=key) for row, key in zip(made, keys, strict=True)]
        return held(kind, made)


def _rows(task: TaskId, items: Many[Outcome], holder: Holder) -> list[HeldRow]:
    keys = holder.keys or (None,) * len(items)
    adrift = frozenset(holder.adrift)
    return [
        HeldRow(item.value if type(item) is Observation else _absent(f"{task}[{i}]", item), key, i in adrift)
        for i, (item, key) in enumerate(zip(items, keys, strict=True))
    ]


def _outcome(entry: Any, frame: Frame, named: NamedBy) -> Outcome:
    return entry.outcome(frame, named) if type(entry) is Absent else Observation(entry)


def _absent(task: TaskId, outcome: Outcome) -> Absent:
    return Absent(Unavailable(task, outcome))


def _because(error: Exception) -> Absent:
    return Absent(error if isinstance(error, Unavailable) else explained(error), kind=None)


def worst(entries: Iterator[Any]) -> Absent | None:
    """Of what has no value, the first that failed; if nothing did, the first; None if everything has a value."""
    first: Absent | None = None
    for entry in entries:
        if type(entry) is Absent:
            if not entry.is_silent:
                return entry
            first = first or entry
    return first


def put_together(kind: Any, rows: list[HeldRow]) -> Any:
    """A list, tuple, set or dict of these; where some have no value, an `Absent` with all of them."""
    missing_one = worst(one for row in rows for one in (row.key, row.entry))
    if missing_one is None:
        return whole_holder(kind, rows)
    if kind == "dict" and any(type(row.key) is Absent for row in rows):
        return Absent(missing_one.error)
    return Absent(missing_one.error, placed_rows(kind, rows, _value_of), kind)


def _value_of(entry: Any) -> Any:
    return NO_VALUE if type(entry) is Absent else entry


# ---------------------------------------------------------------------------------------------------------- looking

BY_KEY: Final = frozenset({"get", "items", "keys", "values"})


def look(expr: Expr, frame: Frame) -> Any:
    """The value of `expr`, or an `Absent` where a task, or an item of one, that it names has none (rule L33).

    Raises:
        Unavailable, EvaluationError: it has no value, and no items to look at either.
    """
    frame.budget.spend(1)
    match expr:
        case Ref(task):
            found = frame.outcome(task)
            return found.value if type(found) is Observation else _absent(task, found)
        case Var(name) if name in frame.names:
            return frame.names[name]
        case Index(base, index):
            return _item(base, index, frame)
        case Field(base, name, key):
            held = look(base, frame)
            wanted = name if key is None else key
            return field_of(held, wanted, frame.budget) if type(held) is not Absent else _under(held, wanted, frame)
        case Method(base, name) if name in BY_KEY:
            return _keyed(expr, frame)
        case Unpacked(base, position, count):
            return _unpacked(look(base, frame), count, frame)[position]
        case Sequence(kind, items):
            frame.budget.items(len(items))
            return put_together(kind, [HeldRow(attempt(item, frame)) for item in items])
        case Dict(pairs):
            frame.budget.items(len(pairs))
            made = [(attempt(key, frame), attempt(value, frame)) for key, value in pairs]
            return put_together("dict", [HeldRow(value, key) for key, value in made])
        case Comprehension(kind):
            return put_together(kind, _collected(expr, frame))
        case Choice():  # it hands on what it chooses, and so does the next
            return choice(expr, frame, look)
        case Logic():
            return logic(expr, frame, look)
        case _:
            return frame.rules[type(expr)](expr, frame)


def _all_of(expr: Expr, frame: Frame) -> Any:
    return frame.value(expr)


def choice(expr: Choice, frame: Frame, read: Callable[[Expr, Frame], Any] = _all_of) -> Any:
    """What `read` makes of the arm that is chosen."""
    return read(expr.then if truth(frame.value(expr.condition)) else expr.otherwise, frame)


def logic(expr: Logic, frame: Frame, read: Callable[[Expr, Frame], Any] = _all_of) -> Any:
    """The operand that decides, or what `read` makes of the last one."""
    *operands, last = expr.operands
    for operand in operands:
        value = frame.value(operand)
        if truth(value) is (expr.operator == "or"):
            return value
    return read(last, frame)


def complete(expr: Expr, frame: Frame) -> Any:
    """The value of an expression that may be looked at item by item, where all of it is needed."""
    found = look(expr, frame)
    if type(found) is Absent:
        raise found.error
    return found


def attempt(expr: Expr, frame: Frame) -> Any:
    """The value of `expr`, or an `Absent` if it has none, for whatever reason."""
    try:
        return look(expr, frame)
    except Exception as error:  # noqa: BLE001 -- what says nothing of the expression is raised again
        return _because(error)


def _item(base: Expr, index: Expr, frame: Frame) -> Any:
    held, position = attempt(base, frame), constant_index(index)
    at = attempt(index, frame) if position is None else position
    if type(at) is Absent:
        raise (worst(iter((held, at))) or at).error
    if type(held) is not Absent:
        return item_of(held, at, frame.budget)
    kind, rows = held.inside(frame)
    if kind == "dict":
        return _under(held, at, frame)
    if position is None:
        raise held.error
    adrift = next((i for i, row in enumerate(rows) if row.adrift), len(rows))
    if adrift < len(rows) and not 0 <= position < adrift:
        raise held.error
    if not -len(rows) <= position < len(rows):
        raise out_of_range(position, len(rows))
    return rows[position].entry


def _under(held: Absent, key: Any, frame: Frame) -> Any:
    """What a mapping of which some values are absent has under a key."""
    there = _mapping(held, frame)
    if hashable(key, frame.budget) not in there:
        raise not_there("key", key, there, "KeyError")
    return there[key]


def _mapping(held: Absent, frame: Frame) -> dict[Any, Any]:
    """The entries by key of a mapping of which some are absent.

    Raises:
        Unavailable, EvaluationError: it is none, or nobody knows which keys it has.
    """
    kind, rows = held.inside(frame)
    if kind != "dict" or any(row.adrift for row in rows):
        raise held.error
    return {row.key: row.entry for row in rows}


def _keyed(expr: Method, frame: Frame) -> Any:
    """A method of a mapping, by key; of anything else as ever."""
    base = attempt(expr.base, frame)
    try:
        arguments = frame.every(expr.arguments)
        keywords = dict(zip((k for k, _ in expr.keywords), frame.every([v for _, v in expr.keywords]), strict=True))
    except (Unavailable, EvaluationError) as error:
        raise (worst(iter((base, _because(error)))) or _because(error)).error from None
    if type(base) is not Absent:
        return method_called(expr.name, base, arguments, keywords, frame)
    there = _mapping(base, frame)
    MAPPING[expr.name].check(expr.name, len(arguments), tuple(keywords))
    match expr.name:
        case "keys":
            return list(there)
        case "values":
            return put_together("list", [HeldRow(entry) for entry in there.values()])
        case "items":
            return put_together(
                "list", [HeldRow(put_together("tuple", [HeldRow(key), HeldRow(entry)])) for key, entry in there.items()]
            )
    key, *otherwise = arguments
    return there.get(hashable(key, frame.budget), otherwise[0] if otherwise else None)


def method_called(name: str, base: Any, arguments: list[Any], keywords: dict[str, Any], frame: Frame) -> Any:
    """A listed method of a value."""
    listed, base = method_of(base, name)
    listed.check(name, len(arguments), tuple(keywords))
    return listed.run(frame.budget, base, *arguments, **keywords)


def container(expr: Expr, frame: Frame) -> Any:
    """The value of what stands behind `in`: of a mapping its keys are enough."""
    found = look(expr, frame)
    return _mapping(found, frame) if type(found) is Absent else found


def _unpacked(held: Any, count: int, frame: Frame) -> list[Any]:
    """The items of what is unpacked into that many names."""
    if type(held) is not Absent:
        items = items_of(held)
        frame.budget.spend(len(items))
        return exactly(items, count)
    kind, rows = held.inside(frame)
    if any(row.adrift for row in rows):
        raise held.error
    return exactly([row.key if kind == "dict" else row.entry for row in rows], count)


def _iterated(held: Any, frame: Frame) -> list[HeldRow]:
    """What going through a value yields, an `Absent` for each item that has no value."""
    if type(held) is not Absent:
        items = items_of(held)
        frame.budget.spend(len(items))
        return [HeldRow(item) for item in items]
    kind, rows = held.inside(frame)
    return [HeldRow(key) for key in _mapping(held, frame)] if kind == "dict" else rows


def ok(expr: Apply, frame: Frame) -> Any:
    """`ok(xs)`: the items that succeeded, of a mapping with their keys; of what itself failed there are none, so it
    fails too.
    """
    found = look(expr.arguments[0], frame)
    if type(found) is not Absent:
        return found
    kind, rows = found.inside(frame)
    return whole_holder(kind, [row for row in rows if type(row.entry) is not Absent])


def default(expr: Apply, frame: Frame) -> Any:
    """`default(x, fallback)`: `x`, or the fallback if it failed or was skipped, evaluated only then.

    An `x` that is an expression fails as a task of its own would that had it for its work.
    """
    found = attempt(expr.arguments[0], frame)
    return frame.value(expr.arguments[1]) if type(found) is Absent else found


def is_missing(expr: Missing, frame: Frame) -> bool:
    """Whether `default` would take its fallback."""
    return type(attempt(expr.operand, frame)) is Absent


def first_items(expr: Apply, frame: Frame) -> list[Any]:
    """`first(k, xs)`: the first `k` that succeeded, in input order (rule L16); fewer are an error."""
    count = wanted(frame.value(expr.arguments[0]))
    entries = [row.entry for row in _iterated(look(expr.arguments[1], frame), frame)]
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


def _collected(expr: Comprehension, frame: Frame) -> list[HeldRow]:
    """A row for every binding of the clauses; only the first iterable is outside their scope.

    What is made of an item without a value has none either, unless its expression looks at outcomes. An item whose
    filter has no value is adrift.
    """
    made: list[HeldRow] = []
    rows = _iterated(look(expr.clauses[0].iterable, frame), frame)
    outer = frame.names
    bound = {name for clause in expr.clauses for name in _bound(clause.target)}
    frame.names = {name: value for name, value in outer.items() if name not in bound}
    try:
        _loop(expr, 0, rows, frame, made)
    finally:
        frame.names = outer
    return made


def _loop(expr: Comprehension, depth: int, rows: list[HeldRow], frame: Frame, made: list[HeldRow]) -> None:
    clause = expr.clauses[depth]
    inner = expr.clauses[depth + 1 :]
    for row in rows:
        frame.budget.spend(1)
        if row.adrift:
            made.append(HeldRow(row.entry, None, adrift=True))
            continue
        _bind(clause.target, row.entry, frame)
        try:
            if not all(truth(frame.value(condition)) for condition in clause.conditions):
                continue
            nested = _iterated(look(inner[0].iterable, frame), frame) if inner else None
        except Exception as error:  # noqa: BLE001 -- what says nothing of the expression is raised again
            made.append(HeldRow(_because(error), None, adrift=True))
            continue
        if nested is not None:
            _loop(expr, depth + 1, nested, frame, made)
        else:
            key = None if expr.key is None else attempt(expr.key, frame)
            made.append(HeldRow(attempt(expr.element, frame), key))
        if len(made) > MAX_ITEMS:
            frame.budget.items(len(made))


def _bound(target: Target) -> Iterator[str]:
    if isinstance(target, str):
        yield target
    else:
        for part in target:
            yield from _bound(part)


def _bind(target: Target, entry: Any, frame: Frame) -> None:
    """Give the names of a target what they stand for: an `Absent` each where the item cannot be taken apart."""
    if isinstance(target, str):
        frame.names[target] = entry
        return
    try:
        parts = _unpacked(entry, len(target), frame)
    except Exception as error:  # noqa: BLE001 -- what says nothing of the expression is raised again
        parts = [_because(error)] * len(target)
    for part, item in zip(target, parts, strict=True):
        _bind(part, item, frame)
