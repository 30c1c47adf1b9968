"""Evaluate an expression of the IR over the outcomes of earlier tasks (rules L3, L4, L15, L24, L25).

Semantics are CPython's on data (rule L24), with three deliberate differences. What Python gives lazily is a list
(`range`, `zip`, `dict.items()`); sets keep insertion order; text and numbers are never told apart by `is`. There is no
attribute access: a field is one of a record, or a key of a mapping, and a method is one of a closed list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from superscalar.errors import SuperscalarError
from superscalar.plan.evaluate.bounds import (
    FLAT,
    MAX_STEPS,
    MAX_TEXT,
    STEPS_PER_INPUT,
    BoundError,
    EvaluationError,
    Unavailable,
    WorkLeft,
    work_weight,
)
from superscalar.plan.evaluate.changed_items import changed_by_item
from superscalar.plan.evaluate.changing import changed
from superscalar.plan.evaluate.elements import (
    formatted,
    item_of,
    items_of,
    slice_of,
)
from superscalar.plan.evaluate.formats import converted, format_text, percent
from superscalar.plan.evaluate.functions import KeyFunction
from superscalar.plan.evaluate.itemwise import (
    BY_KEY,
    Absent,
    Frame,
    NamedBy,
    OutcomeOf,
    choice,
    complete,
    container,
    explained,
    is_missing,
    item_outcomes,
    logic,
    look,
    method_called,
)
from superscalar.plan.evaluate.operators import binary, folded, related, unary
from superscalar.plan.evaluate.table import APPLIED
from superscalar.plan.ir import (
    Apply,
    Binary,
    Choice,
    Compare,
    Comprehension,
    Dict,
    Expr,
    Field,
    Fold,
    Hole,
    Index,
    Lambda,
    Literal,
    Logic,
    Method,
    Missing,
    Ref,
    Sequence,
    Slice,
    Text,
    Unary,
    Unpacked,
    Var,
)
from superscalar.plan.ir.changes import BY_ITEM, CHANGES
from superscalar.plan.ir.forms import BY_OUTCOME
from superscalar.plan.ir.needs import references
from superscalar.short import brief
from superscalar.values import Observation, Outcome, Withheld, is_silent

__all__ = ["BoundError", "EvaluationError", "Unavailable", "WorkLeft", "evaluate", "item_outcomes", "outcome_of"]


def evaluate(expr: Expr, outcome: OutcomeOf, *, budget: WorkLeft | None = None) -> Any:
    """The value of `expr`, where `outcome(task)` says what each task that it refers to left behind.

    Only the outcomes that matter are asked for: `a or b` does not ask for `b` if `a` is true. A task of which only
    some items have settled may answer with a `Failure` whose `items` are right as far as `needs_of` asked for them.

    Raises:
        Unavailable: a task that had to succeed did not, so the one that evaluates is skipped by cause (rule L20).
        EvaluationError: the expression has no value. Its message is for whoever wrote the plan.
        BoundError: it would take more than rule L25 allows. It is an `EvaluationError`.
    """
    if isinstance(expr, Literal):  # these two are nearly every argument of every call, so they come first
        return expr.value if type(expr.value) is not _WITHHELD else _literal(expr)
    if isinstance(expr, Ref):
        found = outcome(expr.task)
        if type(found) is Observation:
            return found.value
        raise Unavailable(expr.task, found)
    return _evaluated(expr, outcome, budget, Frame.value)


def outcome_of(expr: Expr, outcome: OutcomeOf, named: NamedBy = lambda task, _: task) -> Outcome:
    """What a task leaves behind whose work is `expr`: its value, or the outcome of every item, where some have none.

    `named` says which instance of a task it was that failed.

    Raises:
        Unavailable, EvaluationError, BoundError: as `evaluate` does, where there are no items to look at.
    """

    def read(frame: Frame, expr: Expr) -> Any:
        found = _looked(expr, frame)
        if type(found) is not Absent:
            return found
        absent: Outcome = found.outcome(frame, named)
        if isinstance(absent, Observation) or absent.items is None:
            raise found.error
        return Partly(absent, absent.items)

    made = _evaluated(expr, outcome, None, read)
    return made.outcome if type(made) is Partly else Observation(made)


def _looked(expr: Expr, frame: Frame) -> Any:
    if isinstance(expr, Fold) and expr.operator in BY_ITEM:  # it is all that a task does, never a part of it
        return changed_by_item(expr, frame)
    return look(expr, frame)


class Partly:
    """What an evaluation came to that left no value, but items."""

    __slots__ = ("items", "outcome")

    def __init__(self, outcome: Outcome, items: tuple[Outcome, ...]) -> None:
        self.outcome = outcome
        self.items = items


def _evaluated(expr: Expr, outcome: OutcomeOf, budget: WorkLeft | None, read: Callable[[Frame, Expr], Any]) -> Any:
    frame = Frame(outcome, WorkLeft(reserve=lambda: _reserve(expr, outcome)) if budget is None else budget, _RULES)
    try:
        result = read(frame, expr)
        if type(result) is Partly:
            frame.budget.whole([item.value for item in result.items if isinstance(item, Observation)])
        elif type(result) not in FLAT and not _is_part(expr):
            frame.budget.whole(result)
    except RecursionError as error:
        raise BoundError("the expression or a value in it is nested too deeply") from error
    except MemoryError as error:
        raise BoundError("there is not enough memory to evaluate this") from error
    except SuperscalarError:
        raise
    except Exception as error:
        raise explained(error) from error
    return result


def _reserve(expr: Expr, outcome: OutcomeOf) -> int:
    """The steps that an evaluation may take for the size of its inputs."""
    inputs = (outcome(task) for task in dict.fromkeys(references(expr)))
    weight = sum(work_weight(found.value) for found in inputs if type(found) is Observation)
    return min(weight * STEPS_PER_INPUT, MAX_STEPS)


_PARTS = (Index, Field, Unpacked)


def _is_part(expr: Expr) -> bool:
    """Whether the value is part of what an earlier task left behind, and so was weighed then."""
    while isinstance(expr, _PARTS):
        expr = expr.base
    return isinstance(expr, Ref)


# ---------------------------------------------------------------------------------------------- names and constants


_WITHHELD: type = Withheld  # what a journal has in the place of a constant with something secret in it


def _literal(expr: Literal, _frame: Frame | None = None) -> Any:
    if type(expr.value) is _WITHHELD:
        raise EvaluationError(
            "a secret stood here in the plan, and is in no journal: let a tool take it from the context"
        )
    return expr.value


def _ref(expr: Ref, frame: Frame) -> Any:
    found = frame.outcome(expr.task)
    if type(found) is Observation:
        return found.value
    raise Unavailable(expr.task, found)


def _var(expr: Var, frame: Frame) -> Any:
    if expr.name not in frame.names:
        raise EvaluationError(f"`{brief(expr.name)}` has no value yet", "NameError")
    found = frame.names[expr.name]
    if type(found) is Absent:
        raise found.error
    return found


def _text(expr: Text, frame: Frame) -> str:
    parts: list[str] = []
    length = 0
    for position, part in enumerate(expr.parts):
        try:
            text = part if isinstance(part, str) else _hole(part, frame)
        except Unavailable as silent:
            if is_silent(silent.outcome):
                frame.every([later.value for later in expr.parts[position + 1 :] if not isinstance(later, str)])
            raise
        length += len(text)
        if length > MAX_TEXT:
            break
        parts.append(text)
    frame.budget.text(length)
    return "".join(parts)


def _hole(hole: Hole, frame: Frame) -> str:
    budget = frame.budget
    value = converted(frame.value(hole.value), hole.conversion, budget)
    return formatted(value, "" if hole.spec is None else _text(hole.spec, frame), budget)


# ------------------------------------------------------------------------------------------------------- operators


def _unary(expr: Unary, frame: Frame) -> Any:
    return unary(expr.operator, frame.value(expr.operand), frame.budget)


def _binary(expr: Binary, frame: Frame) -> Any:
    if expr.operator == "%" and type(expr.left) is Literal and type(expr.left.value) is str:
        return percent(expr.left.value, frame.value(expr.right), frame.budget)
    return binary(expr.operator, *frame.both(expr.left, expr.right), frame.budget)


def _compare(expr: Compare, frame: Frame) -> bool:
    (symbol, operand), *further = expr.rest
    try:
        left = frame.value(expr.first)
    except Unavailable as silent:
        if is_silent(silent.outcome):
            _operand(symbol, operand, frame)
        raise
    right = _operand(symbol, operand, frame)
    while related(symbol, left, right, frame.budget):
        if not further:
            return True
        (symbol, operand), *further = further
        left, right = right, _operand(symbol, operand, frame)
    return False


def _operand(symbol: str, operand: Expr, frame: Frame) -> Any:
    return container(operand, frame) if symbol in ("in", "not in") else frame.value(operand)


# ------------------------------------------------------------------------------------------------- parts of a value


def _index(expr: Index, frame: Frame) -> Any:
    if type(expr.base) is Ref and type(expr.index) is Literal:  # the common case, kept short
        outcome = frame.outcome(expr.base.task)
        if type(outcome) is Observation:
            return item_of(outcome.value, expr.index.value, frame.budget)
    return complete(expr, frame)


def _slice(expr: Slice, frame: Frame) -> Any:
    there = [part for part in (expr.start, expr.stop, expr.step) if part is not None]
    base, *found = frame.every([expr.base, *there])
    ends = [None if part is None else found.pop(0) for part in (expr.start, expr.stop, expr.step)]
    return slice_of(base, ends, frame.budget)


# ----------------------------------------------------------------------------------------------------------- calls


def _apply(expr: Apply, frame: Frame) -> Any:
    name = expr.function
    keywords = tuple(keyword for keyword, _ in expr.keywords)
    if name not in APPLIED:
        raise EvaluationError(f"`{brief(name)}` is no function of the plan language", "NameError")
    row = APPLIED[name]
    row.check(name, len(expr.arguments), keywords)
    if name in BY_OUTCOME:
        return row.run(expr, frame)
    plain = [(k, given) for k, given in expr.keywords if not (k == "key" and row.takes_key and type(given) is Lambda)]
    found = frame.every([*expr.arguments, *(given for _, given in plain)])
    named = {k: one for (k, _), one in zip(plain, found[len(expr.arguments) :], strict=True)}
    if len(plain) < len(expr.keywords):
        named["key"] = next(_key(given, frame) for _, given in expr.keywords if type(given) is Lambda)
    return row.run(frame.budget, *found[: len(expr.arguments)], **named)


def _method(expr: Method, frame: Frame) -> Any:
    if expr.name == "format" and type(expr.base) is Literal and type(expr.base.value) is str:
        filling = frame.every([*expr.arguments, *(value for _, value in expr.keywords)])
        positional = filling[: len(expr.arguments)]
        named = dict(zip((key for key, _ in expr.keywords), filling[len(positional) :], strict=True))
        return format_text(expr.base.value, positional, named, frame.budget)
    if expr.name in BY_KEY:
        return complete(expr, frame)
    count = len(expr.arguments)
    base, *given = frame.every([expr.base, *expr.arguments, *(given for _, given in expr.keywords)])
    keywords = dict(zip((keyword for keyword, _ in expr.keywords), given[count:], strict=True))
    return method_called(expr.name, base, given[:count], keywords, frame)


def _fold(expr: Fold, frame: Frame) -> Any:
    made, items = frame.both(expr.initial, expr.items)
    if expr.operator in CHANGES or (expr.operator == "+" and isinstance(made, list)):
        operator = expr.operator if expr.operator in CHANGES else "+="  # a list takes whatever can be gone through
        return changed(operator, made, items, frame.budget)
    return folded(expr.operator, made, items_of(items), frame.budget)


def _key(expr: Lambda, frame: Frame) -> KeyFunction:
    if len(expr.parameters) != 1:
        raise EvaluationError(f"a `key=` takes one value, but this lambda takes {len(expr.parameters)}")
    outer = frame.names
    (parameter,) = expr.parameters

    def of(value: Any) -> Any:
        frame.names = {**outer, parameter: value}
        try:
            return frame.value(expr.body)
        finally:
            frame.names = outer

    return KeyFunction(of)


_KEYED = frozenset(name for name, row in APPLIED.items() if row.takes_key)


def _lambda(_expr: Lambda, _frame: Frame) -> Any:
    raise EvaluationError("a lambda can stand as `key=` only, of: " + ", ".join(sorted(_KEYED)))


_RULES: dict[type, Callable[[Any, Frame], Any]] = {
    Literal: _literal,
    Ref: _ref,
    Var: _var,
    Text: _text,
    Unary: _unary,
    Binary: _binary,
    Compare: _compare,
    Logic: logic,
    Choice: choice,
    Index: _index,
    Slice: _slice,
    Field: complete,
    Unpacked: complete,
    Sequence: complete,
    Dict: complete,
    Comprehension: complete,
    Apply: _apply,
    Method: _method,
    Fold: _fold,
    Missing: is_missing,
    Lambda: _lambda,
}
