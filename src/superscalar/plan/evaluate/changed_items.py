"""Changes in place of what holds items without a value, or is given one: each keeps its place or key (L33)."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Final, TypeAlias

from superscalar.plan.evaluate.bounds import EvaluationError, Unavailable
from superscalar.plan.evaluate.changing import changed
from superscalar.plan.evaluate.elements import hashable
from superscalar.plan.evaluate.holders import HeldRow
from superscalar.plan.evaluate.itemwise import Absent, Frame, attempt, put_together, worst
from superscalar.plan.ir import Fold

_GIVEN_ONE: Final = {".append": "list", ".add": "set"}

_ChangeSteps: TypeAlias = list[tuple[Any, list[Any]]]
"""Keys, and what is put under each."""


def changed_by_item(expr: Fold, frame: Frame) -> Any:
    """What comes of a collection; an `Absent` with its items where some have no value.

    Raises:
        Unavailable, EvaluationError: there are no items to look at, or nobody knows which keys there are.
    """
    before, given = attempt(expr.initial, frame), attempt(expr.items, frame)
    absent = worst(iter((before, given)))
    if absent is None:
        return changed(expr.operator, before, given, frame.budget)
    kind, rows = _inside(before, frame)
    _, steps = _inside(given, frame)
    if rows is None or steps is None:
        raise absent.error
    if _GIVEN_ONE.get(expr.operator) == kind:
        return put_together(kind, [*rows, *steps])
    if kind != "dict" or any(row.adrift for row in (*rows, *steps)):
        raise absent.error
    if expr.operator == ".update":
        more = _entries(steps, frame)
        if more is None:
            raise absent.error
        last = {row.key: row.entry for row in (*rows, *more)}  # what was under a key that is replaced does not matter
        return put_together("dict", [HeldRow(entry, key) for key, entry in last.items()])
    keyed = _keyed(steps, frame)
    if keyed is None:
        raise absent.error
    return _by_key(expr.operator, {row.key: row.entry for row in rows}, keyed, frame)


def _inside(held: Any, frame: Frame) -> tuple[str | None, list[HeldRow] | None]:
    """Which kind of holder something is, and its items; None if it is none, or has no items as a whole."""
    frame.budget.spend(1 if isinstance(held, Absent) or not hasattr(held, "__len__") else 1 + len(held))
    match held:
        case Absent():
            try:
                kind, rows = held.inside(frame)
            except (Unavailable, EvaluationError):
                return None, None
            return kind, rows
        case list() | tuple():
            return type(held).__name__, [HeldRow(item) for item in held]
        case Set():
            return "set", [HeldRow(item) for item in held]
        case Mapping():
            return "dict", [HeldRow(entry, key) for key, entry in held.items()]
    return None, None


def _entries(steps: list[HeldRow], frame: Frame) -> list[HeldRow] | None:
    """The entries of several mappings; None if one of them is none, or nobody knows its keys."""
    found: list[HeldRow] = []
    for step in steps:
        kind, rows = _inside(step.entry, frame)
        if kind != "dict" or rows is None or any(row.adrift for row in rows):
            return None
        found += rows
    return found


def _keyed(steps: list[HeldRow], frame: Frame) -> _ChangeSteps | None:
    """The keys and parts of several changes; None if a key has no value."""
    found: _ChangeSteps = []
    for step in steps:
        _, rows = _inside(step.entry, frame)
        if rows is None or type(rows[0].entry) is Absent:
            return None
        found.append((hashable(rows[0].entry, frame.budget), [row.entry for row in rows[1:]]))
    return found


def _by_key(operator: str, before: dict[Any, Any], steps: _ChangeSteps, frame: Frame) -> Any:
    """A mapping that each step changes under its key: only there it matters what has no value."""
    lacking = {key for key, entry in before.items() if type(entry) is Absent}
    lacking |= {key for key, parts in steps if any(type(part) is Absent for part in parts)}
    right = {key: entry for key, entry in before.items() if key not in lacking}
    made = changed(operator, right, [(key, *parts) for key, parts in steps if key not in lacking], frame.budget)
    given: dict[Any, list[list[Any]]] = {}
    for key, parts in steps:
        given.setdefault(key, []).append(parts)
    for key in lacking:
        made[key] = _under_one(operator, before.get(key), key in before, given.get(key, []), frame)
    return put_together("dict", [HeldRow(made[key], key) for key in dict.fromkeys((*before, *given))])


def _under_one(operator: str, entry: Any, there: bool, steps: list[list[Any]], frame: Frame) -> Any:
    """What is under a key whose entry, or something that is put there, has no value."""
    if not steps or (operator == ".setdefault" and there):
        return entry
    if operator in ("[]=", ".setdefault"):
        return steps[-1 if operator == "[]=" else 0][-1]
    if operator == "setdefault.append":
        kind, rows = _inside(entry, frame) if there else ("list", [])
        if kind == "list" and rows is not None:
            return put_together("list", [*rows, *(HeldRow(parts[-1]) for parts in steps)])
    return worst(part for parts in ([entry], *steps) for part in parts)
