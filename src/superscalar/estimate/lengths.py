"""How many items an expression has, as far as that is known before anything has run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

from superscalar.plan.ir import (
    Apply,
    Binary,
    Choice,
    Comprehension,
    Dict,
    Expr,
    Literal,
    Logic,
    Method,
    Ref,
    Sequence,
    Slice,
)
from superscalar.values import TaskId


class Length(NamedTuple):
    """At least so many items, and at most; None: nobody knows."""

    least: int
    most: int | None

    @property
    def is_known(self) -> bool:
        """Whether there is one number that it can be."""
        return self.least == self.most

    def __or__(self, other: Length) -> Length:  # of one or the other
        most = None if self.most is None or other.most is None else max(self.most, other.most)
        return Length(min(self.least, other.least), most)

    def __add__(self, other: Length) -> Length:  # type: ignore[override]  # of one behind the other
        most = None if self.most is None or other.most is None else self.most + other.most
        return Length(self.least + other.least, most)

    def __mul__(self, other: Length) -> Length:  # type: ignore[override]  # of the other for each item
        known = self.most is not None and other.most is not None
        most = self.most * other.most if known else 0 if 0 in (self.most, other.most) else None  # type: ignore[operator]
        return Length(self.least * other.least, most)

    @property
    def filtered(self) -> Length:
        """What is left of it by a filter of which nothing is known."""
        return Length(0, self.most)

    @property
    def distinct(self) -> Length:
        """What is left of it where equal items are one."""
        return Length(min(self.least, 1), self.most)


UNKNOWN: Final = Length(0, None)

LengthOf: TypeAlias = Callable[[TaskId], Length]
"""How many items the value of a task has."""

_ALIKE: Final = frozenset({"list", "tuple", "sorted", "reversed", "enumerate", "ok"})
_VIEWS: Final = frozenset({"items", "keys", "values", "copy"})


def length_of(expr: Expr, of: LengthOf) -> Length:
    """How many items a value has that is made from others, where every call succeeds."""
    match expr:
        case Ref(task):
            return of(task)
        case Literal(str() | bytes() as text):
            return Length(len(text), len(text))
        case Sequence(kind, items):
            made = Length(len(items), len(items))
            return made.distinct if kind == "set" else made
        case Dict(items):
            return Length(len(items), len(items)).distinct
        case Comprehension():
            return _gone_through(expr, of)
        case Apply(function, (first, *_)) if function in _ALIKE:
            return length_of(first, of)
        case Apply("set" | "dict" | "frozenset", (first, *_)):
            return length_of(first, of).distinct
        case Apply("filter", (_, second)):
            return length_of(second, of).filtered
        case Apply("default", arguments):
            return _either(arguments, of)
        case Apply("zip", arguments) if arguments:
            each = [length_of(one, of) for one in arguments]
            return Length(
                min(one.least for one in each), min((one.most for one in each if one.most is not None), default=None)
            )
        case Method(base=base, name=name) if name in _VIEWS:
            return length_of(base, of)
        case Binary("+", left, right):
            return length_of(left, of) + length_of(right, of)
        case Choice(then=then, otherwise=otherwise):
            return _either((then, otherwise), of)
        case Logic(operands=operands):
            return _either(operands, of)
        case Slice():
            return _slice(expr, of)
    return UNKNOWN


def _either(several: tuple[Expr, ...], of: LengthOf) -> Length:
    first, *others = (length_of(one, of) for one in several)
    for other in others:
        first |= other
    return first


def _gone_through(expr: Comprehension, of: LengthOf) -> Length:
    made = Length(1, 1)
    for clause in expr.clauses:
        made *= length_of(clause.iterable, of)
        if clause.conditions:
            made = made.filtered
    return made if expr.kind == "list" else made.distinct


def _slice(expr: Slice, of: LengthOf) -> Length:
    """A slice from one constant to another, neither from the end."""
    whole = length_of(expr.base, of)
    start = 0 if expr.start is None else _constant(expr.start)
    stop = None if expr.stop is None else _constant(expr.stop)
    if start is None or expr.step is not None or (expr.stop is not None and stop is None):
        return whole.filtered
    ends = [end for end in (whole.most, stop) if end is not None]
    least = whole.least if stop is None else min(whole.least, stop)
    return Length(max(0, least - start), max(0, min(ends) - start) if ends else None)


def _constant(expr: Expr) -> int | None:
    return expr.value if isinstance(expr, Literal) and type(expr.value) is int and expr.value >= 0 else None
