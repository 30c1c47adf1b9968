"""What an expression looks at to have a value at all: whole values, and parts of values that a path leads to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from superscalar.plan.ir import Expr, Field, Index, Literal, Ref, Unpacked
from superscalar.plan.ir.needs import children, constant_index
from superscalar.values import TaskId


def looked_at(expr: Expr, gathers: Callable[[TaskId], bool]) -> Iterator[Expr]:
    """The parts of values that must be there for an expression to have one, each as the path that leads to it.

    What `gathers` items that are made one by one is there as far as they are (rule L15): by a constant position it is
    that item which is looked at, and by a name or a key all of them.
    """
    pending = [expr]
    while pending:
        one = pending.pop()
        path = _path(one)
        if path is None:
            pending += children(one)
        elif gathers(path[0].task):
            yield path[-1]
        else:
            yield one


def _path(expr: Expr) -> tuple[Ref, Expr] | None:
    """The reference that a path begins with, and how far it leads by positions alone; None if it is no path."""
    by_position = expr
    while True:
        match expr:
            case Ref():
                return expr, by_position
            case Unpacked(base):
                expr = base
            case Index(base, index) if constant_index(index) is not None:
                expr = base
            case Field(base) | Index(base, Literal()):
                expr = by_position = base
            case _:
                return None
